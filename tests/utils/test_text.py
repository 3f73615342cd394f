"""Words of users where some characters mean something."""

from __future__ import annotations

import io

import pytest
from matplotlib.figure import Figure

from ganzoo.utils.text import code, figure_text, markdown, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A run. With 3 parts (or 4), at 50%!", "A run. With 3 parts (or 4), at 50%!"),
        ("one\n\ntwo", "one\n\ntwo"),
        ("<script>&", "&lt;script&gt;&amp;"),
        ("![x](http://e)", "!\\[x\\](http://e)"),
        ("*a* _b_ `c` | d", "\\*a\\* \\_b\\_ \\`c\\` \\| d"),
        (
            "    code\n- item\n1. first\n# title\n===",
            "code\n\\- item\n1\\. first\n\\# title\n\\===",
        ),
        ("\x1b[31mred\r", "\\\\x1b\\[31mred\\\\x0d"),
    ],
)
def test_markdown_shows_a_text_as_it_is(text: str, shown: str) -> None:
    assert markdown(text) == shown


def test_what_controls_a_terminal_is_escaped_and_other_letters_are_not() -> None:
    assert printable("a\x1b]0;x\x07\x9b\u202e\udc80") == "a\\x1b]0;x\\x07\\u009b\\u202e\\udc80"
    assert (
        printable("größer 日本 \U0001f469\u200d\U0001f52c\xa0")
        == "größer 日本 \U0001f469\u200d\U0001f52c\xa0"
    )


def test_code_stays_on_one_line() -> None:
    assert code("a`b\n|c") == "`a'b ¦c`"


def test_a_dollar_in_a_figure_is_one() -> None:
    figure = Figure()
    figure.suptitle(figure_text(r"costs $\frac{ and $"))
    figure.savefig(io.BytesIO(), format="png")
