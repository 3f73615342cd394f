"""What a run leaves behind, and that one which cannot begin leaves nothing."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo import hookimpl
from ganzoo.errors import DataError, DeviceError, PluginWarning, RunError, SpecError, TrainingError
from ganzoo.plugins import Selection, installed
from ganzoo.runs import RunDirectory


class Events:
    """Notes what a run announces."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.metrics: list[Mapping[str, float]] = []

    @hookimpl
    def ganzoo_run_started(self, step: int) -> None:
        self.seen.append(("started", step))

    @hookimpl
    def ganzoo_step_finished(self, step: int, metrics: Mapping[str, float]) -> None:
        self.seen.append(("logged", step))
        self.metrics.append(metrics)

    @hookimpl
    def ganzoo_samples_saved(self, step: int, path: Path) -> None:
        assert path.exists()
        self.seen.append(("samples", step))

    @hookimpl
    def ganzoo_checkpoint_saved(self, step: int, path: Path) -> None:
        assert path.exists()
        self.seen.append(("checkpoint", step))

    @hookimpl
    def ganzoo_run_finished(self, step: int, total_steps: int, completed: bool) -> None:
        self.seen.append(("completed" if completed else "stopped", step))


def test_a_run_leaves_what_its_spec_asks_for(small: dict[str, Any]) -> None:
    events = Events()
    run = ganzoo.run(small, listeners=[events])
    directory = run.directory
    assert [line["step"] for line in run.metrics()] == [7, 14, 21, 28, 35, 40]
    assert [path.name for path in directory.sample_grids()] == [
        f"step-{step:08d}.png" for step in (0, 20, 40)
    ]
    assert [path.name for path in directory.checkpoints()] == [
        f"step-{step:08d}.safetensors" for step in (40, 30)
    ]
    for path in (
        directory.generator_path,
        directory.losses_path,
        directory.readme_path,
        directory.samples_directory / "real.png",
    ):
        assert path.stat().st_size > 0
    assert directory.environment()["providers"]["generator"]["name"] == "ganzoo-mlp"
    assert events.seen[:2] == [("samples", 0), ("started", 0)]
    assert events.seen[-4:] == [
        ("logged", 40),
        ("samples", 40),
        ("checkpoint", 40),
        ("completed", 40),
    ]
    assert events.metrics[-1]["epoch"] == pytest.approx(40 / (1000 // 16), abs=1e-3)


def test_its_spec_runs_again_to_the_same_weights(small: dict[str, Any]) -> None:
    one = ganzoo.run(small)
    other = ganzoo.run(one.directory.spec_path)
    assert one.path != other.path
    assert one.directory.generator_path.read_bytes() == other.directory.generator_path.read_bytes()


def test_another_seed_is_another_run(small: dict[str, Any]) -> None:
    one, other = ganzoo.run(small), ganzoo.run({**small, "seed": 1})
    assert one.metrics()[0]["loss/generator"] != other.metrics()[0]["loss/generator"]


def test_the_generator_saved_is_the_average(small: dict[str, Any]) -> None:
    averaged = ganzoo.run({**small, "training": {**small["training"], "ema": {"decay": 0.99}}})
    last = ganzoo.run({**small, "training": {**small["training"], "ema": None}})
    z = torch.randn(4, 8)
    assert not torch.equal(averaged.sample(latents=z), last.sample(latents=z))
    checkpoint = averaged.directory.checkpoints()[0]
    from safetensors.torch import load_file

    state = load_file(checkpoint)
    weights = averaged.generator().state_dict()
    for name, value in weights.items():
        assert torch.equal(state[f"average/generator.{name}"], value)


def test_metrics_are_means_since_the_last_line(small: dict[str, Any]) -> None:
    often = ganzoo.run({**small, "output": {**small["output"], "log_every": "1 steps"}}).metrics()
    seldom = ganzoo.run({**small, "output": {**small["output"], "log_every": "10 steps"}}).metrics()
    mean = np.mean([line["loss/generator"] for line in often[10:20]])
    assert seldom[1]["step"] == 20
    assert seldom[1]["loss/generator"] == pytest.approx(mean, rel=1e-5)


def test_grids_of_a_conditional_run_have_a_column_a_class(small: dict[str, Any]) -> None:
    for network in ("generator", "discriminator"):
        small[network]["conditional"] = True
    small["output"]["samples"] = 20
    with Image.open(ganzoo.run(small).directory.sample_grids()[-1]) as grid:
        assert 10 * 60 <= grid.width < 11 * 60
        assert 2 * 60 < grid.height < 3 * 60  # two rows, with the names of classes above


def test_a_run_in_two_dimensions(small: dict[str, Any], tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)
    np.save(tmp_path / "points.npy", points)
    small["dataset"] = {"type": "arrays", "path": str(tmp_path / "points.npy")}
    small["generator"]["output_activation"] = "identity"
    run = ganzoo.run(small)
    assert run.sample(5).shape == (5, 2)
    with Image.open(run.directory.sample_grids()[-1]) as plot:
        assert plot.width > 100


@pytest.mark.parametrize("duration", ["1 steps", "16 images", "0.01 epochs"])
def test_the_shortest_runs(small: dict[str, Any], duration: str) -> None:
    small["training"]["duration"] = duration
    assert [line["step"] for line in ganzoo.run(small).metrics()] == [1]


def test_divergence_stops_a_run_with_a_clear_error(small: dict[str, Any]) -> None:
    small["discriminator_optimizer"] = {"type": "sgd", "lr": 1e30}
    small["loss"] = "lsgan"
    with pytest.raises(
        TrainingError, match=r"is (nan|inf|-inf) at step \d+: training has diverged"
    ):
        ganzoo.run(small)


def test_the_callers_random_state_and_settings_are_left_alone(small: dict[str, Any]) -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    precision = torch.get_float32_matmul_precision()
    ganzoo.run(small)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_float32_matmul_precision() == precision
    tiny = torch.tensor([1e-40])
    assert (tiny * 1.0).item() != 0


def test_a_failing_listener_is_a_warning_and_stops_nothing(
    small: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed(), "selection", Selection())  # not strict, whatever is set

    class Broken:
        @hookimpl
        def ganzoo_checkpoint_saved(self, step: int) -> None:
            raise RuntimeError("the disk of the tracker is full")

    with pytest.warns(PluginWarning, match="ganzoo_checkpoint_saved: RuntimeError: the disk"):
        run = ganzoo.run(small, listeners=[Broken()])
    assert run.metrics()[-1]["step"] == 40


Change = Callable[[dict[str, Any]], object]

BAD: list[tuple[Change, type[Exception], str]] = [
    (lambda s: s["training"].update(batch_size=5000), DataError, "batch_size: 5000 is more than"),
    (lambda s: s.update(device="cuda:7"), DeviceError, "'cuda:7' is not available"),
    (
        lambda s: s.update(dataset={"type": "folder", "path": "/nowhere/at/all"}),
        DataError,
        "/nowhere/at/all",
    ),
    (
        lambda s: s.update(
            dataset={"type": "torchvision", "name": "MNIST", "root": "/nowhere", "download": False}
        ),
        DataError,
        "/nowhere",
    ),
    (lambda s: s["dataset"].update(split="validation"), SpecError, "no split 'validation'"),
    (lambda s: s["generator"].update(conditional=True), SpecError, "both networks are told"),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD)
def test_what_cannot_begin_leaves_nothing_behind(
    small: dict[str, Any], change: Change, error: type[Exception], message: str
) -> None:
    change(small)
    with pytest.raises(error, match=message):
        ganzoo.run(small)
    assert not Path(small["output"]["directory"]).exists()


def test_an_existing_directory_is_never_used(small: dict[str, Any], tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match="exists already"):
        ganzoo.run(small, output=mine)
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]


def test_the_resolved_spec_names_every_default(small: dict[str, Any]) -> None:
    run = ganzoo.run({**small, "training": {"duration": "1 steps", "batch_size": 16}})
    data = json.loads(run.directory.spec_path.read_text())
    assert data["generator_optimizer"]["lr"] == 2e-4
    assert RunDirectory.open(run.path).spec == run.spec
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ganzoo.load_spec(data)


def test_a_diverged_run_keeps_its_good_weights(small: dict[str, Any]) -> None:
    """Checkpoints between two lines of metrics must not take the place of healthy ones."""

    class Spoil:
        @hookimpl
        def ganzoo_checkpoint_saved(self, run: RunDirectory, step: int) -> None:
            good.append(run.generator_path.read_bytes())

    good: list[bytes] = []
    small["generator_optimizer"] = {
        "type": "sgd",
        "lr": {"type": "step", "numbers": [1e-3, 1e30], "at": [0.5]},
    }
    small["discriminator_optimizer"] = small["generator_optimizer"]
    small["loss"] = "lsgan"
    small["output"].update(log_every="40 steps", checkpoint_every="2 steps")
    events = Events()
    with pytest.raises(TrainingError, match="diverged"):
        ganzoo.run(small, listeners=[Spoil(), events])
    run = ganzoo.open_run(Path(small["output"]["directory"]) / "small-1")
    assert run.directory.generator_path.read_bytes() == good[-1]
    assert run.sample(4).isfinite().all()
    assert events.seen[-1][0] == "stopped"


def test_images_are_counted_as_shown(small: dict[str, Any]) -> None:
    """1,000 samples in batches of 600 and 400: an epoch is 1,000 images, not 1,200."""
    small["training"].update(batch_size=600, last_batch="keep", duration="4k images")
    assert ganzoo.run(small).metrics()[-1]["step"] == 8


@pytest.mark.parametrize(
    "changes",
    [
        {"batch_size": 999, "last_batch": "keep"},
        {"batch_size": 1},
        {"batch_size": 8, "accumulation": 8},
    ],
)
def test_single_samples_for_batch_norm_are_refused(
    small: dict[str, Any], changes: dict[str, Any]
) -> None:
    small["generator"]["normalization"] = "batch"
    small["training"].update(changes)
    with pytest.raises(SpecError, match=r"training\.batch_size: .*single sample"):
        ganzoo.run(small)
    assert not Path(small["output"]["directory"]).exists()
