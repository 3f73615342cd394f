"""Reading torchvision's data sets, as whole arrays where they have them."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from PIL import Image

from ganzoo.data.images import Form, Mode, Pixels, Size, decoded_images, height_and_width
from ganzoo.data.listing import files_of_folder
from ganzoo.data.split import Split
from ganzoo.data.torchvision_table import TorchvisionSet
from ganzoo.errors import DataError
from ganzoo.utils.progress import report

_TO_NCHW = {"nhw": (0, 1, 2), "nwh": (0, 2, 1), "nhwc": (0, 3, 1, 2), "nchw": (0, 1, 2, 3)}


def data_folder() -> Path:
    """Return where data sets are kept: ``$GANZOO_DATA``, or the user's data folder."""
    chosen = os.environ.get("GANZOO_DATA")
    return Path(chosen).expanduser() if chosen else platformdirs.user_data_path("ganzoo")


def read(facts: TorchvisionSet, split: str, root: Path, size: Size, download: bool) -> Split:
    """Read one split of a set from its own folder in ``root``, downloading it where it may.

    Images of other sizes are resized and cropped, and cached.

    Raises:
        DataError: files are missing and may not be or cannot be downloaded, or they are damaged.
    """
    arguments = {**facts.arguments, **facts.splits[split]}
    dataset = _open(facts, root, arguments, download)
    labels = None
    if facts.classes is not None and split not in facts.unlabelled:
        labels = np.asarray(getattr(dataset, facts.labels)).astype(np.int64) - facts.first_label
        labels = labels if labels.ndim == 1 else labels[:, 0]  # QMNIST has the writer and more
    where = root / facts.folder
    samples = _images(dataset, facts, arguments, where, size)
    classes = 0 if facts.condition is None else facts.condition.size
    problem = None
    if not len(samples) or samples.shape[1] != facts.channels:
        problem = f"its images are {samples.shape}"
    elif labels is not None and len(labels) != len(samples):
        problem = f"it has {len(samples)} images and {len(labels)} labels"
    elif labels is not None and not (labels.min() >= 0 and labels.max() < classes):
        problem = f"its labels are outside the {classes} classes"
    if problem is not None:
        raise _unreadable(facts, where, ValueError(problem))
    return Split(samples, labels)


def _images(
    dataset: Any, facts: TorchvisionSet, arguments: dict[str, Any], where: Path, size: Size
) -> Pixels:
    """Return the images (N, C, H, W) in one size, from the cache where they had to be resized."""
    mode: Mode = "rgb"
    fingerprint: list[object]
    if facts.axes is None:
        name, count = facts.class_name, len(dataset)
        files = sorted((file.name, file.size, file.stamp) for file in files_of_folder(where))
        fingerprint = [arguments, where.resolve(), *files]

        def open_image(index: int) -> Image.Image:
            image: Image.Image = dataset[index][0]
            return image
    else:
        stored = np.asarray(dataset.data).transpose(_TO_NCHW[facts.axes])
        stored = stored.reshape(len(stored), facts.channels, *stored.shape[-2:])
        stored = np.ascontiguousarray(stored)
        if stored.shape[2:] == height_and_width(size):
            return stored
        name, count, mode = "resized", len(stored), "rgb" if facts.channels == 3 else "grey"
        fingerprint = [stored.shape, hashlib.sha256(stored.data).hexdigest()]

        def open_image(index: int) -> Image.Image:
            return Image.fromarray(stored[index].transpose(1, 2, 0).squeeze())

    names = [f"number {index}" for index in range(count)]
    form = Form(size, mode)
    return decoded_images(
        name, names, open_image, fingerprint=fingerprint, form=form, where=str(where)
    )[0]


def _open(facts: TorchvisionSet, root: Path, arguments: dict[str, Any], download: bool) -> Any:
    where = root / facts.folder
    missing = f"{facts.class_name} is not in {where}"
    try:
        with _quiet():
            datasets = importlib.import_module("torchvision.datasets")
            dataset_class = getattr(datasets, facts.class_name)
            return dataset_class(str(root), **arguments)
    except Exception as error:  # damaged files make readers raise what they will
        if not (isinstance(error, RuntimeError) and "not found" in str(error)):
            raise _unreadable(facts, where, error) from None
    if not download:
        raise DataError(f"{missing}; put its files there, or set 'download' to true")
    report(f"downloading {facts.class_name}", 0, 0)
    try:
        with _quiet():
            dataset = dataset_class(str(root), **arguments, download=True)
    except Exception as error:  # networks and archives fail in many ways
        reason = f"{missing} and cannot be downloaded ({_words(error)})"
        raise DataError(f"{reason}; put its files there, or try again") from None
    report(f"downloading {facts.class_name}", 1, 1)
    return dataset


def _unreadable(facts: TorchvisionSet, where: Path, error: Exception) -> DataError:
    name = facts.class_name
    if isinstance(error, ImportError):
        return DataError(f"{name} needs the package {error.name or error}, which is not installed")
    reason = f"cannot be read ({_words(error)}); its files must be replaced"
    return DataError(f"{name} in {where} {reason}")


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(action="ignore"),
    ):
        yield
