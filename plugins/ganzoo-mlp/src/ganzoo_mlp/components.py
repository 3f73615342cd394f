"""The fully connected generator and discriminator, as a spec writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from ganzoo.components import (
    Activation,
    Condition,
    ConditionKind,
    Discriminator,
    Generator,
    Network,
    Normalization,
    component_field,
)

if TYPE_CHECKING:
    from torch import nn

    from ganzoo_mlp.networks import HiddenLayers

Widths = Annotated[
    tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...], Field(strict=False, max_length=1000)
]
Frequencies = Annotated[
    tuple[Annotated[float, Field(gt=0)], ...], Field(strict=False, max_length=64)
]


class _MLP(Network):
    """What both networks share: the hidden layers, and conditions as further inputs."""

    accepts: ClassVar[frozenset[ConditionKind]] = frozenset({"classes", "labels", "values"})
    paper: ClassVar[str | None] = (
        "Goodfellow et al., Generative Adversarial Nets, 2014, arXiv:1406.2661; conditional form:"
        " Mirza and Osindero, Conditional Generative Adversarial Nets, 2014, arXiv:1411.1784"
    )

    hidden: Widths = Field(description="Units of each hidden layer, from the input on.")
    activation: Activation = component_field(
        "leaky_relu", negative_slope=0.2, description="Function after each hidden layer."
    )
    normalization: Normalization = component_field(
        "none", description="Layer between each hidden layer and its activation."
    )
    dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Probability in [0, 1) with which each hidden unit is silenced in training.",
    )

    def check(self, sample_shape: tuple[int, ...], condition: Condition | None) -> None:
        """Refuse a normalization that does not support the hidden layers; any sample shape will do."""
        del sample_shape, condition
        for width in self.hidden:
            self.normalization.check(width, 0)

    def _hidden_layers(self) -> HiddenLayers:
        from ganzoo_mlp.networks import HiddenLayers

        return HiddenLayers(
            self.hidden,
            activation=self.activation.build,
            normalization=lambda width: self.normalization.build(width, 0),
            dropout=self.dropout,
        )


class MLPGenerator(_MLP, Generator):
    """A fully connected generator, for images of any size and for points.

    The conditional form maps the condition to a learned vector and puts it next to the latent.
    """

    type: Literal["mlp"] = "mlp"
    hidden: Widths = Field(
        default=(256, 512), description="Units of each hidden layer, from the latent on."
    )
    output_activation: Activation = component_field(
        "tanh",
        description="Function of the output: 'tanh' keeps images in [-1, 1]; choose 'identity' for"
        " points, which have no bounds.",
    )

    def build(
        self, latent_dim: int, sample_shape: tuple[int, ...], condition: Condition | None
    ) -> nn.Module:
        """Build the network: ``(z: (N, latent), condition) -> (N, *sample_shape)``."""
        from ganzoo_mlp.networks import MLPGenerator

        return MLPGenerator(
            latent_dim,
            sample_shape,
            self._hidden_layers(),
            output_activation=self.output_activation.build(),
            condition=condition,
        )


class MLPDiscriminator(_MLP, Discriminator):
    """A fully connected discriminator, for images of any size and for points.

    The conditional form maps the condition to a learned vector and puts it next to the sample.
    """

    type: Literal["mlp"] = "mlp"
    hidden: Widths = Field(
        default=(256, 128), description="Units of each hidden layer, from the sample on."
    )
    fourier: Frequencies = Field(
        default=(),
        description="Frequencies, in periods per unit, of sines and cosines of each value that are read"
        " beside the sample. With those of fine details among them, the details are seen from the start"
        " (Tancik et al. 2020, arXiv:2006.10739); for points.",
    )

    @property
    def joins_batches(self) -> bool:
        """True unless the normalization makes the samples of a batch influence each other."""
        return not self.normalization.couples_batch

    def build(self, sample_shape: tuple[int, ...], condition: Condition | None) -> nn.Module:
        """Build the network: ``(x: (N, *sample_shape), condition) -> (N,)`` raw logits."""
        from ganzoo_mlp.networks import MLPDiscriminator

        return MLPDiscriminator(
            sample_shape, self._hidden_layers(), condition=condition, fourier=self.fourier
        )
