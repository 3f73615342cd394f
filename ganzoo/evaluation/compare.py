"""Evaluated runs side by side, each number only among those measured in the same way. Torch-free."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.errors import RunError
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.report import Report, Value, read_report

Key = tuple[str, str]
"""Name of a quantity, such as ``fd@lenet-mnist``, and hash of the protocol it was measured by."""


@dataclass(frozen=True)
class Row:
    """Numbers that can be compared: of one quantity, by name, and one protocol, by hash.

    The title has a letter after the name if the quantity was measured in more than one way.
    """

    name: str
    protocol: str
    title: str
    better: str | None


@dataclass
class Column:
    """The numbers of one set of weights, or of files, each with its report, and what is suspect."""

    title: str
    measured: dict[Key, tuple[Value, Report]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def value(self, row: Row) -> Value | None:
        """Return the number in a row, or None if it was not measured in that way."""
        found = self.measured.get((row.name, row.protocol))
        return None if found is None else found[0]

    def add(self, report: Report) -> None:
        """Add a report. Of two numbers of one protocol, that of more seeds stays, or the newer one."""
        self.problems += [each for each in report.problems if each not in self.problems]
        for value in report.values:
            key = value.name, value.protocol
            before = self.measured.get(key)
            if before is None or len(value.per_seed) >= len(before[0].per_seed):
                self.measured[key] = value, report


@dataclass(frozen=True)
class Comparison:
    """A table: what was measured of what, and notes that a reader should know before comparing."""

    rows: list[Row]
    columns: list[Column]
    notes: list[str]


def compare(paths: Sequence[Path]) -> Comparison:
    """Compare all reports of runs, and single ones; ``RunError`` for a run that was not evaluated."""
    found: dict[tuple[object, ...], Column] = {}
    protocols: dict[str, dict[str, Any]] = {}
    better: dict[Key, str | None] = {}
    for path in paths:
        for report in _reports(path):
            found.setdefault(_subject_key(path, report), Column(_title(report))).add(report)
            protocols |= report.protocols
            for value in report.values:
                better.setdefault((value.name, value.protocol), value.better)
    ways: dict[str, list[str]] = {}
    for name, protocol in better:
        ways.setdefault(name, []).append(protocol)
    rows = [
        Row(name, each, f"{name} [{_letter(place)}]" if len(used) > 1 else name, better[name, each])
        for name, used in ways.items()
        for place, each in enumerate(used)
    ]
    columns = list(found.values())
    problems = [f"{each.title}: {problem}" for each in columns for problem in each.problems]
    notes = [*_differing_protocols(ways, protocols), *_differing_software(columns), *problems]
    return Comparison(rows, columns, notes)


def _reports(path: Path) -> list[Report]:
    if path.is_file():
        return [read_report(path)]
    reports = [read_report(each) for each in RunDirectory.open(path).reports()]
    if not reports:
        raise RunError(
            f"{path}: has no report of ganzoo evaluate (those of training are not compared: by them the"
            f" best checkpoint was chosen); make one with: ganzoo evaluate {path}"
        )
    return reports


def _subject_key(path: Path, report: Report) -> tuple[object, ...]:
    """Return what was evaluated and where: reports with the same key are of one column."""
    place = path.parent.parent if path.is_file() and path.parent.name == "evaluation" else path
    subject = report.subject
    evaluated = subject.weights_sha256 or subject.samples_sha256
    return str(place.resolve()), evaluated, subject.truncation


def _title(report: Report) -> str:
    subject = report.subject
    remarks = ["raw"] if subject.weights == "raw" else []
    if subject.truncation is not None:
        remarks.append(f"truncation {subject.truncation:g}")
    step = "" if subject.step is None else f" step {subject.step}"
    return f"{subject.name}{step}" + (f" ({', '.join(remarks)})" if remarks else "")


def _letter(index: int) -> str:
    return chr(ord("a") + index) if index < 26 else str(index + 1)


def _differing_protocols(ways: dict[str, list[str]], protocols: dict[str, Any]) -> Iterator[str]:
    """Yield how the protocols of one quantity differ."""
    noted: dict[tuple[str, ...], list[str]] = {}
    for name, used in ways.items():
        if len(used) == 1:
            continue
        flat = [dict(_flat(protocols[protocol])) for protocol in used]
        paths = [
            path
            for path in dict.fromkeys(key for each in flat for key in each)
            if len({repr(each.get(path)) for each in flat}) > 1
        ]
        for part in ("reference", "training"):  # the same samples may have several names
            if f"{part}.sha256" not in paths and f"{part}.samples" in paths:
                paths.remove(f"{part}.samples")
        differences = tuple(
            f"[{_letter(place)}] " + ", ".join(f"{path} {_short(each.get(path))}" for path in paths)
            for place, each in enumerate(flat)
        )
        noted.setdefault(differences, []).append(name)
    for differences, names in noted.items():
        ways_of = f"{', '.join(names)}: measured in {len(differences)} ways that cannot be compared"
        yield f"{ways_of}: {'; '.join(differences)}"


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _flat(each, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _short(value: Any) -> str:
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 else text


def _differing_software(columns: list[Column]) -> Iterator[str]:
    """Yield where numbers were measured with different software, or on different devices."""
    found: dict[str, list[str]] = {}
    for column in columns:
        for _, report in column.measured.values():
            for what, value in {**report.versions, "device": report.device}.items():
                if value not in found.setdefault(what, []):
                    found[what].append(value)
    for what, values in found.items():
        if len(values) > 1:
            kind = "devices" if what == "device" else f"versions of {what}"
            yield f"measured with different {kind}: {', '.join(values)}"
