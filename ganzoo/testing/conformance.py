"""All checks of all that a distribution offers, as one parametrised test."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from pydantic import ValidationError

from ganzoo import components
from ganzoo.components import Algorithm, Component, Network
from ganzoo.components.registry import Entry
from ganzoo.errors import did_you_mean
from ganzoo.plugins import PluginRecord, installed
from ganzoo.testing import data, modules, networks, objectives, plugins, specs, steering, training
from ganzoo.testing.checks import (
    SAMPLE_SHAPES,
    Check,
    NonConformance,
    Options,
    name_of_check,
    title,
)
from ganzoo.testing.networks import conditional_form
from ganzoo.testing.trials import TINY, registered


def _in(module: ModuleType, names: str) -> tuple[Check, ...]:
    """Return checks of a module by their names, without ``check_``."""
    return tuple(getattr(module, f"check_{name}") for name in names.split())


_SPECS = _in(specs, "name descriptions json strict")
_MODULES = _in(modules, "output gradients state_dict seed precision compile")
_LAYOUTS = _in(modules, "channels_last")
_RUN = (*_in(specs, "refusals"), *_in(training, "training"))
_NETWORKS = (
    *_in(networks, "sample_shapes conditions"),
    *(*_in(modules, "parametrizations"), *_MODULES, *_LAYOUTS, *_RUN),
)
_GENERATORS = (*_in(networks, "variety independence"), *_NETWORKS)
_PARTS = (*_in(objectives, "output gradients random_source state"), *_RUN)

CHECKS: dict[type[Component], tuple[Check, ...]] = {
    components.Algorithm: (*_in(training, "networks step unused accumulation"), *_RUN),
    components.Dataset: (
        *_in(data, "info samples splits absolute_paths mixture"),
        *_in(training, "training"),
    ),
    components.Latent: (
        *_in(networks, "draws truncation"),
        *_in(modules, "gradients state_dict"),
        *_in(training, "training"),
    ),
    components.Generator: (*_in(networks, "noise"), *_GENERATORS),
    components.Translator: _GENERATORS,
    components.Discriminator: (
        *_in(networks, "raw_logits provides pack joined_batches"),
        *_NETWORKS,
    ),
    components.Activation: (*_in(networks, "elementwise extremes gradcheck gain"), *_MODULES),
    components.Normalization: (
        *_in(networks, "layers coupling"),
        *(*_MODULES, *_LAYOUTS, *_in(specs, "refusals")),
    ),
    components.Loss: (
        *_in(steering, "sides extremes directions gradcheck weights"),
        *_in(training, "training"),
    ),
    components.AuxiliaryLoss: (*_in(objectives, "weight"), *_PARTS),
    components.Regularizer: (*_in(objectives, "needs_gradient weight"), *_PARTS),
    components.Augmentation: (*_in(objectives, "observes"), *_PARTS),
    components.Optimizer: (*_in(steering, "descent groups"), *_in(training, "training")),
    components.Schedule: _in(steering, "values"),
    components.Callback: (*_in(steering, "actions"), *_RUN),
    components.FeatureExtractor: (
        *_in(data, "features fingerprint absolute_paths"),
        *_in(specs, "refusals"),
    ),
    components.Metric: _in(data, "names measured order missing few_samples"),
}
"""The checks of each family, besides those of all."""

CONDITIONAL_CHECKS = (
    *_in(networks, "variety independence noise raw_logits provides joined_batches"),
    *_in(modules, "output gradients state_dict precision"),
)
"""Those of the checks of networks that are made of the conditional form too."""

PLUGIN_CHECKS = _in(plugins, "loaded names requirements commands torch_free")
RECIPE_CHECKS = _in(plugins, "valid fit")

MakeFolder = Callable[[str], Path]
"""Makes an empty folder whose name begins as asked."""


def checks_of(component: type[Component]) -> tuple[Check, ...]:
    """Return the checks for a component class: those for all families, then those for its own."""
    (own,) = (checks for family, checks in CHECKS.items() if issubclass(component, family))
    return _SPECS + own


def conditional_checks_of(component: type[Component]) -> tuple[Check, ...]:
    """Return the checks for a class's conditional form, none where it has no such form."""
    if not (issubclass(component, Network) and component.accepts):
        return ()
    return tuple(each for each in checks_of(component) if each in CONDITIONAL_CHECKS)


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
    """One check of one thing, by a name such as ``generator-dcgan-gradients``."""

    name: str
    run: Callable[[MakeFolder], None]


@dataclass(frozen=True)
class _Example:
    """A component to be checked, made once."""

    name: str
    component: type[Component]
    make: Callable[[Path], Component]
    made: list[Component] = field(default_factory=list)

    def get(self, make_folder: MakeFolder) -> Component:
        if not self.made:
            self.made.append(self.make(make_folder("example")))
        return self.made[0]

    def cases(self, checks: Sequence[Check], options: Options) -> Iterator[Case]:
        for check in checks:
            yield Case(
                f"{self.name}-{name_of_check(check)}",
                lambda make_folder, check=check: check(self.get(make_folder), options),  # type: ignore[misc] # mypy does not infer defaults
            )

    def conditional(self) -> _Example:
        """Return the conditional form of a network."""

        def make(folder: Path) -> Component:
            network = self.get(lambda _: folder)
            assert isinstance(network, Network)  # others have no such checks
            try:
                return conditional_form(network)
            except ValidationError:
                wrong = "'conditional' is refused although 'accepts' names kinds"
                raise NonConformance(f"{title(network)}, conditional: {wrong}") from None

        return replace(self, name=f"{self.name}-conditional", make=make, made=[])


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
    cases = list(_cases(distribution, examples, tuple(sample_shapes), around))
    names = [case.name for case in cases]
    patterns = [("skip", each, each) for each in reasons]
    patterns += [("specs", each, f"{each}-*") for each in around]
    for what, given, pattern in patterns:
        if not fnmatch.filter(names, pattern):
            raise ValueError(f"{what}: no case is called {given!r}{did_you_mean(given, names)}")
    for pattern, reason in reasons.items():
        if not reason.strip():
            raise ValueError(f"skip: there is no reason for {pattern!r}; say why it is left out")

    def marks(case: Case) -> list[pytest.MarkDecorator]:
        matching = (pattern for pattern in reasons if fnmatch.fnmatchcase(case.name, pattern))
        return [pytest.mark.skip(reason=reasons[pattern]) for pattern in matching]

    @pytest.mark.parametrize(
        "case", [pytest.param(case, id=case.name, marks=marks(case)) for case in cases]
    )
    def test_conformance(case: Case, tmp_path_factory: pytest.TempPathFactory) -> None:
        __tracebackhide__ = True
        sentence = None
        try:
            case.run(tmp_path_factory.mktemp)
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
) -> Iterator[Case]:
    """Yield all checks of all that a distribution offers."""
    record = _record(distribution)
    if record.status != "active":
        yield Case("plugin-loaded", lambda _: plugins.check_loaded(record))
        return
    chosen = list(_examples(record, examples))
    for check in PLUGIN_CHECKS:
        yield Case(
            f"plugin-{name_of_check(check)}",
            lambda make, check=check: check(record, [each.get(make) for each in chosen]),  # type: ignore[misc] # mypy does not infer defaults
        )
    for entry in record.components:
        own = [each for each in chosen if each.component is entry.component]
        if not own:
            yield Case(f"{_name(entry)}-example", partial(_fail_without_example, entry))
        for example in own:
            given: dict[str, Any] = {}
            for pattern, parts in around.items():
                given |= dict(parts) if fnmatch.fnmatchcase(example.name, pattern) else {}
            options = Options(sample_shapes, given)
            yield from example.cases(checks_of(example.component), options)
            checks = conditional_checks_of(example.component)
            yield from example.conditional().cases(checks, options)
    for recipe in record.recipes:
        for check in RECIPE_CHECKS:
            name = f"recipe-{recipe.name}-{name_of_check(check)}"
            yield Case(name, lambda _, check=check, recipe=recipe: check(recipe))  # type: ignore[misc] # as above


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
                f"examples: {component.__name__} is not a component of {record.name} (available:"
                f" {', '.join(each.__name__ for each in offered) or 'none'})"
            )
        given[component] += 1
        name, count = _name(offered[component]), given[component]
        make = example.make if isinstance(example, FromFiles) else partial(_first, example)
        yield _Example(name if count == 1 else f"{name}-{count}", component, make)
    for component, entry in offered.items():
        if component not in given and _missing(component) is None:
            yield _Example(_name(entry), component, partial(_first, default_example(component)))


def _first(example: Component, _: Path) -> Component:
    return example


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


def _missing(component: type[Component]) -> str | None:
    """Return why a component cannot be made of defaults, or None where it can."""
    try:
        default_example(component)
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return None


def _fail_without_example(entry: Entry, _: MakeFolder) -> None:
    raise NonConformance(
        f"{entry.family} {entry.name!r}, example: it cannot be made of defaults alone"
        f" ({_missing(entry.component)}); pass one to 'examples', such as"
        f" {entry.component.__name__}(…)"
    )
