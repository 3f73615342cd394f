"""A data set, extractor or metric that is broken in one way is caught by one check."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
import torch
from ganzoo_devkit.testing.data import check_samples
from torch import nn

from ganzoo.components import (
    Condition,
    Dataset,
    DatasetInfo,
    FeatureExtractor,
    Metric,
    MetricResult,
    Mixture,
    Quantity,
)
from ganzoo.components import Points as Plane
from ganzoo.data.split import Split
from ganzoo.errors import DataError, NotMeasurable

SIDES = Condition("classes", 2, ("left", "right"))
INFO = DatasetInfo(Plane(2), SIDES, splits=("train", "test"))


class Points(Dataset):
    """Points on two sides of the origin."""

    type: Literal["broken"] = "broken"

    def info(self):
        return INFO

    def build(self, split):
        if split not in self.info().splits:
            raise DataError(f"no split {split!r}")
        rng = np.random.default_rng(len(split))
        labels = np.arange(20) % 2
        points = rng.normal(0, 0.1, (20, 2)) + (2.0 * labels - 1)[:, None]
        return Split(points.astype(np.float32), labels)


class Misnamed(Points):
    """Has names for other classes than there are."""

    def info(self):
        return replace(INFO, condition=replace(SIDES, names=("left",)))


class Misshapen(Points):
    """Says that points have three coordinates."""

    def info(self):
        return replace(INFO, samples=Plane(3))


class Mislabelled(Points):
    """Has more labels than classes."""

    def build(self, split):
        found = super().build(split)
        return Split(found.samples, found.condition + 1)


CALLS = iter(range(10**6))


class Changing(Points):
    """Is another each time."""

    def build(self, split):
        found = super().build(split)
        return Split(found.samples + np.float32(next(CALLS)), found.condition)


class Leaking(Points):
    """Has samples of one split in the other."""

    def build(self, split):
        found, train = super().build(split), super().build("train")
        return Split(np.concatenate([found.samples[:15], train.samples[15:]]), found.condition)


class Joint(Points):
    """Has a split that is two others together."""

    def info(self):
        return replace(INFO, splits=("train", "test", "trainval"))

    def build(self, split):
        if split != "trainval":
            return super().build(split)
        parts = [super(Joint, self).build(each) for each in ("train", "test")]
        return Split(
            np.concatenate([each.samples for each in parts]),
            np.concatenate([each.condition for each in parts]),
        )


class Overlapping(Points):
    """Validates on what it is trained with."""

    def info(self):
        return replace(INFO, splits=("train", "val-1"))

    def build(self, split):
        return super().build("train" if split == "val-1" else split)


class Lenient(Points):
    """Takes any split."""

    def build(self, split):
        return super().build(split if split in INFO.splits else "test")


class Drifting(Points):
    """Is another when its paths are whole."""

    def with_absolute_paths(self):
        return self.model_copy(update={"horizontal_flip": not self.horizontal_flip})


class Elsewhere(Points):
    """Says that it comes from another mixture."""

    def mixture(self):
        return Mixture(((5.0, 5.0),), 0.1)


class Whole(FeatureExtractor):
    """Pixels, as they are."""

    type: Literal["broken"] = "broken"

    def build(self, sample_shape):
        return Rows(self).eval()


class Rows(nn.Module):
    def __init__(self, component):
        super().__init__()
        self.component = component

    def forward(self, samples):
        return self.component.read(samples.flatten(1).float())


def read(self, rows):
    return rows, None


Whole.read = read  # type: ignore[attr-defined]


class Selective(Whole):
    """Reads nothing."""

    def check(self, sample_shape):
        raise ValueError("no")


class Unpaired(Whole):
    """Leaves the logits out of the pair."""

    def read(self, rows):
        return rows[:, :1], None

    def build(self, sample_shape):
        return super().build(sample_shape).train()


class Classifying(Whole):
    """Has logits and does not say so."""

    def read(self, rows):
        return rows, rows[:, :2]


class Centred(Whole):
    """Subtracts the mean of those that go through together."""

    def read(self, rows):
        return rows - rows.mean(0), None


class Random(Whole):
    """Has other weights each time."""

    def build(self, sample_shape):
        module = super().build(sample_shape)
        weight = torch.randn(1)
        module.component = Scaled(weight)
        return module


class Scaled:
    def __init__(self, weight):
        self.weight = weight

    def read(self, rows):
        return rows * self.weight, None


class Placed(Whole):
    """Says where its weights lie."""

    def fingerprint(self):
        return {**super().fingerprint(), "weights": "/home/me/weights.pt"}


class Versionless(Whole):
    """Does not say its version."""

    def fingerprint(self):
        return {"type": self.type}


class Spaced(Whole):
    """Its label has a space."""

    @property
    def label(self):
        return "my pixels"


class Spread(Metric):
    """The ratio of deviations."""

    type: Literal["broken"] = "broken"
    quantities: ClassVar[Any] = (Quantity("spread", "higher", "Ratio of deviations, above 0."),)

    def build(self):
        return lambda inputs: MetricResult({"spread": self.value(inputs)})

    def value(self, inputs):
        if len(inputs.generated) < 2 or inputs.reference.features.std(axis=0).min() == 0:
            raise NotMeasurable("there is no deviation")
        return self.ratio(inputs)

    def ratio(self, inputs):
        return float(inputs.generated.features.std() / inputs.reference.features.std())


class Unnamed(Spread):
    """Measures what it does not name."""

    def build(self):
        return lambda inputs: MetricResult({"ratio": self.value(inputs)})


class Empty(Spread):
    """Gives no number where there is one."""

    def ratio(self, inputs):
        raise NotMeasurable("it is late")


class Ordered(Spread):
    """Looks at the first samples only."""

    def ratio(self, inputs):
        return float(inputs.generated.features[:50].std())


class Unseeded(Spread):
    """Draws from numpy's own random numbers."""

    def ratio(self, inputs):
        return float(inputs.generated.features.std() + 1e-9 * np.random.rand())  # noqa: NPY002 - it is what is wrong


class Needing(Spread):
    """Needs logits and does not say so."""

    def ratio(self, inputs):
        return float(inputs.generated.logits.std())


class Undefined(Spread):
    """Divides by what may be 0."""

    def value(self, inputs):
        stds = [each.features.std(axis=0) for each in (inputs.generated, inputs.reference)]
        with np.errstate(all="ignore"):
            return float((stds[0] / stds[1]).mean())


class Undescribed(Spread):
    """Has a quantity that nobody knows."""

    quantities: ClassVar[Any] = (Quantity("spread", "higher", " "),)


class Misplaced(Spread):
    """Has an aspect that no sentence tells."""

    quantities: ClassVar[Any] = (Quantity("spread", "higher", "Ratio, above 0.", "diversity"),)


BROKEN = [
    (Misnamed(), "info", "there are 1 names for 2 classes"),
    (Misshapen(), "samples", "are Points(size=2, kind='points'); 'info' says Points(size=3"),
    (Mislabelled(), "samples", "labels go from 1 to 2, and 'info' says 2 classes"),
    (Changing(), "samples", "differ when it is read again, in split 'train'"),
    (Leaking(), "splits", "5 of 20 samples are in both 'train' and 'test'"),
    (Overlapping(), "splits", "20 of 20 samples are in both 'train' and 'val-1'"),
    (Lenient(), "splits", "a split that the set does not have can be built"),
    (Drifting(), "absolute-paths", "changes what has absolute paths already"),
    (Elsewhere(), "mixture", "100% of the samples lie far from all centers"),
    (Selective(), "features", "refuses all of the shapes"),
    (Unpaired(), "features", "what is built is in training mode"),
    (Classifying(), "features", "'classifies' is False, and there are logits"),
    (
        Centred(),
        "features",
        "change with the number that goes through at a time",
    ),
    (Random(), "features", "weights must be fixed, or have a seed as a field"),
    (Placed(), "fingerprint", "names the path ['/home/me/weights.pt']"),
    (Versionless(), "fingerprint", "'version' of the fingerprint is None, not 1"),
    (Spaced(), "fingerprint", "the label 'my pixels'"),
    (Unnamed(), "measured", "['ratio']; 'quantities' says ['spread']"),
    (Empty(), "measured", "NotMeasurable was raised (it is late)"),
    (Ordered(), "order", "for the same samples in another order"),
    (Unseeded(), "measured", "one seed of the inputs gives"),
    (Needing(), "missing", "was raised"),
    (Undefined(), "few-samples", "spread is not finite for one sample"),
    (Undescribed(), "names", "quantity 'spread' has no description"),
    (Misplaced(), "names", "'aspect' of 'spread' is 'diversity', not one of 'variety', 'copies'"),
]

# Without numbers, or with other ones each time, further checks cannot succeed.
TOGETHER = {"Empty", "Unnamed", "Unseeded", "Changing"}


@pytest.mark.parametrize(
    ("component", "check", "sentence"), BROKEN, ids=[type(each[0]).__name__ for each in BROKEN]
)
def test_it_fails_that_check_and_no_other(findings, component, check, sentence):
    found = findings(component, check)
    if type(component).__name__ not in TOGETHER:
        assert list(found) == [check]
    assert sentence in found[check]


@pytest.mark.parametrize("component", [Points(), Joint(), Whole(), Spread()], ids=repr)
def test_what_is_as_it_should_be_passes_all(findings, component):
    assert findings(component, "training") == {}


def test_a_check_can_be_called_by_itself():
    check_samples(Points())
    with pytest.raises(AssertionError, match="dataset 'broken', samples: "):
        check_samples(Misshapen())
