"""Checks of data sets, and of what evaluates samples: feature extractors and metrics."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import combinations
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ganzoo.builtin.extractors.small import Pixels
from ganzoo.components import (
    Condition,
    Dataset,
    FeatureExtractor,
    Features,
    Metric,
    MetricInputs,
    MetricResult,
    Mixture,
)
from ganzoo.components.evaluation import Aspect
from ganzoo.data.split import Split
from ganzoo.errors import DataError, NotMeasurable
from ganzoo_devkit.testing.checks import (
    Options,
    check,
    close,
    fail,
    few,
    passes,
    require,
    require_tensor,
    require_type,
)

ALIKE = 0.01
"""Fraction of a split that may also be in another one: real data have some samples twice."""

APART = re.compile(r"(train|val|valid|validation|test)([-_].*)?")
"""Splits named so must have different samples; others, as "trainval", may overlap on purpose."""

MODES, SAMPLES = 8, 400
"""Modes and samples of the mixture that metrics are tried on."""


@check(Dataset)
def check_info(dataset: Dataset) -> None:
    """What is said before reading is whole and consistent."""
    info = dataset.info()
    for space in (info.samples, info.source):
        positive = space is None or (space.shape and min(space.shape) >= 1)
        require(positive, f"{space} has no positive shape")
    require(info.splits, "there are no splits")
    require(len(set(info.splits)) == len(info.splits), f"a split is named twice: {info.splits}")
    unknown = f"the default split {dataset.split!r} is not one of {few(info.splits)}"
    require(dataset.split in info.splits, unknown)
    told = info.condition
    if told is not None and told.names is not None:
        count = len(told.names)
        require(count == told.size, f"there are {count} names for {told.describe()}")


class _Read(NamedTuple):
    """A split of a data set, read twice."""

    where: str
    name: str
    split: Split
    again: Split


def _read(dataset: Dataset, _: Options) -> Iterator[_Read]:
    for name in dataset.info().splits:
        yield _Read(f"in split {name!r}", name, dataset.build(name), dataset.build(name))


@check(Dataset, each=_read)
def check_samples(dataset: Dataset, read: _Read) -> None:
    """Each split has what ``info`` describes, and is the same when it is read again."""
    info, split = dataset.info(), read.split
    for name in ("samples", "condition", "source"):
        one, other = getattr(split, name), getattr(read.again, name)
        same = one is other is None or np.array_equal(one, other)
        require(same, "samples or their order differ when it is read again")
    require(len(split), "there are no samples")
    for what, found, said in (
        ("samples are", split.space, info.samples),
        ("sources are", split.source_space, info.source),
        ("'paired' is", split.paired, split.paired if split.source is None else info.paired),
    ):
        require(found == said, f"{what} {found}; 'info' says {said}")
    for array in (split.samples, split.source):
        finite = array is None or array.dtype.kind != "f" or np.isfinite(array).all()
        require(finite, "numbers are not finite")
    if split.condition is not None or read.name == dataset.split:
        _require_condition(split.condition, info.condition)


def _require_condition(found: npt.NDArray[Any] | None, said: Condition | None) -> None:
    told = "none" if said is None else said.describe()
    if found is None or said is None:
        have = "no conditions" if found is None else "conditions"
        require(found is None and said is None, f"there are {have}, and 'info' says {told}")
    elif said.kind == "classes":
        low, high = found.min(), found.max()
        right = found.ndim == 1 and low >= 0 and high < said.size
        require(right, f"labels go from {low} to {high}, and 'info' says {told}")
    else:
        right = found.shape[1:] == (said.size,) and np.isfinite(found).all()
        right = right and (said.kind == "values" or bool(np.isin(found, (0, 1)).all()))
        require(right, f"conditions are not finite (N, {said.size}), or labels are not 0 or 1")


@check(Dataset)
def check_splits(dataset: Dataset) -> None:
    """Splits for training, validation and testing have different samples; others are refused."""
    prints = {
        name: {hashlib.sha256(each.tobytes()).digest() for each in dataset.build(name).samples}
        for name in dataset.info().splits
        if APART.fullmatch(name)
    }
    for one, other in combinations(prints, 2):
        shared = len(prints[one] & prints[other])
        smaller = min(len(prints[one]), len(prints[other]))
        joint = f"{shared} of {smaller} samples are in both {one!r} and {other!r}"
        require(shared <= ALIKE * smaller, joint)
    with contextlib.suppress(DataError):
        dataset.build("no-such-split")
        fail("a split that the set does not have can be built; raise a DataError")


@check(Dataset, FeatureExtractor)
def check_absolute_paths(component: Dataset | FeatureExtractor) -> None:
    """With absolute paths it is the same, and it then stays as it is."""
    absolute = component.with_absolute_paths()
    kept = type(absolute) is type(component)
    if isinstance(component, Dataset) and isinstance(absolute, Dataset):
        kept = kept and absolute.info() == component.info()
    require(kept, "'with_absolute_paths' changes more than paths")
    again = absolute.with_absolute_paths()
    require(again == absolute, "'with_absolute_paths' changes what has absolute paths already")


@check(Dataset)
def check_mixture(dataset: Dataset) -> None:
    """Where the distribution is a known mixture, it is that of the samples."""
    mixture = dataset.mixture()
    if mixture is None:
        return
    centers = np.asarray(mixture.centers, dtype=np.float64)
    shape = dataset.info().sample_shape
    right = centers.shape[1:] == shape and np.isfinite(centers).all() and mixture.std > 0
    require(right, f"centers must be finite points {shape} and the deviation above 0")
    points = np.asarray(dataset.build(dataset.split).samples[:5000], dtype=np.float64)
    distances = np.linalg.norm(points[:, None] - centers[None], axis=2)
    far = (distances.min(axis=1) > 5 * mixture.std * points.shape[1] ** 0.5).mean()
    require(far < 0.01, f"{far:.0%} of the samples lie far from all centers of the mixture")


class _Extraction(NamedTuple):
    """Samples of a shape, as they are stored, and a function that builds the extractor for them."""

    where: str
    build: Callable[[], nn.Module]
    samples: torch.Tensor


def _shapes(extractor: FeatureExtractor, options: Options) -> Iterator[_Extraction]:
    found = [each for each in options.sample_shapes if passes(extractor.check, each)]
    shapes = ", ".join(map(str, options.sample_shapes))
    require(found, f"'check' refuses all of the shapes {shapes}; name one in 'sample_shapes'")
    for shape in found:
        rng, size = torch.Generator().manual_seed(0), (6, *shape)
        samples = torch.randn(size, generator=rng)
        if len(shape) == 3:
            samples = torch.randint(0, 256, size, generator=rng, dtype=torch.uint8)
        yield _Extraction(f"for samples {shape}", partial(extractor.build, shape), samples)


@check(FeatureExtractor, each=_shapes)
@torch.no_grad()
def check_features(extractor: FeatureExtractor, trial: _Extraction) -> None:
    """Features are finite (N, d); there are logits (N, K) exactly where ``classifies`` is true.

    They depend on their own sample alone, and are the same when the extractor is built again.
    """
    module, samples = trial.build(), trial.samples
    require(not module.training, "what is built is in training mode; return it in 'eval'")
    output = module(samples)
    pair = isinstance(output, tuple) and len(output) == 2
    require(pair, "the output is not a pair of features, and logits or None")
    have, said = "no logits" if output[1] is None else "logits", extractor.classifies
    require((output[1] is not None) == said, f"'classifies' is {said}, and there are {have}")
    for what, values in zip(("features", "logits"), output, strict=True):
        if values is not None:
            require_tensor(values, f"the tensor of {what}", dtype=None)
            right = values.dim() == 2 and len(values) == 6 and values.is_floating_point()
            found = f"{values.dtype} {tuple(values.shape)}"
            require(right, f"{what} of 6 samples are {found}, not floats (6, …)")
    features = output[0]
    parts = torch.cat([module(part)[0] for part in torch.split(samples, [1, 2, 3])])
    require(close(features, parts), "features change with the number that goes through at a time")
    torch.manual_seed(1)
    again = [each(samples)[0] for each in (module, trial.build())]
    equal = all(torch.equal(features, each) for each in again)
    differ = "features differ from one time to the next"
    require(equal, f"{differ}; weights must be fixed, or have a seed as a field")


@check(FeatureExtractor)
def check_fingerprint(extractor: FeatureExtractor) -> None:
    """The fingerprint is JSON, says type and version, and names no file; the label is one word."""
    require(_is_word(extractor.label), f"the label {extractor.label!r} is not a word without '@'")
    fingerprint = extractor.fingerprint()
    same = json.loads(json.dumps(fingerprint, allow_nan=False)) == fingerprint
    require(same, "the fingerprint is another after it went through JSON; use text keys and lists")
    for name, right in (("type", extractor.type), ("version", extractor.version)):
        said = fingerprint.get(name)
        require(said == right, f"{name!r} of the fingerprint is {said!r}, not {right!r}")
    paths = [text for text in _texts(fingerprint) if _is_path(text)]
    require(not paths, f"the fingerprint names the path {paths[:1]}; give the file's SHA-256")


def _is_word(text: str) -> bool:
    return bool(text) and not any(each.isspace() or each == "@" for each in text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _is_path(text: str) -> bool:
    absolute = PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute()
    return absolute or text.startswith("~") or Path(text).is_file()


@check(Metric)
def check_measured(metric: Metric, options: Options) -> None:
    """There is a finite number for each quantity, and for no other; details are JSON.

    The same inputs give the same numbers, whatever torch's and numpy's seeds are.
    """
    runs = []
    state = np.random.get_state()  # noqa: NPY002 - the one a metric must not draw from
    try:
        for seed in (0, 1):
            torch.manual_seed(seed)
            np.random.seed(seed)  # noqa: NPY002 - as above
            runs.append(_measure(metric, _inputs(options)))
    finally:
        np.random.set_state(state)  # noqa: NPY002 - as above
    require_type(runs[0], MetricResult, "the function that is built")
    one, other = (dict(each.values) for each in runs)
    found, said = sorted(one), sorted(each.name for each in metric.quantities)
    require(found == said, f"values are there for {found}; 'quantities' says {said}")
    for name, value in one.items():
        finite = isinstance(value, int | float) and math.isfinite(value)
        require(finite, f"{name} is {value!r}; give a finite float, or raise NotMeasurable")
    json.dumps(dict(runs[0].details), allow_nan=False)
    require(one == other, f"one seed of the inputs gives {one}, then {other}")


@check(Metric)
def check_order(metric: Metric, options: Options) -> None:
    """The order of samples makes no difference beyond that of the seed, where subsets are drawn."""
    inputs = _inputs(options)
    seeds = [_measure(metric, replace(inputs, seed=seed)) for seed in range(4)]
    changed: dict[str, Any] = {}
    for name in ("generated", "reference", "training"):
        samples = getattr(inputs, name)
        if samples is not None:
            changed[name] = _chosen(samples, np.random.default_rng(5).permutation(len(samples)))
    for name, value in _measure(metric, replace(inputs, **changed)).values.items():
        drawn = [each.values[name] for each in seeds]
        slack = 1e-6 * max(abs(drawn[0]), 1e-3) + 5 * (max(drawn) - min(drawn))
        require(
            abs(value - drawn[0]) <= slack,
            f"{name} is {drawn[0]:.6g}, and {value:.6g} for the same samples in another order",
        )


@check(Metric)
def check_missing(metric: Metric, options: Options) -> None:
    """What the metric does not say that it needs may be missing."""
    inputs = _inputs(options)
    if not metric.needs_logits:
        bare = [replace(each, logits=None) for each in (inputs.generated, inputs.reference)]
        inputs = replace(inputs, generated=bare[0], reference=bare[1])
    if not metric.needs_training_samples:
        inputs = replace(inputs, training=None)
    _measure(metric, inputs)
    _measure_or_not(metric, replace(inputs, mixture=None))


@check(Metric)
def check_few_samples(metric: Metric) -> None:
    """From one sample, or from equal ones, comes a finite number or NotMeasurable, with a reason."""
    inputs = _inputs(Options())
    for what, index in (("one sample", [0]), ("equal samples", [0] * 20)):
        taken = [_chosen(each, np.array(index)) for each in (inputs.generated, inputs.reference)]
        values = _measure_or_not(metric, replace(inputs, generated=taken[0], reference=taken[1]))
        bad = few(name for name, value in values.items() if not math.isfinite(value))
        require(not bad, f"{bad} is not finite for {what}; raise NotMeasurable instead")


@check(Metric)
def check_names(metric: Metric) -> None:
    """Quantities are there, have one-word names that differ, and are described."""
    names = [quantity.name for quantity in metric.quantities]
    require(names, "there are no quantities")
    require(len(set(names)) == len(names), f"two quantities have one name: {names}")
    for each in metric.quantities:
        require(_is_word(each.name), f"the name {each.name!r} is not a word without '@'")
        require(each.description.strip(), f"quantity {each.name!r} has no description")
        known = each.better in {None, "lower", "higher"}
        require(known, f"'better' of {each.name!r} is {each.better!r}, not 'lower' or 'higher'")
        known = each.aspect in {None, *get_args(Aspect)}
        aspects = ", ".join(map(repr, get_args(Aspect)))
        require(known, f"'aspect' of {each.name!r} is {each.aspect!r}, not one of {aspects}")
    shown = metric.names(Pixels())
    right = sorted(shown) == sorted(names) and len(set(shown.values())) == len(shown)
    require(right, f"'names' gives {shown}; it must give one for each of {names}")


def _inputs(options: Options) -> MetricInputs:
    """Return the inputs that the options give, or samples on which usual metrics have a value.

    Features are points near one of eight centers on a circle, a class each; logits tell the classes,
    with some doubt. The generated ones are a little wider.
    """
    if options.inputs is not None:
        return options.inputs
    angles = 2 * np.pi * np.arange(MODES) / MODES
    centers = np.stack([np.cos(angles), np.sin(angles)], axis=1)

    def draw(seed: int, std: float) -> Features:
        rng = np.random.default_rng(seed)
        labels = rng.integers(0, MODES, SAMPLES)
        features = centers[labels] + std * rng.standard_normal((SAMPLES, 2))
        distances = np.linalg.norm(features[:, None] - centers[None], axis=2)
        logits = (-(distances**2) / 0.05).astype(np.float32)
        return Features(features, logits, labels.astype(np.int64))

    return MetricInputs(
        generated=draw(0, 0.12),
        reference=draw(1, 0.1),
        training=draw(2, 0.1),
        mixture=Mixture(tuple(tuple(map(float, center)) for center in centers), 0.1),
    )


def _measure(metric: Metric, inputs: MetricInputs) -> MetricResult:
    try:
        return metric.build()(inputs)
    except NotMeasurable as reason:
        count = f"{len(inputs.generated)} points in {MODES} classes"
        fail(f"NotMeasurable was raised ({reason}) for {count}; give other 'inputs'")


def _measure_or_not(metric: Metric, inputs: MetricInputs) -> Mapping[str, float]:
    try:
        return metric.build()(inputs).values
    except NotMeasurable as reason:
        require(str(reason), "NotMeasurable is raised without a reason")
        return {}


def _chosen(samples: Features, index: npt.NDArray[np.int64]) -> Features:
    there = {name: each for name, each in vars(samples).items() if each is not None}
    return replace(samples, **{name: each[index] for name, each in there.items()})
