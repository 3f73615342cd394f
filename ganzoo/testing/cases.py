"""From what a distribution offers to named cases, each a check of one thing."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.utils import canonicalize_name
from pydantic import ValidationError

from ganzoo.components import Component, Network
from ganzoo.components.registry import Entry
from ganzoo.errors import did_you_mean
from ganzoo.plugins import PluginRecord, Recipe, installed
from ganzoo.testing import plugins
from ganzoo.testing.catalogue import (
    PLUGIN_CHECKS,
    RECIPE_CHECKS,
    Check,
    checks_of,
    conditional_checks_of,
)
from ganzoo.testing.faults import NonConformance, name_of_check, title
from ganzoo.testing.networks import conditional_form
from ganzoo.testing.trials import SampleShapes

MakeFolder = Callable[[str], Path]
"""Makes an empty folder whose name begins as asked."""


@dataclass(frozen=True)
class FromFiles:
    """An example that needs files; it is made when the first check of it runs.

    Attributes:
        component: its class.
        make: writes the files in an empty folder and returns the example.
    """

    component: type[Component]
    make: Callable[[Path], Component]


@dataclass(frozen=True)
class Case:
    """One check of one thing.

    Attributes:
        name: such as ``generator-dcgan-gradients``.
        run: runs the check, with what makes folders for examples that need files.
    """

    name: str
    run: Callable[[MakeFolder], None]


@dataclass(frozen=True)
class _Example:
    """A component to be checked, made once."""

    name: str
    component: type[Component]
    make: Callable[[Path], Component]
    _made: list[Component] = field(default_factory=list)

    def get(self, make_folder: MakeFolder) -> Component:
        if not self._made:
            self._made.append(self.make(make_folder("example")))
        return self._made[0]


def cases_of(
    distribution: str, examples: Sequence[Component | FromFiles], sample_shapes: SampleShapes
) -> Iterator[Case]:
    """Yield all checks of all that a distribution offers.

    Args:
        distribution: its name.
        examples: components to be checked in place of those with defaults only.
        sample_shapes: shapes of samples to try with.

    Raises:
        ValueError: an example is no component of this distribution.
    """
    record = _record(distribution)
    if record.status != "active":
        yield Case("plugin-loaded", lambda _: plugins.check_loaded(record))
        return
    chosen = list(_examples(record, examples))
    for check in PLUGIN_CHECKS:
        yield Case(f"plugin-{name_of_check(check)}", _of_plugin(check, record, chosen))
    for entry in record.components:
        own = [each for each in chosen if each.component is entry.component]
        if not own:
            name = _name(entry)
            yield Case(f"{name}-example", _without_example(entry))
        for example in own:
            yield from _of_example(example, checks_of(example.component), sample_shapes)
            conditional = replace(
                example, name=f"{example.name}-conditional", make=_conditional(example), _made=[]
            )
            checks = conditional_checks_of(example.component)
            yield from _of_example(conditional, checks, sample_shapes)
    for recipe in record.recipes:
        for check in RECIPE_CHECKS:
            yield Case(f"recipe-{recipe.name}-{name_of_check(check)}", _of_recipe(check, recipe))


def _of_example(
    example: _Example, checks: Sequence[Check], sample_shapes: SampleShapes
) -> Iterator[Case]:
    for check in checks:
        options = {}
        if "sample_shapes" in inspect.signature(check).parameters:
            options["sample_shapes"] = sample_shapes
        yield Case(f"{example.name}-{name_of_check(check)}", _of_component(check, example, options))


def _conditional(example: _Example) -> Callable[[Path], Component]:
    """Return what makes the conditional form of an example, a network."""

    def make(folder: Path) -> Component:
        network = example.get(lambda _: folder)
        if not isinstance(network, Network):
            raise TypeError(f"{example.name} has no conditional form")
        try:
            return conditional_form(network)
        except ValidationError:
            raise NonConformance(
                f"{title(network)}, conditional: 'conditional' is refused although"
                " 'supports_conditional' is true; it must be accepted"
            ) from None

    return make


def _record(distribution: str) -> PluginRecord:
    name = canonicalize_name(distribution)
    records = {record.name: record for record in installed().records}
    if name in records:
        return records[name]
    cause = f"no plugin is installed under this name{did_you_mean(name, records)}"
    return PluginRecord(name, "", "", status="failed", cause=cause)


def _examples(
    record: PluginRecord, examples: Sequence[Component | FromFiles]
) -> Iterator[_Example]:
    """Yield what is checked: the examples given, and defaults where a component has none."""
    offered = {entry.component: entry for entry in record.components}
    given = Counter[type[Component]]()
    for example in examples:
        component = example.component if isinstance(example, FromFiles) else type(example)
        if component not in offered:
            raise ValueError(
                f"examples: {component.__name__} is no component of {record.name}; it offers"
                f" {', '.join(each.__name__ for each in offered) or 'none'}"
            )
        given[component] += 1
        name, count = _name(offered[component]), given[component]
        make = example.make if isinstance(example, FromFiles) else _give(example)
        yield _Example(name if count == 1 else f"{name}-{count}", component, make)
    for component, entry in offered.items():
        if component not in given and _missing(component) is None:
            yield _Example(_name(entry), component, _give(component.model_validate({})))


def _give(example: Component) -> Callable[[Path], Component]:
    return lambda _: example


def _name(entry: Entry) -> str:
    return f"{entry.family}-{entry.name}"


def _missing(component: type[Component]) -> str | None:
    """Say why a component cannot be made of defaults, or return None where it can."""
    try:
        component.model_validate({})
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return None


def _without_example(entry: Entry) -> Callable[[MakeFolder], None]:
    def run(make_folder: MakeFolder) -> None:
        del make_folder
        raise NonConformance(
            f"{entry.family} {entry.name!r}, example: it cannot be made of defaults alone"
            f" ({_missing(entry.component)}); pass one to 'examples', such as"
            f" {entry.component.__name__}(…)"
        )

    return run


def _of_plugin(
    check: Check, record: PluginRecord, chosen: list[_Example]
) -> Callable[[MakeFolder], None]:
    def run(make_folder: MakeFolder) -> None:
        if check is plugins.check_torch_free:
            check(record, examples=[example.get(make_folder) for example in chosen])
        else:
            check(record)

    return run


def _of_component(
    check: Check, example: _Example, options: dict[str, SampleShapes]
) -> Callable[[MakeFolder], None]:
    return lambda make_folder: check(example.get(make_folder), **options)


def _of_recipe(check: Check, recipe: Recipe) -> Callable[[MakeFolder], None]:
    return lambda _: check(recipe)
