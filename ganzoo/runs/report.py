"""The report of an evaluation: every number with what it means. Nothing here imports torch.

A number can be put beside another only where both were measured the same way. That way is its
*protocol*: the metric with its parameters, the extractor with its weights, the reference samples by
their content, and how many samples were judged. Its *fingerprint* is the protocol together with what
was judged (the weights, averaged or not, the truncation, the classes asked for), the seeds, the device
and the versions of the software.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ganzoo.errors import RunError
from ganzoo.utils.files import write_atomically

FORMAT: Literal["ganzoo-evaluation-1"] = "ganzoo-evaluation-1"


class Part(BaseModel):
    """Base of all parts of a report."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Floor(Part):
    """The same metric between real samples and other real samples: what a perfect generator gets."""

    value: float | None = Field(description="The number, or null where there is none.")
    samples: int = Field(description="Real samples that stood in for generated ones.")
    reference: int = Field(description="Real samples they were compared with.")
    source: str = Field(description="Which real samples these were, in words.")


class Value(Part):
    """One number, with all that is needed to trust it or to doubt it."""

    name: str = Field(description="Its name, with the extractor's: fd@lenet-mnist.")
    metric: str = Field(description="Type of the metric that gave it.")
    description: str = Field(description="What it is, in one line.")
    better: Literal["lower", "higher"] | None = Field(
        description="Which values are better; null where neither end is."
    )
    mean: float | None = Field(description="Mean over the seeds; null where there is a reason.")
    std: float | None = Field(
        description="Standard deviation over the seeds, each a fresh set of samples; null with one."
    )
    per_seed: list[float | None] = Field(description="The number for each seed.")
    floor: Floor | None = Field(description="Its floor; null where none was measured.")
    reason: str | None = Field(description="Why there is no number; null where there is one.")
    warnings: list[str] = Field(description="What a reader should know before quoting it.")
    details: dict[str, Any] = Field(description="What else the metric found, for the first seed.")
    protocol: str = Field(
        description="Key in 'protocols': numbers of one protocol can be compared."
    )
    fingerprint: str = Field(
        description="Hash of the protocol, the subject, the seeds and the versions."
    )


class Subject(Part):
    """What was judged."""

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

    format: Literal["ganzoo-evaluation-1"] = FORMAT
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

    def value(self, name: str) -> Value:
        """Return a value by its name, such as ``fd@lenet-mnist``, or ``fd`` where that is clear.

        Raises:
            KeyError: there is none, or more than one.
        """
        found = [each for each in self.values if name in {each.name, each.name.partition("@")[0]}]
        exact = [each for each in found if each.name == name]
        if len(exact or found) != 1:
            raise KeyError(f"{name} (there is: {', '.join(each.name for each in self.values)})")
        return (exact or found)[0]

    @property
    def complete(self) -> bool:
        """Whether every number asked for is there and nothing is suspect."""
        return not self.problems and all(each.reason is None for each in self.values)

    def to_json(self) -> str:
        """Return the report as the text of a JSON file."""
        return self.model_dump_json(indent=2) + "\n"

    def write(self, path: Path) -> None:
        """Write the report as JSON; it is there whole or not at all."""
        write_atomically(path, self.to_json())


def read_report(path: Path) -> Report:
    """Read a report.

    Raises:
        RunError: the file cannot be read, or is no report.
    """
    try:
        return Report.model_validate_json(path.read_bytes())
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise RunError(f"{path}: is no report of an evaluation: {where}: {first['msg']}") from None


def protocol_digest(protocol: Mapping[str, Any]) -> str:
    """Return the hash of a protocol; what its real samples are called is not part of it."""
    named = {
        key: {name: each for name, each in value.items() if name != "samples"}
        if key in {"reference", "training"}
        else value
        for key, value in protocol.items()
    }
    return digest(named)


def digest(content: Mapping[str, Any]) -> str:
    """Return the hash that stands for some JSON: 16 hexadecimal digits of its SHA-256."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def mean_of(numbers: list[float | None]) -> float | None:
    """Return the mean, or None where a number is missing."""
    present = [number for number in numbers if number is not None]
    return fmean(present) if present and len(present) == len(numbers) else None


def spread_of(numbers: list[float | None]) -> float | None:
    """Return the sample standard deviation, or None where there are too few numbers."""
    present = [number for number in numbers if number is not None]
    return stdev(present) if len(present) > 1 and len(present) == len(numbers) else None
