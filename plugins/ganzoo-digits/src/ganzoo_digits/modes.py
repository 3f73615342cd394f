"""The metric of mode coverage, for data whose modes are classes."""

from __future__ import annotations

from typing import Literal

from ganzoo.components import Metric, MetricFn, MetricInputs, MetricResult, Quantity


class ClassModes(Metric):
    """Modes of data whose classes are equally likely modes, such as the 1,000 of Stacked MNIST.

    Publications draw 26,000 samples there; a perfect generator finds all modes, and the divergence is
    then about 0.019.
    """

    type: Literal["class_modes"] = "class_modes"
    paper = (
        "Srivastava et al., VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational Learning,"
        " 2017, arXiv:1705.07761; Lin et al., PacGAN: The power of two samples in generative adversarial"
        " networks, 2018, arXiv:1712.04086"
    )
    needs_logits = True
    quantities = (
        Quantity(
            "modes",
            "higher",
            "Modes predicted for at least one generated sample, from 1 to the number of classes.",
            "variety",
        ),
        Quantity(
            "mode_kl",
            "lower",
            "KL divergence of the modes of generated samples from equally likely ones, in nats, from 0"
            " to the logarithm of the number of classes.",
            "classes",
        ),
    )

    def build(self) -> MetricFn:
        """Build the function that counts."""
        return self.measure

    def measure(self, inputs: MetricInputs) -> MetricResult:
        """Count the classes that are generated, and compare them with equally likely ones."""
        import numpy as np

        logits = inputs.generated.usable_logits("generated", least=1)
        samples, classes = logits.shape
        counts = np.bincount(logits.argmax(axis=1), minlength=classes)
        frequencies = counts[counts > 0] / samples
        divergence = float((frequencies * np.log(frequencies * classes)).sum())
        values = {"modes": float(len(frequencies)), "mode_kl": max(divergence, 0.0)}
        return MetricResult(values, {"of": classes})
