"""The documents a reader meets, and the blocks of code in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        document: the document's path, from the repository's root.
        language: what the fence says.
        title: name of the file it shows, or None.
        text: the code.
    """

    document: str
    language: str
    title: str | None
    text: str


def documents() -> list[Path]:
    """Return the documents that people wrote."""
    written = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")]
    return sorted(written)


def blocks() -> list[Block]:
    """Return all blocks of code in them."""
    return [
        Block(path.relative_to(ROOT).as_posix(), language, title or None, text)
        for path in documents()
        for language, title, text in FENCE.findall(path.read_text("utf-8"))
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give tests the documents, or the blocks of one language."""
    if "document" in metafunc.fixturenames:
        found = documents()
        names = [path.relative_to(ROOT).as_posix() for path in found]
        metafunc.parametrize("document", found, ids=names)
    for language in ("json", "python", "shell", "toml"):
        argument = f"{language}_block"
        if argument in metafunc.fixturenames:
            chosen = [block for block in blocks() if block.language == language]
            ids = [f"{block.document}:{block.title or index}" for index, block in enumerate(chosen)]
            metafunc.parametrize(argument, chosen, ids=ids)


@pytest.fixture
def files_shown():
    """Return the files that a document shows, by name."""

    def find(document: str) -> dict[str, str]:
        return {
            block.title: block.text
            for block in blocks()
            if block.document == document and block.title is not None
        }

    return find
