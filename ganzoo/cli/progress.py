"""The progress of a run on standard error: a bar on a terminal, occasional lines elsewhere."""

from __future__ import annotations

import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ganzoo.cli.output import say
from ganzoo.hookspecs import hookimpl
from ganzoo.runs import RunDirectory
from ganzoo.utils.progress import reporting_to
from ganzoo.utils.text import printable

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

SECONDS_BETWEEN_LINES = 10.0
NARROWEST_BAR = 8


@dataclass(frozen=True)
class ProgressUpdate:
    """The progress of a run at one step, with the metrics last logged."""

    name: str
    step: int
    total: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    seconds_left: float | None = None  # None at the end and while it is unknown


class Display:
    """Shows nothing; base class of displays that do."""

    def show(self, update: ProgressUpdate) -> None:
        """Show the progress of the run."""

    def prepare(self, description: str, done: int, total: int) -> None:
        """Show the progress of other long work; ``total`` is 0 if it is unknown."""

    def note(self, line: str) -> None:
        """Show a line that stays."""

    def close(self) -> None:
        """Remove what must not stay on the screen."""


class Progress:
    """A listener that shows the progress of a run."""

    def __init__(self, display: Display, clock: Callable[[], float] = time.monotonic) -> None:
        self.run: RunDirectory | None = None  # once training has begun
        self.began_at = self.step = 0  # steps done when this process began, and by now
        self._display, self._clock = display, clock
        self._began = 0.0

    @hookimpl
    def ganzoo_run_started(self, run: RunDirectory, step: int, total_steps: int) -> None:
        """Show the beginning, and what a new run took from another one."""
        self.run, self.began_at, self.step, self._began = run, step, step, self._clock()
        origin = run.origin()
        if origin and not run.metrics():
            self._display.note(origin_words(origin))
        self._display.show(ProgressUpdate(run.path.name, step, total_steps))

    @hookimpl
    def ganzoo_step_finished(
        self, run: RunDirectory, step: int, total_steps: int, metrics: Mapping[str, float]
    ) -> None:
        """Show the logged metrics."""
        self.step = step
        pace = (self._clock() - self._began) / (step - self.began_at)
        left = pace * (total_steps - step) or None
        self._display.show(ProgressUpdate(run.path.name, step, total_steps, metrics, left))

    @hookimpl
    def ganzoo_evaluated(self, step: int, values: Mapping[str, float], seconds: float) -> None:
        """Show what was measured."""
        self._display.note(evaluation_words(step, values, seconds))
        self._began += seconds  # the time left counts training only

    @hookimpl
    def ganzoo_callback_acted(self, step: int, action: Mapping[str, Any]) -> None:
        """Show what a callback warns of."""
        if action["action"] == "warn":
            self._display.note(f"step {step}: {action['callback']}: {action['reason']}")


class Lines(Display):
    """Writes a line now and then, for logs: the first metrics, the last, and some in between."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: float | None = None
        self._description = ""

    def show(self, update: ProgressUpdate) -> None:
        """Write a line if the last one is old enough."""
        if not update.metrics or not (self._due() or update.step == update.total):
            return
        percent = f"{100 * update.step // update.total}%"
        words = [f"step {update.step}/{update.total}", percent, *metric_words(update.metrics)]
        if update.seconds_left is not None:
            words.append(f"{duration_words(update.seconds_left)} left")
        say("  ".join(words))

    def prepare(self, description: str, done: int, total: int) -> None:
        """Write a line if the last one is old enough; at once for work of unknown length."""
        if total and done < total and self._due():
            say(f"{description}  {100 * done // total}%")
        elif not total and (description != self._description or self._due()):
            say(description)
        self._description = description

    def note(self, line: str) -> None:
        """Write a line."""
        say(line)

    def _due(self) -> bool:
        now = self._clock()
        if self._last is not None and now - self._last < SECONDS_BETWEEN_LINES:
            return False
        self._last = now
        return True


class Bar(Display):
    """A bar that is redrawn, with the latest metrics below it; removed at the end."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.live import Live

        self._description, self._done, self._total, self._left = "starting", 0, 0, ""
        self._metrics: list[str] = []
        console = console or Console(stderr=True)
        self._live = Live(self, console=console, transient=True, refresh_per_second=8)
        self._live.start()

    def show(self, update: ProgressUpdate) -> None:
        """Move the bar."""
        self.prepare(update.name, update.step, update.total)
        if update.seconds_left is not None:
            self._left = f"{duration_words(update.seconds_left)} left"
        if update.metrics:
            self._metrics = metric_words(update.metrics)

    def prepare(self, description: str, done: int, total: int) -> None:
        """Move the bar; it pulses if the total is unknown."""
        self._description = printable(description)
        self._done, self._total, self._left = done, total, ""

    def note(self, line: str) -> None:
        """Write a line above the bar; it stays."""
        from rich.text import Text

        with suppress(OSError):  # the terminal may be gone
            # A text, so that nothing in it is markup.
            self._live.console.print(Text(printable(line)))

    def close(self) -> None:
        """Remove the bar."""
        with suppress(OSError):
            self._live.stop()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw as much as the width of the terminal has room for, without cutting words."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        words = [self._left] if self._left else []
        if self._total:
            words[:0] = [f"{100 * self._done // self._total}%", f"{self._done}/{self._total}"]
        while len(words) > 1 and len("  ".join([self._description, *words])) > options.max_width:
            words.pop()
        room = options.max_width - sum(2 + len(word) for word in words)
        row = Table.grid(padding=(0, 2, 0, 0))
        row.add_column(no_wrap=bool(words), max_width=room)
        cells = [Text(self._description, style="bold", overflow="ellipsis"), *map(Text, words)]
        room -= 2 + len(self._description)
        if room >= NARROWEST_BAR:
            row.add_column()
            bar: Any = ProgressBar(self._total or None, self._done, room, pulse=not self._total)
            cells.insert(1, bar)
        for _ in words:
            row.add_column(no_wrap=True)
        row.add_row(*cells)
        yield row
        # Wrapped between metrics, not within them.
        text = "  ".join(each.replace(" ", "\xa0") for each in self._metrics)
        for line in textwrap.wrap(text, options.max_width, break_on_hyphens=False):
            yield Text(line.replace("\xa0", " "), style="dim")


@contextmanager
def showing_progress(*, quiet: bool) -> Iterator[Display]:
    """Show the progress of long work in a ``with`` block, as suits standard error."""
    display = Display() if quiet else Bar() if sys.stderr.isatty() else Lines()
    try:
        with reporting_to(display.prepare):
            yield display
    finally:
        display.close()


def metric_words(metrics: Mapping[str, float]) -> list[str]:
    """Return the losses, the discriminator's mean scores and the speed in words, if logged."""
    groups = {
        "loss": {"D": "loss/discriminator", "G": "loss/generator"},
        "score": {"real": "score/real", "fake": "score/fake"},
    }
    words = []
    for title, parts in groups.items():
        shown = [f"{name} {metrics[key]:.3f}" for name, key in parts.items() if key in metrics]
        words += [" ".join([title, *shown])] if shown else []
    if "images_per_second" in metrics:
        words.append(f"{metrics['images_per_second']:,.0f} images/s")
    return words


def evaluation_words(step: int, values: Mapping[str, float], seconds: float) -> str:
    """Return the result of an evaluation and the time it took in words."""
    numbers = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
    return f"step {step} evaluated  {numbers or 'nothing could be measured'}  ({seconds:.1f} s)"


def origin_words(origin: Mapping[str, Any]) -> str:
    """Return what a run took from another one, and what is new, in words."""
    kept = ", ".join(f"{part} {count}" for part, count in origin["kept"].items())
    new = origin["new"]
    some = ", ".join(new[:4]) + (f" and {len(new) - 4} more" if len(new) > 4 else "")
    return f"from {origin['run']}, step {origin['step']}: kept {kept}; new: {some or 'nothing'}"


def duration_words(seconds: float) -> str:
    """Write a time as ``1:02:03``, ``2:03`` or ``4 s``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"
