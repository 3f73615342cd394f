"""The ``ganzoo`` program: one small module a group of commands, imported when it is invoked."""

from ganzoo.cli.app import main

__all__ = ["main"]
