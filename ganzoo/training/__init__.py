"""Training: the loop, and what algorithms are made of.

An algorithm plugin builds a ``Game`` from a ``TrainingContext``. Most need only an ``Adversary`` (a
discriminator with its losses), ``context.optimizer`` and ``context.split``.
"""

from __future__ import annotations

from ganzoo.data.batches import Batch
from ganzoo.sampling import Inputs, LatentSampler, Sampler, TranslatingSampler
from ganzoo.spec import Training
from ganzoo.training.adversary import AdversarialBatch, Adversary, frozen
from ganzoo.training.callbacks import TrainingView
from ganzoo.training.game import Game, TrainingContext
from ganzoo.training.optimizers import Numbers, OptimizerStep

__all__ = [
    "AdversarialBatch",
    "Adversary",
    "Batch",
    "Game",
    "Inputs",
    "LatentSampler",
    "Numbers",
    "OptimizerStep",
    "Sampler",
    "Training",
    "TrainingContext",
    "TrainingView",
    "TranslatingSampler",
    "frozen",
]
