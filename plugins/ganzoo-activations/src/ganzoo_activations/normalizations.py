"""Layers that normalize activations."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ganzoo.components import Component, Normalization

if TYPE_CHECKING:
    from torch import nn


class BatchNorm(Normalization):
    """Batch normalization: each channel by its mean and variance over the batch."""

    type: Literal["batch"] = "batch"
    paper: ClassVar[str | None] = (
        "Ioffe and Szegedy, Batch Normalization: Accelerating Deep Network Training, 2015,"
        " arXiv:1502.03167"
    )
    couples_batch: ClassVar[bool] = True
    eps: float = Field(default=1e-5, gt=0, description="Added to the variance.")
    momentum: float = Field(
        default=0.1, gt=0, le=1, description="Share of each batch in the running statistics."
    )

    def build(self, channels: int, dimensions: int) -> nn.Module:
        """Build ``BatchNorm1d`` or ``BatchNorm2d``."""
        from torch import nn

        layer = nn.BatchNorm2d if dimensions == 2 else nn.BatchNorm1d
        return layer(channels, eps=self.eps, momentum=self.momentum)


class LayerNorm(Normalization):
    """Layer normalization: each sample by the mean and variance of all its values."""

    type: Literal["layer"] = "layer"
    paper: ClassVar[str | None] = "Ba et al., Layer Normalization, 2016, arXiv:1607.06450"
    eps: float = Field(default=1e-5, gt=0, description="Added to the variance.")

    def build(self, channels: int, dimensions: int) -> nn.Module:
        """Build a group norm of one group, which is layer norm for any number of axes."""
        from torch import nn

        del dimensions
        return nn.GroupNorm(1, channels, eps=self.eps)


class InstanceNorm(Normalization):
    """Instance normalization: each channel of each image by its own mean and variance."""

    type: Literal["instance"] = "instance"
    paper: ClassVar[str | None] = (
        "Ulyanov et al., Instance Normalization: The Missing Ingredient for Fast Stylization, 2016,"
        " arXiv:1607.08022"
    )
    eps: float = Field(default=1e-5, gt=0, description="Added to the variance.")

    def check(self, channels: int, dimensions: int) -> None:
        """Refuse vectors, each channel of which is a single number."""
        del channels
        if dimensions != 2:
            raise ValueError("instance norm needs images; choose 'layer' for vectors")

    def build(self, channels: int, dimensions: int) -> nn.Module:
        """Build ``InstanceNorm2d`` with a learned scale and shift."""
        from torch import nn

        del dimensions
        return nn.InstanceNorm2d(channels, eps=self.eps, affine=True)


class GroupNorm(Normalization):
    """Group normalization: groups of channels of each sample by their mean and variance."""

    type: Literal["group"] = "group"
    paper: ClassVar[str | None] = "Wu and He, Group Normalization, 2018, arXiv:1803.08494"
    groups: int = Field(default=8, ge=1, description="Groups the channels are divided in.")
    eps: float = Field(default=1e-5, gt=0, description="Added to the variance.")

    def check(self, channels: int, dimensions: int) -> None:
        """Refuse channels that cannot be divided in that many groups of more than one number."""
        if channels % self.groups:
            raise ValueError(f"{channels} channels cannot be divided in {self.groups} groups")
        if dimensions == 0 and channels == self.groups:
            raise ValueError(f"{self.groups} groups leave a single number in each; choose fewer")

    def build(self, channels: int, dimensions: int) -> nn.Module:
        """Build ``GroupNorm``."""
        from torch import nn

        del dimensions
        return nn.GroupNorm(self.groups, channels, eps=self.eps)


COMPONENTS: tuple[type[Component], ...] = (
    BatchNorm,
    LayerNorm,
    InstanceNorm,
    GroupNorm,
)
