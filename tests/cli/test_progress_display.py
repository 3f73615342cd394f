import io
from pathlib import Path

import pytest
from rich.console import Console

from ganzoo.cli.progress import (
    Bar,
    Lines,
    Progress,
    ProgressUpdate,
    duration_words,
    showing_progress,
)
from ganzoo.runs import RunDirectory
from ganzoo.utils.progress import report

METRICS = {
    "loss/discriminator": 1.25,
    "loss/generator": 0.5,
    "score/real": 0.1,
    "score/fake": -0.25,
    "images_per_second": 12345.6,
}


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_lines_are_some_seconds_apart_but_for_the_last(capsys):
    clock = Clock()
    lines = Lines(clock)
    for step in range(10, 101, 10):
        lines.show(ProgressUpdate("run", step, 100, METRICS))
        clock.now += 4
    written = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in written] == ["10/100", "40/100", "70/100", "100/100"]


def test_a_line_has_all_numbers(capsys):
    Lines(Clock()).show(ProgressUpdate("run", 25, 100, METRICS, 75.4))
    assert capsys.readouterr().err == (
        "step 25/100  25%  loss D 1.250 G 0.500  score real 0.100 fake -0.250  12,346 images/s"
        "  1:15 left\n"
    )


def test_numbers_an_algorithm_does_not_log_are_left_out(capsys):
    Lines(Clock()).show(ProgressUpdate("run", 25, 100, {"loss/generator": 0.5}))
    assert capsys.readouterr().err == "step 25/100  25%  loss G 0.500\n"


def test_long_preparations_are_shown(capsys):
    lines = Lines(Clock())
    lines.prepare("decoding x", 5, 10)
    lines.prepare("decoding x", 10, 10)
    assert capsys.readouterr().err == "decoding x  50%\n"


def test_time_left_goes_by_the_pace_of_this_process(capsys):
    clock = Clock()
    progress = Progress(Lines(clock), clock)
    run = RunDirectory(Path("run"))
    progress.ganzoo_run_started(run, step=50, total_steps=100)
    clock.now = 20
    progress.ganzoo_step_finished(run, step=60, total_steps=100, metrics=METRICS)
    assert capsys.readouterr().err.endswith("1:20 left\n")


def test_the_bar_shows_name_steps_and_numbers_and_goes():
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    bar = Bar(console)
    progress = Progress(bar)
    run = RunDirectory(Path("runs/small-1"))
    progress.ganzoo_run_started(run, step=0, total_steps=100)
    progress.ganzoo_step_finished(run, step=50, total_steps=100, metrics=METRICS)
    bar.close()
    text = console.file.getvalue()
    assert "small-1" in text
    assert " 50/100" in text
    assert "loss D 1.250 G 0.500  score real 0.100 fake -0.250  12,346 images/s" in text
    assert text.rstrip().endswith("\x1b[2K")


@pytest.mark.parametrize("width", [20, 40, 60])
def test_a_narrow_bar_cuts_no_number(width):
    console = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)
    bar = Bar(console)
    progress = Progress(bar)
    run = RunDirectory(Path("runs/a-run-of-a-rather-long-name-1"))
    progress.ganzoo_run_started(run, step=0, total_steps=100)
    progress.ganzoo_step_finished(run, step=50, total_steps=100, metrics=METRICS)
    bar.close()
    text = console.file.getvalue()
    assert "a-run-of" in text
    assert "50%" in text
    assert "loss D 1.250 G 0.500" in text
    assert "12,346 images/s" in text


def test_the_bar_has_a_name_before_anything_is_known():
    console = Console(file=io.StringIO(), force_terminal=True, width=40, color_system=None)
    Bar(console).close()
    text = console.file.getvalue()
    assert "starting" in text
    assert "0/?" not in text


def test_work_of_unknown_length_is_told_at_once_and_only_once(capsys):
    lines = Lines(Clock())
    lines.prepare("decoding x", 5, 10)
    for _ in range(2):
        lines.prepare("stopping", 0, 0)
    assert capsys.readouterr().err == "decoding x  50%\nstopping\n"


def test_a_quiet_display_is_silent(capsys):
    with showing_progress(quiet=True) as display:
        report("decoding", 0, 1)
        Progress(display).ganzoo_run_started(RunDirectory(Path("run")), step=0, total_steps=1)
    assert capsys.readouterr() == ("", "")


def test_times_are_written_as_clocks_show_them():
    assert [duration_words(seconds) for seconds in (4.4, 63, 3723)] == ["4 s", "1:03", "1:02:03"]


def test_warnings_of_callbacks_are_shown_at_once(capsys):
    progress = Progress(Lines(Clock()))
    action = {"callback": "watchdog", "action": "warn", "reason": "the samples have collapsed"}
    progress.ganzoo_callback_acted(step=700, action=action)
    progress.ganzoo_callback_acted(step=800, action=action | {"action": "save"})
    assert capsys.readouterr().err == "step 700: watchdog: the samples have collapsed\n"
