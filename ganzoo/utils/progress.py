"""Progress of long work, passed from the library that does it to the program that shows it.

The library never prints. A program that shows progress listens for a block of code::

    with reporting_to(lambda description, done, total: bar.update(done / total)):
        store = dataset.build("train")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

ProgressCallback = Callable[[str, int, int], None]
"""Takes a description of the work, the amount done, and the total, or 0 if that is unknown."""

_callback: ContextVar[ProgressCallback | None] = ContextVar("progress_callback", default=None)


@contextmanager
def reporting_to(callback: ProgressCallback) -> Iterator[None]:
    """Send the reports of a ``with`` block to a function."""
    token = _callback.set(callback)
    try:
        yield
    finally:
        _callback.reset(token)


def report(description: str, done: int, total: int) -> None:
    """Report the progress of long work; does nothing if nobody listens."""
    callback = _callback.get()
    if callback is not None:
        callback(description, done, total)


def chunks(count: int, size: int, description: str, first: int = 0) -> Iterator[range]:
    """Yield the indices from the first to count - 1 in ranges of one size, and report the progress."""
    for begin in range(first, count, size):
        report(description, begin, count)
        yield range(begin, min(begin + size, count))
    report(description, count, count)
