"""Tables of labels: a label, or several, for each image by its name, in a CSV or JSON file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from ganzoo.components import Condition, ConditionKind
from ganzoo.errors import DataError

Label = int | tuple[float, ...]
"""The number of a class, or a vector of labels or values."""

MOST_CLASSES = 1_000_000
"""Classes that a data set may have: a larger number is an identifier, or an error."""

_FILE_COLUMNS = frozenset(
    ("file", "file_name", "filename", "id", "image", "image_id", "img", "name", "path")
)
_LABEL_COLUMNS = frozenset(("category", "class", "label", "labels", "target", "y"))


@dataclass(frozen=True)
class Table:
    """Labels as they are written, before it is known what they are: a row for each name."""

    rows: tuple[tuple[str, tuple[Any, ...]], ...]
    columns: tuple[str, ...] | None = None  # names of the labels of a row


def read_table(text: str, where: str) -> Table | None:
    """Read a table of labels, JSON where ``where`` ends in .json, else CSV.

    JSON is a list of names and labels, or an object of labels by name, or either below ``labels``, as
    StyleGAN's tools write it; a row may have a list of labels.

    Returns:
        The table, or None where the JSON says that there are no labels.

    Raises:
        DataError: it is not such a table.
    """
    if not where.lower().endswith(".json"):
        return _read_csv(text, where)
    try:
        data = json.loads(text)
        data = data["labels"] if isinstance(data, dict) and "labels" in data else data
        if data is None:
            return None
        pairs = data.items() if isinstance(data, dict) else data
        rows = [(name, label if isinstance(label, list) else [label]) for name, label in pairs]
    except (ValueError, TypeError, RecursionError):
        rows = [(None, [])]
    if not all(isinstance(name, str) and label for name, label in rows):
        form = 'a list of pairs such as ["0001.png", 3], or an object such as {"0001.png": 3}'
        raise DataError(f"{where}: labels must be {form}, by itself or as 'labels'")
    return Table(tuple((name, tuple(label)) for name, label in rows))


def _read_csv(text: str, where: str) -> Table:
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    except csv.Error as error:
        raise DataError(f"{where} cannot be read: {error}") from None
    width = len(rows[0]) if rows else 0
    odd = next((number for number, row in enumerate(rows, 1) if len(row) != width), None)
    if width < 2 or odd is not None:
        has = f"row {odd} has {len(rows[odd - 1])}" if odd is not None else f"it has {width}"
        columns = "columns for the file and its label, as many in each row"
        raise DataError(f"{where} must have {columns}; {has}")
    header = [name.strip().lower() for name in rows[0]]
    file = next((i for i, name in enumerate(header) if name in _FILE_COLUMNS), 0)
    label = [i for i, name in enumerate(header) if name in _LABEL_COLUMNS and i != file]
    chosen = label[:1] or [i for i in range(width) if i != file]
    has_header = bool(label) or header[file] in _FILE_COLUMNS
    cells = rows[1:] if has_header else rows
    table = [(row[file].strip(), tuple(row[i].strip() for i in chosen)) for row in cells]
    names = tuple(rows[0][i].strip() for i in chosen) if has_header else None
    return Table(tuple(table), names)


def match(table: Table, names: Iterable[str], where: str) -> dict[str, tuple[Any, ...]]:
    """Return the labels of images by their names.

    A row may name an image by its path, with or without its suffix, or by the last part of it.

    Raises:
        DataError: a name has two labels.
    """
    rows: dict[str, tuple[Any, ...]] = {}
    for name, label in table.rows:
        if rows.setdefault(_plain(name), label) != label:
            raise DataError(f"{where}: {name} has two labels, {rows[_plain(name)]} and {label}")
    forms: tuple[Callable[[PurePosixPath], str], ...] = (
        str,
        lambda path: str(path.with_suffix("")),
        lambda path: path.name,
        lambda path: path.stem,
    )
    found: dict[str, tuple[Any, ...]] = {}
    paths = [PurePosixPath(name) for name in names]
    for form in forms:
        written = [form(path) for path in paths]
        if len(set(written)) == len(written):
            for path, text in zip(paths, written, strict=True):
                if text in rows:
                    found.setdefault(str(path), rows[text])
    return found


def _plain(name: str) -> str:
    return str(PurePosixPath(name.replace("\\", "/")))


def encode(
    labels: dict[str, tuple[Any, ...]], columns: tuple[str, ...] | None, where: str
) -> tuple[Condition, dict[str, Label]]:
    """Return what labels are, and each in the form that networks are told.

    Whole numbers and texts are classes; several numbers are labels where all are 0 and 1 (or -1 and 1),
    else values.

    Raises:
        DataError: they are of several kinds, or numbers that cannot be.
    """
    widths = {len(label) for label in labels.values()}
    if len(widths) > 1:
        raise DataError(f"{where}: rows have different numbers of labels: {sorted(widths)}")
    try:
        numbers = np.array([[float(each) for each in label] for label in labels.values()])
    except (ValueError, TypeError):
        numbers = None
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused
        if numbers is not None and not np.isfinite(numbers.astype(np.float32)).all():
            raise DataError(f"{where}: labels must be finite numbers of 32 bits")
    if widths == {1}:
        if numbers is None:
            names = tuple(sorted({str(label[0]) for label in labels.values()}))
            number = {name: index for index, name in enumerate(names)}
            classes = {name: number[str(label[0])] for name, label in labels.items()}
            return Condition("classes", len(names), names), dict(classes)
        if (numbers == np.rint(numbers)).all():
            whole = as_classes(numbers[:, 0], f"{where}: classes")
            encoded = dict(zip(labels, whole.tolist(), strict=True))
            return Condition("classes", int(whole.max()) + 1), dict(encoded)
    if numbers is None:
        raise DataError(f"{where}: several labels of an image must be numbers")
    if np.isin(numbers, (-1, 1)).all():
        numbers = (numbers + 1) / 2
    kind: ConditionKind = "labels" if np.isin(numbers, (0, 1)).all() else "values"
    vectors = {name: tuple(row) for name, row in zip(labels, numbers.tolist(), strict=True)}
    return Condition(kind, numbers.shape[1], columns), dict(vectors)


def as_classes(numbers: npt.NDArray[Any], what: str) -> npt.NDArray[np.int64]:
    """Return whole numbers as classes; raise DataError, starting with ``what``, where one cannot be."""
    if numbers.min() < 0:
        raise DataError(f"{what} must count from 0, but one is {numbers.min():.15g}")
    if numbers.max() >= MOST_CLASSES:
        raise DataError(
            f"{what} must be below {MOST_CLASSES:,}, but one is {numbers.max():.15g}; number them 0, 1,"
            " 2, …, or write them as texts"
        )
    return numbers.astype(np.int64)


def empty_classes(condition: Condition | None, labels: Iterable[int], split: str) -> str | None:
    """Return which classes have no sample in a split, in words, or None where all have some."""
    if condition is None or condition.kind != "classes":
        return None
    present = set(labels)
    count = condition.size - len(present)
    if not count:
        return None
    names = condition.display_names
    absent = [names[index] for index in range(condition.size) if index not in present][:5]
    listed = ", ".join(absent) + (", …" if count > len(absent) else "")
    if count == 1:
        return f"class {listed} has no sample in split {split}; a network never learns it"
    which = f"{count:,} of {condition.size:,} classes have no sample in split {split}"
    return f"{which} ({listed}); a network never learns them"
