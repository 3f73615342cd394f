"""Word of long work, from the library that does it to the program that shows it.

The library never prints. Whoever wants to show progress says so for a block of code::

    with reporting_to(lambda description, done, total: bar.update(done / total)):
        store = dataset.build("train")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Reporter = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and the total, or 0 where that is not known."""

_reporter: ContextVar[Reporter | None] = ContextVar("reporter", default=None)


@contextmanager
def reporting_to(reporter: Reporter) -> Iterator[None]:
    """Send reports made inside a ``with`` block to a function."""
    token = _reporter.set(reporter)
    try:
        yield
    finally:
        _reporter.reset(token)


def report(description: str, done: int, total: int) -> None:
    """Report how far long work has come; nothing happens where nobody listens."""
    reporter = _reporter.get()
    if reporter is not None:
        reporter(description, done, total)


def chunks(count: int, size: int, description: str) -> Iterator[range]:
    """Yield the indices from 0 to count - 1 in ranges of one size, and report the progress."""
    for begin in range(0, count, size):
        report(description, begin, count)
        yield range(begin, min(begin + size, count))
    report(description, count, count)
