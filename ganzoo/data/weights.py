"""Published weights: found on this machine or downloaded once, and used only if verified."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from ganzoo.data.cache import cache_folder
from ganzoo.errors import DataError
from ganzoo.utils.files import atomic_file
from ganzoo.utils.progress import report

PIECE = 1 << 20
"""Bytes read at a time."""

TIMEOUT = 30
"""Seconds without a byte after which a download has failed."""


@dataclass(frozen=True)
class PublishedWeights:
    """A file that its authors publish, with its SHA-256 or the first digits of it."""

    name: str
    sha256: str
    url: str


def weights_folders() -> list[Path]:
    """Return the folders that are searched for weights, in order; they need not exist.

    These are ``$GANZOO_WEIGHTS`` if it is set, ``weights`` in ganzoo's cache, and the folder that torch,
    torchmetrics and torch-fidelity download to. Downloads go to the first.
    """
    chosen = os.environ.get("GANZOO_WEIGHTS")
    user_cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    torch_home = os.environ.get("TORCH_HOME") or f"{user_cache}/torch"
    folders = [cache_folder() / "weights", Path(torch_home, "hub", "checkpoints").expanduser()]
    return [Path(chosen).expanduser(), *folders] if chosen else folders


def is_offline() -> bool:
    """Return whether downloads are forbidden: ``GANZOO_OFFLINE`` is set, and not to 0."""
    return os.environ.get("GANZOO_OFFLINE", "0") not in {"", "0"}


def obtain(weights: PublishedWeights) -> Path:
    """Return the path of a file, downloading it if it is not on this machine.

    A download is verified before it gets its name. A file that is found is not: ``read_verified`` does.

    Raises:
        DataError: it is missing, and downloads are forbidden or this one failed.
    """
    found = _find(weights)
    if found is not None:
        return found
    folder = weights_folders()[0]
    if is_offline():
        raise _missing(weights, "downloads are forbidden, by --offline or GANZOO_OFFLINE")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Of several processes that need the file, one downloads it and the others wait.
        with FileLock(folder / f".{weights.name}.lock"):
            return _find(weights) or _download(weights, folder / weights.name)
    except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
        reason = getattr(error, "reason", None) or error
        raise _missing(weights, f"it cannot be downloaded ({reason})") from None


def read_verified(path: Path, sha256: str) -> bytes:
    """Return the bytes of a file if its SHA-256 begins with these digits, or raise ``DataError``."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        message = f"{path} does not exist; it should be weights with SHA-256 {sha256}"
        raise DataError(message) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from None
    found = hashlib.sha256(content).hexdigest()
    if not found.startswith(sha256):
        raise DataError(
            f"{path} has SHA-256 {found}, where {sha256} is expected: it is damaged or another file;"
            " remove it, or put the right one in its place"
        )
    return content


def _find(weights: PublishedWeights) -> Path | None:
    paths = (folder / weights.name for folder in weights_folders())
    return next((path for path in paths if path.is_file()), None)


def _missing(weights: PublishedWeights, reason: str) -> DataError:
    error = DataError(
        f"{weights.name} (SHA-256 {weights.sha256}) is not on this machine, and {reason};"
        f" get it from {weights.url} and put it into {weights_folders()[0]}"
    )
    error.add_note(
        "or measure fd and kd, with an extractor that needs none: --metrics fd,kd --extractor"
        " random-conv"
    )
    return error


def _download(weights: PublishedWeights, path: Path) -> Path:
    """Download a file, which gets its name only if it is the right one."""
    what = f"downloading {weights.name}"
    digest, done = hashlib.sha256(), 0
    report(what, 0, 0)
    opened = urllib.request.urlopen(weights.url, timeout=TIMEOUT)
    with opened as answer, atomic_file(path) as file:
        total = int(answer.headers.get("Content-Length") or 0)
        while piece := answer.read(PIECE):
            file.write(piece)
            digest.update(piece)
            done += len(piece)
            report(what, done, max(total, done) if total else 0)
        found = digest.hexdigest()
        if not found.startswith(weights.sha256):
            raise _missing(weights, f"what was downloaded, {done} bytes, has SHA-256 {found}")
    report(what, done, done)
    return path
