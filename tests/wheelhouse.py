"""Wheels for tests: made by hand, which takes no build, and installed as any other."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import os
import shutil
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent

import pytest


def installer(python: Path) -> list[str]:
    """Return the command that installs wheels for an interpreter."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is not None:
        return [uv, "pip", "install", "--offline", "--no-deps", "--python", str(python)]
    if importlib.util.find_spec("pip") is not None:
        pip = [sys.executable, "-m", "pip", "--python", str(python)]
        return [*pip, "install", "--no-index", "--no-deps"]
    pytest.skip("there is neither uv nor pip to install wheels with")


def write_wheel(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, str],
    *,
    entry_points: Mapping[str, str],
    metadata: Sequence[str] = (),
) -> Path:
    """Write a wheel.

    Args:
        folder: where to.
        name: the distribution.
        version: its version.
        files: what is installed, by path in site-packages.
        entry_points: those of the group ``ganzoo``.
        metadata: more lines of METADATA.
    """
    stem = f"{name.replace('-', '_')}-{version}"
    about = f"{stem}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *metadata]
    points = ["[ganzoo]", *(f"{key} = {value}" for key, value in entry_points.items())]
    contents = {path: dedent(text).encode() for path, text in files.items()}
    contents |= {
        f"{about}/METADATA": "\n".join([*lines, ""]).encode(),
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": "\n".join([*points, ""]).encode(),
    }
    record = [f"{path},sha256={_digest(data)},{len(data)}" for path, data in contents.items()]
    contents[f"{about}/RECORD"] = "\n".join([*record, f"{about}/RECORD,,", ""]).encode()
    wheel = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, data in contents.items():
            archive.writestr(path, data)
    return wheel


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
