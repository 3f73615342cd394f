"""What holds of every metric of this repository: its contract, and no number without reason."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from ganzoo.builtin.extractors.inception import Inception
from ganzoo.builtin.extractors.small import Identity
from ganzoo.builtin.metrics import COMPONENTS
from ganzoo.components import FeatureExtractor, Features, MetricInputs, Mixture, registry
from ganzoo.errors import NotMeasurable

OF_PLUGINS = ("class_modes", "modes")
NAMES = sorted([*(each.model_fields["type"].default for each in COMPONENTS), *OF_PLUGINS])
SEEDED = {"kd", "kid", "fd_infinity", "fid_infinity", "classifier_score", "inception_score"}
OF_INCEPTION = {
    "fid": "fd",
    "kid": "kd",
    "fid_infinity": "fd_infinity",
    "inception_score": "classifier_score",
}


class LeNet(FeatureExtractor):
    """An extractor that is never built."""

    classifies: ClassVar[bool] = True
    type: Literal["lenet"] = "lenet"

    @property
    def label(self) -> str:
        return "lenet-mnist"

    def build(self, sample_shape: tuple[int, ...]) -> Any:
        raise NotImplementedError


class OtherInception(LeNet):
    """One that only has the name of the published one."""

    type: Literal["inception"] = "inception"  # type: ignore[assignment] # another literal


def some_samples(seed: int, n: int = 250) -> Features:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 3, size=(n, 4)).astype(np.float32)
    return Features(rng.normal(size=(n, 2)), logits, logits.argmax(axis=1))


def inputs(**changes: Any) -> MetricInputs:
    parts: dict[str, Any] = {
        "generated": some_samples(0),
        "reference": some_samples(1),
        "training": some_samples(2),
        "mixture": Mixture(((0.0, 0.0), (1.0, 1.0)), 0.5),
    }
    return MetricInputs(**{**parts, **changes})


@pytest.mark.parametrize("name", NAMES)
def test_quantities_are_described_and_measured_in_order(metric, name):
    made = metric(name)
    found = made.build()(inputs())
    assert list(found.values) == [quantity.name for quantity in made.quantities]
    assert all(type(value) is float and np.isfinite(value) for value in found.values.values())
    assert json.loads(json.dumps(dict(found.details), allow_nan=False)) == found.details
    for quantity in made.quantities:
        assert len(quantity.description) > 20
        assert quantity.description.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_a_feature_that_is_not_a_number_gives_no_number(metric, name):
    broken = some_samples(0)
    broken.features[3] = np.nan
    broken.logits[3] = np.inf  # type: ignore[index] # there are logits
    with pytest.raises(NotMeasurable, match="1 of 250 generated samples are not finite"):
        metric(name).build()(inputs(generated=broken))


@pytest.mark.parametrize("name", NAMES)
def test_no_samples_give_no_number(metric, name):
    with pytest.raises(NotMeasurable, match="generated samples"):
        metric(name).build()(inputs(generated=some_samples(0, n=0)))


@pytest.mark.parametrize("name", NAMES)
def test_global_randomness_is_neither_read_nor_moved(metric, name):
    parameters = {"subset_size": 100, "subsets": 5} if name in {"kd", "kid"} else {}
    torch.manual_seed(1)
    np.random.seed(1)  # noqa: NPY002 - the global generator is what this is about
    before = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
    first = metric(name, **parameters).build()(inputs(seed=3))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    torch.manual_seed(2)
    assert metric(name, **parameters).build()(inputs(seed=3)) == first
    other = metric(name, **parameters).build()(inputs(seed=4))
    assert (other != first) == (name in SEEDED)


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_left_as_they_are(metric, name):
    given = inputs()
    metric(name).build()(given)
    for samples, seed in ((given.generated, 0), (given.reference, 1), (given.training, 2)):
        assert np.array_equal(samples.features, some_samples(seed).features)
        assert np.array_equal(samples.logits, some_samples(seed).logits)


@pytest.mark.parametrize("name", OF_INCEPTION)
def test_published_names_are_for_inception_as_published(metric, name):
    made = metric(name)
    made.check(Inception())
    assert set(made.names(Inception()).values()) == {name}
    for other in (Inception(preset="antialias"), OtherInception(), LeNet()):
        with pytest.raises(ValueError, match=f"'{name}' is defined for .* '{other.label}'"):
            made.check(other)
        with pytest.raises(ValueError, match=f"metric '{OF_INCEPTION[name]}' takes any extractor"):
            made.check(other)


@pytest.mark.parametrize(
    ("name", "extractor"), [*((name, Inception) for name in OF_INCEPTION), ("modes", Identity)]
)
def test_metrics_of_one_extractor_have_it_by_default(name, extractor):
    made = registry.active().find("metric", name).component()
    used = made.extractor_or(LeNet())
    assert isinstance(used, extractor)
    made.check(used)
    mine = extractor()
    assert made.extractor_or(mine) == mine


@pytest.mark.parametrize(("name", "general"), OF_INCEPTION.items())
def test_published_names_give_the_number_of_the_general_metric(metric, name, general):
    published = metric(name).build()(inputs())
    assert published.values == {name: metric(general).build()(inputs()).values[general]}


@pytest.mark.parametrize("name", sorted(set(NAMES) - OF_INCEPTION.keys() - {"modes"}))
def test_other_numbers_are_marked_with_their_extractor(metric, name):
    made = metric(name)
    made.check(LeNet())
    assert made.names(LeNet()) == {
        quantity.name: f"{quantity.name}@lenet-mnist" for quantity in made.quantities
    }


@pytest.mark.parametrize(
    "name", ["classifier_score", "class_balance", "class_agreement", "class_modes"]
)
def test_metrics_of_classes_refuse_extractors_without_logits(metric, name):
    with pytest.raises(ValueError, match="needs class logits"):
        metric(name).check(Identity())


def test_modes_are_of_points_themselves(metric):
    metric("modes").check(Identity())
    assert list(metric("modes").names(Identity()).values()) == ["modes", "high_quality"]
    with pytest.raises(ValueError, match="the right extractor is 'identity'"):
        metric("modes").check(LeNet())


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("kd", {"subset_size": 1}),
        ("kd", {"gamma": 0.0}),
        ("prdc", {"k": 0}),
        ("prdc", {"k": 51}),
        ("prdc", {"max_samples": 50}),
        ("classifier_score", {"splits": 0}),
        ("fd_infinity", {"points": 2}),
        ("memorization", {"quantile": 0.0}),
        ("modes", {"within": 0.0}),
    ],
)
def test_parameters_without_a_meaning_are_refused(metric, name, parameters):
    with pytest.raises(ValidationError):
        metric(name, **parameters)
