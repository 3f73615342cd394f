"""The deep convolutional generator and discriminator, as a spec writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

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
from ganzoo_dcgan.sizes import check_size, convolved, doublings, nearest, stem_of

if TYPE_CHECKING:
    from torch import nn

    from ganzoo_dcgan.networks import Style

RADFORD = (
    "Radford et al., Unsupervised Representation Learning with Deep Convolutional Generative"
    " Adversarial Networks, 2016, arXiv:1511.06434"
)


class _DCGAN(Network):
    """What both networks share."""

    accepts: ClassVar[frozenset[ConditionKind]] = frozenset({"classes", "labels", "values"})

    channels: int = Field(
        default=64,
        ge=1,
        le=65_536,
        description="Channels of the hidden layer next to the image; each layer farther from the"
        " image has twice as many.",
    )
    kernel_size: int = Field(
        default=4,
        ge=2,
        le=255,
        description="Kernel of the convolutions of stride 2, in pixels. The paper has 5; 4 covers"
        " the pixels evenly.",
    )
    activation: Activation = component_field("relu", description="Function in each hidden layer.")
    normalization: Normalization = component_field(
        "batch", description="Layer that normalizes activations."
    )
    norm_position: Literal["before_activation", "after_activation"] = Field(
        default="before_activation",
        description="Whether activations are normalized before the activation function or after it.",
    )
    bias: bool = Field(
        default=False,
        description="Whether convolutions and linear layers add a bias; a normalization that"
        " follows makes it needless.",
    )
    init: Literal["dcgan", "default"] = Field(
        default="dcgan",
        description="First weights: 'dcgan' draws all from a normal distribution with deviation"
        " 0.02 (about 1 for the scales of normalizations) and sets biases to 0; 'default' is"
        " torch's own.",
    )

    def _style(self) -> Style:
        from ganzoo_dcgan.networks import Style

        return Style(
            channels=self.channels,
            kernel_size=self.kernel_size,
            activation=self.activation.build,
            normalization=self.normalization.build,
            norm_after_activation=self.norm_position == "after_activation",
            bias=self.bias,
            init=self.init,
        )


class DCGANGenerator(_DCGAN, Generator):
    """A generator of transposed convolutions.

    A stem whose shorter side has 4 to 7 pixels, such as 4x4 or 6x8, is doubled until it has the height
    and width of the images. The conditional form maps the condition to a learned vector and puts it
    next to the latent (Mirza and Osindero 2014, arXiv:1411.1784).
    """

    type: Literal["dcgan"] = "dcgan"
    paper: ClassVar[str | None] = RADFORD
    stem: Literal["convolution", "linear"] = Field(
        default="convolution",
        description="First layer: 'convolution' is a transposed one of the latent as 1x1 pixel and"
        " normalizes channels; 'linear' normalizes each value by itself.",
    )
    stem_convolutions: int = Field(
        default=0,
        ge=0,
        le=16,
        description="Transposed convolutions (3x3, stride 1) between the stem and the first doubling"
        " of the size.",
    )
    upsampling: Literal["transposed", "resize"] = Field(
        default="transposed",
        description="How the size is doubled: by 'transposed' convolutions, or by a 'resize' that"
        " repeats pixels, and a 3x3 convolution.",
    )
    output_activation: Activation = component_field(
        "tanh", description="Function of the output; 'tanh' keeps images in [-1, 1]."
    )

    def check(self, sample_shape: tuple[int, ...], condition: Condition | None) -> None:
        """Refuse what are not images, and sizes that no stem can be doubled to."""
        del condition
        height, width = check_size(sample_shape)
        depth = doublings(height, width)
        stem = stem_of(height, width)
        if stem is None:
            sizes = " and ".join(f"{each[0]}x{each[1]}" for each in nearest(height, width))
            raise ValueError(
                f"cannot make images of {height}x{width}; set dataset.size, if the data set has it, or"
                f" resize them yourself; the nearest sizes it can make are {sizes}"
            )
        hidden = depth + self.stem_convolutions
        if self.stem == "linear":
            hidden -= 1
            self.normalization.check((self.channels << hidden) * stem[0] * stem[1], 0)
        for level in range(hidden):
            self.normalization.check(self.channels << level, 2)

    def build(
        self, latent_dim: int, sample_shape: tuple[int, ...], condition: Condition | None
    ) -> nn.Module:
        """Build the network: ``(z: (N, latent), condition) -> (N, C, H, W)``."""
        from ganzoo_dcgan.networks import DCGANGenerator

        return DCGANGenerator(
            latent_dim,
            sample_shape,
            self._style(),
            stem=self.stem,
            stem_convolutions=self.stem_convolutions,
            output_activation=self.output_activation.build(),
            upsampling=self.upsampling,
            condition=condition,
        )


class DCGANDiscriminator(_DCGAN, Discriminator):
    """A discriminator of strided convolutions.

    The conditional form adds the inner product of the last features with a learned vector
    for the condition (Miyato and Koyama, cGANs with Projection Discriminator, 2018, arXiv:1802.05637).
    """

    type: Literal["dcgan"] = "dcgan"
    paper: ClassVar[str | None] = RADFORD
    padding: int = Field(
        default=1,
        ge=0,
        le=255,
        description="Pixels of zeros around the input of each convolution.",
    )
    activation: Activation = component_field(
        "leaky_relu", negative_slope=0.2, description="Function in each hidden layer."
    )
    dropout: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Probability in [0, 1) with which each channel is set to 0 after the activation"
        " function in training.",
    )
    normalize_first: bool = Field(
        default=False,
        description="Whether the first layer is normalized as well; the paper found that to make"
        " training unstable.",
    )
    downsampling: Literal["strided", "pool"] = Field(
        default="strided",
        description="How the size is halved: by 'strided' convolutions, or by convolutions of stride 1"
        " whose activations are averaged over 2x2 pixels ('pool').",
    )
    head: Literal["convolution", "linear"] = Field(
        default="convolution",
        description="Last layer, from features to the logit: a 'convolution' as large as they are,"
        " or a 'linear' one. Both compute the same; they differ in the shape of the weight.",
    )

    def check(self, sample_shape: tuple[int, ...], condition: Condition | None) -> None:
        """Refuse what are not images, and kernels larger than what they act on."""
        del condition
        height, width = check_size(sample_shape)
        for level in range(doublings(height, width)):
            if level or self.normalize_first:
                self.normalization.check(self.channels << level, 2)
            if min(height, width) + 2 * self.padding < self.kernel_size:
                raise ValueError(
                    f"layer {level + 1} gets {height}x{width} pixels, too few for a kernel_size of"
                    f" {self.kernel_size} with a padding of {self.padding}"
                )
            pooled = self.downsampling == "pool"
            height = convolved(height, self.kernel_size, self.padding, pooled=pooled)
            width = convolved(width, self.kernel_size, self.padding, pooled=pooled)

    def build(self, sample_shape: tuple[int, ...], condition: Condition | None) -> nn.Module:
        """Build the network: ``(x: (N, C, H, W), condition) -> (N,)`` raw logits."""
        from ganzoo_dcgan.networks import DCGANDiscriminator

        return DCGANDiscriminator(
            sample_shape,
            self._style(),
            padding=self.padding,
            dropout=self.dropout,
            normalize_first=self.normalize_first,
            head=self.head,
            downsampling=self.downsampling,
            condition=condition,
        )
