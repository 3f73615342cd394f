"""All checks of all that a distribution offers, as one parametrised test."""

from __future__ import annotations

import contextlib
import fnmatch
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from pydantic import ValidationError

from ganzoo.components import Algorithm, Component, Network
from ganzoo.components.registry import Entry
from ganzoo.errors import did_you_mean
from ganzoo.plugins import PluginRecord, Recipe, installed
from ganzoo_devkit.testing import networks, plugins, training
from ganzoo_devkit.testing.checks import (
    CHECKS,
    SAMPLE_SHAPES,
    Check,
    NonConformance,
    Options,
    name_of_check,
)
from ganzoo_devkit.testing.trials import TINY, registered

MakeFolder = Callable[[str], Path]
"""Makes an empty folder whose name begins as asked."""

Cases = Iterator[tuple[str, Callable[[MakeFolder], None]]]
"""Checks of one thing each, by names such as ``generator-dcgan-gradients``."""


def checks_of(component: type) -> tuple[Check, ...]:
    """Return the checks for a component class: those for all families, then those for its own."""
    return tuple(each.check for each in CHECKS if issubclass(component, each.families))


def conditional_checks_of(component: type[Component]) -> tuple[Check, ...]:
    """Return the checks for a class's conditional form, none where it has no such form."""
    if not (issubclass(component, Network) and component.accepts):
        return ()
    declared = (each for each in CHECKS if issubclass(component, each.families))
    return tuple(each.check for each in declared if each.conditional)


@dataclass(frozen=True)
class FromFiles:
    """An example that needs files; it is made when the first check of it runs.

    Attributes:
        component: its class.
        make: writes the files in an empty folder and returns the example.
    """

    component: type[Component]
    make: Callable[[Path], Component]


class _Example:
    """A component to be checked, under the name of its cases; it is made once."""

    def __init__(self, name: str, example: Component | FromFiles) -> None:
        self.name, self._example = name, example
        self.component = example.component if isinstance(example, FromFiles) else type(example)

    def get(self, make_folder: MakeFolder) -> Component:
        """Return it."""
        if isinstance(self._example, FromFiles):
            self._example = self._example.make(make_folder("example"))
        return self._example

    def conditional(self, make_folder: MakeFolder) -> Component:
        """Return the conditional form of a network."""
        network = self.get(make_folder)
        assert isinstance(network, Network)  # others have no such checks
        return networks.conditional_form(network)

    def cases(self, options: Options) -> Cases:
        """Yield its checks, and those of its conditional form."""
        form, conditional = checks_of(self.component), conditional_checks_of(self.component)
        yield from _cases_of(self.name, form, lambda folder: (self.get(folder), options))
        yield from _cases_of(
            f"{self.name}-conditional",
            conditional,
            lambda folder: (self.conditional(folder), options),
        )


def _cases_of(
    name: str, checks: Iterable[Check], arguments: Callable[[MakeFolder], tuple[Any, ...]]
) -> Cases:
    """Yield checks, with a function that makes their arguments when the first of them runs."""
    for check in checks:
        yield f"{name}-{name_of_check(check)}", partial(_run, check, arguments)


def _run(
    check: Check, arguments: Callable[[MakeFolder], tuple[Any, ...]], folder: MakeFolder
) -> None:
    check(*arguments(folder))


def conformance(
    distribution: str,
    *,
    examples: Sequence[Component | FromFiles] = (),
    sample_shapes: Sequence[tuple[int, ...]] = SAMPLE_SHAPES,
    specs: Mapping[str, Mapping[str, Any]] | None = None,
    skip: Mapping[str, str] | None = None,
) -> Callable[..., None]:
    """Make a test of all that an installed distribution offers.

    In a test module, one line turns all checks on::

        test_conformance = conformance("ganzoo-sphere")

    Each check of each component is a case of its own, such as ``latent-sphere-state-dict``, and fails
    with one sentence. A component is checked with its defaults, or with the examples given for it; of
    several, the second is ``latent-sphere-2``, and so on. An algorithm gets tiny networks where it has
    no defaults.

    Args:
        distribution: its name, such as ``ganzoo-sphere``.
        examples: components with parameters, checked in place of those with defaults. Needed where a
            parameter has no default, and good where defaults make networks that are large.
        sample_shapes: shapes of samples to try components with: (channels, height, width) of images,
            (dimensions,) of points, and so on. What the ``check`` of a component refuses is left out.
        specs: parts of the spec around components that do not work with the kit's tiny networks and
            data, by the names of their cases, such as ``{"auxiliary_loss-info*": {"latent": …}}``.
        skip: cases to leave out, each with the reason; * and ? stand for any letters and for one.

    Returns:
        A test function for pytest, with a case for each check.

    Raises:
        ValueError: an example is not a component of this distribution, or there is no case to skip.
    """
    around, reasons = dict(specs or {}), dict(skip or {})
    cases = dict(_cases(distribution, examples, tuple(sample_shapes), around))
    patterns = [("skip", each, each) for each in reasons]
    patterns += [("specs", each, f"{each}-*") for each in around]
    for what, given, pattern in patterns:
        if not fnmatch.filter(cases, pattern):
            raise ValueError(f"{what}: no case is called {given!r}{did_you_mean(given, cases)}")
    for pattern, reason in reasons.items():
        if not reason.strip():
            raise ValueError(f"skip: there is no reason for {pattern!r}; say why it is left out")

    def parameter(name: str) -> Any:
        matching = [reasons[pattern] for pattern in reasons if fnmatch.fnmatchcase(name, pattern)]
        marks = [pytest.mark.skip(reason=reason) for reason in matching]
        return pytest.param(cases[name], id=name, marks=marks)

    @pytest.mark.parametrize("case", [parameter(name) for name in cases])
    def test_conformance(
        case: Callable[[MakeFolder], None], tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        __tracebackhide__ = True
        sentence = None
        try:
            case(tmp_path_factory.mktemp)
        except NonConformance as error:
            if error.__cause__ is not None:
                raise  # with the traceback of what the plugin raised
            sentence = str(error)
        if sentence is not None:  # here, so that nothing is shown but the sentence
            pytest.fail(sentence, pytrace=False)

    return test_conformance


def _cases(
    distribution: str,
    examples: Sequence[Component | FromFiles],
    sample_shapes: tuple[tuple[int, ...], ...],
    around: Mapping[str, Mapping[str, Any]],
) -> Cases:
    """Yield all checks of all that a distribution offers."""
    record = _record(distribution)
    if record.status != "active":
        yield "plugin-loaded", lambda _: plugins.check_loaded(record)
        return
    chosen = list(_examples(record, examples))
    yield from _cases_of(
        "plugin",
        checks_of(PluginRecord),
        lambda folder: (record, [each.get(folder) for each in chosen]),
    )
    for entry in record.components:
        own = [each for each in chosen if each.component is entry.component]
        if not own:
            yield f"{_name(entry)}-example", partial(_fail_without_example, entry)
        for example in own:
            spec: dict[str, Any] = {}
            for pattern, parts in around.items():
                spec |= dict(parts) if fnmatch.fnmatchcase(example.name, pattern) else {}
            yield from example.cases(Options(sample_shapes, spec))
    for recipe in record.recipes:
        given = partial(lambda recipe, _: (recipe,), recipe)
        yield from _cases_of(f"recipe-{recipe.name}", checks_of(Recipe), given)


def _record(distribution: str) -> PluginRecord:
    name = canonicalize_name(distribution)
    records = {record.name: record for record in installed().records}
    cause = f"no plugin is installed under this name{did_you_mean(name, records)}"
    return records.get(name) or PluginRecord(name, "", "", status="failed", cause=cause)


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
                f"examples: {component.__name__} is not a component of {record.name} (available:"
                f" {', '.join(each.__name__ for each in offered) or 'none'})"
            )
        given[component] += 1
        name, count = _name(offered[component]), given[component]
        yield _Example(name if count == 1 else f"{name}-{count}", example)
    for component in (each for each in offered if each not in given):
        with contextlib.suppress(ValidationError):
            yield _Example(_name(offered[component]), default_example(component))


def _name(entry: Entry) -> str:
    return f"{entry.family}-{entry.name}"


def default_example(component: type[Component]) -> Component:
    """Return a component made of its defaults; fields of algorithms without any get tiny networks.

    Raises:
        ValidationError: a field without a default is of another kind.
    """
    if not issubclass(component, Algorithm):
        return component.model_validate({})
    with registered(component, *TINY):
        required = [name for name, each in component.model_fields.items() if each.is_required()]
        tiny = training.placed(component.model_fields["type"].default, None)
        return component.model_validate({name: tiny[name] for name in required if name in tiny})


def _fail_without_example(entry: Entry, _: MakeFolder) -> None:
    try:
        default_example(entry.component)
    except ValidationError as error:
        first = error.errors()[0]
        missing = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    raise NonConformance(
        f"{entry.family} {entry.name!r}, example: it cannot be made of defaults alone"
        f" ({missing}); pass one to 'examples', such as {entry.component.__name__}(…)"
    )
