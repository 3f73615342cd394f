"""Evaluated runs side by side, each number only among those measured the same way. Torch-free."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.errors import RunError
from ganzoo.evaluation.report import Report, Value, read_report
from ganzoo.runs import RunDirectory


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
        values: by the name and the protocol of its line.
        versions: of the software that measured them, by package.
    """

    title: str
    values: dict[tuple[str, str], Value] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def value(self, line: Line) -> Value | None:
        """Return its number in a line, or None where it was not measured so."""
        return self.values.get((line.name, line.protocol))


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
    judged: dict[tuple[str, str], Judged] = {}
    protocols: dict[str, dict[str, Any]] = {}
    lines: dict[tuple[str, str], Value] = {}
    for path in paths:
        for report in _reports(path):
            one = judged.setdefault(_key(path, report), Judged(_title(report)))
            one.versions |= report.versions
            protocols |= report.protocols
            for value in report.values:
                one.values[value.name, value.protocol] = value
                lines.setdefault((value.name, value.protocol), value)
    return Comparison(
        _lines(lines), list(judged.values()), [*_ways(lines, protocols), *_versions(judged)]
    )


def _reports(path: Path) -> list[Report]:
    if path.is_file():
        return [read_report(path)]
    run = RunDirectory.open(path)
    reports = [read_report(each) for each in run.reports()]
    if not reports:
        raise RunError(f"{path}: was not evaluated yet; do that with: ganzoo evaluate {path}")
    return reports


def _key(path: Path, report: Report) -> tuple[str, str]:
    """Return what makes two reports of one thing: the place, and the weights or the files judged."""
    place = path.parent.parent if path.is_file() and path.parent.name == "evaluation" else path
    subject = report.subject
    return str(place.resolve()), subject.weights_sha256 or subject.samples_sha256 or ""


def _title(report: Report) -> str:
    subject = report.subject
    step = "" if subject.step is None else f" step {subject.step}"
    return f"{subject.name}{step}" + (" (raw)" if subject.weights == "raw" else "")


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


def _versions(judged: dict[tuple[str, str], Judged]) -> Iterator[str]:
    """Say where numbers were measured with different software."""
    found: dict[str, list[str]] = {}
    for one in judged.values():
        for package, version in one.versions.items():
            if version not in found.setdefault(package, []):
                found[package].append(version)
    for package, versions in found.items():
        if len(versions) > 1:
            yield f"measured with different versions of {package}: {', '.join(versions)}"
