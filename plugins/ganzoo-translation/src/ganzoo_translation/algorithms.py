"""The algorithms, as a spec writes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ganzoo.components import (
    Algorithm,
    Augmentation,
    DatasetInfo,
    Discriminator,
    Images,
    Loss,
    Optimizer,
    Setting,
    Translator,
    adversary_problems,
    component_field,
    network_problems,
)
from ganzoo.errors import Problem
from ganzoo_translation.components import ISOLA, PARK, ZHU, Encoding

if TYPE_CHECKING:
    from torch import nn

    from ganzoo.training import Game, Training, TrainingContext, TranslatingSampler

AUGMENTATION = "Change applied to all images that a discriminator sees. Null: none."


class _Translation(Algorithm):
    """What the algorithms share."""

    @property
    def optimizers(self) -> tuple[str, ...]:
        """One for what translates, one for what discriminates."""
        return ("generator", "discriminator")

    def translator(self, data: DatasetInfo, *, back: bool = False) -> nn.Module:
        """Build the translator of one direction."""
        from ganzoo.nn import parametrized

        assert data.source is not None  # checked before anything is built
        source, target = data.source.shape, data.samples.shape
        shapes = (target, source) if back else (source, target)
        component: Translator = self.generator  # type: ignore[attr-defined] # a field of all
        return parametrized(component.build(*shapes, None), component)

    def build_sampler(self, data: DatasetInfo) -> TranslatingSampler:
        """Build the translator from source to sample."""
        from ganzoo.training import TranslatingSampler

        return TranslatingSampler(self.translator(data))


class Pix2Pix(_Translation):
    """A translator near the target of each pair, against a discriminator that sees source and image.

    The distance to the target makes translations right, and the discriminator makes them sharp.
    """

    type: Literal["pix2pix"] = "pix2pix"
    paper: ClassVar[str | None] = ISOLA

    generator: Translator = component_field("unet", description="Translates sources to samples.")
    discriminator: Discriminator | None = component_field(
        "patchgan",
        description="Reads source and image, put together along the channels. Null: the distance alone"
        " is minimized, which translates without detail; to compare with.",
    )
    loss: Loss = component_field(
        "bce",
        discriminator_weight=0.5,
        description="What the two networks minimize; the discriminator's counts half in the paper.",
    )
    distance: Literal["l1", "l2"] = Field(
        default="l1",
        description="Distance to the target: mean absolute (l1) or squared (l2) difference of pixels.",
    )
    distance_weight: float = Field(
        default=100.0, ge=0, description="Factor on the distance to the target."
    )
    augmentation: Augmentation | None = Field(default=None, description=AUGMENTATION)
    generator_optimizer: Optimizer = component_field(
        "adam", description="Optimizer of the translator."
    )
    discriminator_optimizer: Optimizer = component_field(
        "adam", description="Optimizer of the discriminator."
    )

    @property
    def optimizers(self) -> tuple[str, ...]:
        """One for the translator, and one for the discriminator where there is one."""
        return super().optimizers[: 1 if self.discriminator is None else 2]

    def check(self, data: DatasetInfo, training: Training) -> Iterator[Problem]:
        """Yield what does not fit together."""
        source, target = data.source, data.samples
        if source is None or not data.paired:
            yield Problem("dataset", "has no pairs of source and target; use such as 'paired'")
        elif not isinstance(source, Images) or not isinstance(target, Images):
            yield Problem("dataset", "must be images, as sources and as targets")
        elif source.shape[1:] != target.shape[1:]:
            yield Problem("dataset", "sources and targets must have one height and width")
        else:
            yield from network_problems(
                "generator", self.generator, data, None, target.shape, source_shape=source.shape
            )
            setting = self.setting(data, training)
            if setting is not None:
                yield from adversary_problems(setting, training, augmentation=self.augmentation)
            elif self.augmentation is not None:
                yield Problem("augmentation", "is for a discriminator, and there is none")

    def setting(self, data: DatasetInfo, training: Training) -> Setting | None:
        """Return what the discriminator works with, images with the channels of both, or None."""
        target, source = data.samples, data.source
        assert isinstance(target, Images)  # checked above
        assert isinstance(source, Images)
        if self.discriminator is None:
            return None
        both = Images(source.channels + target.channels, target.height, target.width)
        part = training.batch_size // training.accumulation
        return Setting(data, both, None, self.discriminator, batch_size=part)

    def build(self, data: DatasetInfo, context: TrainingContext) -> Game:
        """Build the networks and their optimizers."""
        from ganzoo_translation.games import PairGame

        return PairGame(self, data, context)


class CycleGAN(_Translation):
    """Two translators between two domains without pairs, each against a discriminator.

    What is translated there and back must be what it was: so translations keep what they show.
    """

    type: Literal["cyclegan"] = "cyclegan"
    paper: ClassVar[str | None] = ZHU

    generator: Translator = component_field(
        "resnet-translator", description="Built twice: from source to sample, and back."
    )
    discriminator: Discriminator = component_field(
        "patchgan",
        description="Tells real images of a domain from translated ones; built for each.",
    )
    loss: Loss = component_field(
        "lsgan",
        discriminator_weight=0.5,
        description="What the networks minimize; the discriminators' counts half in the paper.",
    )
    cycle_weight: float = Field(
        default=10.0, ge=0, description="Factor on how far images change there and back."
    )
    identity_weight: float = Field(
        default=5.0,
        ge=0,
        description="Factor on how far a translator changes images of its target domain; it keeps"
        " colours.",
    )
    pool: int = Field(
        default=50,
        ge=0,
        le=100_000,
        description="Translated images of earlier steps that are kept for each discriminator, which sees"
        " one of them in place of every second new one (Shrivastava et al. 2017, arXiv:1612.07828)."
        " 0: none.",
    )
    augmentation: Augmentation | None = Field(default=None, description=AUGMENTATION)
    generator_optimizer: Optimizer = component_field(
        "adam", description="Optimizer of both translators."
    )
    discriminator_optimizer: Optimizer = component_field(
        "adam", description="Optimizer of both discriminators."
    )

    def check(self, data: DatasetInfo, training: Training) -> Iterator[Problem]:
        """Yield what does not fit together."""
        if data.source is None:
            yield Problem("dataset", "has no sources to translate from; use such as 'unpaired'")
            return
        target, source = data.samples.shape, data.source.shape
        for one, other in dict.fromkeys([(source, target), (target, source)]):
            yield from network_problems(
                "generator", self.generator, data, None, other, source_shape=one
            )
        for setting in self.settings(data, training).values():
            yield from adversary_problems(setting, training, augmentation=self.augmentation)
        if self.identity_weight and source != target:
            yield Problem(
                "identity_weight",
                f"sources {source} and samples {target} have different shapes; set it to 0",
            )

    def settings(self, data: DatasetInfo, training: Training) -> dict[str, Setting]:
        """Return what the discriminator of each domain works with."""
        part = training.batch_size // training.accumulation
        spaces = {"target": data.samples, "source": data.source or data.samples}
        return {
            name: Setting(data, space, None, self.discriminator, batch_size=part)
            for name, space in spaces.items()
        }

    def build(self, data: DatasetInfo, context: TrainingContext) -> Game:
        """Build the networks and their optimizers."""
        from ganzoo_translation.games import CycleGame

        return CycleGame(self, data, context)


class CUT(_Translation):
    """One translator between two domains without pairs, which compares patches instead of going back.

    A patch of a translation must resemble the same patch of its source more than any other. There is one
    network to translate instead of the two of ``cyclegan``.
    """

    type: Literal["cut"] = "cut"
    paper: ClassVar[str | None] = PARK

    generator: Translator = component_field(
        "resnet-translator",
        description="Translates sources to samples; one of this package, whose first layers are seen.",
    )
    discriminator: Discriminator = component_field(
        "patchgan", description="Tells real images from translated ones."
    )
    loss: Loss = component_field(
        "lsgan",
        discriminator_weight=0.5,
        description="What the two networks minimize; the discriminator's counts half in the paper.",
    )
    contrast_weight: float = Field(
        default=1.0, ge=0, description="Factor on how badly patches are told from each other."
    )
    identity: bool = Field(
        default=True,
        description="Whether images of the target domain are translated, too, and compared with what"
        " they were. Without it, translations change more.",
    )
    patches: int = Field(
        default=256, ge=2, le=65_536, description="Patches of each image that are compared."
    )
    projection: int = Field(
        default=256, ge=1, le=65_536, description="Length of the vectors that are compared."
    )
    temperature: float = Field(
        default=0.07, gt=0, description="What similarities of patches are divided by."
    )
    augmentation: Augmentation | None = Field(default=None, description=AUGMENTATION)
    generator_optimizer: Optimizer = component_field(
        "adam", description="Optimizer of the translator and of the projections."
    )
    discriminator_optimizer: Optimizer = component_field(
        "adam", description="Optimizer of the discriminator."
    )

    def check(self, data: DatasetInfo, training: Training) -> Iterator[Problem]:
        """Yield what does not fit together."""
        target, source = data.samples, data.source
        if source is None:
            yield Problem("dataset", "has no sources to translate from; use such as 'unpaired'")
        elif source.shape != target.shape:
            yield Problem(
                "dataset", f"sources {source.shape} and samples {target.shape} must have one shape"
            )
        else:
            yield from network_problems(
                "generator", self.generator, data, None, target.shape, source_shape=source.shape
            )
            setting = self.setting(data, training)
            yield from adversary_problems(setting, training, augmentation=self.augmentation)
        if not isinstance(self.generator, Encoding):
            yield Problem(
                "generator", "does not show its layers; use 'resnet-translator' or 'unet'"
            )

    def setting(self, data: DatasetInfo, training: Training) -> Setting:
        """Return what the discriminator works with."""
        part = training.batch_size // training.accumulation
        return Setting(data, data.samples, None, self.discriminator, batch_size=part)

    def build(self, data: DatasetInfo, context: TrainingContext) -> Game:
        """Build the networks and their optimizers."""
        from ganzoo_translation.games import CutGame

        return CutGame(self, data, context)
