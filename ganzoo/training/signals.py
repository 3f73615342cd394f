"""Ctrl-C and other signals to stop: noted when they come, acted on between two steps."""

from __future__ import annotations

import signal
import threading
from contextlib import suppress
from types import FrameType

from ganzoo.utils.progress import report
from ganzoo.utils.signals import stop_signals

STOPPING = "stopping after this step; press Ctrl-C again to quit at once"


class StopRequest:
    """A context in which signals to stop only set ``signal_number``.

    A second SIGINT or SIGTERM acts at once. A second SIGHUP does not: a terminal that closes may send
    several.
    """

    def __init__(self) -> None:
        self.signal_number: int | None = None
        self._previous: dict[int, object] = {}

    def __enter__(self) -> StopRequest:
        # Python runs handlers in the main thread, and lets only that one set them.
        if threading.current_thread() is threading.main_thread():
            for number in stop_signals():
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore(*self._previous)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.signal_number = number
        self._restore(signal.SIGINT, signal.SIGTERM)
        with suppress(RuntimeError, OSError):  # in the middle of a write, or without a terminal
            report(STOPPING if number == signal.SIGINT else "stopping after this step", 0, 0)

    def _restore(self, *numbers: int) -> None:
        for number in set(numbers) & self._previous.keys():
            handler = self._previous.pop(number)
            signal.signal(number, handler)  # type: ignore[arg-type] # what signal.signal gave
