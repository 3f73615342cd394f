"""What the page of a run says, also of runs that are not finished, damaged or a stranger's."""

from __future__ import annotations

import json
import re
import shutil
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ganzoo_report import neighbours, pictures
from ganzoo_report.settings import changed_settings
from PIL import Image

import ganzoo
from ganzoo import hookimpl
from ganzoo.errors import GanzooWarning
from ganzoo.plugins import installed
from ganzoo.runs import RunDirectory
from ganzoo.runs.verdict import verdict_of

Program = Callable[..., tuple[int, str, str]]


class Page(HTMLParser):
    """The words, the addresses and the scripts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words, self.addresses, self.tags = "", [], []  # type: ignore[var-annotated] # of texts
        self.scripts: list[str] = []
        self._inside = ""
        self.feed(text)
        self.words = " ".join(self.words.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._inside = tag
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]
        self.words += " ".join(
            value or "" for name, value in attrs if name in {"alt", "aria-label"}
        )
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts.append(data)
        elif self._inside != "style":
            self.words += data

    @property
    def charts(self) -> list[dict[str, Any]]:
        def refuse(name: str) -> None:
            raise AssertionError(f"{name} is not JSON that a browser reads")

        charts: list[dict[str, Any]] = json.loads(self.scripts[0], parse_constant=refuse)
        return charts


def page(path: Path) -> Page:
    return Page((path / "report.html").read_text("utf-8"))


def edit(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), **changes}), "utf-8")


def test_every_run_writes_a_page_of_its_own(points: Path) -> None:
    found = page(points)
    run = RunDirectory.open(points)
    said = verdict_of(run).replace("`", "")
    assert said.partition(". ")[0] in found.words
    assert "Finished" in found.words
    assert "Eight modes on a ring." in found.words
    assert "Generated samples after 12 steps" in found.words
    assert (
        f"torch {ganzoo.open_run(points).directory.environment()['versions']['torch']}"
        in found.words
    )
    assert all(address.startswith("data:") for address in found.addresses)
    assert (points / "report.html").stat().st_size < 1_000_000


def test_charts_have_what_was_measured_with_best_and_baseline(points: Path) -> None:
    chart = next(each for each in page(points).charts if each["title"].startswith("fd@"))
    reports = [
        json.loads(path.read_text("utf-8")) for path in sorted(points.glob("evaluation/step-*"))
    ]
    measured, best, real = chart["lines"]
    assert chart["steps"] == [3, 6, 9, 12]
    means = [report["values"][0]["mean"] for report in reports]
    assert measured["values"] == means
    assert [each for each in best["values"] if each is not None] == [min(means)]
    assert set(real["values"]) == {reports[-1]["values"][0]["baseline"]["value"]}
    losses = next(each for each in page(points).charts if each["title"] == "Losses")
    logged = [line["loss/generator"] for line in ganzoo.open_run(points).metrics()]
    assert (
        next(each for each in losses["lines"] if each["label"] == "generator")["values"] == logged
    )


def test_many_numbers_are_thinned_and_those_that_are_not_finite_left_out(
    copied: Path, program: Program
) -> None:
    lines = [{"step": step, "loss/generator": float(step)} for step in range(1, 5001)]
    lines[7]["loss/generator"] = float("nan")
    lines[8]["loss/generator"] = float("inf")
    copied.joinpath("metrics.jsonl").write_text("".join(f"{json.dumps(each)}\n" for each in lines))
    assert program("report", copied)[0] == 0
    chart = next(each for each in page(copied).charts if each["title"] == "Losses")
    assert 400 < len(chart["steps"]) <= 600
    assert chart["steps"][-1] == 5000


def test_settings_are_those_that_were_chosen(points: Path) -> None:
    found = {each.path: each for each in changed_settings(RunDirectory.open(points).spec)}
    assert found["dataset"].value == "ring"
    assert found["dataset"].default is None
    assert (found["latent.dim"].value, found["latent.dim"].default) == ("2", "100")
    assert found["training.duration"].value == "12 steps"
    assert "seed" not in found
    assert "loss" not in found
    assert not [path for path in found if path.startswith("generator_optimizer")]


def test_classes_are_drawn_where_they_were_counted(copied: Path, program: Program) -> None:
    newest = sorted(copied.glob("evaluation/step-*.json"))[-1]
    report = json.loads(newest.read_text("utf-8"))
    counts = {"generated": [30, 10], "reference": [20, 20]}
    report["values"][0] |= {"metric": "class_balance", "details": counts}
    newest.write_text(json.dumps({**report, "sha256": None}), "utf-8")
    edit(
        copied / "environment.json", data={"samples": 40, "shape": [2], "classes": ["cats", "dogs"]}
    )
    assert program("report", copied)[0] == 0
    text = (copied / "report.html").read_text("utf-8")
    rows = re.findall(r">(cats|dogs)</th>.*?([\d.]+) %</td><td class=\"n\">([\d.]+) %", text)
    assert rows == [("cats", "75.0", "50.0"), ("dogs", "25.0", "50.0")]


def test_what_a_stranger_wrote_is_shown_and_never_run(copied: Path, program: Program) -> None:
    attack = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    edit(copied / "spec.json", description=attack)
    edit(copied / "environment.json", device=[attack], versions={attack: attack}, data=[attack])
    action = {"step": 3, "callback": attack, "action": "warn", "reason": attack, "finding": attack}
    with (copied / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 13, attack: 1.0}) + "\n" + json.dumps(action) + "\n")
    moved = copied.rename(copied.with_name("<b>x&amp;"))
    assert program("report", moved)[0] == 0
    found = page(moved)
    assert found.tags.count("script") == 3
    assert found.tags.count("img") == 6  # four steps, the newest again, and real samples
    assert found.words.count("onerror=alert(2)") > 4
    assert "<b>x&amp;" in found.words
    assert any(attack[10:20] in line["label"] for each in found.charts for line in each["lines"])


def test_only_the_scripts_of_the_page_are_allowed(points: Path) -> None:
    policy = re.search(
        r'Security-Policy" content="([^"]*)"', (points / "report.html").read_text("utf-8")
    )
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; img-src data:;")
    assert policy[1].count("'sha256-") == 2
    assert "script-src 'unsafe" not in policy[1]


class StopAt:
    """Ends training at a step, as a crash would."""

    def __init__(self, step: int) -> None:
        self.step = step

    @hookimpl
    def ganzoo_step_finished(self, step: int) -> None:
        if step == self.step:
            raise KeyboardInterrupt


def test_a_run_that_ended_early_says_so_and_what_continues_it(
    points: Path, tmp_path: Path, program: Program
) -> None:
    spec = json.loads((points / "spec.json").read_text("utf-8"))
    with pytest.raises(KeyboardInterrupt):
        ganzoo.run(spec, output=tmp_path / "run", listeners=[StopAt(6)])
    found = page(tmp_path / "run")
    assert "Not finished" in found.words
    assert "Training had taken 6 of 12 steps" in found.words
    assert "ganzoo resume continues it from its newest checkpoint" in found.words
    for path in (tmp_path / "run" / "checkpoints").iterdir():
        path.unlink()
    assert program("report", tmp_path / "run")[0] == 0
    assert "has no checkpoints yet" in page(tmp_path / "run").words
    ganzoo.resume(tmp_path / "run")
    assert "Finished" in page(tmp_path / "run").words
    assert page(tmp_path / "run").charts[0]["steps"] == [3, 6, 9, 12]


def test_a_run_of_which_only_the_spec_is_left_has_a_page(copied: Path, program: Program) -> None:
    for path in [each for each in copied.rglob("*") if each.is_file() and each.name != "spec.json"]:
        path.unlink()
    assert program("report", copied)[0] == 0
    found = page(copied)
    for words in ("No step had been recorded", "no grids of samples", "No numbers were logged"):
        assert words in found.words


class Clock:
    """Says that 20 seconds pass from one logged step to the next; keeps the step of the page then."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.written: list[int] = []

    @hookimpl
    def ganzoo_step_finished(self, run: RunDirectory) -> None:
        self.seconds += 20.0
        report = run.path / "report.html"
        text = report.read_text("utf-8") if report.exists() else ""
        self.written += map(int, re.findall(r"had taken (\d+)", text))


def test_a_page_is_written_again_while_training_goes_on_but_not_too_often(
    points: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("ganzoo_report.plugin.time.monotonic", lambda: clock.seconds)
    spec = json.loads((points / "spec.json").read_text("utf-8"))
    spec["training"]["duration"] = "20 steps"
    ganzoo.run(spec, output=tmp_path / "run", listeners=[clock])
    assert clock.written == [8, 8, 8, 15, 15, 15]


def test_a_file_of_the_user_is_never_overwritten(copied: Path, program: Program) -> None:
    (copied / "report.html").write_text("mine")
    code, _, error = program("report", copied)
    assert code == 2
    assert "was not written by ganzoo-report" in error
    assert "Traceback" not in error
    code, out, _ = program("report", copied, "-o", copied / "other.html")
    assert (code, out.strip()) == (0, str(copied / "other.html"))
    assert program("report", copied, "-o", copied / "other.html")[0] == 2
    assert (copied / "report.html").read_text() == "mine"


def test_what_goes_wrong_with_a_page_is_a_warning_and_the_run_goes_on(
    points: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("ganzoo_report.page.write_atomically", fail)
    monkeypatch.setattr(installed(), "selection", replace(installed().selection, strict=False))
    spec = json.loads((points / "spec.json").read_text("utf-8"))
    with pytest.warns(GanzooWarning, match="the disk is full"):
        run = ganzoo.run(spec, output=tmp_path / "run")
    assert run.metrics()[-1]["step"] == 12
    assert not (tmp_path / "run" / "report.html").exists()
    same = (tmp_path / "run" / "generator.safetensors").read_bytes()
    assert same == (points / "generator.safetensors").read_bytes()


def test_no_run_directory_is_a_mistake_of_the_user(tmp_path: Path, program: Program) -> None:
    code, _, error = program("report", tmp_path)
    assert code == 2
    assert "is not a run directory" in error


def test_open_shows_the_page_in_a_browser(
    copied: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: not shown.append(address))
    assert program("report", copied, "--open")[0] == 0
    assert shown == [(copied / "report.html").resolve().as_uri()]


def test_the_nearest_training_image_is_the_one_that_differs_least(images: Path) -> None:
    found = neighbours.nearest_images(RunDirectory.open(images))
    assert found is not None
    assert (found.searched, found.total, len(found.pairs)) == (40, 40, 8)
    space = ganzoo.open_run(images).info.samples
    generated = space.encode(ganzoo.open_run(images).sample(8).numpy()).astype(np.float64)
    real = np.load(images.parent / "images.npy").astype(np.float64)
    difference = np.sqrt(((generated[:, None] - real) ** 2).mean(axis=(2, 3, 4))) / 255
    expected = difference.min(axis=1)
    assert [pair.distance for pair in found.pairs] == pytest.approx(expected, rel=1e-4)
    between = np.sqrt(((real[:, None] - real) ** 2).mean(axis=(2, 3, 4))) / 255
    np.fill_diagonal(between, np.inf)
    assert found.usual == pytest.approx(np.median(between.min(axis=1)), rel=1e-4)


def test_nearest_images_are_in_the_page_or_why_they_are_not(
    images: Path, tmp_path: Path, program: Program
) -> None:
    path = tmp_path / "page.html"
    assert program("report", images, "-o", path)[0] == 0
    found = Page(path.read_text("utf-8"))
    assert "The training image nearest to generated image 8" in found.words
    assert "was not evaluated while it was trained" in found.words
    moved = Path(shutil.copytree(images, tmp_path / "moved"))
    edit(moved / "spec.json", dataset={"type": "arrays", "path": "/nowhere.npy"})
    assert program("report", moved, "-o", path, "--force")[0] == 0
    assert "could not be found" in Page(path.read_text("utf-8")).words


def test_the_last_page_of_a_long_run_has_nearest_images_and_changes_nothing_else(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("ganzoo_report.plugin.time.monotonic", lambda: clock.seconds)
    spec = json.loads((images / "spec.json").read_text("utf-8"))
    ganzoo.run(spec, output=tmp_path / "run", listeners=[clock])
    assert clock.seconds == 120
    assert "The training image nearest to generated image 8" in page(tmp_path / "run").words
    assert "nearest" not in page(images).words
    same = (tmp_path / "run" / "generator.safetensors").read_bytes()
    assert same == (images / "generator.safetensors").read_bytes()


def test_pictures_are_made_smaller_until_they_fit_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{index}.png" for index in range(2)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (400, 300, 3), dtype=np.uint8)).save(path)
    (tmp_path / "cut.png").write_bytes(paths[0].read_bytes()[:500])
    wanted = [(path, "noise", 0) for path in (*paths, tmp_path / "cut.png", tmp_path / "none.png")]
    large = pictures.pictures_of(wanted)
    assert [each.width for each in large] == [300, 300]
    monkeypatch.setattr(pictures, "BUDGET", sum(len(each.source) for each in large) - 1)
    small = pictures.pictures_of(wanted)
    assert sum(len(each.source) for each in small) <= pictures.BUDGET
    assert len(small) == 2


def test_several_runs_share_a_page_with_what_differs(
    points: Path, images: Path, copied: Path, tmp_path: Path, program: Program
) -> None:
    edit(copied / "spec.json", seed=4)
    path = tmp_path / "comparison.html"
    assert program("report", points, copied, "-o", path)[0] == 0
    found = Page(path.read_text("utf-8"))
    assert "2 runs compared" in found.words
    chart = next(each for each in found.charts if each["title"].startswith("fd@"))
    assert [line["label"] for line in chart["lines"]] == ["points-1", "copied"]
    rows = re.findall(
        r"<code>(\w+)</code></th><td>(.*?)</td><td>(.*?)</td>", path.read_text("utf-8")
    )
    assert rows == [("seed", "0", "4")]


def test_numbers_measured_in_different_ways_are_not_drawn_together(
    points: Path, copied: Path, tmp_path: Path, program: Program
) -> None:
    for report in copied.glob("evaluation/step-*.json"):
        data: Mapping[str, Any] = json.loads(report.read_text("utf-8"))
        (name,) = data["protocols"]
        text = report.read_text("utf-8").replace(name, "0" * len(name))
        report.write_text(json.dumps({**json.loads(text), "sha256": None}), "utf-8")
    path = tmp_path / "comparison.html"
    assert program("report", points, copied, "-o", path)[0] == 0
    found = Page(path.read_text("utf-8"))
    titles = [each["title"] for each in found.charts if each["title"].startswith("fd@")]
    assert titles == ["fd@identity (way 1) ↓", "fd@identity (way 2) ↓"]
    assert all(len(each["lines"]) == 1 for each in found.charts if each["title"] in titles)
    assert "these numbers cannot be compared" in found.words
