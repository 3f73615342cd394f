"""Words of users and of files, for places where some characters mean something."""

from __future__ import annotations

import re

CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"  # but tabs and newlines
)
SYNTAX = re.compile(r"[\\`*_\[\]<>|~$&#]")
LIST = re.compile(r"^(\d*)([-+=.)])")


def printable(text: str) -> str:
    r"""Return a text with escapes such as ``\x1b`` in place of what would control a terminal."""
    return CONTROLS.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def markdown(text: object) -> str:
    """Return Markdown that shows a text as it is: neither markup nor HTML; paragraphs are kept."""
    lines = (SYNTAX.sub(_escape, each.strip()) for each in printable(str(text)).split("\n"))
    return "\n".join(LIST.sub(r"\1\\\2", line) for line in lines).strip()


def code(text: object) -> str:
    """Return Markdown that shows a text as code on one line, also in a table."""
    line = " ".join(printable(str(text)).split())
    return f"`{line.replace('`', chr(39)).replace('|', chr(166))}`"


def figure_text(text: str) -> str:
    """Return what matplotlib draws as this text: a dollar is one, and does not begin a formula."""
    return printable(text).replace("$", r"\$")


def _escape(match: re.Match[str]) -> str:
    return {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(match[0], f"\\{match[0]}")
