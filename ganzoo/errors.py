"""Every error a user can meet.

GanzooError                 exit code 1: something failed that the user did not ask for
├── UsageError              exit code 2: the request cannot be met as it stands
│   ├── SpecError           the spec is not valid; carries one problem a line, each with its path
│   ├── DataError           data files are missing, empty or unreadable
│   ├── DeviceError         the device asked for is not there
│   └── RunError            a run directory cannot be created, read or resumed
├── CheckpointError         a checkpoint is damaged; resuming goes back to an older one
├── PluginError             a plugin failed: one that is needed, or any under strict plugins
├── TrainingError           training cannot go on (a loss is no longer finite)
└── EvaluationError         samples cannot be evaluated (a generator's samples are not finite)
    └── NotMeasurable       a metric has no value for these samples; reports hold the reason instead

Interrupted                 a signal stopped the run after it was saved; exit code 130 or 143
GanzooWarning               something is not as it should be, and the work goes on
├── PluginWarning           a plugin failed and was left out; everything else works
└── CheckpointWarning       a checkpoint is damaged; an older one is used
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class GanzooError(Exception):
    """Base of all errors that ganzoo raises on purpose; the message is one clear sentence."""

    exit_code = 1


class UsageError(GanzooError):
    """What was asked for cannot be done as it stands; the user can mend it."""

    exit_code = 2


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a spec.

    Attributes:
        path: where in the spec, dotted (``generator.activation.negative_slope``); may be empty.
        message: what was wrong and what would be right.
    """

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class SpecError(UsageError):
    """A spec was refused.

    Attributes:
        problems: all that was found wrong, in the order of the spec.
        source: the file or recipe the spec came from, or None.
    """

    def __init__(self, problems: Iterable[Problem], source: str | None = None) -> None:
        self.problems = tuple(problems)
        self.source = source
        prefix = f"{source}: " if source else ""
        super().__init__("\n".join(f"{prefix}{problem}" for problem in self.problems))


class DataError(UsageError):
    """Data files are missing, empty or unreadable; the message names them."""


class DeviceError(UsageError):
    """The device asked for is not available on this machine."""


class RunError(UsageError):
    """A run directory cannot be created, read or resumed as asked."""


class CheckpointError(GanzooError):
    """A checkpoint cannot be read."""


class PluginError(GanzooError):
    """A plugin failed, and what was asked for needs it, or ``GANZOO_STRICT_PLUGINS=1`` is set."""


class TrainingError(GanzooError):
    """Training cannot go on."""


class EvaluationError(GanzooError):
    """Samples cannot be evaluated."""


class NotMeasurable(EvaluationError):  # noqa: N818 - it is often no failure of anyone
    """A metric has no value for these samples; the message is the reason, as a clause."""


class Interrupted(Exception):  # noqa: N818 - it is no failure: the run was saved as it should be
    """A signal asked the run to stop; it finished its step and saved.

    Attributes:
        signal_number: the signal (2 for Ctrl-C, 15 for SIGTERM).
        step: the step at which the run was saved.
    """

    def __init__(self, signal_number: int, step: int) -> None:
        self.signal_number = signal_number
        self.step = step
        super().__init__(f"stopped by signal {signal_number} after step {step}")

    @property
    def exit_code(self) -> int:
        """The shell's convention: 128 plus the number of the signal."""
        return 128 + self.signal_number


class GanzooWarning(UserWarning):
    """Something is not as it should be, and the work goes on; the message is one clear sentence."""


class PluginWarning(GanzooWarning):
    """A plugin failed and was left out."""


class CheckpointWarning(GanzooWarning):
    """A checkpoint is damaged, and an older one is used."""


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the nearest candidate, or an empty string."""
    nearest = difflib.get_close_matches(name, list(candidates), n=1, cutoff=0.5)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""


def in_a_line(error: BaseException) -> str:
    """Return an exception in one line: type, message and notes; of ganzoo's own, no type.

    Of a message with several paragraphs, it is the first.
    """
    try:
        message = str(error).strip().partition("\n\n")[0]
    except Exception:  # an exception of someone else's, whose text cannot be had
        message = ""
    own = isinstance(error, GanzooError) and message
    text = (
        message
        if own
        else f"{type(error).__name__}: {message}"
        if message
        else type(error).__name__
    )
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    return " ".join(f"{text}{notes}".split())
