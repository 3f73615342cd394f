"""Files in folders and zip files: which are images, which are skipped, and how each is opened."""

from __future__ import annotations

import difflib
import io
import os
import stat
import struct
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from PIL import Image

from ganzoo.errors import DataError

LARGEST = 512 * 2**20
"""Bytes of the largest file that is read from a zip file, or read as a table of labels."""

TABLE = "dataset.json"
"""Name of the file of labels in data sets for StyleGAN."""

_NO_PICTURES = frozenset(
    (".bufr", ".emf", ".eps", ".grib", ".h5", ".hdf", ".iim", ".mpeg", ".mpg", ".ps", ".wmf")
)
"""Suffixes that Pillow knows without being able to decode them by itself."""

_OF_THE_SYSTEM = frozenset((".ds_store", "thumbs.db", "desktop.ini", "__macosx"))
"""Files that operating systems leave in folders; nobody means them."""


@lru_cache
def image_suffixes() -> frozenset[str]:
    """Return the suffixes, in lower case, of the formats that Pillow decodes."""
    known = Image.registered_extensions().items()
    return frozenset(suffix for suffix, kind in known if kind in Image.OPEN) - _NO_PICTURES


@dataclass(frozen=True)
class ImageFile:
    """One image of a folder or a zip file."""

    name: str  # its path within the folder or zip file
    size: int  # in bytes
    stamp: int  # changes with its content: when it was changed, or in a zip file its checksum
    label: int | tuple[float, ...] | None = None  # its class, or its vector of labels or values
    key: str = ""  # its path within its split, without suffix; images are paired by it


@dataclass(frozen=True)
class Listing:
    """What lies in a folder or a zip file."""

    files: tuple[ImageFile, ...]  # the images, in the order of their names
    skipped: Counter[str]  # how many other files there are of each suffix, or of what else
    tables: tuple[str, ...]  # names of files of labels as for StyleGAN

    def skipped_words(self) -> str:
        """Return how many files are skipped, and what they are."""
        total = self.skipped.total()
        are = "file is" if total == 1 else "files are"
        return f"{total:,} {are} skipped: {self.describe_skipped()}"

    def describe_skipped(self) -> str:
        """Return what is skipped in words, such as ``5 .txt and 1 without a suffix``."""
        parts = [f"{count:,} {what}" for what, count in sorted(self.skipped.items())]
        return " and ".join(filter(None, (", ".join(parts[:-1]), *parts[-1:])))


def list_images(path: Path) -> Listing:
    """List the images of a folder or a zip file, without reading them.

    Raises:
        DataError: the path does not exist, cannot be read, or holds no images.
    """
    skipped: Counter[str] = Counter()
    files: list[ImageFile] = []
    tables: list[ImageFile] = []
    for file in files_of(path, skipped):
        (tables if PurePosixPath(file.name).name.lower() == TABLE else files).append(file)
    found = Listing(
        tuple(sorted(files, key=lambda file: file.name)),
        skipped,
        tuple(sorted(file.name for file in tables)),
    )
    if not files:
        raise no_images(path, found)
    return found


def no_images(path: Path, found: Listing) -> DataError:
    """Return the error that a place holds no images, and what it holds instead."""
    looked = "looked for .bmp, .gif, .jpeg, .jpg, .png, .tif, .webp and other image suffixes"
    holds = f"; it holds {found.describe_skipped()}" if found.skipped else ""
    packed = sum(found.skipped[suffix] for suffix in (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"))
    return DataError(
        f"{path} holds no images ({looked}){holds}{'; unpack the archives' if packed else ''}"
    )


def files_of(path: Path, skipped: Counter[str] | None = None) -> Iterator[ImageFile]:
    """Yield the images and tables of labels of a folder or a zip file, in no order.

    What else there is is counted in ``skipped``.

    Raises:
        DataError: the path does not exist or cannot be read.
    """
    skipped = Counter() if skipped is None else skipped
    try:
        if path.is_dir():
            yield from files_of_folder(path, skipped)
        elif path.is_file():
            with _opened_zip(path) as members:
                for name, member in members.items():
                    link = stat.S_ISLNK(member.external_attr >> 16)
                    if member.flag_bits & 1:
                        raise DataError(f"{path} is encrypted; unpack it with its password")
                    if _is_wanted(PurePosixPath(name), skipped, "links" if link else ""):
                        yield ImageFile(name, member.file_size, member.CRC)
        elif path.exists():
            raise DataError(f"{path} is neither a folder nor a zip file")
        else:
            raise missing(path)
    except OSError as error:
        raise DataError(f"{error.filename or path} cannot be read: {error.strerror}") from None


def files_of_folder(path: Path, skipped: Counter[str] | None = None) -> Iterator[ImageFile]:
    """Yield the images of a folder and its sub-folders, in no order; raise OSError where that fails.

    Links are followed unless they lead back to a folder that they lie in.
    """
    skipped = Counter() if skipped is None else skipped
    yield from _walk(str(path), "", frozenset((_identity(path.stat()),)), skipped)


def _walk(
    folder: str, prefix: str, above: frozenset[tuple[int, int]], skipped: Counter[str]
) -> Iterator[ImageFile]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = prefix + entry.name
            if _is_folder(entry):
                identity = _identity(Path(entry.path).stat())
                if _is_hidden(entry.name):
                    _count_hidden(entry.name, "hidden folders", skipped)
                elif identity in above:
                    skipped["links to a folder above them"] += 1
                else:
                    yield from _walk(entry.path, f"{name}/", above | {identity}, skipped)
                continue
            try:
                status = entry.stat()
            except OSError:  # a broken link: that it cannot be read shows when it is decoded
                status = None
            regular = status is None or stat.S_ISREG(status.st_mode)
            if _is_wanted(PurePosixPath(name), skipped, "" if regular else "that are not files"):
                size, stamp = (0, 0) if status is None else (status.st_size, status.st_mtime_ns)
                yield ImageFile(name, size, stamp)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _is_wanted(name: PurePosixPath, skipped: Counter[str], reason: str) -> bool:
    """Return whether a file is an image or a table of labels; if not, count it."""
    hidden = next((part for part in name.parts if _is_hidden(part)), None)
    if hidden is not None:
        _count_hidden(hidden, "hidden", skipped)
        return False
    suffix = name.suffix.lower()
    if name.name.lower() in _OF_THE_SYSTEM:
        return False
    wanted = suffix in image_suffixes() or name.name.lower() == TABLE
    if reason or not wanted:
        skipped[reason or suffix or "without a suffix"] += 1
    return wanted and not reason


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == "__MACOSX"


def _count_hidden(name: str, what: str, skipped: Counter[str]) -> None:
    if name.lower() not in _OF_THE_SYSTEM:
        skipped[what] += 1


@contextmanager
def reader(path: Path) -> Iterator[Callable[[str], bytes]]:
    """Return a function that reads a file of a folder or a zip file by name, from any thread."""
    if path.is_dir():
        yield lambda name: (path / name).read_bytes()
    else:
        with zipfile.ZipFile(path) as archive:
            members = _by_name(archive.infolist())
            yield lambda name: _content(archive, members[name])


@contextmanager
def opener(path: Path) -> Iterator[Callable[[str], Image.Image]]:
    """Return a function that opens an image of a folder or a zip file by name, from any thread."""
    if path.is_dir():
        yield lambda name: Image.open(path / name)
    else:
        with reader(path) as read:
            yield lambda name: Image.open(io.BytesIO(read(name)))


def read_text(path: Path, name: str) -> str:
    """Return the text of a file within a folder or a zip file; raise DataError where that fails."""
    where = f"{path}: {name}" if name else str(path)
    try:
        if path.is_dir() or not name:
            file = path / name
            if file.stat().st_size > LARGEST:
                raise ValueError(f"it has more than {LARGEST} bytes")
            content = file.read_bytes()
        else:
            with zipfile.ZipFile(path) as archive:
                content = _content(archive, _by_name(archive.infolist())[name])
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise missing(path / name) from None
    except UnicodeDecodeError:
        raise DataError(f"{where} is not text in UTF-8; save it in that encoding") from None
    except (OSError, *_ZIP_ERRORS) as error:
        raise DataError(f"{where} cannot be read: {error}") from None


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if member.file_size > LARGEST:
        raise ValueError(f"it has {member.file_size:,} bytes, and at most {LARGEST:,} are read")
    return archive.read(member)


_ZIP_ERRORS = (
    zipfile.BadZipFile,
    EOFError,
    KeyError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
)
"""What damaged zip files raise besides OSError."""


@contextmanager
def _opened_zip(path: Path) -> Iterator[dict[str, zipfile.ZipInfo]]:
    try:
        with zipfile.ZipFile(path) as archive:
            members = _by_name(archive.infolist())
    except _ZIP_ERRORS as error:
        raise _not_a_zip(path, error) from None
    yield members


def _by_name(members: Iterable[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Return the files of a zip file by name, whatever separates folders; of two the last counts."""
    found = {}
    for member in members:
        if not member.filename.endswith(("/", "\\")):
            parts = member.filename.replace("\\", "/").split("/")
            kept = [part for part in parts if part not in {"", ".", ".."} and part[-1] != ":"]
            found["/".join(kept)] = member
    found.pop("", None)
    return found


def _not_a_zip(path: Path, error: Exception) -> DataError:
    with path.open("rb") as file:
        begins_as_zip = file.read(2) == b"PK"
    if begins_as_zip or path.suffix.lower() == ".zip":
        hint = f" that can be read: it is damaged ({error}); replace it with a whole one"
    elif tarfile.is_tarfile(path):
        hint = " but a tar archive; unpack it"
    elif path.suffix.lower() in image_suffixes():
        hint = " but one image; name the folder that it lies in"
    else:
        hint = ""
    return DataError(f"{path} is neither a folder nor a zip file{hint}")


def missing(path: Path) -> DataError:
    """Return the error that a path does not exist: where it was looked for, and what is near."""
    where = "" if path.is_absolute() else f" in {Path.cwd()}"
    text = str(path)
    if os.sep == "/" and "\\" in text:
        hint = "; on this system folders are separated by '/', not by '\\'"
    else:
        gone, folder = path, path.parent
        while not folder.exists() and folder != folder.parent:
            gone, folder = folder, folder.parent
        try:
            names = {name.casefold(): name for name in os.listdir(folder)}  # noqa: PTH208 - names only
        except OSError:
            names = {}
        near = difflib.get_close_matches(gone.name.casefold(), names, n=1, cutoff=0.75)
        hint = f"; did you mean {str(folder / names[near[0]])!r}?" if near else ""
    return DataError(f"{path} does not exist{where}{hint}")
