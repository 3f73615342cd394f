"""Checks of feature extractors, on made-up samples as they are stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import torch
from torch import nn

from ganzoo.components import FeatureExtractor
from ganzoo.testing.faults import check, require
from ganzoo.testing.tiny import SAMPLE_SHAPES
from ganzoo.testing.trials import SampleShapes

SAMPLES = 6


@check
def check_sample_shapes(
    extractor: FeatureExtractor, sample_shapes: SampleShapes = SAMPLE_SHAPES
) -> None:
    """The extractor's ``check`` accepts at least one of the shapes."""
    require(
        _accepted(extractor, sample_shapes),
        f"'check' refuses all of the shapes {', '.join(map(str, sample_shapes))}; it must accept at"
        " least one, so name one that it does in 'sample_shapes'",
    )


@check
def check_output(extractor: FeatureExtractor, sample_shapes: SampleShapes = SAMPLE_SHAPES) -> None:
    """Features are finite (N, d); there are logits (N, K) exactly where ``classifies`` is true."""
    for shape, module in _built(extractor, sample_shapes):
        require(
            not module.training, "what is built is in training mode; it must be in evaluation's"
        )
        output = module(_samples(shape))
        require(
            isinstance(output, tuple) and len(output) == 2,
            f"the output for samples {shape} is a {type(output).__name__}; it must be a pair of"
            " features and logits, or None for these",
        )
        features, logits = output
        require(
            features.dim() == 2 and len(features) == SAMPLES and features.is_floating_point(),
            f"features of {SAMPLES} samples {shape} are {features.dtype} {tuple(features.shape)};"
            f" they must be floating-point numbers ({SAMPLES}, d)",
        )
        require(
            features.isfinite().all(), f"features of samples {shape} are not finite; they must be"
        )
        require(
            (logits is not None) == extractor.classifies,
            f"'classifies' is {extractor.classifies}, and there are"
            f" {'no ' if logits is None else ''}logits; it must say whether there are",
        )
        require(
            logits is None or (logits.dim() == 2 and len(logits) == SAMPLES),
            f"logits of {SAMPLES} samples are {tuple(logits.shape) if logits is not None else None};"
            f" they must be ({SAMPLES}, K)",
        )


@check
def check_independence(
    extractor: FeatureExtractor, sample_shapes: SampleShapes = SAMPLE_SHAPES
) -> None:
    """Features of a sample do not depend on the others, nor on how many go through at a time."""
    for shape, module in _built(extractor, sample_shapes):
        samples = _samples(shape)
        whole = module(samples)[0]
        parts = torch.cat([module(part)[0] for part in torch.split(samples, [1, 2, 3])])
        require(
            torch.allclose(whole, parts, rtol=1e-3, atol=1e-4),
            f"features of samples {shape} change with the number that goes through at a time; each"
            " sample's must depend on itself alone",
        )


@check
def check_repeats(extractor: FeatureExtractor, sample_shapes: SampleShapes = SAMPLE_SHAPES) -> None:
    """Built again, at any seed of torch, the extractor gives the same features."""
    for shape in _accepted(extractor, sample_shapes):
        features = []
        for seed in (0, 1):
            torch.manual_seed(seed)
            with torch.no_grad():
                module = extractor.build(shape)
                features += [module(_samples(shape))[0] for _ in range(2)]
        require(
            all(torch.equal(features[0], each) for each in features),
            f"features of samples {shape} differ from one time to the next; weights must be fixed,"
            " or come from a seed that is a field",
        )


@check
def check_fingerprint(extractor: FeatureExtractor) -> None:
    """The fingerprint is JSON, says type and version, and names no place on this machine."""
    fingerprint = extractor.fingerprint()
    stored = json.loads(json.dumps(fingerprint, allow_nan=False))
    require(
        stored == fingerprint,
        "the fingerprint is another after it went through JSON; let it hold text keys, lists and no"
        " tuples",
    )
    require(
        fingerprint.get("type") == extractor.type
        and fingerprint.get("version") == extractor.version,
        f"the fingerprint says {fingerprint.get('type')!r} and {fingerprint.get('version')!r}; 'type'"
        f" and 'version' must be {extractor.type!r} and {extractor.version!r}",
    )
    paths = [text for text in _texts(fingerprint) if _is_path(text)]
    require(
        not paths,
        f"the fingerprint names the path {paths[:1]}; give the SHA-256 of the file instead, since the"
        " same file may lie elsewhere",
    )


@check
def check_label(extractor: FeatureExtractor) -> None:
    """The label that numbers are marked with is one word."""
    label = extractor.label
    require(
        label and not any(character.isspace() or character in "@/" for character in label),
        f"the label is {label!r}; it must be a word without spaces, '@' and '/'",
    )


def _accepted(extractor: FeatureExtractor, sample_shapes: SampleShapes) -> list[tuple[int, ...]]:
    accepted = []
    for shape in sample_shapes:
        try:
            extractor.check(shape)
        except ValueError:
            continue
        accepted.append(shape)
    return accepted


def _built(
    extractor: FeatureExtractor, sample_shapes: SampleShapes
) -> Iterator[tuple[tuple[int, ...], nn.Module]]:
    for shape in _accepted(extractor, sample_shapes):
        with torch.no_grad():
            yield shape, extractor.build(shape)


def _samples(shape: tuple[int, ...]) -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    if len(shape) == 3:
        return torch.randint(0, 256, (SAMPLES, *shape), generator=rng, dtype=torch.uint8)
    return torch.randn(SAMPLES, *shape, generator=rng)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _is_path(text: str) -> bool:
    absolute = PurePosixPath(text).is_absolute() or PureWindowsPath(text).is_absolute()
    return absolute or text.startswith("~") or Path(text).is_file()
