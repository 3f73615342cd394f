"""The npm packages that hold the pictures: where they are, what is in them, and how they get there."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy.typing as npt
from PIL import Image

from ganzoo.data.images import Form, decoded_images
from ganzoo.errors import DataError
from ganzoo_emoji.facts import CATEGORIES, Designer

VERSION: Final = "16.0.0"
SHA256: Final[dict[Designer, str]] = {
    "google": "08577170ae81eef1ebed466c547d89dbe69f54163ba8507b4b6fc3c37f1e6866",
    "twitter": "61979c716250a1fe7ac7e06ddaa2b66776a2c673c1de551dd1e6bb17ce6b30bb",
}
"""Hash of emoji.json and of the name and the bytes of each picture, in the order of the names."""

TEST_SHARE: Final = 8  # one emoji in so many is held out


@dataclass(frozen=True)
class Picture:
    """A picture: the file's name, the emoji it shows, and the number of its category."""

    file: str
    emoji: str
    category: int

    @property
    def held_out(self) -> bool:
        """Whether it is of split ``test``: so are all skin tones of an emoji, of every designer."""
        number = int.from_bytes(hashlib.sha256(self.emoji.encode()).digest()[:8], "big")
        return number % TEST_SHARE == 0


@dataclass(frozen=True)
class Package:
    """An installed package of one designer."""

    designer: Designer
    path: Path

    @property
    def folder(self) -> Path:
        """Where the pictures are, each of 64 by 64 pixels."""
        return self.path / "img" / self.designer / "64"

    def pictures(self, *, skin_tones: bool) -> list[Picture]:
        """Return the pictures, in the order of the files' names.

        Raises:
            DataError: the list of emoji cannot be read.
        """
        found = []
        for emoji in _listed(self.path / "emoji.json"):
            if emoji["category"] not in CATEGORIES:
                continue
            versions = [emoji, *(emoji.get("skin_variations", {}).values() if skin_tones else ())]
            category = CATEGORIES.index(emoji["category"])
            found += [Picture(each["image"], emoji["unified"], category) for each in versions]
        return sorted(found, key=lambda each: each.file)

    def read(self, pictures: Sequence[Picture], form: Form) -> npt.NDArray[Any]:
        """Decode pictures, (N, channels, height, width), or map them from the cache.

        Raises:
            DataError: the package is not complete, or not the version that ganzoo knows.
        """
        found = self.content_hash()
        if found != SHA256[self.designer]:
            raise DataError(
                f"{self.path}: is not emoji-datasource-{self.designer} {VERSION} as published: some"
                f" pictures are missing or changed; install it again with: {command(self.designer)}"
            )
        pixels, _ = decoded_images(
            f"emoji-{self.designer}",
            [each.file for each in pictures],
            lambda index: Image.open(self.folder / pictures[index].file),
            fingerprint=[found, *(each.file for each in pictures)],
            form=form,
            where=str(self.folder),
        )
        return pixels

    def content_hash(self) -> str:
        """Return the hash of what is in the package; raise ``DataError`` if it cannot be read."""
        total = hashlib.sha256()
        try:
            total.update((self.path / "emoji.json").read_bytes())
            for path in sorted(self.folder.iterdir()):
                total.update(path.name.encode() + path.read_bytes())
        except OSError as error:
            raise DataError(f"{error.filename}: cannot be read: {error.strerror}") from None
        return total.hexdigest()


@cache
def _listed(path: Path) -> list[dict[str, Any]]:
    try:
        emoji: list[dict[str, Any]] = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise DataError(f"{path}: is not a list of emoji: {error}") from None
    return emoji


def find(designer: Designer, folder: Path, *, install: bool) -> Package:
    """Return the package of a designer in a folder, or install it there.

    Args:
        designer: whose pictures.
        folder: the package itself, ``node_modules``, or the folder that holds that.
        install: whether npm may be called to install a package that is missing.

    Raises:
        DataError: it is not there, and cannot or must not be installed.
    """
    name = f"emoji-datasource-{designer}"
    for place in (folder, folder / name, folder / "node_modules" / name):
        if (place / "img" / designer / "64").is_dir():
            return Package(designer, place)
    by_hand = f"install it with: {command(designer, folder)}"
    if not install:
        raise DataError(f"{folder}: holds no {name}; {by_hand}")
    npm = shutil.which("npm")
    if npm is None:
        raise DataError(f"{folder}: holds no {name}, and npm, which installs it, is not there")
    folder.mkdir(parents=True, exist_ok=True)
    # npm notes what it installs, else it would remove one designer's package to install the other's.
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund")
    called = [npm, "install", "--prefix", str(folder), *quiet, f"{name}@{VERSION}"]
    done = subprocess.run(called, capture_output=True, text=True, check=False)
    package = Package(designer, folder / "node_modules" / name)
    if done.returncode or not package.folder.is_dir():
        lines = [line for line in done.stderr.splitlines() if "error" in line] or [
            "no reason given"
        ]
        raise DataError(f"{folder}: npm could not install {name} ({lines[0].strip()}); {by_hand}")
    return package


def command(designer: Designer, folder: Path | None = None) -> str:
    """Return the command that installs a package."""
    where = "" if folder is None else f" --prefix {folder}"
    return f"npm install{where} emoji-datasource-{designer}@{VERSION}"
