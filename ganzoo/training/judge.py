"""Judging the generator while it is trained: what it is worth, and which checkpoint is best."""

from __future__ import annotations

import copy
from typing import Literal

import torch

from ganzoo.components import DatasetInfo
from ganzoo.data.store import ImageStore
from ganzoo.evaluation.evaluator import Evaluator
from ganzoo.evaluation.runs import (
    open_reference,
    software_versions,
    subject_of,
)
from ganzoo.evaluation.samples import GeneratedSamples, class_weights
from ganzoo.runs.report import Report
from ganzoo.sampling import TrainedGenerator, weights_hash
from ganzoo.spec import Evaluation, RunSpec

SEED = 1_000_000
"""Seed of the samples judged in training: none that ``ganzoo evaluate`` uses by default, so that the
best checkpoint is not praised for the samples it was chosen by."""


class Judge:
    """Evaluates one run again and again, by one protocol.

    Whatever is wrong with metrics and extractors shows when it is made; features of real samples are
    computed at the first evaluation.

    Args:
        spec: the run.
        section: its ``evaluation``.
        info: what the data set says of itself.
        store: the split trained on.
        device: the training device.
    """

    def __init__(
        self,
        spec: RunSpec,
        section: Evaluation,
        info: DatasetInfo,
        store: ImageStore,
        device: torch.device,
    ) -> None:
        self._spec, self._section, self._info, self._device = spec, section, info, device
        self._class_weights = class_weights(store, spec.num_classes(info))
        self._versions = software_versions(*spec.components())
        self._evaluator = Evaluator(
            section.metrics,
            section.extractor_for(info),
            info.sample_shape,
            lambda: open_reference(spec.dataset, section.reference, store),
            device,
        )

    def judge(self, sampled: TrainedGenerator, name: str, step: int) -> Report:
        """Judge a generator.

        Args:
            sampled: the generator that samples are made from; it is left as it is.
            name: of the run.
            step: steps taken.

        Raises:
            ganzoo.errors.EvaluationError: it makes what is not finite.
        """
        # A copy: the networks in training keep their modes, and a learned prior comes to the CPU.
        network = copy.deepcopy(sampled).eval().requires_grad_(False)
        network.latent.to("cpu")
        count = self._section.samples
        samples = GeneratedSamples(network, self._info, count, SEED, self._class_weights)
        weights: Literal["ema", "raw"] = "raw" if self._spec.training.ema is None else "ema"
        subject = subject_of(
            self._spec,
            name=name,
            step=step,
            weights=weights,
            weights_sha256=weights_hash(network.state_dict()),
        )
        return self._evaluator.judge({SEED: samples}, subject, self._versions)
