"""The recipes that plugins ship."""

from __future__ import annotations

import json

from ganzoo.components import Network
from ganzoo.plugins import Recipe, installed
from ganzoo.spec import parse_spec
from generate.markdown import page, prose, table

INTRODUCTION = """\
# Recipes

Generated from the code. A recipe is a spec that a plugin ships under a name: `ganzoo run NAME` trains
it, `ganzoo init NAME` copies it to a file to change."""


def recipes_page() -> str:
    """Return the page."""
    recipes = [recipe for named in installed().recipes.values() for recipe in named]
    head = ("Recipe", "Data set", "Networks", "Loss", "Duration")
    blocks = [INTRODUCTION, table(head, [_row(recipe) for recipe in recipes])]
    for recipe in recipes:
        blocks += _section(recipe)
    return page(*blocks)


def _row(recipe: Recipe) -> tuple[str, ...]:
    spec = parse_spec(recipe.read())
    data = getattr(spec.dataset, "name", spec.dataset.type)
    parts = {path: each for path, each in spec.components().items() if "." not in path}
    networks = dict.fromkeys(each.type for each in parts.values() if isinstance(each, Network))
    return (
        f"[`{recipe.name}`](#{recipe.name})",
        f"`{data}`",
        ", ".join(f"`{name}`" for name in networks),
        f"`{parts['loss'].type}`" if "loss" in parts else "",
        str(spec.training.duration),
    )


def _section(recipe: Recipe) -> list[str]:
    spec = json.dumps(recipe.read(), indent=2)
    indented = "\n".join(f"    {line}" for line in ("```json", *spec.splitlines(), "```"))
    return [
        f"## `{recipe.name}` {{ #{recipe.name} }}",
        prose(parse_spec(recipe.read()).description),
        f"From `{recipe.provider.name}`.",
        f"```shell\nganzoo run {recipe.name}\n```",
        f'??? note "The spec"\n\n{indented}',
    ]
