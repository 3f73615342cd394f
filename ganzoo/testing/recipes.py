"""Checks of recipes: they load, their parts fit, and they say what they need."""

from __future__ import annotations

import contextlib

from ganzoo.errors import DataError, SpecError
from ganzoo.plugins import Recipe
from ganzoo.spec import RunSpec, parse_spec
from ganzoo.testing.faults import check, require
from ganzoo.testing.trials import few


@check
def check_valid(recipe: Recipe) -> None:
    """The recipe is a valid spec, named as its file and described."""
    spec = _parsed(recipe)
    require(
        spec.name == recipe.name,
        f"its 'name' is {spec.name!r}; it must be that of its file, {recipe.name!r}",
    )
    require(spec.description.strip(), "it has no 'description'; it must say what the run is")


@check
def check_fit(recipe: Recipe) -> None:
    """Data set and networks fit together; whether the data are there does not matter."""
    spec = _parsed(recipe)
    with contextlib.suppress(DataError):
        try:
            spec.check()
        except SpecError as error:
            require(False, f"its parts do not fit: {_in_a_line(error)}; they must")


@check
def check_requires(recipe: Recipe) -> None:
    """``requires`` names every distribution whose components the recipe uses."""
    spec = _parsed(recipe)
    used = {provider.name for provider in spec.providers().values()}
    missing = sorted(used - set(spec.requires))
    require(
        not missing,
        f"it uses components of {few(missing)} and does not say so; 'requires' must name each"
        " distribution with a version",
    )


def _parsed(recipe: Recipe) -> RunSpec:
    try:
        return parse_spec(recipe.read())
    except SpecError as error:
        require(False, f"it is no valid spec: {_in_a_line(error)}; it must be")
        raise


def _in_a_line(error: SpecError) -> str:
    return ", ".join(map(str, error.problems))
