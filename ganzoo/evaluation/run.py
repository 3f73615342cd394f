"""Evaluating a run's generator, or images in files."""

from __future__ import annotations

import tempfile
import uuid
import warnings
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Literal

import torch

from ganzoo.components import Component, DatasetInfo
from ganzoo.data.split import Split
from ganzoo.errors import GanzooWarning, RunError
from ganzoo.evaluation.evaluator import Evaluator
from ganzoo.evaluation.features import provider_versions
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
from ganzoo.sampling import Sampler, source_conditions
from ganzoo.spec import RunSpec
from ganzoo.utils.devices import resolve_device

PACKAGES = ("ganzoo", "numpy", "torch", "torchmetrics", "torchvision")
"""Packages whose versions reports state, besides the providers of components."""


class RunEvaluator:
    """Evaluates the generators of one run, at any step, by one protocol.

    The request is one that ``RunRequest.for_run`` returned, and the split is the training split.
    """

    def __init__(
        self,
        spec: RunSpec,
        request: RunRequest,
        info: DatasetInfo,
        split: Split,
        device: torch.device,
    ) -> None:
        self._spec, self._request, self._info, self._split = spec, request, info, split
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
        """Evaluate a sampler in evaluation mode, whose latents are drawn on the CPU.

        The name of the run, the step, the kind of weights and their hash are stated in the report.

        Raises:
            ganzoo.errors.EvaluationError: its samples are not finite.
        """
        dataset, request = self._spec.dataset, self._request
        labels, translated = f"drawn as often as in split {dataset.split}", None
        if sampler.translates:
            split = reference_split(dataset, request.reference)
            translated = dataset.build(split)
            if source_conditions(sampler, translated, slice(0)) is not None:
                labels = f"those of the sources in split {split}"
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
                sampler, self._info.samples, request.samples, seed, self._split, translated
            )
            for seed in request.seeds
        }
        versions = _versions(self._spec.components().values())
        return self._evaluator.evaluate(sources, subject, versions)


def evaluate_run(run: RunDirectory, request: RunRequest, checkpoint: str | int = "last") -> Report:
    """Evaluate a run's generator at a checkpoint (``last``, ``best`` or a step); it needs the data.

    Raises:
        ganzoo.errors.SpecError: the request does not fit the run.
        ganzoo.errors.RunError: the run does not have the checkpoint or the weights.
        ganzoo.errors.DataError: the data, or weights of an extractor, are missing or unreadable.
        ganzoo.errors.EvaluationError: samples of the generator are not finite.
    """
    spec, device = run.spec, resolve_device(request.device)
    request = request.for_run(spec, spec.dataset.info())
    step = checkpoint_step(run, checkpoint)
    loaded = load_sampler(run, step, request.weights, truncation=request.truncation)
    split = spec.dataset.build_training()
    sampler, name = loaded.sampler.move(device), run.path.resolve().name
    return RunEvaluator(spec, request, loaded.info, split, device).evaluate(
        sampler, name, loaded.step, loaded.weights, loaded.sha256
    )


def keep_report(run: RunDirectory, report: Report) -> Path | None:
    """Add a report to the run directory, or elsewhere with a warning, and return where it is."""
    try:
        return run.add_report(report.to_json())
    except (OSError, RunError) as error:
        other = Path(tempfile.gettempdir(), f"ganzoo-report-{uuid.uuid4().hex[:8]}.json")
        kept: Path | None = other
        try:
            report.write(other)
        except OSError:
            kept = None
        instead = "it could not be written elsewhere either" if kept is None else f"it is in {kept}"
        reason = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else error
        message = f"the report cannot be kept in the run directory ({reason}); {instead}"
        warnings.warn(message, GanzooWarning, stacklevel=3)
        return kept


def evaluate_images(generated: Path, reference: Path, request: ImagesRequest) -> Report:
    """Compare images of any model with real ones, both as ``open_images`` takes them.

    Raises:
        ganzoo.errors.DataError: files are missing or unreadable, or the two sets cannot be compared.
        ganzoo.errors.SpecError: a metric or an extractor does not fit the images.
    """
    size, mode = request.size, request.mode
    images, real = (open_images(path, size=size, mode=mode) for path in (generated, reference))
    refuse_unlike(images, real)
    evaluator = Evaluator(
        *request.chosen(images.space),
        images.space,
        lambda: Reference(real),
        resolve_device(request.device),
        baseline=request.baseline,
    )
    sha256, preparation = images.sha256, images.preparation
    subject = Subject(name=str(generated), samples_sha256=sha256, preparation=preparation)
    return evaluator.evaluate({None: images}, subject, _versions())


def _versions(components: Iterable[Component] = ()) -> dict[str, str]:
    """Return the versions of libraries and of the providers of components."""
    return {name: metadata.version(name) for name in PACKAGES} | provider_versions(components)
