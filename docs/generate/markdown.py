"""Text of the program as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_CODE = re.compile(r"(`+[^`]*`+)")
_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


def prose(text: str) -> str:
    """Return plain text so that it reads the same as Markdown; code in backticks stays code."""
    parts = _CODE.split(text)
    parts[::2] = [_escape(part) for part in parts[::2]]
    return "".join(parts)


def _escape(text: str) -> str:
    text = re.sub(r"([\\*_|])", r"\\\1", text).replace("<", "&lt;")
    return _ARXIV.sub(r"[arXiv:\1](https://arxiv.org/abs/\1)", text)


def code(text: str) -> str:
    """Return text as code that may stand in a table."""
    return f"`{text}`".replace("|", "&#124;") if "|" not in text else f"<code>{_html(text)}</code>"


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "&#124;")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def paragraphs(docstring: str | None) -> list[str]:
    """Return the paragraphs of a docstring, each on one line."""
    blocks = re.split(r"\n\s*\n", (docstring or "").strip())
    return [" ".join(block.split()) for block in blocks]


def page(*blocks: str) -> str:
    """Return blocks with an empty line between them."""
    return "\n\n".join(block for block in blocks if block) + "\n"
