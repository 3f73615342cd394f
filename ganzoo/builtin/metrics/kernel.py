"""The kernel distance: squared maximum mean discrepancy with a polynomial kernel."""

from __future__ import annotations

import warnings

import torch
from torchmetrics.image.kid import KernelInceptionDistance

from ganzoo.builtin.metrics.feeding import Identity, seeded
from ganzoo.builtin.metrics.samples import measurement, pair_of_features
from ganzoo.components import MetricInputs, MetricResult
from ganzoo.utils.seeds import derive_seed


def distance(
    inputs: MetricInputs,
    *,
    name: str,
    subsets: int,
    subset_size: int,
    degree: int,
    gamma: float | None,
    coef: float,
) -> MetricResult:
    """Measure the kernel distance, as torchmetrics computes it: its mean over random subsets.

    Args:
        inputs: the samples.
        name: what to call the quantity.
        subsets: how many subsets of each set are drawn.
        subset_size: samples of a subset; no more than there are.
        degree: of the polynomial (gamma x·y + coef)^degree.
        gamma: factor on products of features; None: 1 / number of features.
        coef: what is added to them.
    """
    generated, reference = pair_of_features(inputs, least=2)
    size = min(subset_size, len(generated), len(reference))
    if size == len(generated) == len(reference):
        subsets = 1  # there is only one
    with warnings.catch_warnings():
        # It announces at each start that it keeps all features; they are here already.
        warnings.filterwarnings("ignore", message=".*will save all extracted features in buffer")
        metric = KernelInceptionDistance(
            Identity(reference.shape[1]),
            subsets=subsets,
            subset_size=size,
            degree=degree,
            gamma=gamma,
            coef=coef,
            sync_on_compute=False,  # one process measures, where there are several
        )
    metric.update(torch.tensor(reference), real=True)
    metric.update(torch.tensor(generated), real=False)
    with seeded(derive_seed(inputs.seed, "kernel distance")):
        mean, std = metric.compute()
    details = {"subsets": subsets, "subset_size": size, "std_over_subsets": float(std)}
    return measurement({name: float(mean)}, details)
