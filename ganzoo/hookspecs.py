"""The whole contract between ganzoo and its plugins, on one page.

A plugin is a module that a distribution names in the entry-point group ``ganzoo``. It implements any
of these hooks with the ``hookimpl`` marker, taking only the arguments it wants::

    from ganzoo import hookimpl

    @hookimpl
    def ganzoo_components():
        return [MyGenerator]

Arguments may be added to a hook; none is ever removed. An exception in one plugin never stops
another: it becomes a warning that names the plugin, the hook and the cause. A hook of a later version
of ganzoo can be implemented, too, where it is marked with ``hookimpl(optionalhook=True)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from ganzoo.components import Component
    from ganzoo.runs import RunDirectory

PROJECT = "ganzoo"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True)
class Command:
    """A command that a plugin adds to the ``ganzoo`` program, imported only when it is invoked.

    Attributes:
        name: its words, such as ``"plot activations"``; the last is new, the ones before it a group.
        target: where the click command is, as ``"package.module:attribute"``.
        help: one line for the list of commands.
    """

    name: str
    target: str
    help: str


# What a plugin offers. Called once, when plugins are loaded, by commands that must start at once: torch
# must not be imported here, and nothing printed. Each returns a list, or yields. A plugin of which one
# offer is wrong is left out as a whole, so that a spec never meets half of a package.


@hookspec
def ganzoo_components() -> Iterable[type[Component]]:  # type: ignore[empty-body] # a hook's spec
    """Return the component classes this plugin adds: members of any family."""


@hookspec
def ganzoo_recipes() -> Iterable[Path]:  # type: ignore[empty-body] # a hook's spec
    """Return JSON files, each a spec; the recipe's name is the file's name without ``.json``."""


@hookspec
def ganzoo_commands() -> Iterable[Command]:  # type: ignore[empty-body] # a hook's spec
    """Return the commands this plugin adds to the command line."""


@hookspec(firstresult=True)
def ganzoo_spec_for(path: Path) -> Mapping[str, Any] | None:
    """Return a spec that trains well on the data at ``path``, or None to leave that to other plugins.

    Called by ``ganzoo init --for PATH``; the first spec that a plugin returns is checked and written.
    Raise ``ganzoo.errors.UsageError`` where something is wrong with the data.
    """


@hookspec(firstresult=True)
def ganzoo_run_named(name: str) -> Path | None:
    """Return the run directory, or the model folder, that a name stands for, or None if it is not ours.

    Called where a run is opened under a name with a colon that is not a path, such as ``model:digits``.
    Raise ``ganzoo.errors.RunError`` where the prefix is ours and nothing has that name.
    """


# The life of a run. Called in the process that trains.


@hookspec
def ganzoo_run_started(run: RunDirectory, step: int, total_steps: int) -> None:
    """Training is about to take the step after ``step`` (0 for a new run, more for a resumed one)."""


@hookspec
def ganzoo_step_finished(
    run: RunDirectory, step: int, total_steps: int, metrics: Mapping[str, float]
) -> None:
    """A step at which numbers are logged is done; ``metrics`` are means since the last such step."""


@hookspec
def ganzoo_samples_saved(run: RunDirectory, step: int, path: Path) -> None:
    """A grid of samples from the fixed latents was written to ``path`` (a PNG)."""


@hookspec
def ganzoo_evaluated(
    run: RunDirectory, step: int, values: Mapping[str, float], seconds: float, path: Path
) -> None:
    """The generator was evaluated.

    ``values`` holds each number by its name, such as ``fd@lenet-mnist``, save those that could not be
    measured; ``path`` is the whole report (JSON), and ``seconds`` the time it took.
    """


@hookspec
def ganzoo_callback_acted(run: RunDirectory, step: int, action: Mapping[str, Any]) -> None:
    """A callback acted on the run; ``action`` is the line of ``metrics.jsonl``.

    It has ``callback``, ``action`` (``warn``, ``stop``, ``save`` or ``scale``), ``reason`` and what
    belongs to the action: the ``finding`` of a warning, the ``target`` and ``factor`` of a scale.
    """


@hookspec
def ganzoo_checkpoint_saved(run: RunDirectory, step: int, path: Path) -> None:
    """A checkpoint was written to ``path``."""


@hookspec
def ganzoo_run_finished(run: RunDirectory, step: int, total_steps: int, completed: bool) -> None:
    """Training ended; ``completed`` is false where a signal stopped it before its full duration."""
