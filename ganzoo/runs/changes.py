"""What differs between two specs, or two other JSON values. Torch-free."""

from __future__ import annotations

from typing import Any

from ganzoo.errors import Problem, SpecError
from ganzoo.spec import RunSpec, parse_spec, upgraded


def spec_changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    """Describe where two resolved specs differ, by path; the older may lack defaults of today."""
    return {} if before == after else differences(_resolved(before), _resolved(after))


def _resolved(spec: dict[str, Any]) -> dict[str, Any]:
    """Write out defaults that fields have today, where the spec is still valid."""
    try:
        return parse_spec(upgraded(spec)).to_json()
    except SpecError:
        return spec


def differences(before: Any, after: Any, path: str = "") -> dict[str, str]:
    """Describe where two JSON values differ, by path."""
    if isinstance(before, dict) and isinstance(after, dict):
        found: dict[str, str] = {}
        for key in dict.fromkeys([*before, *after]):
            inner = f"{path}.{key}" if path else str(key)
            found |= differences(before.get(key), after.get(key), inner)
        return found
    if path.rpartition(".")[2] == "type" and isinstance(before, str) and isinstance(after, str):
        # A name may have had to be qualified since: another plugin may provide the same one.
        before, after = before.rpartition(":")[2], after.rpartition(":")[2]
    return {} if before == after else {path: f"{path} was {before!r} and is {after!r}"}


def refuse_other_changes(before: RunSpec, after: RunSpec) -> None:
    """Raise ``SpecError`` where more than place of the data and duration differs, to resume a run."""
    reason = (
        "only 'training.duration' and 'dataset' can be changed when a run is resumed; use"
        " 'ganzoo branch'"
    )
    changed = spec_changes(before.to_json(), after.to_json())
    problems = [
        Problem(path, reason)
        for path in changed
        if path != "training.duration" and not path.startswith("dataset.")
    ]
    if problems:
        raise SpecError(problems)
