"""ganzoo: a plugin-based zoo of generative adversarial networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ganzoo.hookspecs import Command, hookimpl

if TYPE_CHECKING:
    from ganzoo.api import branch, evaluate_images, load_spec, open_run, resume, run
    from ganzoo.opened import Run
    from ganzoo.spec import RunSpec

__all__ = [
    "Command",
    "Run",
    "RunSpec",
    "branch",
    "evaluate_images",
    "hookimpl",
    "load_spec",
    "open_run",
    "resume",
    "run",
]

_LAZY = {
    "Run": "ganzoo.opened",
    "branch": "ganzoo.api",
    "evaluate_images": "ganzoo.api",
    "load_spec": "ganzoo.api",
    "open_run": "ganzoo.api",
    "resume": "ganzoo.api",
    "run": "ganzoo.api",
    "RunSpec": "ganzoo.spec",
}


def __getattr__(name: str) -> Any:
    """Import the public names on first use, so that ``import ganzoo`` stays quick."""
    import importlib

    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    if name == "__version__":
        return importlib.import_module("importlib.metadata").version("ganzoo")
    raise AttributeError(f"module 'ganzoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(["__version__", *__all__])
