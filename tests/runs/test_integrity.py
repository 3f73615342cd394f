"""Whatever happens to a file of a run, it is noticed, or it makes no difference."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import ganzoo
from ganzoo.errors import CheckpointError, GanzooError, GanzooWarning, RunError
from ganzoo.runs.checkpoints import Checkpoint
from ganzoo.runs.generator import load_sampler
from ganzoo.runs.report import read_report

SPEC: dict[str, Any] = {
    "name": "tiny",
    "dataset": {"type": "mnist-5k", "split": "test"},
    "latent": {"type": "normal", "dim": 4},
    "generator": {"type": "mlp", "hidden": [2]},
    "discriminator": {"type": "mlp", "hidden": [2]},
    "training": {"duration": "4 steps", "batch_size": 8},
    "output": {"samples": 1, "checkpoint_every": "2 steps", "keep_checkpoints": 2},
    "device": "cpu",
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = ganzoo.run(SPEC, output=tmp_path_factory.mktemp("runs") / "tiny-1")
    run.evaluate(metrics=["fd"], extractor="pixels", samples=8, seeds=[0])
    return run.path


@pytest.fixture
def copied(tiny: Path, tmp_path: Path) -> ganzoo.Run:
    return ganzoo.open_run(shutil.copytree(tiny, tmp_path / "tiny-1"))


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return content with one of the damages that disks, networks and kills do."""
    data = bytearray(content)
    at, other = (rng.randrange(len(data)) for _ in range(2))
    size = rng.choice((16, 64, 512, 4096))
    match rng.choice(("flip", "flip", "flip", "byte", "cut", "zeros", "swap", "longer")):
        case "flip":
            data[at] ^= 1 << rng.randrange(8)
        case "byte":
            data[at] = rng.randrange(256)
        case "cut":
            del data[at:]
        case "zeros":
            data[at : at + size] = bytes(len(data[at : at + size]))
        case "swap":
            size = min(size, len(data) - max(at, other))
            data[at : at + size], data[other : other + size] = (
                data[other : other + size],
                data[at : at + size],
            )
        case "longer":
            data += data[at:]
    return bytes(data)


def outcomes(
    path: Path, read: Callable[[], object], same: Callable[[Any], bool], count: int
) -> tuple[int, int]:
    """Return how many of several damages are noticed, and how many change what is read."""
    whole, rng = path.read_bytes(), random.Random(path.name)
    messages: list[str] = []
    changed = 0
    for _ in range(count):
        path.write_bytes(damaged(whole, rng))
        try:
            changed += not same(read())
        except GanzooError as error:
            messages.append(str(error))
    path.write_bytes(whole)
    assert all(path.name in each and "\n" not in each for each in messages)
    return len(messages), changed


def same_tensors(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_damage_to_a_checkpoint_is_noticed(copied: ganzoo.Run) -> None:
    path = copied.directory.checkpoints()[0]
    whole = Checkpoint.load(path)

    def same(loaded: Checkpoint) -> bool:
        parts = (loaded.step, loaded.spec) == (whole.step, whole.spec)
        return parts and same_tensors(loaded.tensors, whole.tensors)

    noticed, changed = outcomes(path, lambda: Checkpoint.load(path), same, 400)
    assert noticed > 380
    assert changed == 0


def test_damage_to_a_generator_is_noticed(copied: ganzoo.Run) -> None:
    run = copied.directory
    weights = load_sampler(run).sha256
    noticed, changed = outcomes(
        run.generator_path, lambda: load_sampler(run), lambda read: read.sha256 == weights, 300
    )
    assert noticed > 280
    assert changed == 0


def test_damage_to_a_report_is_noticed(copied: ganzoo.Run) -> None:
    path = copied.directory.reports()[0]
    whole = read_report(path)
    noticed, changed = outcomes(path, lambda: read_report(path), lambda read: read == whole, 400)
    assert noticed > 320  # others are to spaces, and to the order of nothing
    assert changed == 0


def test_files_that_changed_places_are_noticed(copied: ganzoo.Run) -> None:
    new, old = copied.directory.checkpoints()
    shutil.copy(old, new)
    with pytest.raises(CheckpointError, match="is the checkpoint of another step, 2"):
        Checkpoint.load(new)
    shutil.copy(copied.directory.generator_path, new)
    with pytest.raises(CheckpointError, match="is not a checkpoint"):
        Checkpoint.load(new)
    shutil.copy(old, copied.directory.generator_path)
    with pytest.raises(RunError, match=r"generator\.safetensors: does not fit"):
        copied.sample(1)


def test_a_damaged_generator_is_written_again_by_resume(copied: ganzoo.Run) -> None:
    expected, path = copied.sample(4), copied.directory.generator_path
    content = bytearray(path.read_bytes())
    content[-3] ^= 4
    for change in (lambda: path.write_bytes(content), path.unlink):
        change()
        with pytest.raises(RunError, match=r"ganzoo resume .* writes it again"):
            ganzoo.open_run(copied.path).sample(1)
        assert torch.equal(ganzoo.resume(copied.path).sample(4), expected)


def test_an_edited_spec_does_not_change_samples_silently(copied: ganzoo.Run) -> None:
    spec, expected = copied.directory.spec_path, copied.sample(4)
    text = spec.read_text()
    spec.write_text(text.replace('"std": 1.0', '"std": 3.0'))
    with pytest.warns(GanzooWarning, match=r"edited since .*latent\.std was 1\.0 and is 3\.0"):
        again = ganzoo.open_run(copied.path).sample(4)
    assert torch.equal(again, expected)
    harmless = json.loads(text) | {"name": "renamed", "watchdog": None}
    harmless["training"]["duration"] = "1000 steps"
    spec.write_text(json.dumps(harmless))
    assert torch.equal(ganzoo.open_run(copied.path).sample(4), expected)


def test_a_report_that_cannot_be_kept_is_written_elsewhere(
    copied: ganzoo.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shutil.rmtree(copied.directory.evaluation_directory)
    copied.directory.evaluation_directory.write_text("in the way")
    with pytest.warns(GanzooWarning, match="cannot be kept in the run directory .* it is in"):
        report = copied.evaluate(metrics=["fd"], extractor="pixels", samples=8, seeds=[0])
    (kept,) = tmp_path.glob("ganzoo-report-*.json")
    assert read_report(kept) == report
