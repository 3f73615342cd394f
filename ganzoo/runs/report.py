"""The report of an evaluation: every number with what it means. Nothing here imports torch.

Numbers can be compared only if they were measured in the same way. That way is their *protocol*: the
metric with its parameters, the extractor with its weights, the content of the reference samples, and the
number of samples. The *fingerprint* of a number is its protocol together with what was evaluated (the
weights, whether they are averaged, the truncation, the classes asked for), the seeds, the device and the
versions of the software.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ganzoo.components.evaluation import Aspect, matches_quantity
from ganzoo.errors import RunError
from ganzoo.utils.files import write_atomically
from ganzoo.utils.hashing import json_hash

FORMAT: Literal["ganzoo-evaluation-2"] = "ganzoo-evaluation-2"


class Part(BaseModel):
    """Base of all parts of a report."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Baseline(Part):
    """The same metric on real samples against other real samples: what a perfect generator gets."""

    value: float | None = Field(description="The number, or null if there is none.")
    samples: int = Field(description="Number of real samples in place of generated ones.")
    reference: int = Field(description="Number of real samples they are compared with.")
    source: str = Field(description="Which real samples these are, in words.")


class Value(Part):
    """One number, with everything that is needed to trust it or to doubt it."""

    name: str = Field(description="Its name, with the extractor's: fd@lenet-mnist.")
    metric: str = Field(description="Type of the metric that gave it.")
    description: str = Field(description="What it is, in one line.")
    better: Literal["lower", "higher"] | None = Field(
        description="Which values are better; null if neither end is."
    )
    aspect: Aspect | None = Field(
        default=None, description="What of the samples it tells; null: their quality as a whole."
    )
    mean: float | None = Field(description="Mean over the seeds; null if there is a reason.")
    std: float | None = Field(
        description="Standard deviation over the seeds, each a fresh set of samples; null with one."
    )
    per_seed: list[float | None] = Field(description="The number for each seed.")
    baseline: Baseline | None = Field(description="That of real samples; null if not measured.")
    reason: str | None = Field(description="Why there is no number; null if there is one.")
    warnings: list[str] = Field(description="What a reader should know before quoting it.")
    details: dict[str, Any] = Field(description="What else the metric found, for the first seed.")
    protocol: str = Field(description="Key in 'protocols'; numbers of one can be compared.")
    fingerprint: str = Field(description="Hash of protocol, subject, seeds, device and versions.")

    @property
    def baseline_value(self) -> float | None:
        """The number for real samples, or None if there is none."""
        return None if self.baseline is None else self.baseline.value


class Subject(Part):
    """What was evaluated."""

    name: str = Field(description="The run, or the files.")
    step: int | None = Field(default=None, description="Steps the generator was trained for.")
    weights_sha256: str | None = Field(default=None, description="Hash of the weights.")
    weights: Literal["ema", "raw"] | None = Field(
        default=None, description="Whether the weights are averaged, or those of the step itself."
    )
    labels: str | None = Field(
        default=None, description="How classes were chosen; null for unconditional generators."
    )
    truncation: float | None = Field(
        default=None,
        description="Where the distribution of latents was cut off; null for not at all.",
    )
    samples_sha256: str | None = Field(default=None, description="Hash of the files' pixels.")
    preparation: str | None = Field(
        default=None, description="What was done to the files' images before they were read."
    )


class Report(Part):
    """All numbers of one evaluation."""

    format: Literal["ganzoo-evaluation-2"] = FORMAT
    subject: Subject
    reference: str = Field(description="What it was compared with.")
    seeds: list[int] = Field(description="Seeds of the samples; empty for files.")
    values: list[Value]
    protocols: dict[str, dict[str, Any]] = Field(description="Each protocol, by its hash.")
    problems: list[str] = Field(description="What makes these numbers suspect or incomplete.")
    versions: dict[str, str] = Field(description="Versions of the packages that took part.")
    device: str = Field(description="Where samples and features were computed.")
    seconds: float = Field(description="Time it took, in seconds.")
    created: str = Field(description="When, as ISO 8601 in UTC.")
    sha256: str | None = Field(
        default=None,
        description="Hash of all of this, in files; null in memory and in older files.",
    )

    @model_validator(mode="before")
    @classmethod
    def _upgrade(cls, data: Any) -> Any:
        """Read format 1, in which the baseline was called floor."""
        if not isinstance(data, dict) or data.get("format") != "ganzoo-evaluation-1":
            return data
        values = [
            {("baseline" if key == "floor" else key): each for key, each in value.items()}
            for value in data.get("values", [])
        ]
        return {**data, "format": FORMAT, "values": values}

    def value(self, name: str) -> Value:
        """Return a value by its name, such as ``fd@lenet-mnist``, or ``fd`` if that is unambiguous."""
        found = [each for each in self.values if matches_quantity(name, each.name)]
        exact = [each for each in found if each.name == name]
        if len(exact or found) != 1:
            raise KeyError(f"{name} (available: {', '.join(each.name for each in self.values)})")
        return (exact or found)[0]

    def __repr__(self) -> str:
        """Return a short table: a line for each number."""
        rows = [_TITLES, *map(_cells, self.values)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join([f"Report of {self.subject.name}", *lines, *self.problems])

    __str__ = __repr__

    def _repr_html_(self) -> str:
        problems = "".join(f"<div>{escape(problem)}</div>" for problem in self.problems)
        title = f"<div>Report of <b>{escape(self.subject.name)}</b></div>"
        return f"{title}{values_html(self.values)}{problems}"

    @property
    def complete(self) -> bool:
        """Whether every number was measured and nothing is suspect."""
        return not self.problems and all(each.reason is None for each in self.values)

    def to_json(self) -> str:
        """Return the report as the text of a JSON file."""
        data = json.loads(self.model_dump_json(exclude={"sha256"}))
        return json.dumps({**data, "sha256": json_hash(data)}, indent=2) + "\n"

    def write(self, path: Path) -> None:
        """Write the report as JSON, whole or not at all."""
        write_atomically(path, self.to_json())


_TITLES = ("quantity", "value", "std", "real data", "better")


def _cells(value: Value) -> tuple[str, ...]:
    """Return a number and what to read it with as words."""
    numbers = (value.mean, value.std, value.baseline_value)
    mean, std, baseline = ("" if each is None else f"{each:.4g}" for each in numbers)
    return value.name, mean or f"none: {value.reason}", std, baseline, value.better or ""


def values_html(values: Sequence[Value]) -> str:
    """Return numbers as an HTML table."""
    head = "".join(f"<th>{title}</th>" for title in _TITLES)
    rows = [
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _cells(value)) + "</tr>"
        for value in values
    ]
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def read_report(path: Path) -> Report:
    """Read a report; raise ``RunError`` if the file cannot be read, is damaged or is not one."""
    try:
        data = json.loads(path.read_bytes())
        report = Report.model_validate_json(json.dumps(data))
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise RunError(f"{path}: is not a report: {where}: {first['msg']}") from None
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path}: is not a report: {error}") from None
    if report.sha256 not in {None, json_hash({key: data[key] for key in data if key != "sha256"})}:
        message = (
            "is damaged: its content is not what was written; move it away to go on without it"
        )
        raise RunError(f"{path}: {message}")
    return report.model_copy(update={"sha256": None})


def protocol_digest(protocol: Mapping[str, Any]) -> str:
    """Return the hash of a protocol, of which the names of real samples are not part."""
    unnamed = {
        key: {name: each for name, each in value.items() if name != "samples"}
        if key in {"reference", "training"}
        else value
        for key, value in protocol.items()
    }
    return digest(unnamed)


def digest(content: Mapping[str, Any]) -> str:
    """Return a hash of JSON data: 16 hexadecimal digits of its SHA-256."""
    return json_hash(content)[:16]


def mean_and_std(numbers: list[float | None]) -> tuple[float | None, float | None]:
    """Return the mean and the sample standard deviation, each None if it cannot be computed."""
    present = [number for number in numbers if number is not None]
    if not present or len(present) < len(numbers):
        return None, None
    return fmean(present), stdev(present) if len(present) > 1 else None
