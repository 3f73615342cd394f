"""Which plugins are installed, read from the metadata of distributions; nothing is imported.

``importlib.metadata.entry_points`` would raise where one distribution's metadata are damaged, whoever's
they are. This reads each distribution on its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from importlib import metadata
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError

GROUP = "ganzoo"
"""The entry-point group."""

CORE = "ganzoo"
"""The distribution whose component names are reserved."""

UNKNOWN = "unknown"
"""The version of a distribution that names none."""


@dataclass(frozen=True)
class Found:
    """A distribution that has an entry point for ganzoo.

    Attributes:
        name: its name, normalized; that of its entry point where its metadata have none.
        version: its version, or ``unknown``.
        point: the entry point to load, or None where there is none that can be.
        fault: why it cannot be a plugin, known without importing it; or None.
        remarks: what is wrong and does not keep it from loading.
    """

    name: str
    version: str
    point: EntryPoint | None
    fault: str | None = None
    remarks: tuple[str, ...] = ()


def normalized(name: str) -> str:
    """Return the one way to write a distribution's name, as the packaging guide defines it."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def find_plugins() -> list[Found]:
    """Return all plugins installed, by name.

    Where a distribution is installed more than once, it is the one that Python finds first.
    """
    found: dict[str, Found] = {}
    nameless: list[Found] = []
    for distribution in metadata.distributions():
        if not _has_entry_points(distribution):
            continue
        name = _about(distribution).get("Name")
        if not name:
            nameless.append(_read(distribution, None))
            continue
        first = _first_of(name, distribution)
        if normalized(name) not in found and _has_entry_points(first):
            found[normalized(name)] = _read(first, name)
    for each in nameless:  # a leftover must not hide a plugin that is whole
        found.setdefault(each.name, each)
    return sorted(found.values(), key=lambda each: each.name)


def about(name: str) -> Message:
    """Return what a distribution says of itself; nothing where it is not installed as it should be."""
    try:
        return _about(metadata.distribution(name))
    except PackageNotFoundError:
        return Message()


def _about(distribution: Distribution) -> Message:
    """Read the metadata; what is damaged is missing in what is returned."""
    try:
        text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO")
    except (OSError, UnicodeDecodeError):
        text = None
    return HeaderParser().parsestr(text or "")


def _has_entry_points(distribution: Distribution) -> bool:
    try:
        text = distribution.read_text("entry_points.txt")
    except (OSError, UnicodeDecodeError):
        return False
    return text is not None and re.search(rf"^\[{GROUP}\]", text, re.MULTILINE) is not None


def _first_of(name: str, distribution: Distribution) -> Distribution:
    """Return the whole distribution of a name that comes first on the path."""
    same = (each for each in metadata.distributions(name=name) if _about(each).get("Name"))
    return next(same, distribution)  # none, where its folder is called otherwise


def _read(distribution: Distribution, name: str | None) -> Found:
    """Read what one distribution says of itself."""
    described = _about(distribution)
    version = described.get("Version") or UNKNOWN
    try:
        points = [point for point in distribution.entry_points if point.group == GROUP]
    except Exception:  # whatever importlib.metadata raises for a line it cannot read
        fault = "its entry_points.txt cannot be read: a line is not of the form 'name = module'"
        return Found(normalized(name or UNKNOWN), version, None, fault)
    if not points:
        fault = f"the group [{GROUP}] of its entry_points.txt is empty"
        return Found(normalized(name or UNKNOWN), version, None, fault)
    own = normalized(name or points[0].name)
    first, *others = sorted(points, key=lambda each: (normalized(each.name) != own, each.name))
    unused = [
        f"its entry point {each.name!r} is not used: a plugin has one, and {first.name!r} is it"
        for each in others
    ]
    return Found(own, version, first, _fault(distribution, described), tuple(unused))


def _fault(distribution: Distribution, described: Message) -> str | None:
    """Say why a distribution cannot be a plugin, or return None where it can."""
    missing = [key for key in ("Name", "Version") if not described.get(key)]
    if missing:
        folder = distribution.locate_file("")
        return f"its metadata in {folder} have no {' and no '.join(missing)}; install it anew"
    return _unmet(described.get_all("Requires-Dist") or ())


def _unmet(requirements: Sequence[str]) -> str | None:
    """Say which version of ganzoo a distribution needs, where it is not the one installed."""
    version = metadata.version(CORE)
    for text in requirements:
        name = re.match(r"[A-Za-z0-9._-]+", text)
        if name is None or normalized(name[0]) != CORE or _plainly_met(text, version):
            continue
        # Takes longer to import than all plugins of the zoo, and is seldom needed.
        from packaging.requirements import InvalidRequirement, Requirement

        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            return f"its requirement {text!r} cannot be read"
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if applies and not requirement.specifier.contains(version, prereleases=True):
            return f"it needs {CORE}{requirement.specifier}, and {CORE} {version} is installed"
    return None


def _plainly_met(requirement: str, version: str) -> bool:
    """Say whether a requirement of the usual form, ``ganzoo>=0.1``, is met; False where in doubt."""
    least = re.fullmatch(rf"{CORE}\s*>=\s*(\d+(?:\.\d+)*)", requirement)
    here = re.fullmatch(r"\d+(?:\.\d+)*", version)
    return bool(least and here and _numbers(least[1]) <= _numbers(here[0]))


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
