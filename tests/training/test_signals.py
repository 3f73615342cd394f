"""Signals that ask a run to stop."""

from __future__ import annotations

import signal

import pytest

from ganzoo.training.signals import StopRequest
from ganzoo.utils.progress import reporting_to
from ganzoo.utils.signals import stop_signals


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


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="a signal of POSIX")
def test_a_terminal_that_closes_may_send_its_signal_twice() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        with StopRequest() as stop:
            signal.raise_signal(signal.SIGHUP)
            signal.raise_signal(signal.SIGHUP)
        assert stop.signal_number == signal.SIGHUP
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_DFL
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as under nohup
        assert signal.SIGHUP not in stop_signals()
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="a signal of POSIX")
def test_slurm_sends_a_signal_before_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert signal.SIGUSR1 not in stop_signals()
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGUSR1)
    assert stop.signal_number == signal.SIGUSR1
