"""Images in folders or zip files, one by one or in pairs: their splits, their labels, their pixels."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from ganzoo.components import Condition
from ganzoo.data.images import Form, Mode, Pixels, Size, Unreadable, decoded_images
from ganzoo.data.labels import Label, Table, empty_classes, encode, match, read_table
from ganzoo.data.listing import ImageFile, Listing, list_images, opener, read_text
from ganzoo.data.split import Split, check_split
from ganzoo.data.splits import are_splits, split_of
from ganzoo.errors import DataError
from ganzoo.utils.files import expanded

Half = Literal["left", "right"]
OTHER_HALF: dict[Half | None, Half] = {"left": "right", "right": "left"}


@dataclass(frozen=True)
class ImageFolder:
    """The images of a folder or a zip file."""

    path: Path
    splits: dict[str, tuple[ImageFile, ...]]  # each in the order of their names
    condition: Condition | None  # what is known of each image besides, or None
    notes: tuple[str, ...] = ()  # what is left out, in words

    def condition_in(self, split: str) -> Condition | None:
        """Return the condition where the images of a split have one: some splits have no labels."""
        labelled = any(file.label is not None for file in self.splits.get(split, ()))
        return self.condition if labelled else None

    def notes_on(self, split: str) -> tuple[str, ...]:
        """Return what a user of a split must know, such as which classes have no sample in it."""
        labels = [file.label for file in self.splits.get(split, ()) if isinstance(file.label, int)]
        empty = empty_classes(self.condition_in(split), labels, split)
        return self.notes if empty is None else (*self.notes, f"{self.path}: {empty}")

    def read(
        self,
        split: str,
        size: Size,
        mode: Mode,
        *,
        unreadable: Unreadable = "error",
        **details: Any,  # the other fields of ``Form``
    ) -> Split:
        """Decode one split, or map it from the cache; raise DataError where that fails."""
        check_split(split, self.splits, self.path)
        form = Form(size, mode, **details)
        pixels, kept = self.pixels(split, form, unreadable=unreadable)
        conditions = self.conditions(split)
        return Split(pixels, conditions if conditions is None or kept is None else conditions[kept])

    def pixels(
        self, split: str, form: Form, half: Half | None = None, unreadable: Unreadable = "error"
    ) -> tuple[Pixels, npt.NDArray[np.int64] | None]:
        """Decode the images of a split, or one half of each, or map them from the cache.

        Also return the indices of those that were kept, where some cannot be read and are skipped.
        """
        files = self.splits[split]
        fingerprint = [
            self.path.resolve(),
            *((file.name, file.size, file.stamp) for file in files),
            *([] if half is None else [half]),
        ]
        with opener(self.path) as open_named:

            def open_image(index: int) -> Image.Image:
                image = open_named(files[index].name)
                return image if half is None else _half(image, half)

            return decoded_images(
                "folder",
                [file.name for file in files],
                open_image,
                fingerprint=fingerprint,
                form=form,
                where=str(self.path),
                unreadable=unreadable,
            )

    def conditions(self, split: str) -> npt.NDArray[Any] | None:
        """Return the condition of each image of a split, or None where they have none."""
        condition = self.condition_in(split)
        if condition is None:
            return None
        labels = [file.label for file in self.splits[split]]
        return np.array(labels, np.int64 if condition.kind == "classes" else np.float32)


def find_images(path: Path, labels: str = "auto") -> ImageFolder:
    """List the images of a folder or a zip file, without reading them.

    If all images lie in one folder, that folder is opened. Where all images lie in folders named for
    splits, those are the splits; otherwise all are of split train.

    Args:
        path: the folder or the zip file.
        labels: ``auto`` for those in ``dataset.json`` if it is there, else as ``folders``; ``folders``
            for the names of sub-folders, if the images of a split lie in some; ``none``; or the path of
            a CSV or JSON file.

    Raises:
        DataError: the path does not exist, it holds no images, images lie both in and beside
            sub-folders, folders may be splits or classes, or a label is missing.
    """
    listing = list_images(path)
    files = listing.files
    parts, wrapper = _unwrapped([PurePosixPath(file.name).parts for file in files])
    beside = any(len(part) == 1 for part in parts)
    has_splits = not beside and are_splits({part[0] for part in parts}, path)
    splits: dict[str, list[ImageFile]] = {}
    folders: dict[str, str | None] = {}  # the sub-folder in its split that each image lies in
    for file, part in zip(files, parts, strict=True):
        top, within = (part[0], part[1:]) if has_splits else (None, part)
        split = (split_of(top) if top else None) or "train"
        key = PurePosixPath(*within).with_suffix("").as_posix()
        splits.setdefault(split, []).append(replace(file, key=key))
        folders[file.name] = within[0] if len(within) > 1 else None
        if not has_splits and len(part) > 2 and split_of(part[1]) not in {None, "train"}:
            raise DataError(
                f"{path}: {part[1]} in {part[0]} seems to be a split; put the splits above the"
                f" classes ({part[1]}/{part[0]})"
            )
    skipped = listing.skipped.copy()
    if labels == "auto" and listing.tables:
        condition, found = _from_tables(path, listing.tables, files)
    elif labels in {"auto", "folders"}:
        condition, found = _from_folders(path, splits, folders)
        skipped[".json"] += len(listing.tables)
    elif labels == "none":
        condition, found = None, {}
        skipped[".json"] += len(listing.tables)
    else:
        table = expanded(labels)
        condition, found = _from_file(table, files, wrapper)
        if table.absolute().is_relative_to(path.absolute()):
            skipped[table.suffix.lower()] -= 1
    notes = []
    skipped += Counter()  # leaves out zeros
    if skipped:
        note = f"{path}: {Listing((), skipped, ()).skipped_words()}"
        tables = skipped[".csv"] + skipped[".tsv"]
        hint = (
            "; if labels are in it, set 'labels' to its path"
            if tables and condition is None
            else ""
        )
        notes.append(note + (hint if labels == "auto" else ""))
    labelled = {
        name: tuple(replace(file, label=found.get(file.name)) for file in members)
        for name, members in splits.items()
    }
    return ImageFolder(path, labelled, condition, tuple(notes))


def _from_folders(
    path: Path, splits: dict[str, list[ImageFile]], folders: dict[str, str | None]
) -> tuple[Condition | None, dict[str, Label]]:
    for members in splits.values():
        example = {folders[file.name] is not None: file.name for file in members}
        if len(example) > 1:
            raise DataError(
                f"{path} has images both in sub-folders ({example[True]}) and beside them"
                f" ({example[False]}); put each into the folder of its class, or all into one folder"
            )
    names = sorted({name for name in folders.values() if name is not None})
    if not names:
        return None, {}
    number = {name: index for index, name in enumerate(names)}
    found = {file: number[name] for file, name in folders.items() if name is not None}
    return Condition("classes", len(names), tuple(names)), dict(found)


def _from_tables(
    path: Path, tables: tuple[str, ...], files: tuple[ImageFile, ...]
) -> tuple[Condition | None, dict[str, Label]]:
    """Return the labels in files called dataset.json, whose names are relative to their folders."""
    rows: list[tuple[str, tuple[Any, ...]]] = []
    bare = False
    for name in tables:
        table = read_table(read_text(path, name), f"{path}: {name}")
        folder = PurePosixPath(name).parent
        bare = bare or table is None
        rows += [(str(folder / row), label) for row, label in ([] if table is None else table.rows)]
    if bare and not rows:
        return None, {}
    return _labelled(Table(tuple(rows)), files, "", f"{path}: {', '.join(tables)}")


def _from_file(
    file: Path, files: tuple[ImageFile, ...], wrapper: str
) -> tuple[Condition | None, dict[str, Label]]:
    if file.suffix.lower() not in {".csv", ".tsv", ".json"}:
        raise DataError(f"{file}: labels must be a .csv, .tsv or .json file")
    table = read_table(read_text(file, ""), str(file))
    return (None, {}) if table is None else _labelled(table, files, wrapper, str(file))


def _labelled(
    table: Table, files: tuple[ImageFile, ...], wrapper: str, where: str
) -> tuple[Condition, dict[str, Label]]:
    """Return the labels of images that a table names by their paths, with the wrapper or without."""
    whole = {file.name: file.name for file in files}
    within = {file.name: file.name.removeprefix(wrapper) for file in files}
    labels = {
        name: found[text]
        for names in (within, whole)
        for found in [match(table, list(names.values()), where)]
        for name, text in names.items()
        if text in found
    }
    if len(labels) < len(files):
        first = next(file.name for file in files if file.name not in labels)
        count = f"{len(files) - len(labels):,} of {len(files):,} images have no label"
        raise DataError(f"{where}: {count}; the first is {first}")
    return encode(labels, table.columns, where)


def _unwrapped(parts: list[tuple[str, ...]]) -> tuple[list[tuple[str, ...]], str]:
    """Leave out a single folder that everything lies in, unless it is a split; return its name, too."""
    tops = {part[0] for part in parts}
    if len(tops) > 1 or None not in map(split_of, tops) or any(len(part) == 1 for part in parts):
        return parts, ""
    rest, within = _unwrapped([part[1:] for part in parts])
    return rest, f"{tops.pop()}/{within}"


def _half(image: Image.Image, half: Half) -> Image.Image:
    with image:
        upright = ImageOps.exif_transpose(image)
    width = upright.width // 2
    left = 0 if half == "left" else upright.width - width
    return upright.crop((left, 0, left + width, upright.height))


@dataclass(frozen=True)
class Translations:
    """Images to translate from (sources) and images to translate to (targets), in the same splits."""

    source: ImageFolder
    target: ImageFolder
    paired: bool  # whether source i of a split belongs to target i
    half: Half | None = None  # which half is the source, where each image holds both

    def read(self, split: str, form: Form, source_form: Form) -> Split:
        """Decode one split, or map it from the cache; raise DataError where that fails."""
        check_split(split, self.target.splits, self.target.path)
        return Split(
            self.target.pixels(split, form, OTHER_HALF.get(self.half))[0],
            self.target.conditions(split),
            self.source.pixels(split, source_form, self.half)[0],
            self.paired,
        )

    def notes_on(self, split: str) -> tuple[str, ...]:
        """Return what a user of a split must know of sources and targets."""
        return tuple(dict.fromkeys((*self.source.notes, *self.target.notes_on(split))))


def find_pairs(sources: ImageFolder, targets: ImageFolder) -> Translations:
    """Pair the images of two folders or zip files by their names without suffix.

    Raises:
        DataError: an image has no partner, or two have the same name.
    """
    source, target = sources.path, targets.path
    by_key, target_by_key = _by_key(sources), _by_key(targets)
    lonely = [str(source / by_key[key].name) for key in by_key if key not in target_by_key]
    lonely += [str(target / target_by_key[key].name) for key in target_by_key if key not in by_key]
    if lonely:
        listed = ", ".join(lonely[:3]) + (", …" if len(lonely) > 3 else "")
        raise DataError(
            f"{source} and {target} cannot be paired: {len(lonely)} images have no partner of the same"
            f" name, whatever its suffix, in the other: {listed}"
        )
    ordered = {
        split: tuple(by_key[split, file.key] for file in files)
        for split, files in targets.splits.items()
    }
    return Translations(replace(sources, splits=ordered), targets, paired=True)


def find_domains(sources: ImageFolder, targets: ImageFolder) -> Translations:
    """Return the images of two folders or zip files that are not paired, in the splits of both.

    Raises:
        DataError: they have no split in common.
    """
    common = {name: files for name, files in targets.splits.items() if name in sources.splits}
    if not common:
        splits = f"{', '.join(sources.splits)} and {', '.join(targets.splits)}"
        raise DataError(f"{sources.path} and {targets.path} have no split in common ({splits})")
    return Translations(sources, replace(targets, splits=common), paired=False)


def _by_key(folder: ImageFolder) -> dict[tuple[str, str], ImageFile]:
    found: dict[tuple[str, str], ImageFile] = {}
    for split, files in folder.splits.items():
        for file in files:
            first = found.setdefault((split, file.key), file)
            if first is not file:
                names = f"{first.name} and {file.name}, which differ only in their suffix"
                raise DataError(f"{folder.path} has {names}; remove one of them")
    return found
