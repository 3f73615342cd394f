"""Evaluated runs side by side, each number only among those measured the same way. Torch-free."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.errors import RunError
from ganzoo.runs import RunDirectory
from ganzoo.runs.report import Report, Value, read_report


@dataclass(frozen=True)
class Line:
    """Numbers that can be compared: of one quantity, measured by one protocol.

    Attributes:
        name: of the quantity, such as ``fd@lenet-mnist``.
        protocol: hash of the protocol.
        title: the name, with a letter where the quantity was measured in more than one way.
        better: which values are better, or None.
    """

    name: str
    protocol: str
    title: str
    better: str | None


@dataclass
class Judged:
    """One set of weights, or of files.

    Attributes:
        title: the run with its step.
        measured: each number with the report it is from, by the name and the protocol of its line.
        problems: what makes its numbers suspect.
    """

    title: str
    measured: dict[tuple[str, str], tuple[Value, Report]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def value(self, line: Line) -> Value | None:
        """Return its number in a line, or None where it was not measured so."""
        found = self.measured.get((line.name, line.protocol))
        return None if found is None else found[0]

    def add(self, report: Report) -> None:
        """Take in a report. Of two numbers of one protocol, that of more seeds stays, or the newer."""
        self.problems += [each for each in report.problems if each not in self.problems]
        for value in report.values:
            key = value.name, value.protocol
            before = self.measured.get(key)
            if before is None or len(value.per_seed) >= len(before[0].per_seed):
                self.measured[key] = value, report


@dataclass(frozen=True)
class Comparison:
    """Numbers side by side: a line for each quantity, a column for each that was judged.

    Attributes:
        lines: what was measured.
        judged: what was judged.
        notes: what a reader should know before comparing.
    """

    lines: list[Line]
    judged: list[Judged]
    notes: list[str]


def compare(paths: Sequence[Path]) -> Comparison:
    """Set reports side by side.

    Args:
        paths: run directories, of which all reports are taken, or single reports.

    Raises:
        RunError: a path is neither, or a run was not evaluated.
    """
    judged: dict[tuple[object, ...], Judged] = {}
    protocols: dict[str, dict[str, Any]] = {}
    lines: dict[tuple[str, str], Value] = {}
    for path in paths:
        for report in _reports(path):
            one = judged.setdefault(_key(path, report), Judged(_title(report)))
            one.add(report)
            protocols |= report.protocols
            for value in report.values:
                lines.setdefault((value.name, value.protocol), value)
    return Comparison(
        _lines(lines),
        list(judged.values()),
        [
            *_ways(lines, protocols),
            *_differences(list(judged.values())),
            *(f"{one.title}: {problem}" for one in judged.values() for problem in one.problems),
        ],
    )


def _reports(path: Path) -> list[Report]:
    if path.is_file():
        return [read_report(path)]
    run = RunDirectory.open(path)
    reports = [read_report(each) for each in run.reports()]
    if not reports:
        raise RunError(
            f"{path}: has no report of ganzoo evaluate (those of training are not compared: by them the"
            f" best checkpoint was chosen); make one with: ganzoo evaluate {path}"
        )
    return reports


def _key(path: Path, report: Report) -> tuple[object, ...]:
    """Return what makes two reports of one thing: the place, and the weights or the files judged."""
    place = path.parent.parent if path.is_file() and path.parent.name == "evaluation" else path
    subject = report.subject
    weights = subject.weights_sha256 or subject.samples_sha256
    return str(place.resolve()), weights, subject.truncation


def _title(report: Report) -> str:
    subject = report.subject
    remarks = []
    if subject.weights == "raw":
        remarks.append("raw")
    if subject.truncation is not None:
        remarks.append(f"truncation {subject.truncation:g}")
    step = "" if subject.step is None else f" step {subject.step}"
    return f"{subject.name}{step}" + (f" ({', '.join(remarks)})" if remarks else "")


def _lines(values: dict[tuple[str, str], Value]) -> list[Line]:
    ways = _ways_of(values)
    return [
        Line(name, protocol, _line_title(name, protocol, ways), value.better)
        for (name, protocol), value in sorted(
            values.items(), key=lambda item: list(ways).index(item[0][0])
        )
    ]


def _ways_of(values: dict[tuple[str, str], Value]) -> dict[str, list[str]]:
    """Return the protocols by which each quantity was measured."""
    ways: dict[str, list[str]] = {}
    for name, protocol in values:
        ways.setdefault(name, []).append(protocol)
    return ways


def _line_title(name: str, protocol: str, ways: dict[str, list[str]]) -> str:
    if len(ways[name]) == 1:
        return name
    return f"{name} [{_letter(ways[name].index(protocol))}]"


def _letter(index: int) -> str:
    return chr(ord("a") + index) if index < 26 else str(index + 1)


def _ways(
    values: dict[tuple[str, str], Value], protocols: dict[str, dict[str, Any]]
) -> Iterator[str]:
    """Say how the protocols of one quantity differ."""
    said: dict[tuple[str, ...], list[str]] = {}
    for name, ways in _ways_of(values).items():
        if len(ways) > 1:
            flat = [dict(_flat(protocols[protocol])) for protocol in ways]
            paths = [
                path
                for path in dict.fromkeys(key for each in flat for key in each)
                if len({repr(each.get(path)) for each in flat}) > 1
            ]
            for part in ("reference", "training"):  # the same samples may have several names
                if f"{part}.sha256" not in paths and f"{part}.samples" in paths:
                    paths.remove(f"{part}.samples")
            differences = tuple(
                f"[{_letter(index)}] "
                + ", ".join(f"{path} {_short(each.get(path))}" for path in paths)
                for index, each in enumerate(flat)
            )
            said.setdefault(differences, []).append(name)
    for differences, names in said.items():
        yield (
            f"{', '.join(names)}: measured in {len(differences)} ways that cannot be compared: "
            + "; ".join(differences)
        )


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _flat(each, f"{path}.{key}" if path else str(key))
    else:
        yield path, value


def _short(value: Any) -> str:
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 else text


def _differences(judged: list[Judged]) -> Iterator[str]:
    """Say where numbers were measured with different software, or on different devices."""
    found: dict[str, list[str]] = {}
    for one in judged:
        for _, report in one.measured.values():
            for what, value in {**report.versions, "device": report.device}.items():
                if value not in found.setdefault(what, []):
                    found[what].append(value)
    for what, values in found.items():
        if len(values) > 1:
            kind = "devices" if what == "device" else f"versions of {what}"
            yield f"measured with different {kind}: {', '.join(values)}"
