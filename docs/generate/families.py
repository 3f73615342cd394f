"""The reference of families: the contract of each, and a small member, as a new plugin has it."""

from __future__ import annotations

import importlib
from typing import Any, Literal

from ganzoo_devkit.scaffolding import Blueprint
from pydantic import create_model

from ganzoo.components import FAMILIES, Component, SpecModel
from ganzoo.components.registry import Entry, Provider
from ganzoo.spec.schema import component_schema
from generate.components import title
from generate.fields import field_table
from generate.markdown import page, table

NAME = "example"
"""What the member is called, and so is the plugin that it comes from."""

INTRODUCTION = f"""\
# Families

What a plugin subclasses to add a component, and what `build` must return. [Writing a
plugin](../plugins.md#what-components-are-given) says which family an idea belongs to, [writing an
algorithm](../algorithms.md) how an algorithm puts the others together.

The example of each family is a small member that works. It is what `ganzoo plugins new {NAME}
--kind FAMILY` of ganzoo-devkit writes, less what all plugins have; such packages are built,
installed, checked by the [conformance kit](testing.md) and trained with whenever ganzoo is tested.
[Worked examples](examples.md) are larger."""

COMMON = """\
## What all components share

::: ganzoo.components.Component

::: ganzoo.components.SpecModel

::: ganzoo.components.component_field

## What networks share

Generators, translators and discriminators are networks.

::: ganzoo.components.Network"""

FIELDS = "Every member has these fields, besides those that it adds itself:"

WITH = {
    "algorithm": ("ganzoo.components.network_problems", "ganzoo.components.adversary_problems"),
    "dataset": (
        "ganzoo.components.DatasetInfo",
        "ganzoo.components.Condition",
        "ganzoo.components.ConditionKind",
        "ganzoo.components.SampleSpace",
        "ganzoo.components.space_of",
        "ganzoo.components.Images",
        "ganzoo.components.Points",
        "ganzoo.components.Sequences",
        "ganzoo.components.Arrays",
        "ganzoo.components.Mixture",
        "ganzoo.data.split.Split",
    ),
    "discriminator": ("ganzoo.components.DiscriminatorOutput", "ganzoo.components.OutputPart"),
    "loss": ("ganzoo.components.AdversarialLoss",),
    "auxiliary_loss": (
        "ganzoo.components.LossInputs",
        "ganzoo.components.Setting",
        "ganzoo.components.Side",
    ),
    "regularizer": ("ganzoo.components.Penalty",),
    "schedule": ("ganzoo.components.ScheduleFunction",),
    "callback": (
        "ganzoo.components.CallbackState",
        "ganzoo.components.CallbackSetting",
        "ganzoo.components.Control",
    ),
    "metric": (
        "ganzoo.components.Quantity",
        "ganzoo.components.MetricFn",
        "ganzoo.components.MetricInputs",
        "ganzoo.components.Features",
        "ganzoo.components.MetricResult",
    ),
}
"""What else a member of a family is written with."""


def families_page() -> str:
    """Return the page; mkdocstrings fills in the docstrings."""
    rows = [
        (
            f"[{title(family)}](#{family.family})",
            f"`{family.family}`",
            f"[catalogue](components/{family.family}.md)",
        )
        for family in FAMILIES
    ]
    blocks = [INTRODUCTION, table(("Family", "Kind", "Its members"), rows), COMMON]
    for family in FAMILIES:
        blocks += _section(family)
    return page(*blocks)


def example_files(family: type[Component]) -> dict[str, str]:
    """Return the modules of a new plugin that make up its component, by their paths.

    The first has the component itself; the others, what it builds.
    """
    blueprint = Blueprint(NAME, family.family)
    package = f"src/{blueprint.package}"
    shared = {f"{package}/__init__.py", f"{package}/plugin.py"}
    written = {path.as_posix(): text for path, text in blueprint.files().items()}
    modules = {
        path: text
        for path, text in written.items()
        if path.startswith(package) and path.endswith(".py") and path not in shared
    }
    first = f"{package}/components.py"
    return {first: modules.pop(first), **modules}


def _section(family: type[Component]) -> list[str]:
    shown = [f'```python title="{path}"\n{text}```' for path, text in example_files(family).items()]
    return [
        f"## {title(family)} {{ #{family.family} }}",
        _documented(f"ganzoo.components.{family.__name__}"),
        *_fields(family),
        *map(_documented, WITH.get(family.family, ())),
        f"### Example {{ #{family.family}-example }}",
        *shown,
    ]


def _documented(path: str) -> str:
    """Return what makes mkdocstrings show an object, and what a class inherits from bases of ganzoo."""
    module, _, name = path.rpartition(".")
    described = getattr(importlib.import_module(module), name)
    inherited: list[str] = []
    if isinstance(described, type):
        own = vars(described)
        for base in described.__mro__[1:]:
            if base not in (Component, SpecModel) and base.__module__.startswith("ganzoo."):
                fields = getattr(base, "model_fields", {})
                inherited += [
                    each
                    for each in vars(base)
                    if not each.startswith(("_", "model_")) and each not in {*fields, *own}
                ]
    options = (
        f"\n    options:\n      inherited_members: [{', '.join(inherited)}]" if inherited else ""
    )
    return f"::: {path}{options}"


def _fields(family: type[Component]) -> list[str]:
    """Return the table of the fields that a member of a family has without adding any."""
    name: dict[str, Any] = {"type": (Literal["member"], "member")}
    member = create_model("Member", __base__=family, **name)
    schema = component_schema(Entry(family.family, "member", member, Provider("", "")))
    if len(schema["properties"]) == 1:
        return []
    return [FIELDS, field_table(member, schema, families="components/")]
