"""The catalogue of components: a page for each family, and one that lists all."""

from __future__ import annotations

from ganzoo.components import FAMILIES, Component, Metric
from ganzoo.components.registry import Entry, active
from ganzoo.spec.schema import component_schema
from generate.fields import field_table
from generate.markdown import page, paragraphs, prose, table

INTRODUCTION = """\
# Components

Generated from the code: the core's components and those of the plugins in its repository. `ganzoo
list` shows those installed on your machine, third-party plugins included."""

TITLES = {
    "algorithm": "Algorithms",
    "dataset": "Data sets",
    "latent": "Latents",
    "generator": "Generators",
    "translator": "Translators",
    "discriminator": "Discriminators",
    "activation": "Activations",
    "normalization": "Normalizations",
    "loss": "Losses",
    "auxiliary_loss": "Auxiliary losses",
    "regularizer": "Regularizers",
    "augmentation": "Augmentations",
    "optimizer": "Optimizers",
    "schedule": "Schedules",
    "callback": "Callbacks",
    "extractor": "Feature extractors",
    "metric": "Metrics",
}


def overview_page() -> str:
    """Return the page that lists all components."""
    blocks = [INTRODUCTION]
    for family in FAMILIES:
        entries = list(active().entries(family.family))
        if entries:
            rows = [
                (
                    f"[`{_name(entry)}`]({family.family}.md#{anchor(entry)})",
                    prose(paragraphs(entry.component.__doc__)[0]),
                    f"`{entry.provider.name}`",
                )
                for entry in entries
            ]
            listed = table(("Name", "What it is", "From"), rows)
        else:
            listed = "None is installed."
        blocks += [f"## [{title(family)}]({family.family}.md)", listed]
    return page(*blocks)


def family_page(family: type[Component]) -> str:
    """Return the page of one family: what it is, and its members with all their fields."""
    blocks = [f"# {title(family)}"]
    blocks += [prose(text) for text in paragraphs(family.__doc__)]
    entries = list(active().entries(family.family))
    if not entries:
        blocks.append("None is installed. A [plugin](../../plugins.md) can provide one.")
    for entry in entries:
        blocks += _member(entry)
    return page(*blocks)


def title(family: type[Component]) -> str:
    """Return the heading of a family."""
    return TITLES.get(family.family, family.family.replace("_", " ").capitalize())


def anchor(entry: Entry) -> str:
    """Return the anchor of a component on its family's page."""
    return entry.qualified_name.replace(":", "-")


def _name(entry: Entry) -> str:
    return active().name_of(entry.component)


def _quantities(component: type[Component]) -> str:
    """Return the table of a metric's quantities; nothing for other components."""
    if not issubclass(component, Metric):
        return ""
    rows = [
        (f"`{each.name}`", each.better or "", prose(each.description))
        for each in component.quantities
    ]
    return table(("Quantity", "Better", "What it is"), rows)


def _member(entry: Entry) -> list[str]:
    component = entry.component
    origin = f"From `{entry.provider.name}`."
    if component.paper is not None:
        origin += f" Paper: {prose(component.paper)}."
    return [
        f"## `{_name(entry)}` {{ #{anchor(entry)} }}",
        *(prose(text) for text in paragraphs(component.__doc__)),
        _quantities(component),
        field_table(component, component_schema(entry), families=""),
        origin,
    ]
