"""Which of the installed plugins are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ganzoo.plugins.discovery import normalized

OFF = frozenset(("", "0", "false", "no", "off"))
"""What an environment variable says to leave something off."""


@dataclass(frozen=True)
class Selection:
    """Which plugins may be imported.

    Attributes:
        only: names of the only distributions to load, or None for all.
        disabled: names of distributions to leave out, whatever ``only`` says.
        strict: whether a failed plugin is fatal.
    """

    only: frozenset[str] | None = None
    disabled: frozenset[str] = frozenset()
    strict: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Selection:
        """Read ``GANZOO_PLUGINS``, ``GANZOO_DISABLE_PLUGINS`` and ``GANZOO_STRICT_PLUGINS``."""
        only = environment.get("GANZOO_PLUGINS")
        return cls(
            only=None if only is None else _names(only),
            disabled=_names(environment.get("GANZOO_DISABLE_PLUGINS", "")),
            strict=environment.get("GANZOO_STRICT_PLUGINS", "").lower() not in OFF,
        )

    @property
    def named(self) -> frozenset[str]:
        """All names of distributions that it mentions."""
        return self.disabled | (self.only or frozenset())

    def refusal(self, name: str) -> str | None:
        """Say why a distribution is not to be loaded, or None where it is."""
        if name in self.disabled:
            return "disabled"
        if self.only is not None and name not in self.only:
            return "not in GANZOO_PLUGINS"
        return None


def _names(text: str) -> frozenset[str]:
    names = text.replace(";", ",").split(",")
    return frozenset(normalized(name) for name in names if name.strip())
