"""Images in the tar files of WebDataset."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from PIL import Image

from ganzoo.data.listing import LARGEST, image_suffixes
from ganzoo.errors import DataError
from ganzoo_formats.encoded import EncodedImages, Stored, files_by_split


def find(path: Path, label: str | None) -> EncodedImages:
    """List the images of tar files, and read their labels.

    Raises:
        DataError: files are missing or damaged, or hold no images.
    """
    splits: dict[str, list[Stored]] = {}
    for split, files in files_by_split(path, ".tar").items():
        for file in files:
            splits.setdefault(split, []).extend(_samples(file, label))
    if not any(splits.values()):
        raise DataError(f"{path} holds no images")
    return EncodedImages(path, splits, None, _open)


def _samples(file: Path, label: str | None) -> list[Stored]:
    """Return the images of one tar file, in its order."""
    images: dict[str, Stored] = {}
    labels: dict[str, Any] = {}
    try:
        with tarfile.open(file, "r:") as archive:
            for member in archive:
                if not member.isreg():
                    continue
                folder, _, name = member.name.rpartition("/")
                stem, _, kind = name.partition(".")
                key = f"{folder}/{stem}" if folder else stem
                suffix = f".{kind.rpartition('.')[2].lower()}"
                if suffix in image_suffixes():
                    if key in images:
                        raise DataError(f"{file}: sample {key} has more than one image")
                    place = (member.offset_data, member.size)
                    images[key] = Stored(f"{file.name}: {member.name}", file, None, place)
                elif label is not None and kind in {"cls", "json"} and member.size <= LARGEST:
                    content = archive.extractfile(member)
                    text = b"" if content is None else content.read()
                    found = _label(text, kind, label, f"{file}: {member.name}")
                    if found is not None:
                        labels[key] = found
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DataError(f"{file} cannot be read: {error}") from None
    return [
        Stored(each.name, each.file, labels.get(key), each.place) for key, each in images.items()
    ]


def _label(text: bytes, kind: str, key: str, where: str) -> int | str | None:
    try:
        if kind == "cls":
            return int(text)
        found = json.loads(text)
        value = found.get(key) if isinstance(found, dict) else None
    except ValueError:
        raise DataError(f"{where} is not a {'number' if kind == 'cls' else 'JSON file'}") from None
    if value is None or isinstance(value, int | str):
        return value
    raise DataError(f"{where}: {key!r} must be a whole number or a text, not {value!r}")


def _open(stored: Stored) -> Image.Image:
    begin, size = stored.place
    if size > LARGEST:
        raise ValueError(f"it has {size:,} bytes, and at most {LARGEST:,} are read")
    with stored.file.open("rb") as file:
        file.seek(begin)
        return Image.open(io.BytesIO(file.read(size)))
