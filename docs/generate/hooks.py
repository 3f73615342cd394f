"""The reference of hooks: the docstring of each, and a plugin that implements it."""

from __future__ import annotations

import inspect
from pathlib import Path

from ganzoo import hookspecs
from ganzoo.plugins.offers import OFFERS
from generate.markdown import page

EXAMPLES = Path(__file__).parents[1] / "examples"

EXPLANATION = """\
The example below each hook is a whole plugin, in one module. All of them are installed and take
part in a run whenever ganzoo is tested. [Writing a plugin](../plugins.md) says what else a package
needs."""

OFFERED = """\
## What a plugin offers

All but the last two are called once, when plugins are loaded. Every command waits for that, so these
hooks import no torch and print nothing. If one of its offers is wrong, a plugin is left out as a
whole."""

LIFE = """\
## The life of a run

Called in the process that trains, in this order: `ganzoo_run_started` before the first step; after
a step, as far as they are due, `ganzoo_evaluated`, `ganzoo_step_finished`, `ganzoo_samples_saved`
and `ganzoo_checkpoint_saved`; and `ganzoo_run_finished` at the end, also if training failed. The first
grid of a new run is saved before `ganzoo_run_started`.
`ganzoo_callback_acted` comes whenever a callback acts.

An implementation takes the arguments it wants, by name. An exception in it becomes a warning that names
the plugin, and training goes on. It should be quick, since training waits for it. Hooks only watch; what
acts on a run is a [callback](families.md#callback)."""


def hooks_page() -> str:
    """Return the page; mkdocstrings fills in the docstrings."""
    offers = [name for name in hook_names() if name in OFFERS]
    events = [name for name in hook_names() if name not in OFFERS]
    contract = inspect.cleandoc(hookspecs.__doc__ or "").replace("::\n", ":\n")
    blocks = ["# Hooks", contract, EXPLANATION, OFFERED]
    for name in offers:
        blocks += _section(name)
    blocks += ["::: ganzoo.hookspecs.Command", LIFE]
    for name in events:
        blocks += _section(name)
    return page(*blocks)


def hook_names() -> list[str]:
    """Return the names of all hooks, in the order of their module."""
    return [name for name in vars(hookspecs) if name.startswith("ganzoo_")]


def example_files(hook: str) -> list[Path]:
    """Return the module that implements a hook, and the files that it offers."""
    offered = EXAMPLES.glob("recipes/*.json") if hook == "ganzoo_recipes" else ()
    return [EXAMPLES / f"{hook}.py", *sorted(offered)]


def _section(hook: str) -> list[str]:
    return [f"::: ganzoo.hookspecs.{hook}", *map(_shown, example_files(hook))]


def _shown(path: Path) -> str:
    language = {".py": "python", ".json": "json"}[path.suffix]
    title = path.relative_to(EXAMPLES).as_posix()
    return f'```{language} title="{title}"\n{path.read_text(encoding="utf-8")}```'
