"""Each way a generator can fail is caught by the metric that should catch it, on real digits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from ganzoo.components import Dataset, Images, Points
from ganzoo.data.split import Split
from ganzoo.evaluation.evaluator import Evaluator
from ganzoo.evaluation.request import EvaluationRequest
from ganzoo.evaluation.samples import RealSamples, Source, open_reference
from ganzoo.runs.report import Report, Subject
from ganzoo.spec import parse_spec

Pixels = np.ndarray[Any, Any]
DIGIT = Images(1, 28, 28)
CPU = torch.device("cpu")


def dataset(name: str, **parameters: Any) -> Dataset:
    network = {"type": "mlp"}
    spec = {"dataset": {"type": name, **parameters}, "generator": network, "discriminator": network}
    return parse_spec(spec).dataset


DIGITS = dataset("mnist-5k")


@pytest.fixture(scope="module")
def train() -> Split:
    return DIGITS.build("train")


@pytest.fixture(scope="module")
def good(train: Split) -> Pixels:
    """What the best of generators would make: other real digits, 1,000 of them, all classes alike."""
    return np.roll(train.samples[::4], 1, axis=3)  # none of them is an image that was trained on


def evaluated(samples: Pixels, metrics: Sequence[str], labels: Pixels | None = None) -> Report:
    request = EvaluationRequest.of(metrics=metrics, extractor="lenet-mnist")
    chosen, extractor = request.chosen(DIGIT, DIGITS)
    evaluator = Evaluator(
        chosen,
        extractor,
        DIGIT,
        lambda: open_reference(DIGITS, "test", DIGITS.build("train")),
        CPU,
        baseline=False,
    )
    sources: dict[int | None, Source] = {0: RealSamples(Split(samples, labels))}
    return evaluator.evaluate(sources, Subject(name="samples"), {})


def number(report: Report, name: str) -> float:
    value = report.value(name).mean
    assert value is not None, report.value(name).reason
    return value


def test_other_real_digits_pass(good: Pixels) -> None:
    report = evaluated(good, ["prdc", "class_balance", "memorization"])
    assert number(report, "precision") > 0.85
    assert number(report, "recall") > 0.85
    assert number(report, "coverage") > 0.85
    assert number(report, "class_kl") < 0.01
    assert number(report, "classes") == 10
    assert number(report, "copies") < 0.1


def test_a_collapsed_generator(good: Pixels) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 3, good.shape)
    collapsed = (good[:1].astype(int) + noise).clip(0, 255).astype(np.uint8)
    report = evaluated(collapsed, ["fd", "prdc", "class_balance"])
    assert number(report, "recall") < 0.01
    assert number(report, "coverage") < 0.05
    assert number(report, "classes") == 1
    assert number(report, "class_kl") == pytest.approx(np.log(10), rel=0.05)
    assert number(report, "fd") > 50 * number(evaluated(good, ["fd"]), "fd")


def test_copies_of_training_images_look_good_to_all_but_memorization(train: Split) -> None:
    report = evaluated(train.samples[1::4], ["fd", "prdc", "memorization"])
    assert number(report, "precision") > 0.85
    assert number(report, "recall") > 0.85
    assert number(report, "copies") == 1
    assert number(report, "data_copying") < -10


def test_classes_out_of_balance(train: Split) -> None:
    assert train.classes is not None
    report = evaluated(train.samples[train.classes < 5][::2], ["class_balance", "prdc", "fd"])
    assert number(report, "classes") < 10
    assert number(report, "class_kl") == pytest.approx(np.log(2), rel=0.1)
    assert number(report, "precision") > 0.85
    assert number(report, "recall") < 0.65


def test_the_wrong_classes_asked_for(train: Split) -> None:
    assert train.classes is not None
    right = evaluated(train.samples[::4], ["class_agreement"], train.classes[::4])
    wrong = evaluated(train.samples[::4], ["class_agreement"], (train.classes[::4] + 1) % 10)
    assert number(right, "class_agreement") > 0.99
    assert number(wrong, "class_agreement") < 0.01


def test_distances_grow_with_noise_with_blur_and_with_every_class_that_is_missing(
    train: Split, good: Pixels
) -> None:
    assert train.classes is not None
    rng = np.random.default_rng(0)
    good = good[::2]
    noisy = [
        (good + rng.normal(0, sigma, good.shape)).clip(0, 255).astype(np.uint8)
        for sigma in (0, 40, 80, 120)
    ]
    blurred = [
        np.stack(
            [
                np.asarray(Image.fromarray(each[0]).filter(ImageFilter.GaussianBlur(radius)))[None]
                for each in good
            ]
        )
        for radius in (0, 1, 2)
    ]
    fewer = [train.samples[train.classes < kept][::5] for kept in (10, 7, 4)]
    for worse_and_worse in (noisy, blurred, fewer):
        reports = [evaluated(each, ["fd", "kd"]) for each in worse_and_worse]
        for metric in ("fd", "kd"):
            numbers = [number(report, metric) for report in reports]
            assert numbers == sorted(numbers)
            assert numbers[-1] > 3 * numbers[0]


@pytest.mark.parametrize(("name", "modes"), [("ring", 8), ("grid", 25)])
def test_perfect_samplers_of_mixtures_find_every_mode(name: str, modes: int) -> None:
    data = dataset(name, count=2500)
    chosen, extractor = EvaluationRequest.of(metrics=["modes"]).chosen(Points(2), data)
    evaluator = Evaluator(
        chosen,
        extractor,
        Points(2),
        lambda: open_reference(data, "train", data.build("train")),
        CPU,
    )
    report = evaluator.evaluate({0: RealSamples(data.build("test"))}, Subject(name="perfect"), {})
    assert number(report, "modes") == modes
    # Within three standard deviations of a round Gaussian in the plane: 1 - exp(-9 / 2).
    assert number(report, "high_quality") == pytest.approx(1 - np.exp(-4.5), abs=0.006)


def test_stacked_digits_show_a_thousand_modes() -> None:
    data = dataset("stacked-mnist", count=100, test_count=8000)
    real = data.build("test")
    request = EvaluationRequest.of(metrics=["class_modes"], extractor="lenet-mnist-stacked")
    chosen, extractor = request.chosen(Images(3, 28, 28), data)
    evaluator = Evaluator(
        chosen,
        extractor,
        Images(3, 28, 28),
        lambda: open_reference(data, "train", data.build("train")),
        CPU,
        baseline=False,
    )
    report = evaluator.evaluate({0: RealSamples(real)}, Subject(name="perfect"), {})
    assert number(report, "modes") > 995  # a fair sampler misses one in three times
    # The expectation for a fair sampler: (classes - 1) / (2 samples).
    assert number(report, "mode_kl") == pytest.approx(999 / 16_000, rel=0.15)
