"""What a classifier says of generated samples, as specs name it."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Literal

from pydantic import Field

from ganzoo.builtin.metrics.published import OfInception
from ganzoo.components import Component, Metric, MetricFn, Quantity

SALIMANS = "Salimans et al., Improved Techniques for Training GANs, 2016, arXiv:1606.03498"
VEEGAN = (
    "Srivastava et al., VEEGAN: Reducing Mode Collapse in GANs using Implicit Variational Learning,"
    " 2017, arXiv:1705.07761"
)
PACGAN = (
    "Lin et al., PacGAN: The power of two samples in generative adversarial networks, 2018,"
    " arXiv:1712.04086"
)


class _ClassMetric(Metric):
    needs_logits: ClassVar[bool] = True


class _Score(_ClassMetric):
    paper: ClassVar[str | None] = SALIMANS
    splits: int = Field(
        default=10,
        ge=1,
        description="Random parts of the samples over which the mean is taken; each needs two samples.",
    )

    def build(self) -> MetricFn:
        """Build the function that measures."""
        from ganzoo.builtin.metrics import classifier

        return partial(classifier.score, name=self.quantities[0].name, splits=self.splits)


class ClassifierScore(_Score):
    """Classifier score: exp of the mean divergence between p(y|x) and p(y).

    High where a classifier is sure of each generated sample and all classes occur. It never looks at
    reference samples, so it sees neither a lack of variety within a class nor copies. The details
    hold the standard deviation over the splits.
    """

    type: Literal["classifier_score"] = "classifier_score"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "classifier_score", "higher", "Classifier score, from 1 to the number of classes."
        ),
    )


class InceptionScore(OfInception, _Score):
    """Inception score (IS): the classifier score as published, for Inception and its 1,008 logits.

    The order of the samples is random, as in later implementations.
    """

    type: Literal["inception_score"] = "inception_score"
    general: ClassVar[str] = "classifier_score"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity("inception_score", "higher", "Inception score, from 1 to the number of classes."),
    )


class ClassBalance(_ClassMetric):
    """Class balance: whether classes are generated as often as they occur.

    A classifier counts the classes of generated and of reference samples alike, so that its own
    preferences weigh on both. The details hold both counts. There is no value where a class is generated
    that no reference sample is taken for.
    """

    type: Literal["class_balance"] = "class_balance"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "class_kl",
            "lower",
            "KL divergence of the classes of generated samples from those of reference samples, in"
            " nats, from 0 up; 0 where they are equally frequent.",
        ),
        Quantity(
            "classes",
            "higher",
            "Classes that are generated at all, from 1 to the number of classes.",
        ),
    )

    def build(self) -> MetricFn:
        """Build the function that measures."""
        from ganzoo.builtin.metrics import balance

        return balance.balance


class ClassAgreement(_ClassMetric):
    """Class agreement: whether a conditional generator makes the classes it is asked for.

    The details hold the same share for reference samples, where these have labels: no more than that
    can be expected.
    """

    type: Literal["class_agreement"] = "class_agreement"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "class_agreement",
            "higher",
            "Share of generated samples that are taken for the class asked for, from 0 to 1.",
        ),
    )

    def build(self) -> MetricFn:
        """Build the function that measures."""
        from ganzoo.builtin.metrics import balance

        return balance.agreement


class ClassModes(_ClassMetric):
    """Modes of data whose classes are equally likely modes, such as the 1,000 of Stacked MNIST.

    Publications draw 26,000 samples there; a perfect generator finds all modes, and the divergence is
    then about 0.019.
    """

    type: Literal["class_modes"] = "class_modes"
    paper: ClassVar[str | None] = f"{VEEGAN}; {PACGAN}"
    quantities: ClassVar[tuple[Quantity, ...]] = (
        Quantity(
            "modes",
            "higher",
            "Modes that at least one generated sample is taken for, from 1 to the number of classes.",
        ),
        Quantity(
            "mode_kl",
            "lower",
            "KL divergence of the modes of generated samples from equally likely ones, in nats, from 0"
            " to the logarithm of the number of classes.",
        ),
    )

    def build(self) -> MetricFn:
        """Build the function that measures."""
        from ganzoo.builtin.metrics import balance

        return balance.modes


COMPONENTS: tuple[type[Component], ...] = (
    ClassifierScore,
    InceptionScore,
    ClassBalance,
    ClassAgreement,
    ClassModes,
)
