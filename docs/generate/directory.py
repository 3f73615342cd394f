"""The directory of plugins: those of this repository, and those that others have listed."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, model_validator

from ganzoo.components import FAMILIES
from ganzoo.errors import did_you_mean
from ganzoo.plugins import CORE, PluginRecord, installed
from ganzoo.plugins.discovery import about
from ganzoo.plugins.offers import OFFERS
from generate.markdown import page, prose, table

FILE = Path(__file__).parents[1] / "third_party.toml"

Other = Literal["recipe", "command", "listener"]
"""What a plugin may provide besides components."""

KINDS = (*(family.family for family in FAMILIES), *get_args(Other))

INTRODUCTION = """\
# Plugins

The core ships no network: networks and most other components come from plugins. `ganzoo plugins
list` shows those that you have installed.

## With ganzoo

Developed and tested together with the core; `pip install ganzoo[zoo]` installs all of
them but ganzoo-devkit, which only authors of plugins need."""

OTHERS = """\
## By others

Written and maintained by the people named. Like any package, they run with the permissions of whoever
uses them."""

NONE = "None is listed yet."

LISTING = """\
## Getting listed

[Write a plugin](plugins.md) and publish it. Then open a pull request that adds it to
`docs/third_party.toml`:

```toml
[[plugin]]
name = "ganzoo-example"
summary = "What it adds, in one sentence."
url = "https://example.org/ganzoo-example"
kinds = ["generator", "loss"]
author = "Who makes it"
```

`kinds` has the [families](reference/families.md) it adds members to, and `recipe`, `command` or
`listener` if it provides those. It can be listed if

- it is named `ganzoo-…`, and can be installed from a package index under that name;
- its source is public, under a licence that lets others use it;
- its tests run the [conformance kit](reference/testing.md), under `GANZOO_STRICT_PLUGINS=1`, and pass;
- its README says what it adds, which papers that is from, and how it differs from them.

A plugin that no longer works with the newest ganzoo is taken off the list until it does."""


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"no kind is called {kind!r}{did_you_mean(kind, KINDS)}")
    return kind


class Listed(BaseModel):
    """A plugin of someone else."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^ganzoo-[a-z0-9]+(-[a-z0-9]+)*$")
    summary: str = Field(min_length=1, max_length=120, pattern=r"^[^\n]+\.$")
    url: HttpUrl
    kinds: list[Annotated[str, AfterValidator(_known)]] = Field(min_length=1)
    author: str = Field(min_length=1)


class ThirdParty(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    plugin: list[Listed] = []

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = [each.name for each in self.plugin]
        if names != sorted(set(names)):
            raise ValueError("plugins must be sorted by name, each of them listed once")
        own = {record.name for record in own_plugins()}
        if taken := own.intersection(names):
            raise ValueError(f"{', '.join(taken)}: comes with ganzoo")
        return self


def third_party(text: str) -> list[Listed]:
    """Read a file of other people's plugins.

    Raises:
        ValueError: it is not valid TOML, or an entry is not as required.
    """
    return ThirdParty.model_validate(tomllib.loads(text)).plugin


def own_plugins() -> list[PluginRecord]:
    """Return the plugins of this repository, by name."""
    folders = (Path(__file__).parents[2] / "plugins").glob("*/pyproject.toml")
    names = {path.parent.name for path in folders}
    return [record for record in installed().records if record.name in names - {CORE}]


def directory_page() -> str:
    """Return the page."""
    own = [_own_row(record) for record in own_plugins()]
    others = [
        (f"[{each.name}]({each.url})", prose(each.summary), _kinds(each.kinds), prose(each.author))
        for each in third_party(FILE.read_text(encoding="utf-8"))
    ]
    return page(
        INTRODUCTION,
        table(("Plugin", "What it adds", "Kinds"), own),
        OTHERS,
        table(("Plugin", "What it adds", "Kinds", "By"), others) if others else NONE,
        LISTING,
    )


def _own_row(record: PluginRecord) -> tuple[str, str, str]:
    families = {entry.family for entry in record.components}
    kinds = [family.family for family in FAMILIES if family.family in families]
    kinds += ["recipe"] if record.recipes else []
    kinds += ["command"] if record.commands else []
    kinds += ["listener"] if set(record.hooks) - set(OFFERS) else []
    return f"`{record.name}`", prose(about(record.name).get("Summary", "")), _kinds(kinds)


def _kinds(kinds: list[str]) -> str:
    """Name kinds, with a link to the members of each family."""
    links = {"recipe": "reference/recipes.md", "command": "reference/cli.md"}
    links |= {family.family: f"reference/components/{family.family}.md" for family in FAMILIES}
    return ", ".join(f"[{kind}]({links[kind]})" if kind in links else kind for kind in kinds)
