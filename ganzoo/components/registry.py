"""Names of components, and their providers.

A registry maps ``(family, name)`` to the component classes that plugins provide under that name. One
provider makes a name usable as it is; two make it ambiguous, which is an error only where a spec uses
the name, and ``distribution:name`` settles it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ganzoo.errors import did_you_mean


@dataclass(frozen=True)
class Provider:
    """The distribution a component came from.

    Attributes:
        name: name of the distribution, such as ``ganzoo-dcgan``.
        version: its version.
    """

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class Entry:
    """One component under one name from one provider."""

    family: str
    name: str
    component: type[Any]
    provider: Provider

    @property
    def qualified_name(self) -> str:
        """The name that no other distribution can claim, such as ``ganzoo-dcgan:dcgan``."""
        return f"{self.provider.name}:{self.name}"


class UnknownNameError(LookupError):
    """No component has the name asked for; the message lists those that could be meant."""


class AmbiguousNameError(LookupError):
    """Several distributions provide the name asked for; the message gives the qualified names."""


class Registry:
    """All components known to this process."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, list[Entry]]] = {}
        self._by_component: dict[type[Any], Entry] = {}
        self._hints: dict[tuple[str, str], tuple[str, str]] = {}

    def add(self, entry: Entry) -> None:
        """Add an entry. A second provider of a name makes the name ambiguous, never replaces it."""
        self._entries.setdefault(entry.family, {}).setdefault(entry.name, []).append(entry)
        self._by_component[entry.component] = entry

    def remove(self, entry: Entry) -> None:
        """Remove an entry; what it is called is still known, for specs that have it."""
        self._entries[entry.family][entry.name].remove(entry)

    def add_hint(
        self, family: str, name: str, distribution: str, why: str = "is not installed"
    ) -> None:
        """Note that a distribution would provide this name, and why it does not."""
        self._hints[family, name] = (distribution, why)

    def hint(self, family: str, name: str, distribution: str = "") -> str | None:
        """Return which package a name that is not there comes with, if that is known.

        Where a distribution is given, only that one is meant.
        """
        provider, why = self._hints.get((family, name), (None, ""))
        if provider is None or distribution not in {"", provider}:
            return None
        return f"{name!r} comes with the package {provider}, which {why}"

    def entries(self, family: str | None = None) -> Iterator[Entry]:
        """Yield entries by family and name, of one family or of all."""
        for each in sorted(self._entries) if family is None else [family]:
            for name in sorted(self._entries.get(each, {})):
                yield from self._entries[each][name]

    def names(self, family: str) -> list[str]:
        """Names that a spec can use for this family: short where unambiguous, else qualified."""
        return [self.name_of(entry.component) for entry in self.entries(family)]

    def find(self, family: str, name: str) -> Entry:
        """Return the entry for a short or a qualified name.

        Raises:
            UnknownNameError: nothing installed has that name.
            AmbiguousNameError: more than one distribution has it.
        """
        distribution, _, short = name.rpartition(":")
        found = [
            entry
            for entry in self._entries.get(family, {}).get(short, [])
            if not distribution or entry.provider.name == distribution
        ]
        if len(found) == 1:
            return found[0]
        if found:
            providers = " and ".join(str(entry.provider) for entry in found)
            qualified = " or ".join(repr(entry.qualified_name) for entry in found)
            raise AmbiguousNameError(f"{name!r} comes from {providers}; write {qualified}")
        raise UnknownNameError(self._unknown(family, name, distribution, short))

    def _unknown(self, family: str, name: str, distribution: str, short: str) -> str:
        if hint := self.hint(family, short, distribution):
            return hint
        names = self.names(family)
        installed = ", ".join(names) if names else "none"
        suggestion = did_you_mean(short, names)
        for entry in self.entries(family):
            spelling = getattr(entry.component, "spelling_of", lambda _: None)(short)
            if spelling is not None:
                suggestion = f"; write {spelling}"
        return (
            f"no {family.replace('_', ' ')} is called {name!r}{suggestion} (installed: {installed})"
        )

    def entry_of(self, component: type[Any]) -> Entry | None:
        """Return the entry of a component class, or None where it was never registered."""
        return self._by_component.get(component)

    def name_of(self, component: type[Any]) -> str:
        """Return the shortest name under which a spec finds this component again."""
        entry = self._by_component.get(component)
        if entry is None:
            return str(component.model_fields["type"].default)
        rivals = self._entries[entry.family][entry.name]
        return entry.name if len(rivals) <= 1 else entry.qualified_name


_active: Registry | None = None


def active() -> Registry:
    """Return the registry in use, loading the installed plugins on the first call.

    There is one for the process and it is not passed along: a component looks up those in its fields
    whenever it is validated, and in ``MLPGenerator(activation="elu")`` there is nowhere to pass it.
    """
    global _active  # noqa: PLW0603 - see above
    if _active is None:
        # By name: what loads plugins is built on components, and not the other way round.
        _active = importlib.import_module("ganzoo.plugins").installed().registry
    return _active


@contextmanager
def using(registry: Registry) -> Iterator[Registry]:
    """Make another registry the active one inside a ``with`` block (for tests and tools)."""
    global _active  # noqa: PLW0603 - see active
    previous, _active = _active, registry
    try:
        yield registry
    finally:
        _active = previous
