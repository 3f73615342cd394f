"""Words of users and of files, for places where some characters mean something."""

from __future__ import annotations

import re

CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters but tabs and line ends, what changes the direction of text, and surrogates."""

SYNTAX = re.compile(r"[\\`*_\[\]<>|~$&#]")
LIST = re.compile(r"^(\d*)([-+=.)])")


def printable(text: str) -> str:
    r"""Return a text with escapes such as ``\x1b`` in place of what would act on a terminal.

    All that commands write goes through this, so that no name of a file, text of a plugin or report of
    others can move the cursor, recolour or hide what was written. JSON stays JSON.
    """
    return CONTROLS.sub(_code_of, text)


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


def _code_of(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 32 else f"\\u{code:04x}"
