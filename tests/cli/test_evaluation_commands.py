"""``ganzoo evaluate``, ``evaluate-images``, ``compare`` and ``cache``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo.utils.images import to_uint8
from ganzoo.utils.tensors import read_safetensors, to_safetensors

Program = Callable[..., Any]

MEASURE = ("--metrics", "fd", "--extractor", '{"type": "pixels", "size": 7}', "--device", "cpu")
QUICK = (*MEASURE, "-n", "130", "--seeds", "0")


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of a finished run, to which reports can be added."""
    return Path(shutil.copytree(finished, tmp_path / "small-1"))


def write_images(
    folder: Path, count: int, *, seed: int = 0, mode: str = "L", side: int = 8
) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(seed)
    channels = 3 if mode == "RGB" else 1
    for index in range(count):
        pixels = rng.integers(0, 256, (side, side, channels), dtype=np.uint8)
        Image.fromarray(pixels if mode == "RGB" else pixels[:, :, 0]).save(folder / f"{index}.png")
    return folder


def test_a_run_is_evaluated_and_the_report_kept(program: Program, run: Path) -> None:
    result = program("evaluate", run, *QUICK)
    assert result.code == 0
    heading, header, line = result.out.splitlines()
    assert heading == (
        "small-1 step 20 (ema weights): 130 samples, seeds 0, against split test of mnist-5k"
    )
    assert header.split() == ["value", "baseline", "better"]
    assert line.split()[0] == "fd@pixels-7"
    assert line.split()[-1] == "lower"
    assert f"kept as {run / 'evaluation' / 'report-1.json'}" in result.err
    assert "note: fd@pixels-7: 130 generated samples for 49 features" in result.err
    (report,) = (run / "evaluation").glob("report-*.json")
    assert json.loads(report.read_text())["seeds"] == [0]


def test_the_report_as_json(program: Program, run: Path, tmp_path: Path) -> None:
    shown = json.loads(program("evaluate", run, *QUICK, "--json", "-").out)
    path = tmp_path / "numbers.json"
    assert program("evaluate", run, *QUICK, "--json", path).code == 0
    written = json.loads(path.read_text())
    assert written["values"] == shown["values"]
    refused = program("evaluate", run, *QUICK, "--json", path)
    assert refused.code == 2
    assert "exists already" in refused.err
    assert program("evaluate", run, *QUICK, "--json", path, "--force").code == 0


def test_what_cannot_be_measured_ends_with_one(program: Program, run: Path) -> None:
    result = program("evaluate", run, *QUICK, "--metrics", "memorization", "--no-baseline")
    assert result.code == 1
    assert "copies@pixels-7" in result.out
    assert "none" in result.out
    assert (
        "error: copies@pixels-7: there are no training samples apart from the reference"
        in result.err
    )


def test_a_collapsed_generator_ends_with_one(program: Program, run: Path) -> None:
    path = run / "generator.safetensors"
    header, tensors = read_safetensors(path)
    zeros = {name: torch.zeros_like(each) for name, each in tensors.items()}
    path.write_bytes(to_safetensors(zeros, header))
    result = program("evaluate", run, *QUICK)
    assert result.code == 1
    assert "error: all 130 generated samples are the same" in result.err
    assert "fd@pixels-7" in result.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--metrics", "fdd"), "did you mean 'fd'"),
        (("--metrics", "[{"), "not JSON"),
        (("--extractor", "pixels,identity"), "name one"),
        (("--seeds", "a"), "is not a list of numbers"),
        (("--checkpoint", "best"), "was not evaluated while it was trained"),
        (("--checkpoint", "7"), "has no checkpoint of step 7"),
        (("--reference", "nowhere"), "has no split 'nowhere'"),
        (("-n", "1"), "1 is not in the range"),
        (("--device", "cuda:99"), "cuda"),
    ],
)
def test_requests_that_cannot_be_met(
    program: Program, run: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = program("evaluate", run, *QUICK, *arguments)
    assert result.code == 2
    assert message in result.err
    assert "Traceback" not in result.err
    assert not list((run / "evaluation").glob("report-*.json"))


def test_offline_the_missing_file_is_named(
    program: Program, run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("GANZOO_OFFLINE", "0")  # so that it is put back after the test
    result = program("evaluate", run, "--metrics", "fid", "-n", "2", "--offline")
    assert result.code == 2
    assert "weights-inception-2015-12-05-6726825d.pth" in result.err
    assert "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2" in result.err
    assert len(result.err.splitlines()) == 1


def test_images_of_any_model_are_compared(program: Program, tmp_path: Path) -> None:
    made = write_images(tmp_path / "made", 40)
    real = write_images(tmp_path / "real", 50, seed=1)
    result = program(
        "evaluate-images", made, real, *MEASURE[:2], "--extractor", "pixels", "--json", "-"
    )
    assert result.code == 0
    report = json.loads(result.out)
    (value,) = report["values"]
    assert value["name"] == "fd@pixels"
    assert value["baseline"]["source"] == f"halves of {real}"
    assert report["reference"] == str(real)
    (protocol,) = report["protocols"].values()
    assert protocol["reference"]["count"] == 50
    assert protocol["generated"]["count"] == 40


@pytest.mark.parametrize(
    ("mode", "side", "message"),
    [("RGB", 8, "convert both with --mode"), ("L", 6, "resize both with --size")],
)
def test_images_unlike_each_other_are_refused(
    program: Program, tmp_path: Path, mode: str, side: int, message: str
) -> None:
    made = write_images(tmp_path / "made", 6)
    real = write_images(tmp_path / "real", 6, mode=mode, side=side)
    refused = program("evaluate-images", made, real, "--metrics", "fd", "--extractor", "pixels")
    assert refused.code == 2
    assert message in refused.err
    option = ("--mode", "grey") if "--mode" in message else ("--size", 6)
    mended = program(
        "evaluate-images", made, real, "--metrics", "fd", "--extractor", "pixels", *option
    )
    assert mended.code == 0


def test_folders_without_images_and_files_that_are_none(program: Program, tmp_path: Path) -> None:
    good = write_images(tmp_path / "good", 4)
    empty = tmp_path / "empty"
    empty.mkdir()
    broken = write_images(tmp_path / "broken", 4)
    (broken / "2.png").write_bytes(b"no picture")
    for folder in (empty, broken, tmp_path / "nowhere"):
        result = program(
            "evaluate-images", folder, good, "--metrics", "fd", "--extractor", "pixels"
        )
        assert result.code == 2
        assert folder.name in result.err
        assert "Traceback" not in result.err


def test_runs_side_by_side(program: Program, run: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(run, tmp_path / "small-2"))
    for each in (run, other):
        assert program("evaluate", each, *QUICK).code == 0
    result = program("compare", run, other)
    assert result.code == 0
    header, line = result.out.splitlines()
    assert header.split("  ")[0] == ""
    assert "small-1 step 20" in header
    assert "small-2 step 20" in header
    assert line.startswith("fd@pixels-7 ")
    assert result.err == ""

    assert program("evaluate", other, *QUICK, "-n", "131").code == 0
    result = program("compare", run, other)
    first, second = result.out.splitlines()[1:]
    assert first.startswith("fd@pixels-7 [a]")
    assert second.startswith("fd@pixels-7 [b]")
    assert second.split()[2] == "-"  # the first run was not measured so
    assert "measured in 2 ways that cannot be compared" in result.err
    assert "[a] generated.count 130; [b] generated.count 131" in result.err


def test_a_comparison_as_json_and_as_plot(program: Program, run: Path, tmp_path: Path) -> None:
    assert program("evaluate", run, *QUICK).code == 0
    report = next((run / "evaluation").glob("report-*.json"))
    plot = tmp_path / "plot.png"
    result = program("compare", run, report, "--json", "-o", plot)
    data: dict[str, Any] = json.loads(result.out)
    assert [each["title"] for each in data["columns"]] == ["small-1 step 20"]
    assert data["columns"][0]["values"]["fd@pixels-7"]["mean"] > 0
    with Image.open(plot) as picture:
        assert picture.width > 300
    assert program("compare", run, "-o", plot).code == 2
    assert program("compare", run, "-o", tmp_path / "plot.xyz").code == 2


def test_what_was_not_evaluated_cannot_be_compared(program: Program, finished: Path) -> None:
    result = program("compare", finished)
    assert result.code == 2
    assert f"make one with: ganzoo evaluate {finished}" in result.err


def test_the_cache_is_listed_checked_and_cleared(
    program: Program, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    assert program("cache", "list").err.startswith("0 files")
    assert program("evaluate", run, *QUICK).code == 0
    listed = json.loads(program("cache", "list", "--json").out)["files"]
    assert {each["kind"] for each in listed} == {"features", "samples"}
    assert program("cache", "verify").code == 0

    damaged = next((tmp_path / "cache").glob("features-*"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    result = program("cache", "verify")
    assert result.code == 1
    assert damaged.name in result.out
    assert program("cache", "clear", "--damaged", "--dry-run").out.strip() == str(damaged)
    assert damaged.exists()
    assert program("cache", "clear", "--damaged").code == 0
    assert not damaged.exists()
    assert program("cache", "clear", "--kind", "nothing").code == 2
    assert program("cache", "clear").code == 0
    assert json.loads(program("cache", "list", "--json").out)["files"] == []


def test_the_best_and_the_last_are_in_the_summary(program: Program, tmp_path: Path) -> None:
    result = program(
        "run",
        "mlp-mnist",
        "--set",
        "training.duration=4 steps",
        "--set",
        "dataset=mnist-5k",
        "--set",
        'evaluation={"metrics": ["fd"], "extractor": "pixels", "every": "2 steps", "samples": 20}',
        "-o",
        tmp_path / "run",
    )
    assert result.code == 0
    assert "step 2 evaluated  fd@pixels " in result.err
    assert "fd@pixels best " in result.err
    assert ", at the end " in result.err
    assert "  verdict       Evaluated " in result.err
    card = (tmp_path / "run" / "README.md").read_text()
    assert "| | best (step " in card
    assert (tmp_path / "run" / "evaluation.png").is_file()
    evaluated = program(
        "evaluate", tmp_path / "run", "-n", "20", "--seeds", "1", "--checkpoint", "best"
    )
    assert evaluated.code == 0
    assert (
        program("sample", tmp_path / "run", "--checkpoint", "best", "-o", tmp_path / "b.png").code
        == 0
    )


def test_a_run_and_its_samples_in_a_file_are_measured_the_same_way(
    program: Program, run: Path, tmp_path: Path
) -> None:
    """The reference has the same pixels, whatever it is called and wherever it lies."""
    opened = ganzoo.open_run(run)
    made, real = tmp_path / "made.npy", tmp_path / "real.npy"
    np.save(made, to_uint8(opened.sample(130, seed=0).numpy()))
    np.save(real, opened.spec.dataset.build("test").samples)
    assert program("evaluate", run, *QUICK).code == 0
    path = tmp_path / "files.json"
    assert program("evaluate-images", made, real, *MEASURE, "--json", path).code == 0
    result = program("compare", run, path)
    (line,) = result.out.splitlines()[1:]
    name, ours, theirs = line.split()[:3]
    assert name == "fd@pixels-7"
    assert ours == theirs
    assert result.err == ""
