"""Augmentations as specs name them; the operations are in ``operations``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from ganzoo.components import Augmentation, Images, Setting

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

Operation = Literal["color", "translation", "cutout"]


class DiffAugment(Augmentation):
    """DiffAugment: random colours, shifts and holes, in real and generated images alike.

    It keeps a discriminator from memorizing a small training set. All operations are differentiable, so
    that the generator learns through them, and each image gets its own random numbers. Colours are
    changed in images of any number of channels; in those with one, saturation has nothing to change.
    """

    type: Literal["diffaugment"] = "diffaugment"
    paper: ClassVar[str | None] = (
        "Zhao et al., Differentiable Augmentation for Data-Efficient GAN Training, 2020,"
        " arXiv:2006.10738"
    )

    operations: Annotated[tuple[Operation, ...], Field(strict=False, min_length=1)] = Field(
        default=("color", "translation", "cutout"),
        description="What is done, in this order: 'color' changes brightness, saturation and contrast,"
        " 'translation' shifts, 'cutout' blanks a rectangle.",
    )
    translation: float = Field(
        default=0.125,
        ge=0,
        lt=1,
        description="Largest shift in each direction, as a fraction of height and width.",
    )
    cutout: float = Field(
        default=0.5,
        gt=0,
        lt=1,
        description="Height and width of the blanked rectangle, as a fraction of the image's.",
    )

    def check(self, setting: Setting) -> None:
        """Refuse samples that are not images."""
        if not isinstance(setting.samples, Images):
            raise ValueError("'diffaugment' changes images only; leave the augmentation out")

    def build(self) -> Callable[[torch.Tensor, torch.Generator], torch.Tensor]:
        """Build the operations, one after another."""
        from functools import partial

        from ganzoo_augmentations import operations

        steps: dict[Operation, operations.Change] = {
            "color": operations.change_colors,
            "translation": partial(operations.translate, fraction=self.translation),
            "cutout": partial(operations.cut_out, fraction=self.cutout),
        }
        return operations.Sequence([steps[name] for name in self.operations])
