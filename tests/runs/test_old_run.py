"""A run directory of ganzoo 0.1 opens, samples as it did, and is trained on.

``old_run`` was written by ganzoo 0.1.0: 20 steps of a small conditional run with an average, of which
the checkpoint of step 10 is kept. ``samples.npy`` holds five samples that 0.1.0 generated from it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import ganzoo
from ganzoo.errors import RunError

OLD = Path(__file__).parent / "old_run"

# The plugins were of version 0.1.0, too.
pytestmark = pytest.mark.filterwarnings("ignore:old-1 was trained with ganzoo-activations 0.1.0")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A copy whose data set is where its spec says."""
    copy = tmp_path / "old-1"
    shutil.copytree(OLD, copy)
    data = tmp_path / "digits.npz"
    (copy / "digits.npz").rename(data)
    (copy / "samples").mkdir()

    def moved(text: str) -> str:
        return text.replace("/srv/digits.npz", str(data))

    spec = copy / "spec.json"
    spec.write_text(moved(spec.read_text()))
    for path in copy.rglob("*.safetensors"):
        with safe_open(path, framework="pt") as file:
            metadata = {key: moved(value) for key, value in file.metadata().items()}
        save_file({k: v.clone() for k, v in load_file(path).items()}, path, metadata)
    return copy


def test_it_opens_and_gives_the_samples_that_it_gave(old: Path) -> None:
    run = ganzoo.open_run(old)
    assert run.metrics()[-1]["step"] == 20
    assert run.info.sample_shape == (1, 4, 4)
    assert run.class_names == ("0", "1")
    samples = run.sample(5, seed=1, labels=[0, 1, 1, 0, 1])
    assert np.abs(samples.numpy() - np.load(OLD / "samples.npy")).max() < 1e-6
    assert run.spec.to_json()["discriminator_steps"] == 2


def test_an_earlier_step_of_it_samples(old: Path) -> None:
    early, late = ganzoo.open_run(old, checkpoint=10), ganzoo.open_run(old)
    assert not torch.equal(early.sample(2), late.sample(2))


def test_it_is_evaluated(old: Path) -> None:
    report = ganzoo.open_run(old).evaluate(
        metrics=["fd"], extractor="pixels", samples=16, seeds=[0], save=False
    )
    assert report.values


def test_it_is_resumed_to_the_weights_that_0_1_trained(old: Path) -> None:
    """From the checkpoint of step 10 to step 20, whose averaged weights 0.1 left."""
    expected = load_file(OLD / "generator.safetensors")
    (old / "generator.safetensors").unlink()
    run = ganzoo.resume(old)
    weights = load_file(old / "generator.safetensors")
    assert weights.keys() == expected.keys()
    for name, weight in expected.items():
        torch.testing.assert_close(weights[name], weight, rtol=1e-5, atol=1e-6)
    logged = [json.loads(line) for line in (OLD / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in run.metrics()] == [line["step"] for line in logged]
    last = run.metrics()[-1]
    assert last["loss/generator"] == pytest.approx(logged[-1]["loss/generator"], rel=1e-5)


def test_it_is_branched_from(old: Path, tmp_path: Path) -> None:
    branch = ganzoo.branch(
        old, checkpoint=10, overrides=["training.duration=14 steps"], output=tmp_path / "branch"
    )
    assert branch.metrics()[-1]["step"] == 14
    assert branch.directory.environment()["origin"]["new"] == []


def test_an_edit_is_still_refused(old: Path) -> None:
    spec = old / "spec.json"
    spec.write_text(spec.read_text().replace('"batch_size": 8', '"batch_size": 4'))
    with pytest.raises(RunError, match=r"training\.batch_size was 8 and is 4"):
        ganzoo.resume(old)
