"""Augmentations as specs name them; the operations are in ``operations``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from ganzoo.components import Augmentation, Component, Images, Setting

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from ganzoo_augmentations.adaptive import AdaptiveAugment, PseudoAugment

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
        _refuse_all_but_images(self.type, setting)

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


GROUPS: dict[str, tuple[str, ...]] = {
    "blitting": ("flip", "rotate90", "translate"),
    "geometry": ("scale", "rotate", "stretch", "shift"),
    "color": ("brightness", "contrast", "luma_flip", "hue", "saturation"),
    "corruption": ("noise", "cutout"),
}
"""The paper's groups of changes; its image-space filtering is not among them."""

Change = Literal[
    "blitting",
    "flip",
    "rotate90",
    "translate",
    "geometry",
    "scale",
    "rotate",
    "stretch",
    "shift",
    "color",
    "brightness",
    "contrast",
    "luma_flip",
    "hue",
    "saturation",
    "corruption",
    "noise",
    "cutout",
]


class _Adaptive(Augmentation):
    """An augmentation with a probability that follows how sure the discriminator is of real samples."""

    observes: ClassVar[bool] = True

    target: float = Field(
        default=0.6,
        gt=-1,
        lt=1,
        description="Mean sign of the logits of real samples that is aimed at: 1 is a discriminator"
        " that knows all of them, 0 one that cannot tell.",
    )
    every: int = Field(
        default=4, ge=1, description="Discriminator steps from one change of p to the next."
    )
    ramp: int = Field(
        default=500_000,
        ge=1,
        description="Real samples in which p can rise from 0 to 1. Short runs need a shorter one.",
    )
    max_p: float = Field(
        default=0.8,
        gt=0,
        le=1,
        description="Highest probability. The paper has no bound; it found that changes show in"
        " generated samples where p is near 1.",
    )

    @property
    def _numbers(self) -> dict[str, Any]:
        return self.model_dump(include={"target", "every", "ramp", "max_p"})


class ADA(_Adaptive):
    """Adaptive discriminator augmentation: as many changes as the discriminator overfits.

    Each change happens to each image with probability p, which is 0 at first, rises while the
    discriminator is sure of real samples, and is logged as ``augmentation/p``. All changes can be
    differentiated, twice too.
    """

    type: Literal["ada"] = "ada"
    paper: ClassVar[str | None] = (
        "Karras et al., Training Generative Adversarial Networks with Limited Data, 2020,"
        " arXiv:2006.06676"
    )

    operations: Annotated[tuple[Change, ...], Field(strict=False, min_length=1)] = Field(
        default=("blitting", "geometry", "color"),
        description="Changes, or groups of them: 'blitting' is flip, rotate90 and translate,"
        " 'geometry' scale, rotate, stretch and shift, 'color' brightness, contrast, luma_flip, hue and"
        " saturation, 'corruption' noise and cutout. They are made in this order, whatever theirs is.",
    )

    def check(self, setting: Setting) -> None:
        """Refuse samples that are not images."""
        _refuse_all_but_images(self.type, setting)

    def build(self) -> AdaptiveAugment:
        """Build the changes with the controller of their probability."""
        from ganzoo_augmentations.adaptive import AdaptiveAugment
        from ganzoo_augmentations.transforms import PIXEL_CHANGES, WARPS

        chosen = {each for name in self.operations for each in GROUPS.get(name, (name,))}
        warps = [name for name in WARPS if name in chosen]
        if "rotate" in warps:  # a second time, after what stretches
            warps.insert(len(warps) - ("shift" in warps), "rotate")
        return AdaptiveAugment(
            [WARPS[name] for name in warps],
            [change for name, change in PIXEL_CHANGES.items() if name in chosen],
            **self._numbers,
        )


class APA(_Adaptive):
    """Adaptive pseudo augmentation: generated samples stand in for some of the real ones.

    In the discriminator's steps each real sample is replaced by the generated one of the same place in
    the batch, with probability p, which follows the discriminator as that of ``ada`` does. Samples
    of any kind will do, since none is changed. The paper draws stand-ins apart from the step's generated
    samples; here they are the same.
    """

    type: Literal["apa"] = "apa"
    paper: ClassVar[str | None] = (
        "Jiang et al., Deceive D: Adaptive Pseudo Augmentation for GAN Training with Limited Data, 2021,"
        " arXiv:2111.06849"
    )
    mixes: ClassVar[bool] = True

    def build(self) -> PseudoAugment:
        """Build what replaces samples, with the controller of its probability."""
        from ganzoo_augmentations.adaptive import PseudoAugment

        return PseudoAugment(**self._numbers)


def _refuse_all_but_images(name: str, setting: Setting) -> None:
    if not isinstance(setting.samples, Images):
        raise ValueError(f"{name!r} changes images only; leave the augmentation out")


COMPONENTS: tuple[type[Component], ...] = (DiffAugment, ADA, APA)
