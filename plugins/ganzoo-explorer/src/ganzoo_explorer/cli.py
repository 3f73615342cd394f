"""``ganzoo explore``."""

from __future__ import annotations

import os

import click

from ganzoo.api import open_run
from ganzoo.cli import options
from ganzoo.cli.output import flush_output, say, write

PORT = 8642


@click.command()
@options.run_argument
@options.checkpoint_option
@click.option(
    "--host",
    default="127.0.0.1",
    help="Address to serve; by default only this machine sees the page, with 0.0.0.0 the network.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, help="Port to serve; 0 for a free one."
)
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
def explore(run: str, checkpoint: str, host: str, port: int, opens: bool) -> None:
    """Play with a trained generator on a page in your browser.

    Sliders and numbers for latent coordinates and directions, traversals, animations, the latent of a
    picture of yours. Nothing is fetched from elsewhere, and nothing is kept. Ctrl-C ends it.

    \b
      ganzoo explore runs/digits-1
      ganzoo explore runs/digits-1 --port 9000 --open
    """  # noqa: D301 - click wants the character that \b stands for
    from ganzoo_explorer.model import Explorer
    from ganzoo_explorer.server import LOOPBACK, Server

    explorer = Explorer(open_run(run, checkpoint))
    if "OMP_NUM_THREADS" not in os.environ:
        explorer.choose_threads()
    with Server(explorer, host, port) as server:
        write(server.url)
        flush_output()
        if host not in LOOPBACK:
            say(f"warning: everyone who reaches {host} can use this page")
        say("Ctrl-C ends it")
        if opens:
            import webbrowser

            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say("stopped")
