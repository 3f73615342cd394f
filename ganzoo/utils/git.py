"""The commit of a working directory, read from git's files: git would run what a repository says."""

from __future__ import annotations

import re
from pathlib import Path

MOST = 1 << 16
"""Bytes of a small file that are read; more is not one of git's."""

MOST_PACKED = 1 << 26
"""Bytes of a list of branches that is read."""


def commit_of(folder: Path) -> str | None:
    """Return the commit that the repository around a folder is at, or None if that cannot be told."""
    try:
        folder = folder.resolve()
        dot_git = next(
            each for parent in (folder, *folder.parents) if (each := parent / ".git").exists()
        )
        if not dot_git.is_dir():  # of a linked working tree, or of a submodule
            dot_git = dot_git.parent / _text(dot_git).removeprefix("gitdir:").strip()
        head = _text(dot_git / "HEAD").strip()
        name = head.removeprefix("ref:").strip()
        if name != head:
            head = _commit_of_branch(dot_git, name)
    except (OSError, ValueError, StopIteration):
        return None
    return head if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", head) else None


def _commit_of_branch(dot_git: Path, name: str) -> str:
    common = dot_git / "commondir"
    shared = dot_git / _text(common).strip() if common.exists() else dot_git
    for place in (dot_git, shared):
        if (place / name).is_file():
            return _text(place / name).strip()
    packed = shared / "packed-refs"
    if packed.is_file() and packed.stat().st_size <= MOST_PACKED:
        with packed.open(encoding="utf-8") as file:
            for line in file:
                commit, _, named = line.strip().partition(" ")
                if named == name:
                    return commit
    return ""  # no commit yet, or kept in another way


def _text(path: Path) -> str:
    if not path.is_file():  # never wait for a pipe
        raise FileNotFoundError(path)
    with path.open(encoding="utf-8") as file:
        return file.read(MOST)
