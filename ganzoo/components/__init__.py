"""The families of components: everything that a spec can choose and a plugin can add.

A component is a frozen pydantic model. Its ``type`` field is a literal, the name specs use for it;
its other fields are its parameters, each with a description; its docstring says what it is and which
paper it comes from. ``build`` turns it into what the family promises and is the only place where a
component may import torch.

A field annotated with a family (``activation: Activation``) accepts every installed member: as an
object with ``type``, or as its bare name where it has only defaults.
"""

from __future__ import annotations

from ganzoo.components.algorithm import Algorithm, adversary_problems, network_problems
from ganzoo.components.base import FAMILY_KEY, Component, SpecModel, component_field
from ganzoo.components.callbacks import Callback, CallbackSetting, CallbackState, Control
from ganzoo.components.data import Dataset, DatasetInfo, Mixture
from ganzoo.components.evaluation import (
    FeatureExtractor,
    Features,
    Metric,
    MetricFn,
    MetricInputs,
    MetricResult,
    Quantity,
)
from ganzoo.components.layers import Activation, Normalization
from ganzoo.components.losses import (
    AdversarialLoss,
    Augmentation,
    AuxiliaryLoss,
    Loss,
    LossInputs,
    Penalty,
    Regularizer,
    Setting,
    Side,
)
from ganzoo.components.networks import (
    Discriminator,
    DiscriminatorOutput,
    Generator,
    Latent,
    Network,
    OutputPart,
    Translator,
)
from ganzoo.components.optimization import Optimizer, Schedule, ScheduleFunction
from ganzoo.components.samples import (
    Arrays,
    Condition,
    ConditionKind,
    Images,
    Points,
    SampleSpace,
    Sequences,
    space_of,
)

FAMILIES: tuple[type[Component], ...] = (
    Algorithm,
    Dataset,
    Latent,
    Generator,
    Translator,
    Discriminator,
    Activation,
    Normalization,
    Loss,
    AuxiliaryLoss,
    Regularizer,
    Augmentation,
    Optimizer,
    Schedule,
    Callback,
    FeatureExtractor,
    Metric,
)
"""All families, in the order in which a reader meets them."""

__all__ = [
    "FAMILIES",
    "FAMILY_KEY",
    "Activation",
    "AdversarialLoss",
    "Algorithm",
    "Arrays",
    "Augmentation",
    "AuxiliaryLoss",
    "Callback",
    "CallbackSetting",
    "CallbackState",
    "Component",
    "Condition",
    "ConditionKind",
    "Control",
    "Dataset",
    "DatasetInfo",
    "Discriminator",
    "DiscriminatorOutput",
    "FeatureExtractor",
    "Features",
    "Generator",
    "Images",
    "Latent",
    "Loss",
    "LossInputs",
    "Metric",
    "MetricFn",
    "MetricInputs",
    "MetricResult",
    "Mixture",
    "Network",
    "Normalization",
    "Optimizer",
    "OutputPart",
    "Penalty",
    "Points",
    "Quantity",
    "Regularizer",
    "SampleSpace",
    "Schedule",
    "ScheduleFunction",
    "Sequences",
    "Setting",
    "Side",
    "SpecModel",
    "Translator",
    "adversary_problems",
    "component_field",
    "network_problems",
    "space_of",
]
