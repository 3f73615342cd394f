"""The kernel distance: squared maximum mean discrepancy with a polynomial kernel."""

from __future__ import annotations

import warnings
from typing import Literal

from pydantic import Field

from ganzoo.builtin.metrics.common import (
    CoreMetric,
    OfInception,
    finite_result,
    identity_network,
    pair_of_features,
)
from ganzoo.components import MetricInputs, MetricResult, Quantity
from ganzoo.utils.seeds import derive_seed


class _Kernel(CoreMetric):
    paper = "Bińkowski et al., Demystifying MMD GANs, 2018, arXiv:1801.01401"
    subsets: int = Field(
        default=100, ge=1, description="Random subsets of each set over which the mean is taken."
    )
    subset_size: int = Field(default=1000, ge=2, description="Samples of a subset; at most all.")
    degree: int = Field(
        default=3, ge=1, le=100, description="Degree of kernel (gamma x·y + coef)^degree."
    )
    gamma: float | None = Field(
        default=None, gt=0, description="Factor on products of features. Null: 1 / their number."
    )
    coef: float = Field(default=1.0, gt=0, description="Constant added to products of features.")

    def measure(self, inputs: MetricInputs) -> MetricResult:
        """Measure the distance, as torchmetrics computes it: the mean over random subsets."""
        import torch
        from torchmetrics.image import kid

        generated, reference = pair_of_features(inputs, least=2)
        size = min(self.subset_size, len(generated), len(reference))
        # If both sets are no larger than a subset, there is only one.
        subsets = 1 if size == len(generated) == len(reference) else self.subsets
        with warnings.catch_warnings():
            # torchmetrics warns that it keeps all features in memory; they are there already.
            warnings.filterwarnings("ignore", ".*will save all extracted features in buffer")
            distance = kid.KernelInceptionDistance(
                identity_network(reference.shape[1]),
                subsets=subsets,
                subset_size=size,
                degree=self.degree,
                gamma=self.gamma,
                coef=self.coef,
                sync_on_compute=False,  # a single process measures
            )
        distance.update(torch.tensor(reference), real=True)
        distance.update(torch.tensor(generated), real=False)
        with torch.random.fork_rng(devices=[]):
            # torchmetrics draws from the CPU's generator; torch.manual_seed would seed all devices.
            torch.default_generator.manual_seed(derive_seed(inputs.seed, "kernel distance"))
            mean, std = distance.compute()
        details = {"subsets": subsets, "subset_size": size, "std_over_subsets": float(std)}
        return finite_result({self.quantities[0].name: float(mean)}, details)


class KernelDistance(_Kernel):
    """Kernel distance: squared maximum mean discrepancy with a polynomial kernel, unbiased.

    The mean over random subsets of generated and of reference features, computed by torchmetrics in
    float64. The details hold the size of the subsets in use and the standard deviation over them,
    which is not a confidence interval, since subsets share samples.
    """

    type: Literal["kd"] = "kd"
    quantities = (
        Quantity("kd", "lower", "Kernel distance, from about 0 up; it may be a little below 0."),
    )


class KernelInceptionDistance(OfInception, _Kernel):
    """Kernel Inception distance (KID): the kernel distance as published, for Inception features.

    Publications often give it times 1,000.
    """

    type: Literal["kid"] = "kid"
    general = "kd"
    quantities = (
        Quantity("kid", "lower", "Kernel Inception distance, from about 0 up, or a little below."),
    )
