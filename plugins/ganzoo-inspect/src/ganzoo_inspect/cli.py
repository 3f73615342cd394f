"""The command ``ganzoo data``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from ganzoo.cli.options import check_outputs, force_option, json_option, quiet_option
from ganzoo.cli.output import say, write, write_json
from ganzoo.cli.progress import showing_progress
from ganzoo_inspect.duplicates import Group
from ganzoo_inspect.proposal import dataset_section
from ganzoo_inspect.survey import Survey, look_through, to_json

SHOWN = 5
"""Groups of duplicates, sizes and classes that are listed; JSON has all."""


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--sheet",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also draw a contact sheet: some images, in a row for each class.",
)
@click.option(
    "--spec", "spec_only", is_flag=True, help="Write only the 'dataset' of a spec that reads it."
)
@json_option
@quiet_option
@force_option
def data(
    path: Path, sheet: Path | None, spec_only: bool, as_json: bool, quiet: bool, force: bool
) -> None:
    """Say what a folder or zip file of images, or a .npy or .npz file, holds.

    Numbers, sizes, modes, classes and splits; files that cannot be read; copies and images that look
    the same, also across splits; and how a spec reads it. Every image is decoded once.

    \b
      ganzoo data photos
      ganzoo data photos.zip --sheet sheet.png
      ganzoo data photos --spec
    """  # noqa: D301 - click wants the character that \b stands for
    if sheet is not None:
        check_outputs(sheet, force=force, option="--sheet")
    with showing_progress(quiet=quiet):
        survey = look_through(path, compare=not spec_only)
    if sheet is not None:
        from ganzoo_inspect.sheet import save_sheet

        save_sheet(survey, sheet)
        say(f"contact sheet: {sheet}")
    section = dataset_section(survey)
    if spec_only:
        write_json({"dataset": section})
        for name, reason in survey.unreadable.items():
            say(f"warning: {name} cannot be read: {reason}")
    elif as_json:
        write_json(to_json(survey, section))
    else:
        for line in lines_of(survey):
            write(line)


def lines_of(survey: Survey) -> list[str]:
    """Return what was found in words, one line a fact."""
    rows = [
        ("samples", f"{len(survey.names):,} in {survey.path}"),
        ("splits", _counted(survey.splits)),
    ]
    rows += [
        (f"classes ({split})" if len(survey.classes) > 1 else "classes", _balance(counts))
        for split, counts in survey.classes.items()
    ]
    if survey.images:
        sizes = {
            f"{width}x{height}": count for (width, height), count in survey.sizes.most_common()
        }
        order = (
            "" if all(width == height for width, height in survey.sizes) else " (width x height)"
        )
        rows.append(("sizes", _counted(sizes, total=len(survey.names)) + order))
        grey = ", none with colours" if not survey.coloured else ""
        grey = grey or f", {survey.coloured:,} with colours"
        clear = f", {survey.transparent:,} with transparent parts" if survey.transparent else ""
        rows.append(("modes", f"{_counted(survey.modes)}{grey}{clear}"))
        rows.append(("bits", _counted({str(bits): count for bits, count in survey.bits.items()})))
    rows.append(("formats", _counted(survey.formats)))
    rows += [("note", note) for note in survey.notes]
    rows += [("unreadable", f"{name}: {reason}") for name, reason in survey.unreadable.items()]
    groups = {
        "copies": survey.exact,
        "look alike": survey.alike,
        "across splits": survey.shared(survey.exact) + survey.shared(survey.alike),
        "two classes": survey.contradictory(),
    }
    for title, found in groups.items():
        rows += [(title, line) for line in _group_lines(survey, found)]
    width = max(len(title) for title, _ in rows)
    return [f"{title.ljust(width)}  {text}" for title, text in rows]


def _group_lines(survey: Survey, groups: list[Group]) -> Iterable[str]:
    if not groups:
        return
    many = "1 group:" if len(groups) == 1 else f"{len(groups):,} groups, such as"
    yield f"{sum(map(len, groups)):,} in {many}"
    for group in groups[:SHOWN]:
        more = f" and {len(group) - SHOWN} more" if len(group) > SHOWN else ""
        yield "  " + " = ".join(survey.names[each] for each in group[:SHOWN]) + more


def _counted(counts: dict[str, int], total: int = 0) -> str:
    """List what there is most of, with how many there are of each, save where there is one only."""
    if len(counts) == 1:
        ((name, count),) = counts.items()
        return name if count == total else f"{name} {count:,}"
    ordered = sorted(counts.items(), key=lambda each: -each[1])
    more = f" and {len(ordered) - SHOWN} others" if len(ordered) > SHOWN else ""
    return ", ".join(f"{name} {count:,}" for name, count in ordered[:SHOWN]) + more


def _balance(counts: dict[str, int]) -> str:
    ordered = sorted(counts, key=counts.__getitem__)
    few, many = ordered[0], ordered[-1]
    if counts[few] == counts[many]:
        return f"{len(counts)}, each {counts[few]:,}"
    smallest, largest = f"'{few}' with {counts[few]:,}", f"'{many}' with {counts[many]:,}"
    return f"{len(counts)}; smallest {smallest}, largest {largest}"
