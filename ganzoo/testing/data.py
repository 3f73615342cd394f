"""Checks of data sets, and of what evaluates samples: feature extractors and metrics."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

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
from ganzoo.data.split import Split
from ganzoo.errors import DataError, NotMeasurable
from ganzoo.testing.checks import DEFAULT, Options, check, close, passes, require, require_tensor

ALIKE = 0.01
"""Fraction of a split that may also be in another one: real data have some samples twice."""

APART = re.compile(r"(train|val|valid|validation|test)([-_].*)?")
"""Splits named so must have different samples; others, as "trainval", may overlap on purpose."""

MODES, SAMPLES = 8, 400
"""Modes and samples of the mixture that metrics are tried on."""


@check
def check_info(dataset: Dataset) -> None:
    """What is said before reading is whole and consistent."""
    info = dataset.info()
    shapes = [space.shape for space in (info.samples, info.source) if space is not None]
    whole = all(shape and min(shape) >= 1 for shape in shapes)
    require(whole, f"the shapes are {shapes}; each side must be at least 1")
    splits = info.splits
    once = splits and len(set(splits)) == len(splits)
    require(once, f"the splits are {splits}; there must be one or more, each once")
    require(dataset.split in splits, f"the default split {dataset.split!r} must be one of {splits}")
    condition = info.condition
    if condition is not None and condition.names is not None:
        count, told = len(condition.names), condition.describe()
        right = count == condition.size
        require(right, f"there are {count} names for {told}; there must be one for each")


@check
def check_samples(dataset: Dataset) -> None:
    """Each split has the samples, conditions and sources that ``info`` describes."""
    info = dataset.info()
    for name, split in _splits(dataset).items():
        where = f"split {name!r}"
        require(len(split), f"{where} is empty; it must have samples")
        pairs = [
            ("samples", split.space, info.samples),
            ("sources", split.source_space, info.source),
        ]
        for what, found, said in pairs:
            require(found == said, f"{what} of {where} are {found}; 'info' says {said}")
        paired = split.source is None or split.paired == info.paired
        require(paired, f"{where} has 'paired' {split.paired}; 'info' says {info.paired}")
        for array in (split.samples, split.source):
            finite = array is None or array.dtype.kind != "f" or np.isfinite(array).all()
            require(finite, f"numbers of {where} are not finite; they must be")
        if split.condition is not None or name == dataset.split:
            _require_condition(where, split.condition, info.condition)


def _require_condition(where: str, found: npt.NDArray[Any] | None, said: Condition | None) -> None:
    told = "none" if said is None else said.describe()
    if found is None or said is None:
        have = "no conditions" if found is None else "conditions"
        require(
            (found is None) == (said is None),
            f"{where} has {have}, and 'info' says {told}; they must agree",
        )
    elif said.kind == "classes":
        require(
            found.ndim == 1 and found.min() >= 0 and found.max() < said.size,
            f"labels of {where} go from {found.min()} to {found.max()}; those of {told} must lie from"
            f" 0 to {said.size - 1}",
        )
    else:
        right = found.shape[1:] == (said.size,) and np.isfinite(found).all()
        right = right and (said.kind == "values" or bool(np.isin(found, (0, 1)).all()))
        require(
            right,
            f"conditions of {where} are {found.dtype} {found.shape}; {told} must be finite,"
            f" (N, {said.size}), and labels 0 or 1",
        )


@check
def check_repeats(dataset: Dataset) -> None:
    """Reading a split twice gives the same samples in the same order."""
    again = _splits(dataset)
    for name, split in _splits(dataset).items():
        fields = ("samples", "condition", "source")
        pairs = [(getattr(split, each), getattr(again[name], each)) for each in fields]
        require(
            all(one is other is None or np.array_equal(one, other) for one, other in pairs),
            f"split {name!r} is another when it is read again; samples and their order must be the"
            " same, or no run can be resumed",
        )


@check
def check_splits(dataset: Dataset) -> None:
    """Splits for training, validation and testing have different samples; others are refused."""
    prints = {
        name: {hashlib.sha256(sample.tobytes()).digest() for sample in split.samples}
        for name, split in _splits(dataset).items()
        if APART.fullmatch(name)
    }
    for one, other in combinations(prints, 2):
        shared = len(prints[one] & prints[other])
        smaller = min(len(prints[one]), len(prints[other]))
        require(
            shared <= ALIKE * smaller,
            f"{shared} of {smaller} samples are in both {one!r} and {other!r}; they must be apart, or"
            " an evaluation on one says nothing about the other",
        )
    with contextlib.suppress(DataError):
        dataset.build("no-such-split")
        require(False, "a split that the set does not have can be built; raise a DataError")


@check
def check_absolute_paths(component: Dataset | FeatureExtractor) -> None:
    """With absolute paths it is the same, and it then stays as it is."""
    absolute = component.with_absolute_paths()
    kept = type(absolute) is type(component)
    if isinstance(component, Dataset) and isinstance(absolute, Dataset):
        kept = kept and absolute.info() == component.info()
    require(kept, "'with_absolute_paths' gives something else; only paths may change")
    again = absolute.with_absolute_paths()
    require(
        again == absolute,
        "'with_absolute_paths' changes paths that are absolute already; it must leave that as it is",
    )


@check
def check_mixture(dataset: Dataset) -> None:
    """Where the distribution is a known mixture, it is that of the samples."""
    mixture = dataset.mixture()
    if mixture is None:
        return
    shape = dataset.info().sample_shape
    centers = np.asarray(mixture.centers, dtype=np.float64)
    require(
        centers.shape[1:] == shape and np.isfinite(centers).all() and mixture.std > 0,
        f"the mixture has centers {centers.shape[1:]} and deviation {mixture.std}; centers must be"
        f" points {shape} and the deviation above 0",
    )
    points = np.asarray(dataset.build(dataset.split).samples[:5000], dtype=np.float64)
    distances = np.linalg.norm(points[:, None] - centers[None], axis=2)
    far = (distances.min(axis=1) > 5 * mixture.std * points.shape[1] ** 0.5).mean()
    require(
        far < 0.01,
        f"{far:.0%} of the samples lie far from all centers of the mixture; it must be theirs",
    )


def _splits(dataset: Dataset) -> dict[str, Split]:
    return {name: dataset.build(name) for name in dataset.info().splits}


@check
def check_features(extractor: FeatureExtractor, options: Options = DEFAULT) -> None:
    """Features are finite (N, d); there are logits (N, K) exactly where ``classifies`` is true."""
    accepted = _accepted(extractor, options)
    shapes = ", ".join(map(str, options.sample_shapes))
    require(accepted, f"'check' refuses all of the shapes {shapes}; name one in 'sample_shapes'")
    for shape in accepted:
        module = _build(extractor, shape)
        require(not module.training, "what is built is in training mode; return it in 'eval'")
        output = module(_stored(shape))
        pair = isinstance(output, tuple) and len(output) == 2
        require(
            pair, f"the output for samples {shape} must be a pair: features, and logits or None"
        )
        logits = "no logits" if output[1] is None else "logits"
        require(
            (output[1] is not None) == extractor.classifies,
            f"'classifies' is {extractor.classifies}, and there are {logits}; it must say whether",
        )
        for what, values in zip(("features", "logits"), output, strict=True):
            if values is not None:
                require_tensor(values, f"the tensor of {what} of samples {shape}", dtype=None)
                found = tuple(values.shape)
                right = len(found) == 2 and found[0] == 6 and values.is_floating_point()
                require(
                    right, f"{what} of 6 samples are {values.dtype} {found}; floats (6, …) needed"
                )


@check
def check_sample_independence(extractor: FeatureExtractor, options: Options = DEFAULT) -> None:
    """Features of a sample do not depend on the others, nor on how many go through at a time."""
    for shape in _accepted(extractor, options):
        module, samples = _build(extractor, shape), _stored(shape)
        parts = torch.cat([module(part)[0] for part in torch.split(samples, [1, 2, 3])])
        require(
            close(module(samples)[0], parts),
            f"features of samples {shape} change with the number that goes through at a time; each"
            " sample's must depend on itself alone",
        )


@check
def check_rebuilding(extractor: FeatureExtractor, options: Options = DEFAULT) -> None:
    """Built again, at any seed of torch, the extractor gives the same features."""
    for shape in _accepted(extractor, options):
        features = []
        for seed in (0, 1):
            torch.manual_seed(seed)
            module = _build(extractor, shape)
            features += [module(_stored(shape))[0] for _ in range(2)]
        require(
            all(torch.equal(features[0], each) for each in features),
            f"features of samples {shape} differ from one time to the next; weights must be fixed,"
            " or come from a seed that is a field",
        )


@check
def check_fingerprint(extractor: FeatureExtractor) -> None:
    """The fingerprint is JSON, says type and version, and names no place on this machine."""
    fingerprint = extractor.fingerprint()
    same = json.loads(json.dumps(fingerprint, allow_nan=False)) == fingerprint
    require(same, "the fingerprint is another after it went through JSON; use text keys and lists")
    said = fingerprint.get("type"), fingerprint.get("version")
    require(
        said == (extractor.type, extractor.version),
        f"the fingerprint says {said[0]!r} and {said[1]!r}; 'type' and 'version' must be"
        f" {extractor.type!r} and {extractor.version!r}",
    )
    paths = [text for text in _texts(fingerprint) if _is_path(text)]
    require(
        not paths,
        f"the fingerprint names the path {paths[:1]}; give the SHA-256 of the file, which may move",
    )


@check
def check_label(extractor: FeatureExtractor) -> None:
    """The label that numbers are marked with is one word."""
    require(
        _is_word(extractor.label),
        f"the label is {extractor.label!r}; it must be a word without '@'",
    )


def _is_word(text: str) -> bool:
    return bool(text) and not any(each.isspace() or each == "@" for each in text)


def _accepted(extractor: FeatureExtractor, options: Options) -> list[tuple[int, ...]]:
    return [shape for shape in options.sample_shapes if passes(extractor.check, shape)]


@torch.no_grad()
def _build(extractor: FeatureExtractor, shape: tuple[int, ...]) -> nn.Module:
    return extractor.build(shape).requires_grad_(False)


def _stored(shape: tuple[int, ...]) -> torch.Tensor:
    """Return six made-up samples as they are stored."""
    rng = torch.Generator().manual_seed(0)
    if len(shape) == 3:
        return torch.randint(0, 256, (6, *shape), generator=rng, dtype=torch.uint8)
    return torch.randn(6, *shape, generator=rng)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _is_path(text: str) -> bool:
    absolute = PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute()
    return absolute or text.startswith("~") or Path(text).is_file()


@check
def check_measured(metric: Metric, options: Options = DEFAULT) -> None:
    """There is a finite number for each quantity, and for no other; details are JSON."""
    measured = _measure(metric, _inputs(options))
    kind = type(measured).__name__
    require(isinstance(measured, MetricResult), f"{kind} is measured; it must be a MetricResult")
    found, said = sorted(measured.values), sorted(each.name for each in metric.quantities)
    require(found == said, f"values are there for {found}; 'quantities' says {said}")
    for name, value in measured.values.items():
        finite = isinstance(value, int | float) and math.isfinite(value)
        require(finite, f"{name} is {value!r}; give a finite float, or raise NotMeasurable")
    json.dumps(dict(measured.details), allow_nan=False)


@check
def check_order(metric: Metric, options: Options = DEFAULT) -> None:
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
            f"{name} is {drawn[0]:.6g}, and {value:.6g} for the same samples in another order; the"
            " order must make no difference",
        )


@check
def check_seeds(metric: Metric, options: Options = DEFAULT) -> None:
    """The same inputs give the same numbers, whatever torch's and numpy's seeds are."""
    found = []
    state = np.random.get_state()  # noqa: NPY002 - the one a metric must not draw from
    try:
        for seed in (0, 1):
            torch.manual_seed(seed)
            np.random.seed(seed)  # noqa: NPY002 - as above
            found.append(dict(_measure(metric, _inputs(options)).values))
    finally:
        np.random.set_state(state)  # noqa: NPY002 - as above
    require(
        found[0] == found[1],
        f"the same inputs give {found[0]}, then {found[1]}; what is random must come from the seed"
        " of the inputs",
    )


@check
def check_missing(metric: Metric, options: Options = DEFAULT) -> None:
    """What the metric does not say that it needs may be missing."""
    inputs = _inputs(options)
    if not metric.needs_logits:
        bare = [replace(each, logits=None) for each in (inputs.generated, inputs.reference)]
        inputs = replace(inputs, generated=bare[0], reference=bare[1])
    if not metric.needs_training_samples:
        inputs = replace(inputs, training=None)
    _measure(metric, inputs)
    _measure_or_not(metric, replace(inputs, mixture=None))


@check
def check_few_samples(metric: Metric) -> None:
    """From one sample, or from equal ones, comes a finite number or NotMeasurable, with a reason."""
    inputs = _inputs(DEFAULT)
    for what, index in (("one sample", [0]), ("equal samples", [0] * 20)):
        few = [_chosen(each, np.array(index)) for each in (inputs.generated, inputs.reference)]
        values = _measure_or_not(metric, replace(inputs, generated=few[0], reference=few[1]))
        bad = ", ".join(name for name, value in values.items() if not math.isfinite(value))
        require(not bad, f"{bad} is not finite for {what}; raise NotMeasurable instead")


@check
def check_names(metric: Metric) -> None:
    """Quantities are there, have one-word names that differ, and are described."""
    names = [quantity.name for quantity in metric.quantities]
    once = names and len(set(names)) == len(names)
    require(once, f"quantities are called {names}; there must be one or more, each once")
    for each in metric.quantities:
        require(_is_word(each.name), f"the name {each.name!r} must be a word without '@'")
        what = f"quantity {each.name!r} has"
        require(each.description.strip(), f"{what} no description; say what it is, with its range")
        known = each.better in {None, "lower", "higher"}
        require(known, f"{what} a better end {each.better!r}; it is 'lower', 'higher' or None")
    shown = metric.names(_Stub())
    each_once = sorted(shown) == sorted(names) and len(set(shown.values())) == len(shown)
    require(each_once, f"'names' gives {shown} for {names}; it must give one for each quantity")


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


class _Stub(FeatureExtractor):
    """An extractor that is asked only for its label."""

    type: str = "stub"

    def build(self, sample_shape: tuple[int, ...]) -> torch.nn.Module:
        """Refuse: nothing is extracted."""
        raise NotImplementedError(f"features of samples {sample_shape} are made up")


def _measure(metric: Metric, inputs: MetricInputs) -> MetricResult:
    try:
        return metric.build()(inputs)
    except NotMeasurable as reason:
        require(
            False,
            f"NotMeasurable was raised ({reason}); {len(inputs.generated)} points in {MODES} classes"
            " must give a value, or skip this check and call it with 'inputs' that do",
        )
        raise


def _measure_or_not(metric: Metric, inputs: MetricInputs) -> Mapping[str, float]:
    try:
        return metric.build()(inputs).values
    except NotMeasurable as reason:
        require(str(reason), "NotMeasurable is raised without a reason; it must say why")
        return {}


def _chosen(samples: Features, index: npt.NDArray[np.int64]) -> Features:
    logits, labels = samples.logits, samples.labels
    return Features(
        samples.features[index],
        None if logits is None else logits[index],
        None if labels is None else labels[index],
    )
