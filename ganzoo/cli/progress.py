"""How far a run is, on standard error: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ganzoo.cli.failures import say
from ganzoo.hookspecs import hookimpl
from ganzoo.runs import RunDirectory
from ganzoo.utils.progress import reporting_to

if TYPE_CHECKING:
    from rich.console import Console

SECONDS_BETWEEN_LINES = 10.0


@dataclass(frozen=True)
class Moment:
    """A point of a run.

    Attributes:
        name: name of the run directory.
        step: steps done.
        total: steps there are.
        metrics: numbers last logged.
        seconds_left: time to the end at the pace so far; None at the end and where no pace is known.
    """

    name: str
    step: int
    total: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds_left: float | None = None


class Display(ABC):
    """A way to show moments."""

    @abstractmethod
    def show(self, moment: Moment) -> None:
        """Show how far the run is."""

    @abstractmethod
    def prepare(self, description: str, done: int, total: int) -> None:
        """Show long work before training; ``total`` is 0 where it is not known."""

    @abstractmethod
    def evaluated(self, step: int, values: Mapping[str, float], seconds: float) -> None:
        """Show how good the samples are, and the time it took to find out."""

    @abstractmethod
    def close(self) -> None:
        """Take down what must not stay."""


class Progress(AbstractContextManager["Progress"]):
    """A listener that follows a run.

    Attributes:
        run: the run directory, once training has begun.
        began_at: steps done when this process began.
        step: steps done.
    """

    def __init__(self, display: Display, clock: Callable[[], float] = time.monotonic) -> None:
        self.run: RunDirectory | None = None
        self.began_at = self.step = 0
        self._display, self._clock = display, clock
        self._began = 0.0

    def __enter__(self) -> Self:
        return self

    def prepare(self, description: str, done: int, total: int) -> None:
        """Show long work before training, such as decoding images."""
        self._display.prepare(description, done, total)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._display.close()

    @hookimpl
    def ganzoo_run_started(self, run: RunDirectory, step: int, total_steps: int) -> None:
        """Show the beginning."""
        self.run, self.began_at, self.step, self._began = run, step, step, self._clock()
        self._display.show(Moment(run.path.name, step, total_steps))

    @hookimpl
    def ganzoo_step_finished(
        self, run: RunDirectory, step: int, total_steps: int, metrics: Mapping[str, float]
    ) -> None:
        """Show the numbers logged."""
        self.step = step
        pace = (self._clock() - self._began) / (step - self.began_at)
        left = pace * (total_steps - step) or None
        self._display.show(Moment(run.path.name, step, total_steps, metrics, left))

    @hookimpl
    def ganzoo_evaluated(self, step: int, values: Mapping[str, float], seconds: float) -> None:
        """Show what was measured."""
        self._display.evaluated(step, values, seconds)
        self._began += seconds  # the time left is that of training


class Silence(Display):
    """Shows nothing."""

    def show(self, moment: Moment) -> None:
        """Show nothing."""

    def prepare(self, description: str, done: int, total: int) -> None:
        """Show nothing."""

    def evaluated(self, step: int, values: Mapping[str, float], seconds: float) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Do nothing."""


class Lines(Display):
    """Writes a line now and then, for logs: the first numbers, the last, and some between."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: float | None = None

    def show(self, moment: Moment) -> None:
        """Write a line, if the last one is old enough."""
        if not moment.metrics or not (self._due() or moment.step == moment.total):
            return
        share = f"{100 * moment.step // moment.total}%"
        left = (
            "" if moment.seconds_left is None else f"  {duration_words(moment.seconds_left)} left"
        )
        say(f"step {moment.step}/{moment.total}  {share}  {numbers_words(moment.metrics)}{left}")

    def prepare(self, description: str, done: int, total: int) -> None:
        """Write a line, if the last one is old enough."""
        if (done < total or not total) and self._due():
            say(description if not total else f"{description}  {100 * done // total}%")

    def evaluated(self, step: int, values: Mapping[str, float], seconds: float) -> None:
        """Write a line."""
        say(evaluation_words(step, values, seconds))

    def close(self) -> None:
        """Do nothing: lines stay."""

    def _due(self) -> bool:
        now = self._clock()
        due = self._last is None or now - self._last >= SECONDS_BETWEEN_LINES
        if due:
            self._last = now
        return due


class Bar(Display):
    """A bar that is drawn over and over, and below it the numbers last logged; gone at the end."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console, Group
        from rich.live import Live
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TaskProgressColumn,
            TextColumn,
        )
        from rich.progress import Progress as Rows
        from rich.text import Text

        self._rows = Rows(
            TextColumn("[bold]{task.description}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[left]}"),
            expand=True,
        )
        self._task = self._rows.add_task("", total=None, left="")
        self._numbers = Text(style="dim", overflow="ellipsis", no_wrap=True)
        self._live = Live(
            Group(self._rows, self._numbers),
            console=console or Console(stderr=True),
            transient=True,
            refresh_per_second=8,
        )
        self._live.start()

    def show(self, moment: Moment) -> None:
        """Move the bar."""
        left = "" if moment.seconds_left is None else f"{duration_words(moment.seconds_left)} left"
        self._rows.update(
            self._task,
            description=moment.name,
            completed=moment.step,
            total=moment.total,
            left=left,
        )
        if moment.metrics:
            self._numbers.plain = numbers_words(moment.metrics)

    def prepare(self, description: str, done: int, total: int) -> None:
        """Move the bar; it runs to and fro where the end is not known."""
        self._rows.update(
            self._task, description=description, completed=done, total=total or None, left=""
        )

    def evaluated(self, step: int, values: Mapping[str, float], seconds: float) -> None:
        """Write a line above the bar; it stays."""
        self._live.console.print(evaluation_words(step, values, seconds), highlight=False)

    def close(self) -> None:
        """Take the bar down."""
        self._live.stop()


def display_for(*, quiet: bool) -> Display:
    """Return the display that suits where standard error goes."""
    if quiet:
        return Silence()
    return Bar() if sys.stderr.isatty() else Lines()


@contextmanager
def showing_progress(*, quiet: bool) -> Iterator[None]:
    """Show how far long work has come, in a ``with`` block."""
    display = display_for(quiet=quiet)
    try:
        with reporting_to(display.prepare):
            yield
    finally:
        display.close()


def numbers_words(metrics: Mapping[str, float]) -> str:
    """Say what was logged, as far as it was: losses, the discriminator's mean scores, speed."""
    groups = (
        ("loss", (("D", "loss/discriminator"), ("G", "loss/generator"))),
        ("score", (("real", "score/real"), ("fake", "score/fake"))),
    )
    words = []
    for title, parts in groups:
        shown = [f"{name} {metrics[key]:.3f}" for name, key in parts if key in metrics]
        if shown:
            words.append(f"{title} {' '.join(shown)}")
    if "images_per_second" in metrics:
        words.append(f"{metrics['images_per_second']:,.0f} images/s")
    return "  ".join(words)


def evaluation_words(step: int, values: Mapping[str, float], seconds: float) -> str:
    """Say what an evaluation found, and how long it took."""
    numbers = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
    return f"step {step} evaluated  {numbers or 'nothing could be measured'}  ({seconds:.1f} s)"


def duration_words(seconds: float) -> str:
    """Write a time as ``1:02:03``, ``2:03`` or ``4 s``."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"
