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
import numpy.typing as npt
import platformdirs
from PIL import Image

from ganzoo.data.folder import files_of_folder
from ganzoo.data.images import Mode, Pixels, Size, cached_images, height_and_width
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
    """Read one split of a set.

    Args:
        facts: the set.
        split: one of its splits.
        root: folder that contains the set's own folder.
        size: size of each image in pixels; images of other sizes are resized and cropped, and cached.
        download: whether missing files may be downloaded.

    Raises:
        DataError: files are missing and may not be or cannot be downloaded, or they are damaged.
    """
    arguments = {**facts.arguments, **facts.splits[split]}
    dataset = _open(facts, root, arguments, download)
    labels = None if split in facts.unlabelled else _labels(dataset, facts)
    where = root / facts.folder
    if facts.axes is None:
        samples = cached_images(
            facts.class_name,
            [f"number {index}" for index in range(len(dataset))],
            lambda index: dataset[index][0],
            fingerprint=[
                arguments,
                where.resolve(),
                *sorted((file.name, file.size, file.stamp) for file in files_of_folder(where)),
            ],
            size=size,
            mode="rgb",
            where=str(where),
        )
    else:
        samples = np.asarray(dataset.data).transpose(_TO_NCHW[facts.axes])
        samples = samples.reshape(len(samples), facts.channels, *samples.shape[-2:])
        samples = _resized(np.ascontiguousarray(samples), size, where)
    return _checked(samples, labels, facts, where)


def _open(facts: TorchvisionSet, root: Path, arguments: dict[str, Any], download: bool) -> Any:
    """Construct torchvision's data set, downloading it only where files are missing."""
    where = root / facts.folder
    missing = f"{facts.class_name} is not in {where}"
    try:
        with _quiet():
            dataset_class = getattr(
                importlib.import_module("torchvision.datasets"), facts.class_name
            )
            return dataset_class(str(root), **arguments)
    except Exception as error:  # damaged files make readers raise what they will
        if not (isinstance(error, RuntimeError) and "not found" in str(error)):
            raise DataError(_unreadable(facts, where, error)) from None
    if not download:
        raise DataError(f"{missing}; put its files there, or set 'download' to true")
    report(f"downloading {facts.class_name}", 0, 0)
    try:
        with _quiet():
            dataset = dataset_class(str(root), **arguments, download=True)
    except Exception as error:  # networks and archives fail in many ways
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{missing} and cannot be downloaded ({reason}); put its files there, or try again"
        ) from None
    report(f"downloading {facts.class_name}", 1, 1)
    return dataset


def _unreadable(facts: TorchvisionSet, where: Path, error: Exception) -> str:
    if isinstance(error, ImportError):
        return f"{facts.class_name} needs the package {error.name or error}, which is not installed"
    reason = " ".join(str(error).split()) or type(error).__name__
    return f"{facts.class_name} in {where} cannot be read ({reason}); its files must be replaced"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep torchvision's progress bars and notes off the terminal."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


def _labels(dataset: Any, facts: TorchvisionSet) -> npt.NDArray[np.int64] | None:
    """Return labels (N,) that count from 0."""
    if facts.classes is None:
        return None
    labels = np.asarray(getattr(dataset, facts.labels)).astype(np.int64)
    labels = labels if labels.ndim == 1 else labels[:, 0]  # QMNIST has the writer's number and more
    return labels - facts.first_label


def _resized(samples: Pixels, size: Size, where: Path) -> Pixels:
    if samples.shape[2:] == height_and_width(size):
        return samples
    mode: Mode = "rgb" if samples.shape[1] == 3 else "grey"
    return cached_images(
        "resized",
        [f"number {index}" for index in range(len(samples))],
        lambda index: Image.fromarray(samples[index].transpose(1, 2, 0).squeeze()),
        fingerprint=[samples.shape, hashlib.sha256(samples.data).hexdigest()],
        size=size,
        mode=mode,
        where=str(where),
    )


def _checked(
    samples: Pixels, labels: npt.NDArray[np.int64] | None, facts: TorchvisionSet, where: Path
) -> Split:
    """Check what was read against the table."""
    shape = samples.shape[1:]
    classes = 0 if facts.condition is None else facts.condition.size
    problem = None
    if not len(samples) or shape[0] != facts.channels:
        problem = f"its images are {samples.shape}"
    elif labels is not None and len(labels) != len(samples):
        problem = f"it has {len(samples)} images and {len(labels)} labels"
    elif labels is not None and not (labels.min() >= 0 and labels.max() < classes):
        problem = f"its labels are outside the {classes} classes"
    if problem is not None:
        raise DataError(_unreadable(facts, where, ValueError(problem)))
    return Split(samples, labels)
