"""The families of components: everything that a spec can choose and a plugin can add.

A component is a frozen pydantic model. Its ``type`` field is a literal, the name specs use for it;
its other fields are its parameters, each with a description; its docstring says what it is and which
paper it comes from. ``build`` turns it into what the family promises and is the only place where a
component may import torch.

A field annotated with a family (``activation: Activation``) accepts every installed member: as an
object with ``type``, or as its bare name where it has only defaults.
"""

from __future__ import annotations

from ganzoo.components.base import FAMILY_KEY, Component, SpecModel, choice
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
from ganzoo.components.game import (
    AdversarialLoss,
    Algorithm,
    Augmentation,
    Loss,
    Penalty,
    PenaltyInputs,
    Regularizer,
)
from ganzoo.components.layers import Activation, Normalization
from ganzoo.components.networks import Discriminator, Generator, Latent, Network
from ganzoo.components.optimization import Optimizer, Schedule, ScheduleFunction

FAMILIES: tuple[type[Component], ...] = (
    Algorithm,
    Dataset,
    Latent,
    Generator,
    Discriminator,
    Activation,
    Normalization,
    Loss,
    Regularizer,
    Augmentation,
    Optimizer,
    Schedule,
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
    "Augmentation",
    "Component",
    "Dataset",
    "DatasetInfo",
    "Discriminator",
    "FeatureExtractor",
    "Features",
    "Generator",
    "Latent",
    "Loss",
    "Metric",
    "MetricFn",
    "MetricInputs",
    "MetricResult",
    "Mixture",
    "Network",
    "Normalization",
    "Optimizer",
    "Penalty",
    "PenaltyInputs",
    "Quantity",
    "Regularizer",
    "Schedule",
    "ScheduleFunction",
    "SpecModel",
    "choice",
]
