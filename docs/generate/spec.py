"""The reference of specs: every field of every section."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from ganzoo.components import Component, SpecModel
from ganzoo.spec import RunSpec
from ganzoo.spec.schema import run_spec_schema
from generate.fields import field_table
from generate.markdown import page, paragraphs, prose

INTRODUCTION = """\
# Every field of a spec

Generated from the code. [Writing a spec](../spec.md) explains how the parts fit together. A field whose
type is a family takes any of its members: as an object with `type`, or as a bare name if it has only
defaults. The fields of the [algorithm](components/algorithm.md), such as `generator` and `loss`, stand
beside those of the run. `ganzoo schema` writes all of this as JSON Schema for editors."""


def spec_page() -> str:
    """Return the page."""
    schema = run_spec_schema()
    blocks = []
    for path, model in sections():
        described = schema if model is RunSpec else schema["$defs"][model.__name__]
        described = described.get("anyOf", [described])[-1]  # a short form comes before the object
        title = f"`{path}`" if path else "The run"
        blocks += [
            f"## {title} {{ #{model.__name__.lower()} }}",
            prose(paragraphs(model.__doc__)[0]),
            field_table(
                model, described, families="components/", anchor=f"{path}." if path else "run."
            ),
        ]
    return page(INTRODUCTION, *blocks)


def sections(model: type[SpecModel] = RunSpec, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the sections of a spec that are not components, each with its path."""
    yield path, model
    for name, field in model.model_fields.items():
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, SpecModel):
                if not issubclass(kind, Component):
                    yield from sections(kind, f"{path}.{name}" if path else name)
                break
