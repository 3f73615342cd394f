"""The program: all commands by name, the options they share, and what happens on an error."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from ganzoo.cli.failures import exit_code_of, readable_warnings
from ganzoo.cli.tree import CommandTree
from ganzoo.hookspecs import Command

COMMANDS = (
    Command("run", "ganzoo.cli.run:run", "Train what a spec or a recipe says."),
    Command("resume", "ganzoo.cli.run:resume", "Train a stopped run on."),
    Command("sample", "ganzoo.cli.sampling:sample", "Make samples with a trained generator."),
    Command("traverse", "ganzoo.cli.sampling:traverse", "Change one latent coordinate at a time."),
    Command("interpolate", "ganzoo.cli.sampling:interpolate", "Go from some latents to others."),
    Command("evaluate", "ganzoo.cli.evaluation:evaluate", "Measure how good a run's samples are."),
    Command(
        "evaluate-images",
        "ganzoo.cli.evaluation:evaluate_images",
        "Compare images of any model with real ones.",
    ),
    Command("compare", "ganzoo.cli.comparison:compare", "Set evaluated runs side by side."),
    Command("plot losses", "ganzoo.cli.plots:losses", "Plot the losses of a run."),
    Command("recipes", "ganzoo.cli.specs:recipes", "List the specs that plugins ship."),
    Command("init", "ganzoo.cli.specs:init", "Copy a recipe to a file, to change it."),
    Command("validate", "ganzoo.cli.specs:validate", "Check specs without running them."),
    Command("schema", "ganzoo.cli.specs:schema", "Write the JSON Schema of specs."),
    Command("list", "ganzoo.cli.catalogue:list_components", "List the components installed."),
    Command("show", "ganzoo.cli.catalogue:show", "Describe a component and its fields."),
    Command("plugins list", "ganzoo.cli.plugins:list_plugins", "List the plugins installed."),
    Command("plugins show", "ganzoo.cli.plugins:show", "Show what a plugin provides."),
    Command("plugins new", "ganzoo.cli.new:new", "Create a plugin to start from."),
    Command("cache list", "ganzoo.cli.cache:list_cache", "List what is cached."),
    Command("cache verify", "ganzoo.cli.cache:verify", "Check what is cached."),
    Command("cache clear", "ganzoo.cli.cache:clear", "Delete what is cached."),
    Command("completion", "ganzoo.cli.completion:completion", "Print a shell's completion script."),
)

GROUPS = {
    "cache": "Look after data that were decoded or computed once.",
    "plot": "Draw figures of runs and of components.",
    "plugins": "Look at the plugins installed, and make new ones.",
}

SECTIONS = {
    "Train": ("run", "resume"),
    "Look at runs": ("sample", "traverse", "interpolate", "plot"),
    "Judge samples": ("evaluate", "evaluate-images", "compare"),
    "Write specs": ("recipes", "init", "validate", "schema"),
    "Find out": ("list", "show", "plugins", "cache", "completion"),
}

HELP = """A zoo of generative adversarial networks: one JSON spec is a run.

\b
  ganzoo recipes                     what can be run as it is
  ganzoo run digits                  train it
  ganzoo sample runs/digits-1        make samples
  ganzoo init digits                 copy the recipe to digits.json, to change it
"""

EPILOG = (
    "Plugins may add commands: 'ganzoo plugins list' counts them, 'ganzoo plugins show' names them."
)


@dataclass
class Settings:
    """What holds for the whole program.

    Attributes:
        debug: whether errors show where they come from.
    """

    debug: bool = False


def _disable_plugins(
    _context: click.Context, _parameter: click.Parameter, names: tuple[str, ...]
) -> None:
    """Disable plugins before any is loaded, in this process and in those it starts."""
    if names:
        before = os.environ.get("GANZOO_DISABLE_PLUGINS", "")
        os.environ["GANZOO_DISABLE_PLUGINS"] = ",".join(filter(None, [before, *names]))


def _add_plugin_files(
    _context: click.Context, _parameter: click.Parameter, files: tuple[Path, ...]
) -> None:
    """Have local plugins loaded, in this process and in those it starts."""
    if files:
        before = os.environ.get("GANZOO_PLUGIN_FILES", "")
        paths = [before, *(str(file.resolve()) for file in files)]
        os.environ["GANZOO_PLUGIN_FILES"] = os.pathsep.join(filter(None, paths))


def _set_debug(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    context.ensure_object(Settings).debug = value


def _complete_plugins(
    _context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[str]:
    from ganzoo.cli import completion

    return completion.plugin_names(incomplete)


OPTIONS: list[click.Parameter] = [
    click.Option(
        ["--disable-plugin"],
        multiple=True,
        metavar="NAME",
        expose_value=False,
        is_eager=True,
        callback=_disable_plugins,
        shell_complete=_complete_plugins,
        help="Leave a plugin out; may be given more than once.",
    ),
    click.Option(
        ["--plugin"],
        multiple=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE.py",
        expose_value=False,
        is_eager=True,
        callback=_add_plugin_files,
        help="Load a local Python file as a plugin; may be given more than once.",
    ),
    click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_set_debug,
        help="Show where an error comes from.",
    ),
]


def program() -> CommandTree:
    """Return the click command of the whole program."""
    tree = CommandTree(
        COMMANDS,
        GROUPS,
        sections=SECTIONS,
        params=list(OPTIONS),
        help=HELP,
        epilog=EPILOG,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    return click.version_option(package_name="ganzoo", message="ganzoo %(version)s")(tree)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and exit.

    Args:
        arguments: what follows the program's name, or None for this process's own.

    Raises:
        SystemExit: always. 0: done; 1: it failed; 2: it was not asked for rightly; 128 plus the
            number of the signal that stopped it.
    """
    settings = Settings()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a formula is no reason to fail on an old console

    def invoke() -> object:
        return program().main(
            None if arguments is None else list(arguments),
            prog_name="ganzoo",
            standalone_mode=False,
            obj=settings,
        )

    with readable_warnings():
        code = exit_code_of(invoke, lambda: settings.debug)
    sys.exit(code)
