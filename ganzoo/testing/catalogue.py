"""Which checks there are for each family."""

from __future__ import annotations

from collections.abc import Callable

from ganzoo.components import (
    Activation,
    Algorithm,
    Augmentation,
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
)
from ganzoo.testing import (
    datasets,
    extractors,
    latents,
    layers,
    losses,
    metrics,
    modules,
    networks,
    optimization,
    penalties,
    plugins,
    recipes,
    specs,
    training,
)

Check = Callable[..., None]

_SPECS: tuple[Check, ...] = (
    specs.check_name,
    specs.check_docstring,
    specs.check_descriptions,
    specs.check_json,
    specs.check_schema,
    specs.check_unknown_keys,
    specs.check_frozen,
)
_NETWORKS: tuple[Check, ...] = (
    networks.check_sample_shapes,
    networks.check_output,
    networks.check_labels,
    modules.check_gradients,
    modules.check_state_dict,
    modules.check_seed,
    modules.check_deep_copy,
    modules.check_autocast,
    modules.check_float64,
    modules.check_channels_last,
    modules.check_compile,
    training.check_training,
)

CHECKS: dict[type[Component], tuple[Check, ...]] = {
    Algorithm: (training.check_training,),
    Dataset: (
        datasets.check_info,
        datasets.check_samples,
        datasets.check_repeats,
        datasets.check_splits,
        datasets.check_absolute_paths,
        datasets.check_mixture,
        training.check_training,
    ),
    Latent: (
        latents.check_output,
        latents.check_rng,
        latents.check_truncation,
        modules.check_gradients,
        modules.check_state_dict,
        modules.check_deep_copy,
        training.check_training,
    ),
    Generator: (networks.check_range, networks.check_independence, *_NETWORKS),
    Discriminator: (networks.check_raw_logits, networks.check_joined_batches, *_NETWORKS),
    Activation: (
        layers.check_elementwise,
        layers.check_extremes,
        layers.check_gradcheck,
        layers.check_gain,
        modules.check_gradients,
        modules.check_state_dict,
        modules.check_seed,
        modules.check_deep_copy,
        modules.check_autocast,
        modules.check_compile,
    ),
    Normalization: (
        layers.check_output,
        layers.check_constant_input,
        layers.check_coupling,
        modules.check_gradients,
        modules.check_state_dict,
        modules.check_seed,
        modules.check_deep_copy,
        modules.check_autocast,
        modules.check_float64,
        modules.check_channels_last,
        modules.check_compile,
    ),
    Loss: (
        losses.check_output,
        losses.check_extremes,
        losses.check_directions,
        losses.check_gradcheck,
        losses.check_weights,
        training.check_training,
    ),
    Regularizer: (
        penalties.check_output,
        penalties.check_gradients,
        penalties.check_rng,
        penalties.check_weight,
        training.check_training,
    ),
    Augmentation: (
        penalties.check_images,
        penalties.check_differentiable,
        penalties.check_randomness,
        training.check_training,
    ),
    Optimizer: (
        optimization.check_descent,
        optimization.check_state_dict,
        optimization.check_schedules,
        training.check_training,
    ),
    Schedule: (optimization.check_values, optimization.check_purity),
    FeatureExtractor: (
        extractors.check_sample_shapes,
        extractors.check_output,
        extractors.check_independence,
        extractors.check_repeats,
        extractors.check_fingerprint,
        extractors.check_label,
    ),
    Metric: (
        metrics.check_names,
        metrics.check_values,
        metrics.check_order,
        metrics.check_repeats,
        metrics.check_needs,
        metrics.check_few_samples,
    ),
}

CONDITIONAL_CHECKS: tuple[Check, ...] = (
    networks.check_range,
    networks.check_independence,
    networks.check_raw_logits,
    networks.check_joined_batches,
    networks.check_output,
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
    recipes.check_valid,
    recipes.check_fit,
    recipes.check_requires,
)


def checks_of(component: type[Component]) -> tuple[Check, ...]:
    """Return the checks for a component class: those for all families, then those for its own."""
    own = _of_family(component)
    return _SPECS + own


def conditional_checks_of(component: type[Component]) -> tuple[Check, ...]:
    """Return the checks for a class's conditional form, none where it has no such form."""
    if not (issubclass(component, Network) and component.supports_conditional):
        return ()
    return tuple(each for each in _of_family(component) if each in CONDITIONAL_CHECKS)


def _of_family(component: type[Component]) -> tuple[Check, ...]:
    (own,) = (checks for family, checks in CHECKS.items() if issubclass(component, family))
    return own
