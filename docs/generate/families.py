"""The reference of families: what each promises, and a small member, as a new plugin has it."""

from __future__ import annotations

from ganzoo.components import FAMILIES, Component
from ganzoo.scaffolding import Blueprint
from generate.components import title
from generate.markdown import page, table

NAME = "example"
"""What the member is called, and so is the plugin that it comes from."""

INTRODUCTION = f"""\
# Families

What a plugin subclasses to add a component, and what `build` must return.

The example of each family is a small member that works. It is what `ganzoo plugins new {NAME}
--kind FAMILY` writes, less what all plugins have; such packages are built, installed, checked by
the [conformance kit](testing.md) and trained with whenever ganzoo is tested."""

COMMON = """\
## What all components share

::: ganzoo.components.Component

::: ganzoo.components.SpecModel

::: ganzoo.components.choice"""

WITH = {
    "algorithm": (
        "ganzoo.training.Game",
        "ganzoo.training.TrainingContext",
        "ganzoo.training.OptimizerStep",
        "ganzoo.training.Adversary",
        "ganzoo.training.AdversarialBatch",
        "ganzoo.training.LatentSampler",
        "ganzoo.training.TranslatingSampler",
        "ganzoo.builtin.gan.StandardAlgorithm",
    ),
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
    "generator": ("ganzoo.components.Network", "ganzoo.nn.embedding"),
    "discriminator": ("ganzoo.components.DiscriminatorOutput",),
    "loss": ("ganzoo.components.AdversarialLoss",),
    "auxiliary_loss": (
        "ganzoo.components.AuxiliaryInputs",
        "ganzoo.components.Setting",
        "ganzoo.components.Side",
    ),
    "regularizer": ("ganzoo.components.Penalty", "ganzoo.components.RegularizerInputs"),
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
"""What else one meets in writing a member of a family."""


def families_page() -> str:
    """Return the page; mkdocstrings fills in what is written of each class."""
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
    classes = (f"ganzoo.components.{family.__name__}", *WITH.get(family.family, ()))
    shown = [f'```python title="{path}"\n{text}```' for path, text in example_files(family).items()]
    return [
        f"## {title(family)} {{ #{family.family} }}",
        *(f"::: {name}" for name in classes),
        f"### Example {{ #{family.family}-example }}",
        *shown,
    ]
