"""What samples are generated from: conditions, sources, arrays that users pass, and nothing at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.builtin.datasets import Arrays
from ganzoo.components import Condition
from ganzoo.data.split import Split
from ganzoo.errors import RunError
from ganzoo.evaluation.request import RunRequest
from ganzoo.evaluation.run import RunEvaluator
from ganzoo.evaluation.samples import GeneratedSamples
from ganzoo.sampling import Inputs, Sampler, TranslatingSampler, generate, source_inputs
from ganzoo.spec import RunSpec
from ganzoo.training.grids import fixed_inputs
from ganzoo.training.setup import prepare

CPU = torch.device("cpu")


class Tell(nn.Module):
    """Translates a source (N, 1, 2, 2) to an image that is as bright as the class it is told."""

    def forward(self, source: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(source) + condition[:, None, None, None] / 10


class Noise(Sampler):
    """Generates points from noise alone."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)

    @property
    def network(self) -> nn.Module:
        return self.layer

    def forward(self, inputs: Inputs, rng: torch.Generator) -> torch.Tensor:
        return self.layer(torch.randn(len(inputs), 2, generator=rng))


@pytest.fixture
def paired(tmp_path: Path) -> RunSpec:
    """A run of images with sources of their own; the classes are in no particular order."""
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for split, count in (("train", 40), ("test", 24)):
        arrays[f"{split}_images"] = rng.integers(0, 256, (count, 2, 2), dtype=np.uint8)
        arrays[f"{split}_source"] = rng.integers(0, 256, (count, 2, 2), dtype=np.uint8)
        labels = rng.integers(0, 3, count)
        labels[:3] = [2, 2, 0]
        arrays[f"{split}_labels"] = labels
    np.savez(tmp_path / "pairs.npz", **arrays)
    return ganzoo.load_spec(
        {
            "dataset": {"type": "arrays", "path": str(tmp_path / "pairs.npz")},
            "generator": "mlp",
            "discriminator": "mlp",
            "output": {"samples": 9, "directory": str(tmp_path)},
        }
    )


@pytest.fixture
def translator() -> TranslatingSampler:
    return TranslatingSampler(Tell(), Condition("classes", 3)).ready()


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The splits that are read, in order."""
    names: list[str] = []
    build: Callable[[Arrays, str], Split] = Arrays.build

    def noted(self: Arrays, split: str) -> Split:
        names.append(split)
        return build(self, split)

    monkeypatch.setattr(Arrays, "build", noted)
    return names


def test_sources_come_with_their_own_conditions_everywhere(
    paired: RunSpec, translator: TranslatingSampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = paired.dataset.build("train"), paired.dataset.build("test")
    assert source_inputs(translator, test, slice(5)).condition.tolist() == list(test.condition[:5])
    in_grid = fixed_inputs(translator, train, paired.output.samples, paired.seed)
    for source, told in zip(in_grid.source, in_grid.condition, strict=True):
        (row,) = np.flatnonzero(
            (train.source == np.rint((source.numpy() + 1) * 127.5)).all((1, 2, 3))
        )
        assert told == train.condition[row]
    evaluated = GeneratedSamples(translator, test.space, 100, 0, train, test)
    assert list(evaluated.labels) == list(test.condition)

    run = ganzoo.api.Run(ganzoo.runs.RunDirectory.create(paired))
    monkeypatch.setattr(ganzoo.api.Run, "sampler", translator)
    expected = torch.from_numpy(test.condition) / 10
    assert torch.allclose(run.sample(100)[:, 0, 0, 0], expected)
    assert torch.allclose(run.sample(2, labels=[1, 0])[:, 0, 0, 0], torch.tensor([0.1, 0.0]))
    of_arrays = run.sample(source=np.zeros((4, 1, 2, 2), np.float32))[:, 0, 0, 0]
    assert torch.allclose(of_arrays, torch.tensor([0.0, 0.1, 0.2, 0.0])), "all classes in turn"


def test_sources_without_conditions_of_their_own_get_the_default(
    paired: RunSpec, translator: TranslatingSampler
) -> None:
    test = paired.dataset.build("test")
    unpaired = Split(test.samples, test.condition, test.source, paired=False)
    assert source_inputs(translator, unpaired, slice(4)).condition.tolist() == [0, 1, 2, 0]
    with pytest.raises(ValueError, match="no sources"):
        source_inputs(translator, Split(test.samples), slice(4))


def test_an_evaluation_reads_sources_once_and_says_whose_conditions_are_told(
    paired: RunSpec, translator: TranslatingSampler, built: list[str]
) -> None:
    info = paired.dataset.info()
    split = paired.dataset.build("train")
    request = RunRequest.of(
        metrics=["fd"], extractor="pixels", samples=24, seeds=[0, 1, 2], baseline=False
    )
    evaluator = RunEvaluator(paired, request.for_run(paired, info), info, split, CPU)
    built.clear()
    report = evaluator.evaluate(translator, "run", 1, "raw", "hash")
    assert report.subject.labels == "those of the sources in split test"
    assert len(built) == 2, "once to translate, once as the reference"


def test_default_conditions_are_drawn_from_all_samples_by_the_seed(tmp_path: Path) -> None:
    """Sorted data do not give one condition everywhere."""
    values = np.sort(np.random.default_rng(0).random((500, 2), dtype=np.float32), axis=0)
    np.savez(tmp_path / "sorted.npz", points=values, values=values)

    def drawn(seed: int) -> torch.Tensor:
        data = {
            "seed": seed,
            "dataset": {"type": "arrays", "path": str(tmp_path / "sorted.npz")},
            "generator": {"type": "mlp", "hidden": [4], "conditional": True},
            "discriminator": {"type": "mlp", "hidden": [4], "conditional": True},
        }
        spec = ganzoo.load_spec(data)
        examples = prepare(spec, spec.check(), CPU).sampler.examples
        assert examples is not None
        return examples

    examples = drawn(0)
    assert len(examples.unique(dim=0)) == 64
    assert examples.max() > 0.9
    assert torch.equal(drawn(0), examples)
    assert not torch.equal(drawn(1), examples)


def test_samples_may_come_from_noise_alone() -> None:
    sampler = Noise().ready()
    samples = torch.cat(list(generate(sampler, Inputs(count=70), seed=3)))
    assert samples.shape == (70, 2)
    assert torch.equal(torch.cat(list(generate(sampler, Inputs(count=5), seed=3))), samples[:5])
    split = Split(np.zeros((8, 2), np.float32))
    generated = GeneratedSamples(sampler, split.space, 70, 3, split)
    assert np.array_equal(generated.read(range(70)), samples.numpy())


def run_of_points(folder: Path, points: np.ndarray, labels: np.ndarray) -> ganzoo.Run:
    """Return a conditional run, trained on points for two steps."""
    np.savez(folder / "points.npz", points=points, labels=labels)
    data = {
        "dataset": {"type": "arrays", "path": str(folder / "points.npz")},
        "latent": {"type": "normal", "dim": 3},
        "generator": {"type": "mlp", "hidden": [4], "conditional": True},
        "discriminator": {"type": "mlp", "hidden": [4], "conditional": True},
        "training": {"duration": "2 steps", "batch_size": 8},
    }
    return ganzoo.run(data, output=folder / "run")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> ganzoo.Run:
    """A run with two labels for each point."""
    rng = np.random.default_rng(0)
    points, labels = rng.random((32, 2), dtype=np.float32), rng.integers(0, 2, (32, 2))
    return run_of_points(tmp_path_factory.mktemp("labelled"), points, labels)


@pytest.fixture(scope="module")
def of_classes(tmp_path_factory: pytest.TempPathFactory) -> ganzoo.Run:
    """A run with three classes of points."""
    points = np.random.default_rng(0).random((32, 2), dtype=np.float32)
    return run_of_points(tmp_path_factory.mktemp("classes"), points, np.arange(32) % 3)


@pytest.mark.parametrize(
    "condition",
    [
        torch.tensor([[1, 0], [0, 1]]),
        np.array([[1, 0], [0, 1]], dtype=np.int64),
        np.array([[True, False], [False, True]]),
        [[1.0, 0.0], [0.0, 1.0]],
    ],
)
def test_labels_of_any_type_are_told(labelled: ganzoo.Run, condition: Any) -> None:
    floats = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    expected = labelled.sample(2, condition=floats)
    assert torch.equal(labelled.sample(2, condition=condition), expected)


@pytest.mark.parametrize("classes", [[2, 0], np.array([2, 0], np.uint8), torch.tensor([2, 0])])
def test_classes_of_any_type_are_told(of_classes: ganzoo.Run, classes: Any) -> None:
    latents = np.zeros((2, 3))
    expected = of_classes.sample(latents=torch.zeros(2, 3), labels=[2, 0])
    assert torch.equal(of_classes.sample(latents=latents, labels=classes), expected)
    assert torch.equal(of_classes.sample(latents=latents, condition=classes), expected)
    assert torch.equal(of_classes.sample(latents=latents, labels=2)[0], expected[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"condition": torch.eye(3)}, r"condition: expected 1 or 3 classes, not shape \(3, 3\)"),
        ({"condition": torch.tensor([0.0, 1.7, 2.0])}, "condition: classes must be integers"),
        ({"labels": [0.5]}, "labels: classes must be integers, not torch.float64"),
        ({"labels": []}, "labels: expected 1 or 3 classes, not 0"),
        ({"labels": ["a"]}, "labels: no class is called 'a'"),
        ({"latents": [["a"]]}, "latents: must be an array of numbers"),
        ({"condition": [3]}, "condition: expected classes from 0 to 2, not 3"),
        ({"labels": [1], "condition": [1]}, "labels: given together with 'condition'"),
        ({"latents": np.zeros((3, 3), int)}, "latents: must be floating-point numbers"),
    ],
)
def test_conditions_that_do_not_fit_are_refused(
    of_classes: ganzoo.Run, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(RunError, match=message):
        of_classes.sample(3, **arguments)
