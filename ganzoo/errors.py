"""Every error a user can meet.

GanzooError                 exit code 1: an operation failed
├── UsageError              exit code 2: the request cannot be carried out as given
│   ├── SpecError           the spec is invalid; has one problem per line, each with its path
│   ├── DataError           data files are missing, empty or unreadable
│   ├── DeviceError         the requested device is not available
│   └── RunError            a run directory cannot be created, read or resumed
├── CheckpointError         a checkpoint or generator is damaged; resuming falls back to an older one
├── PluginError             a plugin failed: a required one, or any with strict plugins
├── TrainingError           training cannot continue (a loss is no longer finite)
└── EvaluationError         samples cannot be evaluated (the generator's outputs are not finite)
    └── NotMeasurable       a metric is undefined for these samples; reports state the reason

Interrupted                 a signal stopped the run after it was saved; exit code 128 plus its number
GanzooWarning               something is wrong, but the work continues
├── DataWarning             files or samples are left out, or what is cached is decoded again
├── PluginWarning           a plugin failed and was skipped; everything else works
└── CheckpointWarning       a file to resume from is damaged, and what is left of it is used
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class GanzooError(Exception):
    """Base class of all errors that ganzoo raises deliberately; the message is one clear sentence."""

    exit_code = 1


class UsageError(GanzooError):
    """The request cannot be carried out as given; the user can fix it."""

    exit_code = 2


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a spec.

    Attributes:
        path: dotted path in the spec (``generator.activation.negative_slope``); may be empty.
        message: what was wrong and what would be right.
    """

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class SpecError(UsageError):
    """A spec is invalid.

    Attributes:
        problems: all problems found, in the order of the spec.
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
    """The requested device is not available on this machine."""


class RunError(UsageError):
    """A run directory cannot be created, read or resumed as requested."""


class CheckpointError(GanzooError):
    """A checkpoint or a generator cannot be read, or is not what was written."""


class PluginError(GanzooError):
    """A required plugin failed, or any did while ``GANZOO_STRICT_PLUGINS=1`` is set."""


class TrainingError(GanzooError):
    """Training cannot continue."""


class EvaluationError(GanzooError):
    """Samples cannot be evaluated."""


class NotMeasurable(EvaluationError):  # noqa: N818 - often not a failure
    """A metric is undefined for these samples; the message is the reason, as a clause."""


class Interrupted(Exception):  # noqa: N818 - not a failure: the run was saved
    """A signal stopped the run, which finished its step and was saved.

    Attributes:
        signal_number: the signal (2 for Ctrl-C, 15 for SIGTERM, 1 for SIGHUP).
        step: the step at which the run was saved.
    """

    def __init__(self, signal_number: int, step: int) -> None:
        self.signal_number = signal_number
        self.step = step
        super().__init__(f"stopped by signal {signal_number} after step {step}")

    @property
    def exit_code(self) -> int:
        """The exit code by the shell's convention: 128 plus the number of the signal."""
        return 128 + self.signal_number


class GanzooWarning(UserWarning):
    """Something is wrong, but the work continues; the message is one clear sentence."""


class DataWarning(GanzooWarning):
    """Files or samples are left out, or what is cached is decoded again; the message names them."""


class PluginWarning(GanzooWarning):
    """A plugin failed and was skipped."""


class CheckpointWarning(GanzooWarning):
    """A checkpoint or the log is damaged; an older one, or what is left of it, is used."""


SHORT_NAME, LONGEST_NAME = 4, 100  # letters


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the nearest candidate, or an empty string."""
    known = {candidate.lower(): candidate for candidate in candidates}
    wanted = name.lower()[:LONGEST_NAME]
    # In a short name one letter is a large part.
    cutoff = 0.5 if len(wanted) <= SHORT_NAME else 0.6
    nearest = difflib.get_close_matches(wanted, known, n=1, cutoff=cutoff)
    if not nearest and len(wanted) > SHORT_NAME:
        nearest = [each for each in known if wanted in each]
    return f"; did you mean {known[nearest[0]]!r}?" if nearest else ""


def in_a_line(error: BaseException) -> str:
    """Return an exception on one line: type, message and notes; ganzoo's own errors without the type.

    Only the first paragraph of a message is used.
    """
    try:
        message = str(error).strip().partition("\n\n")[0]
    except Exception:  # a third-party exception whose text cannot be obtained
        message = ""
    if isinstance(error, GanzooError) and message:
        text = message
    else:
        text = ": ".join(filter(None, (type(error).__name__, message)))
    notes = "".join(f" ({note})" for note in getattr(error, "__notes__", ()))
    return " ".join(f"{text}{notes}".split())
