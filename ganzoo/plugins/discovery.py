"""Which plugins are installed, read from the metadata of distributions, and which are wanted.

Nothing is imported here. ``importlib.metadata.entry_points`` raises where the metadata of any
distribution are damaged; this reads each distribution on its own.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from importlib import metadata, resources
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError
from pathlib import Path

GROUP = "ganzoo"
"""The entry-point group."""

CORE = "ganzoo"
"""The distribution whose component names are reserved."""

UNKNOWN = "unknown"  # the version of a distribution whose metadata have none

OFF = frozenset(("", "0", "false", "no", "off"))  # values of a variable that leave something off


@dataclass(frozen=True)
class Selection:
    """Which plugins to load."""

    only: frozenset[str] | None = None  # the only distributions to load, or None for all
    disabled: frozenset[str] = frozenset()  # not to be loaded, whatever ``only`` says
    files: tuple[Path, ...] = ()  # local plugin files to load as well
    strict: bool = False  # whether a failed plugin is fatal

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Selection:
        """Return the selection that the ``GANZOO_…PLUGIN…`` variables make."""
        only = environment.get("GANZOO_PLUGINS")
        files = environment.get("GANZOO_PLUGIN_FILES", "").split(os.pathsep)
        return cls(
            None if only is None else _names(only),
            _names(environment.get("GANZOO_DISABLE_PLUGINS", "")),
            tuple(Path(file) for file in files if file),
            environment.get("GANZOO_STRICT_PLUGINS", "").lower() not in OFF,
        )

    @property
    def named(self) -> frozenset[str]:
        """All names of distributions that it mentions."""
        return self.disabled | (self.only or frozenset())

    def refusal(self, name: str) -> str | None:
        """Return why a distribution is not to be loaded, or None where it is."""
        if name in self.disabled:
            return "disabled"
        return None if self.only is None or name in self.only else "not in GANZOO_PLUGINS"


def _names(text: str) -> frozenset[str]:
    names = text.replace(";", ",").split(",")
    return frozenset(normalized(name) for name in names if name.strip())


@dataclass(frozen=True)
class Found:
    """A distribution that has an entry point for ganzoo."""

    name: str  # normalized; that of its entry point where its metadata have none
    version: str  # or ``unknown``
    point: EntryPoint | None  # the one to load, or None where none can be
    fault: str | None = None  # why it cannot be a plugin, known without importing it
    remarks: tuple[str, ...] = ()  # what is wrong without keeping it from loading


def normalized(name: str) -> str:
    """Return a distribution's name as the packaging guide normalizes it."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def find_plugins() -> list[Found]:
    """Return all installed plugins, by name.

    Of a distribution that is installed more than once, it is the first on the path that is whole.
    """
    found: dict[str, Found] = {}
    for distribution in metadata.distributions():
        text = _text(distribution, "entry_points.txt")
        if re.search(rf"^\[{GROUP}\]", text, re.MULTILINE):
            each = _read(distribution)
            if each.name not in found or (found[each.name].fault and not each.fault):
                found[each.name] = each
    return sorted(found.values(), key=lambda each: each.name)


def known_packages() -> dict[str, dict[str, list[str]]]:
    """Return what the packages that are developed with the core provide, installed or not.

    They are names by kind, which is a family of components or ``command``, by distribution.
    """
    text = resources.files("ganzoo").joinpath("known_components.json").read_text("utf-8")
    known: dict[str, dict[str, list[str]]] = json.loads(text)
    return known


def about(name: str) -> Message:
    """Return the metadata of a distribution; empty where it is not installed properly."""
    try:
        return _metadata_of(metadata.distribution(name))
    except PackageNotFoundError:
        return Message()


def _metadata_of(distribution: Distribution) -> Message:
    """Return the metadata of a distribution, without what is damaged."""
    text = _text(distribution, "METADATA") or _text(distribution, "PKG-INFO")
    return HeaderParser().parsestr(text.partition("\n\n")[0])  # a long description follows


def _text(distribution: Distribution, file: str) -> str:
    try:
        return distribution.read_text(file) or ""
    except (OSError, UnicodeDecodeError):
        return ""


def _read(distribution: Distribution) -> Found:
    """Return what the metadata of one distribution say of its plugin."""
    described = _metadata_of(distribution)
    name, version = described.get("Name"), described.get("Version") or UNKNOWN
    try:
        points = [point for point in distribution.entry_points if point.group == GROUP]
        fault = f"the group [{GROUP}] of its entry_points.txt is empty"
    except Exception:  # whatever importlib.metadata raises for a line it cannot read
        points = []
        fault = "its entry_points.txt cannot be read: a line is not of the form 'name = module'"
    if not points:
        return Found(normalized(name or UNKNOWN), version, None, fault)
    own = normalized(name or points[0].name)
    first, *others = sorted(points, key=lambda each: (normalized(each.name) != own, each.name))
    unused = (
        f"its entry point {each.name!r} is not used: a plugin has one, and it is {first.name!r}"
        for each in others
    )
    return Found(own, version, first, _fault(distribution, described, first), tuple(unused))


def _fault(distribution: Distribution, described: Message, point: EntryPoint) -> str | None:
    missing = [key for key in ("Name", "Version") if not described.get(key)]
    if missing:
        folder = distribution.locate_file("")
        return f"its metadata in {folder} have no {' and no '.join(missing)}; reinstall it"
    if point.pattern.match(point.value) is None:
        return f"its entry point is {point.value!r}, which is neither 'module' nor 'module:object'"
    version = metadata.version(CORE)
    for text in described.get_all("Requires-Dist") or ():
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
    """Return whether a requirement such as ``ganzoo>=0.1`` is met; False where in doubt."""
    least = re.fullmatch(rf"{CORE}\s*>=\s*(\d+(?:\.\d+)*)", requirement)
    if least is None or re.fullmatch(r"\d+(?:\.\d+)*", version) is None:
        return False
    needed, here = ([int(part) for part in each.split(".")] for each in (least[1], version))
    return needed <= here
