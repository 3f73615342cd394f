"""Runs that begin with what another run has learned: branches, and starting weights."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import ganzoo
from ganzoo.api import check
from ganzoo.errors import GanzooWarning, Interrupted, RunError, SpecError
from ganzoo.hookspecs import hookimpl
from ganzoo.runs.checkpoints import Checkpoint

TIMES = {"seconds", "images_per_second"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 images of 8 by 8 pixels: three classes in one file, two in another."""
    folder = tmp_path_factory.mktemp("data")
    images = np.random.default_rng(0).integers(0, 256, (48, 8, 8), dtype=np.uint8)
    for classes in (3, 2):
        np.savez(folder / f"{classes}.npz", images=images, labels=np.arange(48) % classes)
    return folder


@pytest.fixture(scope="module")
def parent(data: Path) -> ganzoo.Run:
    """A conditional run of six steps, which no test may change."""
    return ganzoo.run(spec_of(data), output=data / "parent")


@pytest.fixture
def spec(data: Path) -> dict[str, Any]:
    return spec_of(data)


def spec_of(data: Path) -> dict[str, Any]:
    return {
        "name": "small",
        "dataset": {"type": "arrays", "path": str(data / "3.npz")},
        "latent": {"type": "normal", "dim": 4},
        "generator": {"type": "mlp", "hidden": [16], "conditional": True},
        "discriminator": {"type": "mlp", "hidden": [16], "conditional": True},
        "training": {"duration": "6 steps", "batch_size": 8},
        "output": {
            "directory": str(data / "runs"),
            "log_every": "1 steps",
            "samples_every": "100 steps",
            "samples": 6,
            "checkpoint_every": "2 steps",
        },
    }


def state(run: ganzoo.Run, step: int | None = None) -> dict[str, torch.Tensor]:
    directory = run.directory
    return load_file(
        directory.checkpoints()[0] if step is None else directory.checkpoint_path(step)
    )


def origin(run: ganzoo.Run) -> dict[str, Any]:
    text = (run.path / "environment.json").read_text()
    found: dict[str, Any] = json.loads(text)["origin"]
    return found


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


EVERYTHING = {
    "generator",
    "discriminator",
    "latent",
    "average",
    "moments of generator",
    "moments of discriminator",
}


def kept(run: ganzoo.Run) -> set[str]:
    """Return the parts of which all was taken."""
    counts = {part: text.split(" of ") for part, text in origin(run)["kept"].items()}
    return {part for part, (taken, total) in counts.items() if taken == total}


LONGER = "training.duration=10 steps"


def test_a_longer_run_is_the_run_that_was_longer_from_the_start(
    parent: ganzoo.Run, spec: dict[str, Any], tmp_path: Path
) -> None:
    before = hashes(parent.path)
    branch = ganzoo.branch(parent.path, overrides=[LONGER], output=tmp_path / "branch")
    spec["training"]["duration"] = "10 steps"
    whole = ganzoo.run(spec, output=tmp_path / "whole")
    one, other = state(branch), state(whole)
    assert [name for name in one if not torch.equal(one[name], other[name])] == []
    assert [line["step"] for line in branch.metrics()] == [7, 8, 9, 10]
    lines = [
        [{name: value for name, value in line.items() if name not in TIMES} for line in lines]
        for lines in (branch.metrics(), whole.metrics()[6:])
    ]
    assert lines[0] == lines[1]
    assert origin(branch)["run"] == str(parent.path)
    assert origin(branch)["step"] == 6
    assert origin(branch)["new"] == []
    assert kept(branch) == EVERYTHING
    assert hashes(parent.path) == before


class StopAt:
    """Sends the process a signal at a logged step."""

    def __init__(self, step: int) -> None:
        self.step = step

    @hookimpl
    def ganzoo_step_finished(self, step: int) -> None:
        if step == self.step:
            os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("stop", [7, 9])
def test_a_stopped_branch_is_resumed_exactly(parent: ganzoo.Run, tmp_path: Path, stop: int) -> None:
    changes = [LONGER, "training.batch_size=6", "generator_optimizer.lr=1e-3"]
    whole = ganzoo.branch(parent.path, overrides=changes, output=tmp_path / "whole")
    with pytest.raises(Interrupted):
        ganzoo.branch(
            parent.path, overrides=changes, output=tmp_path / "stopped", listeners=[StopAt(stop)]
        )
    resumed = ganzoo.resume(tmp_path / "stopped")
    one, other = state(whole), state(resumed)
    assert [name for name in one if not torch.equal(one[name], other[name])] == []
    assert origin(resumed) == origin(whole)


def test_a_branch_does_not_need_its_parent(parent: ganzoo.Run, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(parent.path, tmp_path / "copy")
    with pytest.raises(Interrupted):
        ganzoo.branch(
            tmp_path / "copy", overrides=[LONGER], output=tmp_path / "b", listeners=[StopAt(7)]
        )
    shutil.rmtree(tmp_path / "copy")
    assert ganzoo.resume(tmp_path / "b").metrics()[-1]["step"] == 10


def test_an_earlier_step_is_branched_from(parent: ganzoo.Run, tmp_path: Path) -> None:
    branch = ganzoo.branch(parent.path, checkpoint=4, output=tmp_path / "branch")
    assert origin(branch)["step"] == 4
    one, other = state(branch), state(parent)
    assert [name for name in one if not torch.equal(one[name], other[name])] == []
    with pytest.raises(RunError, match=r"has no checkpoint of step 3 \(available: 4, 6\)"):
        ganzoo.branch(parent.path, checkpoint=3, output=tmp_path / "none")


@pytest.mark.parametrize(
    "change",
    ["training.batch_size=16", "loss=minimax", "training.duration=12 steps", "dataset.split=train"],
)
def test_other_settings_keep_all_that_was_learned(
    parent: ganzoo.Run, tmp_path: Path, change: str
) -> None:
    branch = ganzoo.branch(parent.path, overrides=[LONGER, change], output=tmp_path / "branch")
    assert origin(branch)["new"] == []
    assert kept(branch) == EVERYTHING
    assert branch.metrics()[0]["step"] == 7


def test_settings_of_optimizers_are_those_of_the_branch(parent: ganzoo.Run, tmp_path: Path) -> None:
    changes = [LONGER, "generator_optimizer.lr=0.5"]
    branch = ganzoo.branch(parent.path, overrides=changes, output=tmp_path / "branch")
    before, after = state(parent), state(branch)
    name = "networks/generator/layers.2.weight"
    assert (after[name] - before[name]).abs().mean() > 0.05
    assert origin(branch)["new"] == []


def test_fewer_classes_are_new_where_they_count(
    parent: ganzoo.Run, data: Path, tmp_path: Path
) -> None:
    changes = [LONGER, f"dataset.path={data / '2.npz'}", "output.keep_checkpoints=9"]
    branch = ganzoo.branch(parent.path, overrides=changes, output=tmp_path / "branch")
    found = origin(branch)
    assert found["kept"]["generator"] == "3 of 5"
    assert {
        "generator.classes.weight",
        "generator.layers.0.weight",
        "moments of generator.generator.classes.weight",
        "average.generator.classes.weight",
    } <= set(found["new"])
    assert "generator.layers.2.weight" not in found["new"]
    assert branch.sample(2, labels=[0, 1]).shape == (2, 1, 8, 8)
    start, before = state(branch, 6), state(parent)
    name = "networks/generator/layers.2.weight"
    assert torch.equal(start[name], before[name])


def test_the_curves_of_a_branch_say_where_those_before_are(
    parent: ganzoo.Run, tmp_path: Path
) -> None:
    branch = ganzoo.branch(parent.path, overrides=[LONGER], output=tmp_path / "branch")
    title = "branch, branched from parent at step 6"
    assert branch.plot().get_suptitle() == title
    assert parent.plot().get_suptitle() == "parent"


def test_frozen_layers_stay_as_they_were(parent: ganzoo.Run, tmp_path: Path) -> None:
    changes = [LONGER, 'training.freeze=["discriminator.layers.0.*", "*.classes.weight"]']
    branch = ganzoo.branch(parent.path, overrides=changes, output=tmp_path / "branch")
    before, after = state(parent), state(branch)
    same = {name for name in before if torch.equal(before[name], after[name])}
    trained = {name for name in before if name.startswith("networks/")} - same
    assert trained == {
        f"networks/{network}/layers.{index}.{kind}"
        for network, index in (("generator", 0), ("generator", 2), ("discriminator", 2))
        for kind in ("weight", "bias")
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([], r"training\.duration: the branch begins at step 6 and would end at step 6; make it"),
        (["training.batch_size=64"], r"training\.batch_size: 64 is more than the 48 samples"),
        (["loss=hinges"], r"loss: no loss is called 'hinges'"),
        (['training.freeze=["critic.*"]', LONGER], r"training\.freeze\.0: .* matches no weight"),
    ],
)
def test_a_branch_that_cannot_begin_leaves_nothing_behind(
    parent: ganzoo.Run, tmp_path: Path, changes: list[str], message: str
) -> None:
    with pytest.raises(ganzoo.errors.UsageError, match=message):
        ganzoo.branch(parent.path, overrides=changes, output=tmp_path / "branch")
    assert not (tmp_path / "branch").exists()


@pytest.mark.filterwarnings("ignore:training.freeze")
def test_weights_of_another_run_are_where_a_run_starts(
    parent: ganzoo.Run, spec: dict[str, Any], tmp_path: Path
) -> None:
    spec |= {"initialize_from": {"run": str(parent.path)}, "seed": 7}
    spec["training"] |= {"freeze": ["*"]}
    run = ganzoo.run(spec, output=tmp_path / "run")
    before, after = state(parent), state(run)
    networks = [name for name in before if name.startswith("networks/")]
    assert all(torch.equal(before[name], after[name]) for name in networks)
    assert run.metrics()[0]["step"] == 1, "steps start anew"
    assert origin(run)["new"] == []
    card = (run.path / "README.md").read_text(encoding="utf-8")
    assert f"| Initialized from | `{parent.path}`, step" in card
    average = {
        name: value for name, value in after.items() if name.startswith("average/generator.")
    }
    weights = [after[f"networks/{name[8:].replace('.', '/', 1)}"] for name in average]
    begun = [(before[name] - now).norm() for name, now in zip(average, weights, strict=True)]
    ended = [(each - now).norm() for each, now in zip(average.values(), weights, strict=True)]
    assert 0 < sum(ended) < sum(begun), (
        "the average starts from the other run's average, and follows weights that stay"
    )


@pytest.mark.filterwarnings("ignore:training.freeze")
def test_named_networks_of_a_step_are_taken(
    parent: ganzoo.Run, spec: dict[str, Any], tmp_path: Path
) -> None:
    spec["initialize_from"] = {
        "run": str(parent.path),
        "networks": ["generator"],
        "checkpoint": 4,
    }
    spec["training"] |= {"freeze": ["generator.*"]}
    run = ganzoo.run(spec, output=tmp_path / "run")
    earlier, after = state(parent, 4), state(run)
    name = "networks/generator/layers.0.weight"
    assert torch.equal(earlier[name], after[name])
    assert list(origin(run)["kept"]) == ["generator"]
    assert origin(run)["step"] == 4


def test_a_run_with_starting_weights_is_resumed_exactly(
    parent: ganzoo.Run, spec: dict[str, Any], tmp_path: Path
) -> None:
    spec["initialize_from"] = {"run": str(parent.path), "networks": ["generator"]}
    whole = ganzoo.run(spec, output=tmp_path / "whole")
    with pytest.raises(Interrupted):
        ganzoo.run(spec, output=tmp_path / "stopped", listeners=[StopAt(3)])
    resumed = ganzoo.resume(tmp_path / "stopped")
    one, other = state(whole), state(resumed)
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            {"networks": ["critic"]},
            r"initialize_from\.networks: .*has no network 'critic' \(available",
        ),
        ({"checkpoint": 5}, r"has no checkpoint of step 5 \(available: 4, 6\)"),
        ({"run": "nowhere"}, r"nowhere: does not exist"),
        ({"what": 1}, r"initialize_from\.what: unknown key"),
    ],
)
def test_starting_weights_that_there_are_not_are_refused_in_one_sentence(
    parent: ganzoo.Run,
    spec: dict[str, Any],
    tmp_path: Path,
    source: dict[str, Any],
    message: str,
) -> None:
    spec["initialize_from"] = {"run": str(parent.path), **source}
    with pytest.raises(ganzoo.errors.UsageError, match=message) as caught:
        ganzoo.run(spec, output=tmp_path / "run")
    assert "\n" not in str(caught.value).strip()
    assert not (tmp_path / "run").exists()
    with pytest.raises(ganzoo.errors.UsageError, match=message):
        check(ganzoo.load_spec(spec))


@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_a_network_of_which_nothing_is_trained_is_warned_of(
    spec: dict[str, Any], network: str
) -> None:
    spec["training"]["freeze"] = [f"{network}.*"]
    with pytest.warns(GanzooWarning, match=f"freeze: no weight of {network} is trained") as given:
        check(ganzoo.load_spec(spec))
    assert len(given) == 1


def test_frozen_weights_that_there_are_not_are_found_without_training(spec: dict[str, Any]) -> None:
    spec["training"]["freeze"] = ["generator.layers.0.*", "critic.*"]
    with pytest.raises(SpecError, match=r"training\.freeze\.1: .* matches no weight"):
        check(ganzoo.load_spec(spec))


def test_weights_of_another_form_are_refused(
    parent: ganzoo.Run, spec: dict[str, Any], tmp_path: Path
) -> None:
    spec["generator"]["hidden"] = [12]
    spec["generator"]["conditional"] = spec["discriminator"]["conditional"] = False
    spec["generator"]["output_activation"] = "identity"
    np.save(tmp_path / "points.npy", np.zeros((48, 2), dtype=np.float32))
    spec["dataset"] = {"type": "arrays", "path": str(tmp_path / "points.npy")}
    spec["initialize_from"] = {"run": str(parent.path), "networks": ["generator"]}
    with pytest.raises(SpecError, match="initialize_from: no weight of network 'generator' of"):
        ganzoo.run(spec, output=tmp_path / "run")


def slots(run: ganzoo.Run, name: str, step: int | None = None) -> dict[str, torch.Tensor]:
    """Return the first moments of an optimizer by the names of its parameters."""
    path = run.directory.checkpoints()[0] if step is None else run.directory.checkpoint_path(step)
    checkpoint = Checkpoint.load(path)
    names = checkpoint.values["parameters"][name]["names"]
    return {
        label: checkpoint.tensors[f"optimizers/{name}/{index}/exp_avg"]
        for index, label in enumerate(names)
    }


def test_another_optimizer_starts_without_moments(parent: ganzoo.Run, tmp_path: Path) -> None:
    changes = [LONGER, 'generator_optimizer={"type": "rmsprop", "lr": 1e-4}']
    branch = ganzoo.branch(parent.path, overrides=changes, output=tmp_path / "branch")
    found = origin(branch)
    assert found["kept"]["moments of generator"] == "0 of 5"
    assert found["kept"]["moments of discriminator"].split(" of ")[0] != "0"
    assert branch.metrics()[-1]["step"] == 10


def test_moments_are_matched_by_the_names_of_parameters(parent: ganzoo.Run, tmp_path: Path) -> None:
    factors = 'generator_optimizer.lr_factors={"generator.layers.0.*": 0.5}'  # another order
    changes = [LONGER, factors, "output.keep_checkpoints=9"]
    branch = ganzoo.branch(parent.path, overrides=changes, output=tmp_path / "branch")
    before, after = slots(parent, "generator"), slots(branch, "generator", 6)
    assert list(before) != list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert origin(branch)["new"] == []


def test_callbacks_of_other_settings_start_anew_and_leave_no_factor(
    spec: dict[str, Any], tmp_path: Path
) -> None:
    spec["callbacks"] = [{"type": "stop_at", "quantity": "loss/generator", "above": 1e9}]
    parent = ganzoo.run(spec, output=tmp_path / "parent")
    same = ganzoo.branch(parent.path, overrides=[LONGER], output=tmp_path / "same")
    assert origin(same)["new"] == []
    changes = [LONGER, "callbacks.0.above=1e8"]
    other = ganzoo.branch(parent.path, overrides=changes, output=tmp_path / "other")
    assert origin(other)["new"] == ["callback stop_at"]


def test_a_branch_takes_no_starting_weights(parent: ganzoo.Run, tmp_path: Path) -> None:
    change = f"initialize_from.run={parent.path}"
    with pytest.raises(SpecError, match="initialize_from: a branch goes on with"):
        ganzoo.branch(parent.path, overrides=[LONGER, change], output=tmp_path / "branch")


def test_a_branch_without_a_checkpoint_is_not_started_from_nothing(
    parent: ganzoo.Run, tmp_path: Path
) -> None:
    branch = ganzoo.branch(parent.path, overrides=[LONGER], output=tmp_path / "branch")
    for path in branch.directory.checkpoints():
        path.unlink()
    with pytest.raises(RunError, match="has no checkpoint that can be read; branch again from"):
        ganzoo.resume(branch.path)


def test_counters_of_batches_are_no_weights_to_start_from(
    spec: dict[str, Any], tmp_path: Path
) -> None:
    for name in ("generator", "discriminator"):
        spec[name] |= {"conditional": False, "normalization": "batch"}
    small = ganzoo.run(spec, output=tmp_path / "small")
    for name in ("generator", "discriminator"):
        spec[name]["hidden"] = [8, 8, 8]
    spec["latent"]["dim"] = 5
    spec["initialize_from"] = {"run": str(small.path), "networks": ["generator"]}
    with pytest.raises(SpecError, match="no weight of network 'generator'"):
        ganzoo.run(spec, output=tmp_path / "run")
