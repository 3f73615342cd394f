"""The command ``ganzoo report``."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from ganzoo.cli.completion import complete_run
from ganzoo.cli.options import check_outputs, free_path, output_options, trust_option
from ganzoo.cli.output import say, write
from ganzoo.runs import RunDirectory


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...", shell_complete=complete_run)
@click.option("--open", "show", is_flag=True, help="Open the page in a browser.")
@output_options("File to write. Default: RUN/report.html, or comparison.html for several runs.")
@trust_option
def report(runs: tuple[str, ...], show: bool, output: Path | None, force: bool) -> None:
    """Write a run as one page that opens from disk, or several runs on one page to compare them.

    The page has the verdict, samples over time, curves, nearest training images and settings. Runs
    write it themselves while they are trained; this command writes it again, with all there is now.

    \b
      ganzoo report runs/digits-1 --open
      ganzoo report runs/digits-1 runs/digits-2 -o digits.html
    """  # noqa: D301 - click wants the character that \b stands for
    from ganzoo.utils.files import write_atomically
    from ganzoo_report import page

    if output is not None:
        check_outputs(output, force=force)
    directories = [RunDirectory.open(each) for each in runs]
    if len(directories) > 1:
        path = output or free_path("comparison", ".html")
        write_atomically(path, page.comparison_page(directories))
    elif output is not None:
        path = output
        (run,) = directories
        write_atomically(path, page.run_page(run, page.progress_of(run), neighbours=True))
    else:
        (run,) = directories
        path = page.write_report(run, page.progress_of(run), neighbours=True)
    write(path)
    if show and not webbrowser.open(path.resolve().as_uri()):
        say("no browser could be opened; open the file yourself")
