"""Evaluating images that lie in files, whatever model made them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from ganzoo.data.images import Mode
from ganzoo.errors import DataError
from ganzoo.evaluation.evaluator import Evaluator
from ganzoo.evaluation.loose import LooseImages, open_images
from ganzoo.evaluation.real import RealSet, Reference
from ganzoo.evaluation.request import Choice, choose
from ganzoo.evaluation.runs import software_versions
from ganzoo.evaluation.samples import Array
from ganzoo.runs.report import Report, Subject


class FileSamples:
    """Images in files, as a set of samples without classes."""

    labels = None

    def __init__(self, images: LooseImages) -> None:
        self._images = images
        self.sample_shape = images.sample_shape

    def __len__(self) -> int:
        return len(self._images)

    def read(self, indices: range) -> Array:
        """Decode some images: (n, C, H, W) uint8."""
        return self._images.read(indices)


def evaluate_files(
    generated: Path,
    reference: Path,
    *,
    metrics: Sequence[Choice] | None,
    extractor: Choice | None,
    size: int | None,
    mode: Mode | None,
    floor: bool,
    device: torch.device,
) -> Report:
    """Compare images with real ones (see ``ganzoo.evaluate_images``).

    Raises:
        DataError: files are missing or unreadable, or the two sets cannot be compared.
        ganzoo.errors.SpecError: there is no such metric or extractor, or they do not fit the images.
    """
    made = open_images(generated, size=size, mode=mode)
    real = open_images(reference, size=size, mode=mode)
    _refuse_unlike(made, real)
    chosen, used = choose(made.sample_shape, metrics, extractor)
    evaluator = Evaluator(
        chosen,
        used,
        made.sample_shape,
        lambda: Reference(
            RealSet(FileSamples(real), "the reference images", real.sha256()), title=str(reference)
        ),
        device,
        floor=floor,
    )
    return evaluator.judge(
        {0: FileSamples(made)},
        Subject(name=str(generated), samples_sha256=made.sha256(), preparation=made.preparation),
        software_versions(),
        seeded=False,
    )


def _refuse_unlike(made: LooseImages, real: LooseImages) -> None:
    """Refuse to compare images of different sizes or numbers of channels.

    Raises:
        DataError: says how to make them alike.
    """
    if made.sample_shape == real.sample_shape:
        return
    (channels, *sides), (real_channels, *real_sides) = made.sample_shape, real.sample_shape
    if sides != real_sides:
        square = len(set(sides)) == len(set(real_sides)) == 1
        raise DataError(
            f"{made.path} has images of {_size(sides)}, but {real.path} of {_size(real_sides)}:"
            f" {'resize both with --size' if square else 'make them of one size first'}"
        )
    kinds = {1: "grey", 3: "colour"}
    raise DataError(
        f"{made.path} has {kinds.get(channels, channels)} images, but {real.path}"
        f" {kinds.get(real_channels, real_channels)} ones: convert both with --mode"
    )


def _size(sides: Sequence[int]) -> str:
    return f"{sides[1]} x {sides[0]} pixels"
