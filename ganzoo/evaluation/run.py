"""Evaluating a run's generator, or images in files."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Literal

import torch

from ganzoo.components import Component, DatasetInfo
from ganzoo.components.registry import active
from ganzoo.data.split import Split
from ganzoo.evaluation.evaluator import Evaluator
from ganzoo.evaluation.image_files import open_images, refuse_unlike
from ganzoo.evaluation.request import ImagesRequest, RunRequest
from ganzoo.evaluation.samples import (
    GeneratedSamples,
    Reference,
    Source,
    open_reference,
    reference_split,
)
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.generator import load_sampler
from ganzoo.runs.history import checkpoint_step
from ganzoo.runs.report import Report, Subject
from ganzoo.sampling import Sampler
from ganzoo.spec import RunSpec
from ganzoo.utils.devices import resolve_device

PACKAGES = ("ganzoo", "numpy", "torch", "torchmetrics", "torchvision")
"""Packages whose versions reports state, besides the providers of components."""


class RunEvaluator:
    """Evaluates the generators of one run, at any step, by one protocol.

    Args:
        spec: the run.
        request: what to measure, from ``RunRequest.for_run``.
        info: the description of the data set.
        split: the training split.
        device: where samples and features are computed.

    Raises:
        ganzoo.errors.DataError: weights of an extractor are missing or unreadable.
    """

    def __init__(
        self,
        spec: RunSpec,
        request: RunRequest,
        info: DatasetInfo,
        split: Split,
        device: torch.device,
    ) -> None:
        self._spec, self._request, self._info = spec, request, info
        self._split = split
        self._evaluator = Evaluator(
            *request.chosen(info.samples, spec.dataset),
            info.samples,
            lambda: open_reference(spec.dataset, request.reference, split),
            device,
            baseline=request.baseline,
        )

    def evaluate(
        self,
        sampler: Sampler,
        name: str,
        step: int,
        weights: Literal["ema", "raw"],
        weights_sha256: str,
    ) -> Report:
        """Evaluate samples.

        Args:
            sampler: what generates them, in evaluation mode, with its latents drawn on the CPU.
            name: name of the run.
            step: steps it was trained for.
            weights: whether its weights are averaged.
            weights_sha256: hash of its weights.

        Raises:
            ganzoo.errors.EvaluationError: its samples are not finite.
        """
        spec, request = self._spec, self._request
        labels = f"drawn as often as in split {spec.dataset.split}"
        subject = Subject(
            name=name,
            step=step,
            weights=weights,
            weights_sha256=weights_sha256,
            labels=None if sampler.condition is None else labels,
            truncation=request.truncation,
        )
        sources: dict[int | None, Source] = {
            seed: GeneratedSamples(
                sampler,
                self._info.samples,
                request.samples,
                seed,
                self._split,
                lambda: spec.dataset.build(reference_split(spec.dataset, request.reference)),
            )
            for seed in request.seeds
        }
        return self._evaluator.evaluate(
            sources, subject, software_versions(spec.components().values())
        )


def evaluate_run(run: RunDirectory, request: RunRequest, checkpoint: str | int = "last") -> Report:
    """Evaluate a run's generator.

    Args:
        run: the run; its data must be available, too.
        request: what to measure.
        checkpoint: ``last``, ``best`` or a step.

    Raises:
        ganzoo.errors.SpecError: the request does not fit the run.
        ganzoo.errors.RunError: the run does not have the checkpoint or the weights.
        ganzoo.errors.DataError: the data, or weights of an extractor, are missing or unreadable.
        ganzoo.errors.EvaluationError: samples of the generator are not finite.
    """
    spec, device = run.spec, resolve_device(request.device)
    request = request.for_run(spec, spec.dataset.info())
    loaded = load_sampler(
        run, checkpoint_step(run, checkpoint), request.weights, truncation=request.truncation
    )
    split = spec.dataset.build(spec.dataset.split)
    evaluator = RunEvaluator(spec, request, loaded.info, split, device)
    return evaluator.evaluate(
        loaded.sampler.move(device),
        run.path.resolve().name,
        loaded.step,
        loaded.weights,
        loaded.sha256,
    )


def evaluate_images(generated: Path, reference: Path, request: ImagesRequest) -> Report:
    """Compare images of any model with real ones.

    Args:
        generated: a folder, a zip file or an array, as ``open_images`` takes them.
        reference: likewise, of real images.
        request: what to measure.

    Raises:
        ganzoo.errors.DataError: files are missing or unreadable, or the two sets cannot be compared.
        ganzoo.errors.SpecError: a metric or an extractor does not fit the images.
    """
    images, real = (
        open_images(path, size=request.size, mode=request.mode) for path in (generated, reference)
    )
    refuse_unlike(images, real)
    evaluator = Evaluator(
        *request.chosen(images.space),
        images.space,
        lambda: Reference(real),
        resolve_device(request.device),
        baseline=request.baseline,
    )
    subject = Subject(
        name=str(generated), samples_sha256=images.sha256, preparation=images.preparation
    )
    return evaluator.evaluate({None: images}, subject, software_versions())


def software_versions(components: Iterable[Component] = ()) -> dict[str, str]:
    """Return the versions of libraries and of the providers of components."""
    providers = [active().entry_of(type(each)) for each in components]
    return {name: metadata.version(name) for name in PACKAGES} | {
        entry.provider.name: entry.provider.version for entry in providers if entry is not None
    }
