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
            # A list whose members are refused is not too short as well.
            if line["type"] != "too_short" or not line["input"]
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
    if kind in _IN_OUR_WORDS:
        return _IN_OUR_WORDS[kind]
    if kind == "too_short" and not value:
        return "expected one or more"
    if kind == "string_pattern_mismatch":
        # Only two fields have patterns, which are not for people to read.
        devices = "|cuda" in message
        message = (
            "expected auto, cpu, mps, cuda or a numbered device such as cuda:1"
            if devices
            else "expected letters, digits, dots, dashes and underscores, starting with a letter or"
            " digit"
        )
    message = message.removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if isinstance(value, str | int | float | bool) and kind not in {
        "component",
        "refused",
        "unknown_key",
    }:
        return f"{message}, not {shown(value)}"
    return message


_IN_OUR_WORDS = {
    "missing": "this field is required",
    "tuple_type": "expected a list",
    "model_type": 'expected an object with fields, such as {"key": value}',
    "model_attributes_type": 'expected an object with fields, such as {"key": value}',
    "dict_type": 'expected an object with keys and values, such as {"key": value}',
}
"""What is said instead of pydantic's message, by the kind of error."""

LONGEST_SHOWN = 60
"""Characters of a value that are quoted in a message."""


def shown(value: Any) -> str:
    """Return a value as a message quotes it: as JSON, cut where it is long."""
    try:
        text = json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        text = f"a value of type {type(value).__name__}"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def read_json(text: str) -> Any:
    """Parse JSON strictly: without duplicate keys, and with numbers of a length that Python reads.

    Raises:
        ValueError: it is not JSON; a JSONDecodeError where the place is known.
    """
    try:
        return json.loads(text, object_pairs_hook=_refuse_duplicates)
    except RecursionError:
        raise ValueError("not a spec: nested too deeply") from None
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        if "digits" in str(error):  # of Python's int, which names a setting of the interpreter
            raise ValueError("a number has more digits than the limit of 4,300") from None
        raise


def read_spec_data(text: str, source: str) -> dict[str, Any]:
    """Parse the text of a spec.

    Raises:
        SpecError: it is not JSON, has a duplicate key, or is not an object.
    """
    try:
        data = read_json(text)
    except json.JSONDecodeError as error:
        raise SpecError([Problem("", _not_json(text, error))], source) from None
    except ValueError as error:
        raise SpecError([Problem("", str(error))], source) from None
    if not isinstance(data, dict):
        raise SpecError([Problem("", "expected a JSON object with the fields of a run")], source)
    return data


def _not_json(text: str, error: json.JSONDecodeError) -> str:
    """Say why a text is not JSON, and what to do where that is known."""
    if other := _other_format(text):
        return f"looks like {other}; a spec must be JSON: {_HOW_TO_BEGIN}"
    reason = f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
    if not text.strip():
        return f"{reason}, since it is empty; {_HOW_TO_BEGIN}"
    if "\0" in text:
        return f"{reason}: it holds NUL characters, so it is not a text file"
    if "escape" in error.msg:
        return f'{reason}; write a backslash twice, as in "C:\\\\data", or / in paths'
    if text[error.pos : error.pos + 1] in {"'", "/", "#", "}", "]"}:
        return f"{reason}; JSON has no comments, single quotes or commas before a bracket"
    return reason


_HOW_TO_BEGIN = (
    'write {"dataset": …, "generator": …, "discriminator": …}, or copy a recipe with'
    " 'ganzoo init RECIPE'"
)


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
    except ValueError:  # of a path with a NUL
        raise SpecError([Problem("", "is not the name of a file")], ascii(str(path))) from None
    return read_spec_data(text, str(path))


def load_spec_file(path: str | Path) -> RunSpec:
    """Read and validate a spec file.

    Raises:
        SpecError: it cannot be read or is not valid.
    """
    return parse_spec(read_spec_file(path), str(path))
