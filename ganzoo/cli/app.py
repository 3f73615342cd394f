"""The program: all commands by name, the options they share, and exit codes."""

from __future__ import annotations

import functools
import io
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ganzoo.cli.completion import complete_plugin
from ganzoo.cli.output import FAILED, flush_output, readable_warnings, say
from ganzoo.cli.tree import CommandTree
from ganzoo.errors import GanzooError, in_a_line
from ganzoo.hookspecs import Command
from ganzoo.utils.consent import answering

STOPPED = 130  # the exit code after Ctrl-C, by the shell's convention


def _core(name: str, target: str, text: str) -> Command:
    return Command(name, f"ganzoo.cli.commands.{target}", text)


SECTIONS: dict[str, tuple[Command, ...]] = {
    "Train": (
        _core("run", "runs:run", "Train from a spec or a recipe."),
        _core("resume", "runs:resume", "Resume a stopped run."),
        _core("branch", "runs:branch", "Continue a run as a new one with changed settings."),
    ),
    "Look at runs": (
        _core("sample", "sampling:sample", "Generate samples with a trained generator."),
        _core("plot losses", "runs:losses", "Plot the losses of a run."),
    ),
    "Evaluate": (
        _core("evaluate", "evaluation:evaluate", "Measure the quality of a run's samples."),
        _core(
            "evaluate-images",
            "evaluation:evaluate_images",
            "Compare images from any model with real ones.",
        ),
        _core("compare", "evaluation:compare", "Compare evaluated runs side by side."),
    ),
    "Write specs": (
        _core("recipes", "specs:recipes", "List the specs that plugins ship."),
        _core("init", "specs:init", "Copy a recipe to a file, or write a spec for your data."),
        _core("validate", "specs:validate", "Check specs without running them."),
        _core("doctor", "doctor:doctor", "Say what a run will take, and what would be faster."),
        _core("schema", "specs:schema", "Write the JSON Schema of specs."),
    ),
    "Find and manage": (
        _core("list", "catalogue:list_components", "List the installed components."),
        _core("show", "catalogue:show", "Describe a component and its fields."),
        _core("plugins list", "plugins:list_plugins", "List the installed plugins."),
        _core("plugins show", "plugins:show", "Describe what a plugin provides."),
        _core("cache list", "cache:list_cache", "List the cached files."),
        _core("cache verify", "cache:verify", "Check the cached files for damage."),
        _core("cache clear", "cache:clear", "Delete cached files."),
        Command(
            "completion", "ganzoo.cli.completion:completion", "Print a shell's completion script."
        ),
    ),
}

COMMANDS = tuple(command for commands in SECTIONS.values() for command in commands)

GROUPS = {
    "cache": "Manage cached data and features.",
    "plot": "Draw figures of runs and of components.",
    "plugins": "Inspect installed plugins.",
}

HELP = """A zoo of generative adversarial networks: one JSON spec is a run.

\b
  ganzoo recipes                     list what can be run as it is
  ganzoo run digits                  train a recipe
  ganzoo sample runs/digits-1        generate samples
  ganzoo init digits                 copy the recipe to digits.json for editing
"""


@dataclass
class Settings:
    """Settings of the whole program."""

    debug: bool = False  # whether errors are shown with their traceback


def _appended_to(variable: str, separator: str) -> Callable[..., None]:
    """Return a callback that adds to a list in the environment, of this process and its children."""

    def append(_context: click.Context, _parameter: click.Parameter, values: Sequence[Any]) -> None:
        parts = [os.environ.get(variable, ""), *map(str, values)]
        if values:
            os.environ[variable] = separator.join(filter(None, parts))

    return append


def _set_debug(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    context.ensure_object(Settings).debug = value


_option = functools.partial(click.Option, expose_value=False, is_eager=True)
OPTIONS: list[click.Parameter] = [
    _option(
        ["--disable-plugin"],
        multiple=True,
        metavar="NAME",
        callback=_appended_to("GANZOO_DISABLE_PLUGINS", ","),
        shell_complete=complete_plugin,
        help="Do not load a plugin; may be given more than once.",
    ),
    _option(
        ["--plugin"],
        multiple=True,
        type=click.Path(exists=True, resolve_path=True),
        metavar="FILE.py|FOLDER",
        callback=_appended_to("GANZOO_PLUGIN_FILES", os.pathsep),
        help="Load a local Python file, or a folder with an __init__.py, as a plugin; may be given more"
        " than once.",
    ),
    _option(["--debug"], is_flag=True, callback=_set_debug, help="Show the traceback of an error."),
]


def program() -> CommandTree:
    """Return the click command of the whole program."""
    tree = CommandTree(
        COMMANDS,
        GROUPS,
        sections=SECTIONS,
        params=list(OPTIONS),
        help=HELP,
        no_args_is_help=True,
        context_settings={
            "help_option_names": ["-h", "--help"],
            "max_content_width": 100,
            "show_default": True,
        },
    )
    return click.version_option(package_name="ganzoo", message="ganzoo %(version)s")(tree)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program with the arguments, or with those of this process, and exit.

    Raises:
        SystemExit: always. 0: success; 1: failure; 2: the request was invalid; 128 plus the number of
            the signal that stopped it.
    """
    settings = Settings()
    # Threads of torch wait for each other thousands of times a second. Where another process takes a
    # core, the default of waiting in a loop makes a step ten times slower. Read when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Pydantic would look for plugins of its own in the metadata of all that is installed.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    open_standard_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # an old console must not fail on a formula
    start = functools.partial(
        program().main, arguments, prog_name="ganzoo", standalone_mode=False, obj=settings
    )
    with readable_warnings(), answering(_confirm):
        code = exit_code_of(start, lambda: settings.debug)
    sys.exit(code)


def _confirm(question: str) -> bool:
    """Ask the user on a terminal; elsewhere the answer is no."""
    return sys.stdin.isatty() and sys.stderr.isatty() and click.confirm(question, err=True)


def exit_code_of(action: Callable[[], object], debug: Callable[[], bool]) -> int:
    """Run an action and return an exit code, its own if it has one; report an exception to the user.

    ``debug`` tells, after the action, whether to print tracebacks.
    """
    try:
        result = action()
        flush_output()
    except BrokenPipeError:
        # The reader stopped early (`ganzoo list | head -1`).
        return FAILED
    except (Exception, KeyboardInterrupt) as error:
        if debug():
            say("".join(traceback.format_exception(error)).rstrip())
        if isinstance(error, click.Abort | KeyboardInterrupt):
            say("stopped")
            return STOPPED
        if isinstance(error, click.exceptions.NoArgsIsHelpError):
            say(error.format_message())
            return error.exit_code
        for line in _explain(error).split("\n"):
            say(f"error: {line}")
        return error.exit_code if isinstance(error, click.ClickException | GanzooError) else FAILED
    return result if isinstance(result, int) else 0


def open_standard_streams() -> None:
    """Put the null device where a standard stream is closed; a file would take its place otherwise."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - to the end


def _explain(error: BaseException) -> str:
    """Return what a user should know about an error, one problem per line."""
    if isinstance(error, click.ClickException):
        context = error.ctx if isinstance(error, click.UsageError) else None
        hint = f" (see '{context.command_path} --help')" if context else ""
        return " ".join(error.format_message().split()) + hint
    if isinstance(error, GanzooError):
        return ", ".join([str(error), *getattr(error, "__notes__", ())])
    if isinstance(error, OSError) and error.strerror:
        where = "" if error.filename is None else f"{error.filename}: "
        return f"{where}{error.strerror}"
    if type(error).__name__ == "OutOfMemoryError":  # torch's, which must not be imported for this
        return (
            "the device is out of memory; lower training.batch_size or raise training.accumulation"
        )
    plugins = sys.modules.get("ganzoo.plugins")  # if it was not imported, no plugin was loaded
    provider = None if plugins is None else plugins.culprit_of(error)
    owner = "ganzoo or in a plugin" if provider is None else f"plugin {provider}"
    return f"{in_a_line(error)}. This is a bug in {owner}; 'ganzoo --debug ...' shows the traceback"
