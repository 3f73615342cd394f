"""The page on evaluating samples: its numbers can be had again, and it leaves nothing out."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from ganzoo.builtin import extractors, metrics

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "evaluation.md").read_text("utf-8")


def test_the_table_of_the_bias_is_what_its_program_prints(files_shown):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(files_shown("docs/evaluation.md")["bias.py"], {})
    _, _, after = PAGE.partition("| generated | `fd` | `fd_infinity` |\n|---|---|---|\n")
    table = after.partition("\n\n")[0]
    assert numbers(table) == pytest.approx(numbers(printed.getvalue()), abs=0.02)


def numbers(table):
    """Return all numbers of a table, row after row."""
    return [float(each.replace(",", "")) for each in re.findall(r"-?[\d,.]*\d", table)]


@pytest.mark.parametrize("component", [*extractors.COMPONENTS, *metrics.COMPONENTS])
def test_every_metric_and_every_extractor_of_the_core_is_told_of(component):
    assert f"`{component.model_fields['type'].default}`" in PAGE


def test_every_quantity_is_told_of():
    names = {quantity.name for metric in metrics.COMPONENTS for quantity in metric.quantities}
    assert [name for name in sorted(names) if f"`{name}`" not in PAGE] == []


def test_the_tests_that_are_named_exist():
    named = [name.removeprefix("tests/") for name in re.findall(r"`([\w/]+/test_\w+\.py)`", PAGE)]
    assert len(named) > 20
    assert [name for name in named if not (ROOT / "tests" / name).is_file()] == []
