"""The reference of errors: their tree, and each of them."""

from __future__ import annotations

import inspect

from ganzoo import errors
from generate.markdown import page

INTRODUCTION = """\
# Errors

The program writes one line to standard error and exits with the error's exit code; `ganzoo --debug`
adds the traceback. Python programs catch `GanzooError`."""


def errors_page() -> str:
    """Return the page; mkdocstrings fills in the docstrings."""
    tree = inspect.cleandoc(errors.__doc__ or "").partition("\n\n")[2]
    classes = [
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and value.__module__ == errors.__name__
    ]
    return page(
        INTRODUCTION,
        f"```text\n{tree}\n```",
        *(f"::: ganzoo.errors.{name}" for name in classes),
    )
