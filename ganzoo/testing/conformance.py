"""All checks of all that a distribution offers, as one parametrised test."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from pydantic import ValidationError

from ganzoo.components import (
    Activation,
    Algorithm,
    Augmentation,
    AuxiliaryLoss,
    Callback,
    Component,
    Dataset,
    Discriminator,
    FeatureExtractor,
    Generator,
    Latent,
    Loss,
    Metric,
    Network,
    Normalization,
    Optimizer,
    Regularizer,
    Schedule,
    Translator,
)
from ganzoo.components.registry import Entry
from ganzoo.errors import did_you_mean
from ganzoo.plugins import PluginRecord, installed
from ganzoo.testing import data, modules, networks, objectives, plugins, specs, training
from ganzoo.testing.checks import (
    DEFAULT,
    SAMPLE_SHAPES,
    Check,
    NonConformance,
    Options,
    name_of_check,
    title,
)
from ganzoo.testing.networks import conditional_form
from ganzoo.testing.trials import TINY, registered

_SPECS: tuple[Check, ...] = (
    specs.check_name,
    specs.check_docstring,
    specs.check_descriptions,
    specs.check_json,
    specs.check_schema,
    specs.check_unknown_keys,
    specs.check_frozen,
)
_STATE: tuple[Check, ...] = (
    modules.check_gradients,
    modules.check_state_dict,
    modules.check_deep_copy,
)
_MODULES: tuple[Check, ...] = (
    modules.check_output,
    *_STATE,
    modules.check_seed,
    modules.check_autocast,
    modules.check_compile,
)
_LAYOUTS: tuple[Check, ...] = (modules.check_float64, modules.check_channels_last)
_NETWORKS: tuple[Check, ...] = (
    networks.check_sample_shapes,
    networks.check_conditions,
    modules.check_parametrizations,
    *_MODULES,
    *_LAYOUTS,
    specs.check_refusals,
    training.check_training,
)
_PARTS: tuple[Check, ...] = (
    objectives.check_output,
    objectives.check_gradients,
    objectives.check_random_source,
    objectives.check_state,
    specs.check_refusals,
    training.check_training,
)

CHECKS: dict[type[Component], tuple[Check, ...]] = {
    Algorithm: (
        training.check_networks,
        training.check_sampler,
        training.check_step,
        training.check_unused,
        training.check_accumulation,
        specs.check_refusals,
        training.check_training,
    ),
    Dataset: (
        data.check_info,
        data.check_samples,
        data.check_repeats,
        data.check_splits,
        data.check_absolute_paths,
        data.check_mixture,
        training.check_training,
    ),
    Latent: (
        networks.check_draws,
        networks.check_rng,
        networks.check_truncation,
        *_STATE,
        training.check_training,
    ),
    Generator: (
        networks.check_variety,
        networks.check_independence,
        networks.check_noise,
        *_NETWORKS,
    ),
    Translator: (networks.check_variety, networks.check_independence, *_NETWORKS),
    Discriminator: (
        networks.check_raw_logits,
        networks.check_provides,
        networks.check_pack,
        networks.check_joined_batches,
        *_NETWORKS,
    ),
    Activation: (
        networks.check_elementwise,
        networks.check_extremes,
        networks.check_gradcheck,
        networks.check_gain,
        *_MODULES,
    ),
    Normalization: (
        networks.check_layers,
        networks.check_coupling,
        *_MODULES,
        *_LAYOUTS,
        specs.check_refusals,
    ),
    Loss: (
        objectives.check_sides,
        objectives.check_extremes,
        objectives.check_directions,
        objectives.check_gradcheck,
        objectives.check_weights,
        training.check_training,
    ),
    AuxiliaryLoss: (objectives.check_needs, objectives.check_weight, *_PARTS),
    Regularizer: (objectives.check_needs_gradient, objectives.check_weight, *_PARTS),
    Augmentation: (objectives.check_observes, *_PARTS),
    Optimizer: (
        training.check_descent,
        training.check_optimizer_state,
        training.check_groups,
        training.check_schedules,
        training.check_training,
    ),
    Schedule: (training.check_values, training.check_purity),
    Callback: (
        training.check_actions,
        training.check_callback_state,
        specs.check_refusals,
        training.check_training,
    ),
    FeatureExtractor: (
        data.check_features,
        data.check_sample_independence,
        data.check_rebuilding,
        data.check_fingerprint,
        data.check_label,
        data.check_absolute_paths,
        specs.check_refusals,
    ),
    Metric: (
        data.check_names,
        data.check_measured,
        data.check_order,
        data.check_seeds,
        data.check_missing,
        data.check_few_samples,
    ),
}
"""The checks of each family, besides those of all."""

CONDITIONAL_CHECKS: tuple[Check, ...] = (
    networks.check_variety,
    networks.check_independence,
    networks.check_noise,
    networks.check_raw_logits,
    networks.check_provides,
    networks.check_joined_batches,
    modules.check_output,
    modules.check_gradients,
    modules.check_state_dict,
    modules.check_float64,
)
"""Those of the checks of networks that are made of the conditional form too."""

PLUGIN_CHECKS: tuple[Check, ...] = (
    plugins.check_loaded,
    plugins.check_names,
    plugins.check_requirements,
    plugins.check_commands,
    plugins.check_torch_free,
)
RECIPE_CHECKS: tuple[Check, ...] = (
    plugins.check_valid,
    plugins.check_fit,
    plugins.check_requires,
)

MakeFolder = Callable[[str], Path]
"""Makes an empty folder whose name begins as asked."""


def checks_of(component: type[Component]) -> tuple[Check, ...]:
    """Return the checks for a component class: those for all families, then those for its own."""
    return _SPECS + _of_family(component)


def conditional_checks_of(component: type[Component]) -> tuple[Check, ...]:
    """Return the checks for a class's conditional form, none where it has no such form."""
    if not (issubclass(component, Network) and component.accepts):
        return ()
    return tuple(each for each in _of_family(component) if each in CONDITIONAL_CHECKS)


def _of_family(component: type[Component]) -> tuple[Check, ...]:
    (own,) = (checks for family, checks in CHECKS.items() if issubclass(component, family))
    return own


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
                raise NonConformance(
                    f"{title(network)}, conditional: 'conditional' is refused although 'accepts' names"
                    " kinds of condition; it must be accepted"
                ) from None

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
    around = dict(specs or {})
    cases = list(_cases(distribution, examples, tuple(sample_shapes), around))
    reasons = dict(skip or {})
    names = [case.name for case in cases]
    for what, pattern in [
        *(("skip", each) for each in reasons),
        *(("specs", each) for each in around),
    ]:
        if not fnmatch.filter(names, pattern if what == "skip" else f"{pattern}-*"):
            raise ValueError(f"{what}: no case is called {pattern!r}{did_you_mean(pattern, names)}")
        if not reasons.get(pattern, "given").strip():
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

    def on_plugin(check: Check) -> Callable[[MakeFolder], None]:
        return lambda make_folder: check(record, [each.get(make_folder) for each in chosen])

    for check in PLUGIN_CHECKS:
        yield Case(f"plugin-{name_of_check(check)}", on_plugin(check))
    for entry in record.components:
        own = [each for each in chosen if each.component is entry.component]
        if not own:
            yield Case(f"{_name(entry)}-example", _without_example(entry))
        for example in own:
            given = {}
            for pattern, parts in around.items():
                given |= parts if fnmatch.fnmatchcase(example.name, pattern) else {}
            options = Options(sample_shapes, given)
            yield from example.cases(checks_of(example.component), options)
            checks = conditional_checks_of(example.component)
            yield from example.conditional().cases(checks, options)
    for recipe in record.recipes:
        for check in RECIPE_CHECKS:
            yield Case(
                f"recipe-{recipe.name}-{name_of_check(check)}",
                lambda _, check=check, recipe=recipe: check(recipe),  # type: ignore[misc] # mypy does not infer defaults
            )


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
        make = example.make if isinstance(example, FromFiles) else _give(example)
        yield _Example(name if count == 1 else f"{name}-{count}", component, make)
    for component, entry in offered.items():
        made, _ = _default(component)
        if component not in given and made is not None:
            yield _Example(_name(entry), component, _give(made))


def _give(example: Component) -> Callable[[Path], Component]:
    return lambda _: example


def _name(entry: Entry) -> str:
    return f"{entry.family}-{entry.name}"


def _default(component: type[Component]) -> tuple[Component | None, str]:
    """Return a component with its defaults, or else the reason why it cannot be made of them.

    Algorithms get tiny networks.
    """
    try:
        return component.model_validate({}), ""
    except ValidationError as error:
        first = error.errors()[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    if issubclass(component, Algorithm):
        with registered(component, *TINY):
            name = component.model_fields["type"].default
            try:
                return component.model_validate(training.placed(name, None)), ""
            except ValidationError:
                pass
    return None, reason


def _without_example(entry: Entry) -> Callable[[MakeFolder], None]:
    def run(make_folder: MakeFolder) -> None:
        del make_folder
        raise NonConformance(
            f"{entry.family} {entry.name!r}, example: it cannot be made of defaults alone"
            f" ({_default(entry.component)[1]}); pass one to 'examples', such as"
            f" {entry.component.__name__}(…)"
        )

    return run
