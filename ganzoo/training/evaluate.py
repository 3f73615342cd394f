"""Evaluating the generator while it is trained, to find the best checkpoint."""

from __future__ import annotations

from typing import Literal

import torch

from ganzoo.components import DatasetInfo
from ganzoo.data.split import Split
from ganzoo.evaluation.request import RunRequest
from ganzoo.evaluation.run import RunEvaluator
from ganzoo.runs.report import Report
from ganzoo.sampling import Sampler
from ganzoo.spec import RunSpec
from ganzoo.utils.tensors import weights_hash

SEED = 1_000_000
"""Seed of the samples evaluated in training: none that ``ganzoo evaluate`` uses by default, so that the
best checkpoint is not evaluated on the samples it was chosen by."""


class TrainingEvaluator:
    """Evaluates one run again and again, by the protocol of its spec, on the training device.

    Metrics and extractors are built at once, so that anything wrong with them shows; features of real
    samples are computed at the first evaluation.
    """

    def __init__(
        self, spec: RunSpec, info: DatasetInfo, split: Split, device: torch.device
    ) -> None:
        section = spec.evaluation
        assert section is not None
        request = RunRequest(samples=section.samples, seeds=(SEED,)).for_run(spec, info)
        self._weights: Literal["ema", "raw"] = "raw" if spec.training.ema is None else "ema"
        self._evaluator = RunEvaluator(spec, request, info, split, device)

    def evaluate(self, sampler: Sampler, name: str, step: int) -> Report:
        """Evaluate the samples that the run of this name gives after a step; the sampler stays as it is.

        Raises:
            ganzoo.errors.EvaluationError: its samples are not finite.
        """
        ready = sampler.ready()
        sha256 = weights_hash(ready.state_dict())
        return self._evaluator.evaluate(ready, name, step, self._weights, sha256)
