"""Reading specs: from JSON to a RunSpec, with every problem explained."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from ganzoo.components import SpecModel
from ganzoo.errors import Problem, SpecError
from ganzoo.spec.run import RunSpec
from ganzoo.spec.sections import MOVED, Evaluation

Model = TypeVar("Model", bound=SpecModel)


def parse_spec(data: Any, source: str | None = None) -> RunSpec:
    """Validate a spec given as plain data.

    Args:
        data: the content of a JSON file.
        source: the file or recipe it comes from, for messages.

    Raises:
        SpecError: with every problem found, each with its path.
    """
    if not isinstance(data, Mapping):
        raise SpecError([Problem("", "expected a JSON object with the fields of a run")], source)
    return validated(RunSpec, data, source)


def parse_evaluation(data: Mapping[str, Any]) -> Evaluation:
    """Validate the ``evaluation`` section of a spec, given as plain data.

    Args:
        data: its fields; missing ones have their defaults.

    Raises:
        SpecError: with every problem found, each with its path.
    """
    return validated(Evaluation, data, prefix="evaluation.")


def validated(
    model: type[Model], data: Mapping[str, Any], source: str | None = None, prefix: str = ""
) -> Model:
    """Validate plain data as a part of a spec.

    Args:
        model: the part.
        data: its fields; those that are left out have their defaults.
        source: file or recipe it comes from, for messages.
        prefix: what paths in messages begin with.

    Raises:
        SpecError: with every problem found, each with its path.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [
            Problem(
                prefix + ".".join(map(str, _place(line["loc"], line["type"]))),
                _message(line["type"], line["msg"], line["input"]),
            )
            for line in error.errors(include_url=False)
        ]
        raise SpecError(problems, source) from None


def _place(location: tuple[int | str, ...], kind: str) -> tuple[int | str, ...]:
    """Return where a problem is in the spec: the keys of the algorithm stand on the spec's own level."""
    at_algorithm = location == ("algorithm",) and kind in {"component", "refused"}
    return location[1:] if location[:1] == ("algorithm",) and not at_algorithm else location


def upgraded(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resolved spec of ganzoo 0.1 as it is written today; one of today is returned as it is."""
    training = data.get("training")
    if not isinstance(training, Mapping) or not MOVED & training.keys():
        return dict(data)
    kept = {key: value for key, value in training.items() if key not in MOVED}
    moved = {key: value for key, value in training.items() if key in MOVED}
    return {**data, **moved, "training": kept}


def _message(kind: str, message: str, value: Any) -> str:
    """Return in one sentence what was wrong, with the value if it helps."""
    if kind == "missing":
        return "this field is required"
    if kind == "too_short" and not value:
        return "expected one or more"
    if kind == "tuple_type":
        return "expected a list"
    if kind == "string_pattern_mismatch":
        # Only two fields have patterns, which are not for people to read.
        devices = "|cuda" in message
        message = (
            "expected auto, cpu, mps, cuda or a numbered device such as cuda:1"
            if devices
            else "expected letters, digits, dots, dashes and underscores, starting with a letter or"
            " digit"
        )
    message = message[:1].lower() + message[1:]
    if isinstance(value, str | int | float | bool) and kind not in {
        "component",
        "refused",
        "unknown_key",
    }:
        return f"{message}, not {json.dumps(value)}"
    return message


def read_spec_data(text: str, source: str) -> dict[str, Any]:
    """Parse the text of a spec.

    Raises:
        SpecError: it is not JSON, has a duplicate key, or is not an object.
    """
    try:
        data = json.loads(text, object_pairs_hook=_refuse_duplicates)
    except json.JSONDecodeError as error:
        other = _other_format(text)
        where = f"{error.msg} at line {error.lineno}, column {error.colno}"
        reason = f"looks like {other}; a spec must be JSON" if other else f"not JSON: {where}"
        raise SpecError([Problem("", reason)], source) from None
    except ValueError as error:
        raise SpecError([Problem("", str(error))], source) from None
    except RecursionError:
        raise SpecError([Problem("", "not a spec: nested too deeply")], source) from None
    if not isinstance(data, dict):
        raise SpecError([Problem("", "expected a JSON object with the fields of a run")], source)
    return data


def _other_format(text: str) -> str | None:
    """Return the name of the format that a text seems to have instead of JSON, or None."""
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    first = next(lines, "")
    if re.match(r"\[{1,2}[\w.-]+\]{1,2}\s*$|[\w.-]+\s*=", first):
        return "TOML"
    return "YAML" if re.match(r"---|[\w-]+:(\s|$)", first) else None


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"duplicate key {twice!r} in an object")
    return data


def read_spec_file(path: str | Path) -> dict[str, Any]:
    """Read a spec file without validating it.

    Raises:
        SpecError: it cannot be read, is not JSON, has a duplicate key, or is not an object.
    """
    try:
        # Some editors start files with a byte-order mark.
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SpecError([Problem("", f"cannot be read: {error.strerror}")], str(path)) from None
    except UnicodeDecodeError:
        raise SpecError([Problem("", "not JSON: the text is not UTF-8")], str(path)) from None
    return read_spec_data(text, str(path))


def load_spec_file(path: str | Path) -> RunSpec:
    """Read and validate a spec file.

    Raises:
        SpecError: it cannot be read or is not valid.
    """
    return parse_spec(read_spec_file(path), str(path))
