"""Evaluating a run: which weights, against which real samples, by which metrics."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import torch

from ganzoo.components import Component, Dataset, DatasetInfo
from ganzoo.components.registry import active
from ganzoo.data.store import ImageStore
from ganzoo.errors import Problem, SpecError
from ganzoo.evaluation.evaluator import Evaluator
from ganzoo.evaluation.real import RealSet, Reference, TrainingSet, shared_samples
from ganzoo.evaluation.request import Request
from ganzoo.evaluation.samples import GeneratedSamples, RealSamples, class_weights
from ganzoo.runs import RunDirectory
from ganzoo.runs.history import checkpoint_step
from ganzoo.runs.report import Report, Subject
from ganzoo.sampling import load_generator, truncated
from ganzoo.spec import RunSpec
from ganzoo.spec.sections import no_split

SHARED = 0.05
"""Share of a reference that may have been trained on, for it still to count as held out."""

PACKAGES = ("ganzoo", "numpy", "torch", "torchmetrics", "torchvision")
"""Those whose versions reports state, beside the plugins that provide the components."""


def evaluate_run(run: RunDirectory, request: Request, device: torch.device) -> Report:
    """Judge a run's generator.

    Args:
        run: the run; its data must be there too.
        request: what to measure, and how.
        device: where samples and features are computed.

    Raises:
        SpecError: the request does not fit the run.
        RunError: the run has no such checkpoint.
        ganzoo.errors.DataError: the data, or weights of an extractor, are missing or unreadable.
        ganzoo.errors.EvaluationError: the generator makes what is not finite.
    """
    spec = run.spec
    loaded = load_generator(run, checkpoint_step(run, request.checkpoint), request.weights)
    network, info = loaded.network, loaded.info
    if request.truncation is not None:
        network = truncated(network, spec, request.truncation)
    store = spec.dataset.build(spec.dataset.split)
    evaluator = Evaluator(
        request.metrics,
        request.extractor,
        info.sample_shape,
        lambda: open_reference(spec.dataset, request.reference, store),
        device,
        floor=request.floor,
    )
    network.generator.to(device)
    weights = class_weights(store, spec.num_classes(info))
    sets = {
        seed: GeneratedSamples(network, info, request.samples, seed, weights)
        for seed in request.seeds
    }
    subject = subject_of(
        spec,
        name=run.path.resolve().name,
        step=loaded.step,
        weights=loaded.weights,
        weights_sha256=loaded.sha256,
        truncation=request.truncation,
    )
    return evaluator.judge(sets, subject, software_versions(*spec.components()))


def open_reference(dataset: Dataset, split: str | None, training: ImageStore) -> Reference:
    """Return what samples of a run are compared with.

    Args:
        dataset: the run's.
        split: the split to compare with, or None for ``test`` where there is one.
        training: the split that was trained on.

    Raises:
        SpecError: there is no such split.
    """
    chosen = reference_split(dataset, dataset.info(), split)
    samples = RealSamples(training)
    trained_on = TrainingSet.of(samples, _source(dataset, dataset.split))
    if chosen == dataset.split:
        return Reference(trained_on, None, dataset.mixture())
    real = RealSet.of(RealSamples(dataset.build(chosen)), _source(dataset, chosen))
    shared = shared_samples(real.samples, trained_on.samples)
    if not shared:
        return Reference(real, trained_on, dataset.mixture())
    warning = (
        f"{shared:,} of the {len(real.samples):,} reference samples are in {trained_on.source} too, on"
        " which the generator was trained"
    )
    held_out = shared <= SHARED * len(real.samples)  # real sets hold some images twice
    return Reference(real, trained_on if held_out else None, dataset.mixture(), warning=warning)


def reference_split(dataset: Dataset, info: DatasetInfo, split: str | None) -> str:
    """Return the split to compare with: the one named, else ``test``, else the one trained on.

    Raises:
        SpecError: there is no such split.
    """
    if split is None:
        return "test" if "test" in info.splits else dataset.split
    if split not in info.splits:
        raise SpecError([Problem("evaluation.reference", no_split(split, info))])
    return split


def subject_of(spec: RunSpec, **facts: Any) -> Subject:
    """Return what a report says of a run's generator.

    Args:
        spec: the run.
        facts: attributes of the subject.
    """
    drawn = (
        f"drawn as often as in split {spec.dataset.split}" if spec.generator.conditional else None
    )
    return Subject(labels=drawn, **facts)


def software_versions(*components: Component) -> dict[str, str]:
    """Return the versions of what took part: libraries, and providers of components."""
    providers = [active().entry_of(type(each)) for each in components]
    return {name: metadata.version(name) for name in PACKAGES} | {
        entry.provider.name: entry.provider.version for entry in providers if entry is not None
    }


def _source(dataset: Dataset, split: str) -> str:
    return f"split {split} of {dataset.type}"
