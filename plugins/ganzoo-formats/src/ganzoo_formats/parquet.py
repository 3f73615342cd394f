"""Images in Parquet files."""

from __future__ import annotations

import io
import json
import threading
from pathlib import Path
from typing import Any

from PIL import Image

from ganzoo.errors import DataError
from ganzoo_formats.encoded import EncodedImages, Stored, files_by_split, library


def find(path: Path, image: str, label: str | None) -> EncodedImages:
    """List the images of Parquet files; only their labels are read.

    Raises:
        DataError: files are missing or damaged, or have no such column.
    """
    parquet = library("pyarrow.parquet", "parquet")
    splits: dict[str, list[Stored]] = {}
    names: tuple[str, ...] | None = None
    for split, files in files_by_split(path, ".parquet").items():
        for file in files:
            try:
                opened = parquet.ParquetFile(file)
                columns = opened.schema_arrow.names
                if image not in columns:
                    listed = ", ".join(columns)
                    raise DataError(
                        f"{file} has no column {image!r}; set 'image' (available: {listed})"
                    )
                found = label if label in columns else None
                names = names or _class_names(opened.schema_arrow, found)
                for group in range(opened.num_row_groups):
                    count = opened.metadata.row_group(group).num_rows
                    labels: list[Any] = [None] * count
                    if found is not None:
                        table = opened.read_row_group(group, columns=[found])
                        labels = table.column(found).to_pylist()
                    splits.setdefault(split, []).extend(
                        Stored(f"{file.name} row {row} of group {group}", file, each, (group, row))
                        for row, each in enumerate(labels)
                    )
            except (OSError, ValueError, KeyError) as error:  # those of pyarrow are such
                reason = " ".join(str(error).split())[:200]
                raise DataError(f"{file} cannot be read: {reason}") from None
    if not any(splits.values()):
        raise DataError(f"{path} holds no images")
    return EncodedImages(path, splits, names, _Reader(image).open)


class _Reader:
    """Opens images; the row group read last is kept, since images are read in order."""

    def __init__(self, column: str) -> None:
        self._column = column
        self._lock = threading.Lock()
        self._kept: tuple[Any, Any] = (None, None)

    def open(self, stored: Stored) -> Image.Image:
        """Open an image from its row."""
        group, row = stored.place
        with self._lock:
            if self._kept[0] != (stored.file, group):
                opened = library("pyarrow.parquet", "parquet").ParquetFile(stored.file)
                column = opened.read_row_group(group, columns=[self._column]).column(self._column)
                self._kept = ((stored.file, group), column)
            value = self._kept[1][row].as_py()
        content = value.get("bytes") if isinstance(value, dict) else value
        if not isinstance(content, bytes):
            raise ValueError("it has no bytes, only a path" if value else "it is empty")
        return Image.open(io.BytesIO(content))


def _class_names(schema: Any, label: str | None) -> tuple[str, ...] | None:
    """Return the names of classes that Hugging Face's datasets wrote."""
    try:
        about = json.loads((schema.metadata or {})[b"huggingface"])
        return tuple(map(str, about["info"]["features"][label]["names"]))
    except (KeyError, TypeError, ValueError):
        return None
