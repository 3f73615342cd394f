"""Signals that ask a run to stop."""

from __future__ import annotations

import signal

import pytest

from ganzoo.training.signals import StopRequest
from ganzoo.utils.progress import reporting_to


@pytest.mark.parametrize(
    ("number", "words"), [(signal.SIGINT, "press Ctrl-C again"), (signal.SIGTERM, "stopping after")]
)
def test_a_signal_is_noted_and_reported_at_once(number: signal.Signals, words: str) -> None:
    told: list[str] = []
    previous = signal.getsignal(number)
    with reporting_to(lambda description, done, total: told.append(description)):
        with StopRequest() as stop:
            signal.raise_signal(number)
            assert signal.getsignal(number) is previous  # a second one acts at once
        assert stop.signal_number == number
    assert len(told) == 1
    assert words in told[0]


def test_a_report_that_cannot_be_written_does_not_stop_the_run() -> None:
    def fail(description: str, done: int, total: int) -> None:
        raise RuntimeError("reentrant call")

    with reporting_to(fail), StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
    assert stop.signal_number == signal.SIGINT
