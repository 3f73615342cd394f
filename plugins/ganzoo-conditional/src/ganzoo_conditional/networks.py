"""A discriminator with further heads and a latent with codes, as a spec writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ganzoo.components import Condition, ConditionKind, Discriminator, Latent, OutputPart

if TYPE_CHECKING:
    from torch import nn

ODENA = (
    "Odena et al., Conditional Image Synthesis with Auxiliary Classifier GANs, 2017,"
    " arXiv:1610.09585"
)
CHEN = (
    "Chen et al., InfoGAN: Interpretable Representation Learning by Information Maximizing"
    " Generative Adversarial Nets, 2016, arXiv:1606.03657"
)


class WithHeads(Discriminator):
    """Another discriminator whose last features also tell classes, codes, and an embedding.

    The conditional form predicts classes. It is not told them, unless ``network`` is conditional too.
    With an embedding, class logits are cosines between it and a learned vector for each class.
    """

    type: Literal["with_heads"] = "with_heads"
    paper: ClassVar[str | None] = ODENA
    accepts: ClassVar[frozenset[ConditionKind]] = frozenset({"classes"})

    network: Discriminator = Field(
        description="The discriminator: any of dcgan, mlp, r3gan and resnet, or another whose module"
        " gives features or has a last layer called 'head'."
    )
    embedding: int | None = Field(
        default=None,
        ge=1,
        le=65_536,
        description="Length of the embedding, for losses that compare samples. Null: none.",
    )
    codes: int | None = Field(
        default=None,
        ge=1,
        le=65_536,
        description="Coordinates that the latent's codes take together, which are then predicted."
        " Null: none.",
    )
    hidden: int | None = Field(
        default=None,
        ge=1,
        le=65_536,
        description="Units of a hidden layer in each of these heads, with a leaky ReLU. Null: no hidden"
        " layer.",
    )

    @model_validator(mode="after")
    def _check_network(self) -> Self:
        problem = None
        if self.network.pack > 1:
            problem = "leave out 'network.pack', and set 'pack' of 'with_heads'"
        elif self.network.conditional and not self.conditional:
            problem = (
                "'network.conditional' is true; set 'conditional' of 'with_heads' to true as well"
            )
        elif self.network.parametrizations and self.parametrizations:
            problem = (
                "'parametrizations' act on all layers, those of 'network' included; set them here or"
                " there"
            )
        if problem:
            raise PydanticCustomError("network", "{problem}", {"problem": problem})
        return self

    @property
    def provides(self) -> frozenset[OutputPart]:
        """What the network gives, class logits where it is conditional, and what is asked for."""
        further: dict[OutputPart, object] = {
            "class_logits": self.conditional,
            "embedding": self.embedding,
            "codes": self.codes,
        }
        return self.network.provides | {part for part, wanted in further.items() if wanted}

    @property
    def joins_batches(self) -> bool:
        """As the network: a head changes nothing here."""
        return self.network.joins_batches

    def check(self, sample_shape: tuple[int, ...], condition: Condition | None) -> None:
        """Refuse what the network refuses."""
        told = self.network.conditional
        if told and condition is not None and condition.kind not in self.network.accepts:
            raise ValueError(f"{self.network.type!r} does not accept {condition.kind}")
        self.network.check(sample_shape, condition if told else None)

    def build(self, sample_shape: tuple[int, ...], condition: Condition | None) -> nn.Module:
        """Build the network with its heads: ``(x, condition) -> DiscriminatorOutput``."""
        from ganzoo.nn import parametrized
        from ganzoo_conditional.modules import DiscriminatorWithHeads

        told = condition if self.network.conditional else None
        return DiscriminatorWithHeads(
            parametrized(self.network.build(sample_shape, told), self.network),
            sample_shape,
            told,
            classes=0 if condition is None else condition.size,
            embedding=self.embedding or 0,
            codes=self.codes or 0,
            hidden=self.hidden or 0,
        )


class InfoGANLatent(Latent):
    """Codes, then noise: one-hot categorical codes, continuous codes in [-1, 1], and normal noise."""

    type: Literal["infogan"] = "infogan"
    paper: ClassVar[str | None] = CHEN

    categories: Annotated[tuple[Annotated[int, Field(ge=2)], ...], Field(strict=False)] = Field(
        default=(10,), description="Number of values of each categorical code, all equally likely."
    )
    continuous: int = Field(default=2, ge=0, description="Number of continuous codes.")

    @model_validator(mode="after")
    def _check_dim(self) -> Self:
        if not 0 < self.codes <= self.dim:
            message = (
                "the codes take {codes} of the 'dim' of {dim} coordinates; they must take some"
            )
            raise PydanticCustomError("codes", message, {"codes": self.codes, "dim": self.dim})
        return self

    @property
    def codes(self) -> int:
        """Coordinates that the codes take: the first ones."""
        return sum(self.categories) + self.continuous

    def build(self) -> nn.Module:
        """Build the distribution."""
        from ganzoo_conditional.modules import Codes

        return Codes(self.dim, self.categories, self.continuous)
