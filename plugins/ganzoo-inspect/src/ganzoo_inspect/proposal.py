"""The data set section of a spec, and a whole spec, for images that were looked through."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ganzoo_dcgan.sizes import SMALLEST, nearest, stem_of

from ganzoo.components import Images
from ganzoo.data.images import complaint, height_and_width
from ganzoo.errors import DataError, UsageError
from ganzoo_inspect.survey import Survey, look_through

LARGEST, LARGEST_PROPOSED = 128, 64
"""Pixels a side to which images are shrunk: to be read, and to be trained on by a proposed spec."""

FEWEST = 16
"""Images with which a spec is proposed; they do not make a good GAN, but one that trains."""

FEW, MANY = 1_000, 10_000
"""Images below which shifts and colours are augmented, too, and from which nothing is.

With a few hundred digits shifts keep the generator from copying; with thousands they cost variety.
"""

FEWEST_OF_A_CLASS = 10
"""Images that each class must have for the networks to be told of classes."""

SMALL = 32
"""Pixels a side up to which networks are narrower and train for a shorter time."""

REQUIRES = ("ganzoo", "ganzoo-augmentations", "ganzoo-dcgan")


def dataset_section(
    survey: Survey, *, largest: int = LARGEST, for_dcgan: bool = False
) -> dict[str, Any]:
    """Return the section ``dataset`` of a spec that reads what was looked through."""
    section: dict[str, Any] = {"type": survey.kind, "path": str(survey.path)}
    if survey.train != "train":
        section["split"] = survey.train
    if survey.kind == "folder":
        section["size"] = _size(survey, largest, for_dcgan)
        section["mode"] = "rgb" if survey.coloured else "grey"
    return section


def _size(survey: Survey, largest: int, for_dcgan: bool) -> int | list[int]:
    """Return the images' own size where all have one that is small, else one that shrinks most.

    For a DCGAN, the own size is the nearest one that it can generate.
    """
    ((width, height), _), *others = survey.sizes.most_common()
    if not others and min(width, height) >= SMALLEST and max(width, height) <= largest:
        if for_dcgan and not stem_of(height, width):
            height, width = nearest(height, width)[0]
        return height if height == width else [height, width]
    powers = [side for side in (8, 16, 32, 64, 128) if side <= largest and _larger(survey, side)]
    return powers[-1] if powers else SMALLEST


def _larger(survey: Survey, side: int) -> bool:
    """Return whether half of the images have so many pixels a side, or more."""
    sides = sorted(min(each) for each, count in survey.sizes.items() for _ in range(count))
    return sides[len(sides) // 2] >= side


def propose_spec(path: Path) -> dict[str, Any]:
    """Return a spec that trains well on the images of a folder, a zip file or an array file.

    Raises:
        ganzoo.errors.UsageError: there are none, too few, or some that cannot be read.
    """
    survey = look_through(path, compare=False)
    if survey.unreadable:
        listed = [f"{name} ({reason})" for name, reason in survey.unreadable.items()]
        total = len(listed) + len(survey.names)
        raise DataError(f"{complaint(listed, total, str(path))} ('ganzoo data' names all)")
    if not survey.images:
        kind, numbers = survey.formats.most_common(1)[0][0], survey.modes.most_common(1)[0][0]
        raise UsageError(
            f"{path} holds {kind} ({numbers}), not images; if they are images, save them as uint8"
        )
    count = survey.splits[survey.train]
    if count < FEWEST:
        raise UsageError(f"{path} has {count} images to train on; at least {FEWEST} are needed")
    return _spec(survey, count)


def _spec(survey: Survey, count: int) -> dict[str, Any]:
    dataset = dataset_section(survey, largest=LARGEST_PROPOSED, for_dcgan=True)
    space = survey.space
    own = (space.height, space.width) if isinstance(space, Images) else dataset["size"]
    size = height_and_width(own)
    small = max(size) <= SMALL
    classes = survey.classes.get(survey.train, {})
    conditional = len(classes) > 1 and min(classes.values()) >= FEWEST_OF_A_CLASS
    operations = _operations(survey, count)
    batch = 64 if count >= 1_000 else 32 if count >= 200 else 8
    steps = (4_000 if small else 15_000) * (3 if operations else 2) // 2
    network = {"type": "dcgan", "channels": 48 if small else 64, "conditional": conditional}
    metrics: list[Any] = ["fd", "prdc"]
    if count < MANY and "test" in survey.splits:
        metrics.append({"type": "memorization", "extractor": "pixels"})
    columns = len(classes) if conditional else 8
    return {
        "name": re.sub(r"[^A-Za-z0-9]+", "-", survey.path.resolve().stem).strip("-")[:40]
        or "images",
        "description": _description(survey, count, size, operations, conditional, batch, steps),
        "requires": dict.fromkeys(REQUIRES, ">=0.2"),
        "dataset": dataset,
        "latent": {"type": "normal", "dim": 64 if small else 128},
        "generator": network,
        "discriminator": network,
        **(
            {"augmentation": {"type": "diffaugment", "operations": operations}}
            if operations
            else {}
        ),
        "generator_optimizer": {"type": "adam", "lr": _halves(3e-4)},
        "discriminator_optimizer": {"type": "adam", "lr": _halves(2e-4)},
        "training": {"duration": f"{steps} steps", "batch_size": batch, "ema": {"decay": 0.998}},
        "evaluation": {
            "metrics": metrics,
            "extractor": "random-conv",
            "every": f"{steps // 10} steps",
            "samples": min(1_000, max(FEWEST, count)),
            "best": "fd",
        },
        "output": {
            "samples_every": f"{steps // 20} steps",
            "samples": columns * max(1, min(8, 100 // columns)) if columns <= 100 else 64,
            "checkpoint_every": f"{steps // 5} steps",
        },
    }


def _operations(survey: Survey, count: int) -> list[str]:
    if count >= MANY:
        return []
    if count >= FEW:
        return ["cutout"]
    return [*(["color"] if survey.coloured else []), "translation", "cutout"]


def _halves(rate: float) -> dict[str, Any]:
    """Return a learning rate that is kept for half of the training and then falls to 0."""
    falling = {"type": "linear", "start": rate, "end": 0.0}
    return {"type": "sequence", "parts": [rate, falling], "at": [0.5]}


def _description(
    survey: Survey,
    count: int,
    size: tuple[int, int],
    operations: list[str],
    conditional: bool,
    batch: int,
    steps: int,
) -> str:
    """Explain every choice, for whoever edits the spec."""
    mode = "RGB" if survey.coloured else "grey"
    width = "narrow" if max(size) <= SMALL else "usual"
    sentences = [
        f"A DCGAN for {count:,} images of {survey.path.name}, proposed by ganzoo-inspect.",
        f"Size: {size[0]} x {size[1]}, {mode}; "
        + (
            "that is their own."
            if len(survey.sizes) == 1 and size[::-1] in survey.sizes
            else "the middle of each image is resized."
            + (
                " Double it for more detail, at four times the work."
                if _larger(survey, 2 * max(size))
                else ""
            )
        ),
        *(
            ["Transparent parts become white; dataset.background gives them another colour."]
            if survey.transparent and survey.kind == "folder"
            else []
        ),
        f"Networks: DCGANs of {width} width for this size"
        + (", told the classes." if conditional else "."),
        f"Batch: {batch}.",
        f"Augmentation: {', '.join(operations)} for a discriminator that would learn so few images by"
        " heart."
        if operations
        else "Augmentation: none, there are enough images.",
        "Set dataset.horizontal_flip to true if mirrored images are as good.",
        f"Duration: {steps:,} steps, learning rates falling to 0 in the second half; 'ganzoo doctor'"
        " says how long they take.",
        "Evaluation: distance and coverage on features of a random network, which needs no download;"
        " compare the numbers only within this data set. The checkpoint with the best 'fd' is kept.",
    ]
    return " ".join(sentences)
