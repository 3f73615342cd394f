"""Ctrl-C and SIGTERM: noted when they come, acted on between two steps."""

from __future__ import annotations

import signal
import threading
from contextlib import suppress
from types import FrameType

from ganzoo.utils.progress import report

STOPPING = "stopping after this step; press Ctrl-C again to quit at once"


class StopRequest:
    """A context in which SIGINT and SIGTERM only set ``signal_number``; a second one acts at once."""

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self._previous: dict[int, object] = {}

    def __enter__(self) -> StopRequest:
        # Python runs handlers in the main thread, and lets only that one set them.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.signal_number = number
        self._restore()
        with suppress(RuntimeError):  # the signal may have come in the middle of a write to stderr
            report(STOPPING if number == signal.SIGINT else "stopping after this step", 0, 0)

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)  # type: ignore[arg-type] # what signal.signal gave
        self._previous.clear()
