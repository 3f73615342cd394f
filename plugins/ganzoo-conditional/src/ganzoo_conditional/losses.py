"""Auxiliary losses of classes and codes, as specs name them; their formulas are in ``objectives``."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from ganzoo.components import AuxiliaryLoss, Component, LossInputs, OutputPart, Setting
from ganzoo_conditional.networks import CHEN, ODENA, InfoGANLatent, WithHeads

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from ganzoo.components import DiscriminatorOutput


class _OfClasses(AuxiliaryLoss):
    """A term of what the discriminator says about samples and their classes.

    The discriminator's loss has that of real samples, the generator's that of generated ones.
    """

    needs: ClassVar[frozenset[OutputPart]] = frozenset({"class_logits"})

    def check(self, setting: Setting) -> None:
        """Refuse networks that are told no classes, and discriminators that do not predict them."""
        if setting.condition is None or setting.condition.kind != "classes":
            raise ValueError(
                f"{self.type!r} needs classes: set 'conditional' of both networks to true, on a data set"
                " with classes"
            )
        _check_heads(self, setting)

    def build(self, setting: Setting) -> Callable[[LossInputs], torch.Tensor]:
        """Build the term."""
        del setting

        def term(inputs: LossInputs) -> torch.Tensor:
            on_real = inputs.side == "discriminator"
            output = inputs.real_output if on_real else inputs.fake_output
            assert output is not None  # the discriminator's side has both
            assert inputs.condition is not None  # as ``check`` saw to
            return self.of(output, inputs.condition)

        return term

    @abstractmethod
    def of(self, output: DiscriminatorOutput, classes: torch.Tensor) -> torch.Tensor:
        """Return the term for samples of some classes."""


class ACGAN(_OfClasses):
    """Cross entropy of predicted classes (AC-GAN)."""

    type: Literal["acgan"] = "acgan"
    paper: ClassVar[str | None] = ODENA
    generated: bool = Field(
        default=True,
        description="Whether the discriminator learns to classify generated samples too, as in the"
        " paper, and not real ones only.",
    )

    def build(self, setting: Setting) -> Callable[[LossInputs], torch.Tensor]:
        """Build the term."""
        of_side = super().build(setting)

        def term(inputs: LossInputs) -> torch.Tensor:
            value = of_side(inputs)
            if inputs.side == "discriminator" and self.generated and inputs.condition is not None:
                value = value + self.of(inputs.fake_output, inputs.condition)
            return value

        return term

    def of(self, output: DiscriminatorOutput, classes: torch.Tensor) -> torch.Tensor:
        """Return the cross entropy."""
        from torch.nn.functional import cross_entropy

        assert output.class_logits is not None  # it is among ``needs``
        return cross_entropy(output.class_logits, classes)


class MultiHinge(_OfClasses):
    """Multi-class hinge loss of predicted classes.

    The paper has it beside a projection discriminator: set ``network.conditional`` of ``with_heads``.
    """

    type: Literal["multi_hinge"] = "multi_hinge"
    paper: ClassVar[str | None] = (
        "Kavalerov et al., A Multi-Class Hinge Loss for Conditional GANs, 2021, arXiv:1912.04216"
    )

    def of(self, output: DiscriminatorOutput, classes: torch.Tensor) -> torch.Tensor:
        """Return the hinge loss."""
        from ganzoo_conditional.objectives import multi_hinge

        assert output.class_logits is not None  # it is among ``needs``
        return multi_hinge(output.class_logits, classes)


class ContraGAN(_OfClasses):
    """Contrastive loss: embeddings are near those of the same class and the class's vector (ContraGAN).

    Class logits must be cosines between embeddings and the vectors of classes, as ``with_heads`` gives
    them.
    """

    type: Literal["contragan"] = "contragan"
    paper: ClassVar[str | None] = (
        "Kang and Park, ContraGAN: Contrastive Learning for Conditional Image Generation, 2020,"
        " arXiv:2006.12681"
    )
    needs: ClassVar[frozenset[OutputPart]] = frozenset({"class_logits", "embedding"})
    temperature: float = Field(default=1.0, gt=0, description="What all cosines are divided by.")

    def of(self, output: DiscriminatorOutput, classes: torch.Tensor) -> torch.Tensor:
        """Return the contrastive loss."""
        from ganzoo_conditional.objectives import contrastive

        assert output.embedding is not None  # it is among ``needs``
        assert output.class_logits is not None  # as above
        return contrastive(output.embedding, output.class_logits, classes, self.temperature)


class ReACGAN(_OfClasses):
    """Data-to-data cross entropy: embeddings are near their class's vector, far from others (ReACGAN).

    Class logits must be cosines between embeddings and the vectors of classes, as ``with_heads`` gives
    them.
    """

    type: Literal["reacgan"] = "reacgan"
    paper: ClassVar[str | None] = (
        "Kang et al., Rebooting ACGAN: Auxiliary Classifier GANs with Stable Training, 2021,"
        " arXiv:2111.01118"
    )
    needs: ClassVar[frozenset[OutputPart]] = frozenset({"class_logits", "embedding"})
    temperature: float = Field(default=0.5, gt=0, description="What all cosines are divided by.")
    positive_margin: float = Field(
        default=0.98,
        ge=-1,
        le=1,
        description="Cosine to the vector of the own class from which on samples are not pulled nearer.",
    )
    negative_margin: float = Field(
        default=0.02,
        ge=-1,
        le=1,
        description="Cosine to samples of other classes up to which they are not pushed away.",
    )

    def of(self, output: DiscriminatorOutput, classes: torch.Tensor) -> torch.Tensor:
        """Return the cross entropy."""
        from ganzoo_conditional.objectives import data_to_data

        assert output.embedding is not None  # it is among ``needs``
        assert output.class_logits is not None  # as above
        return data_to_data(
            output.embedding,
            output.class_logits,
            classes,
            temperature=self.temperature,
            positive_margin=self.positive_margin,
            negative_margin=self.negative_margin,
        )


class InfoGAN(AuxiliaryLoss):
    """Minus a lower bound of the information that samples have about their codes (InfoGAN).

    The discriminator learns to predict the codes of generated samples, and the generator to make them
    predictable. No labels are used.
    """

    type: Literal["infogan"] = "infogan"
    paper: ClassVar[str | None] = CHEN
    needs: ClassVar[frozenset[OutputPart]] = frozenset({"codes"})
    continuous_weight: float = Field(
        default=0.1,
        ge=0,
        description="Factor on the term of continuous codes, which the paper has smaller than that of"
        " categorical ones.",
    )

    def check(self, setting: Setting) -> None:
        """Refuse latents without codes, and discriminators that predict others than theirs."""
        latent, discriminator = setting.latent, setting.discriminator
        if not isinstance(latent, InfoGANLatent):
            raise ValueError("'infogan' needs codes: choose the latent 'infogan'")
        _check_heads(self, setting, latent.codes)
        if discriminator.pack > 1:
            raise ValueError(
                "samples of a pack have different codes; set 'discriminator.pack' to 1"
            )
        if isinstance(discriminator, WithHeads) and discriminator.codes not in {None, latent.codes}:
            raise ValueError(
                f"the codes of the latent take {latent.codes} coordinates; set 'discriminator.codes' to"
                f" {latent.codes}, not {discriminator.codes}"
            )

    def build(self, setting: Setting) -> Callable[[LossInputs], torch.Tensor]:
        """Build the term."""
        latent = setting.latent
        assert isinstance(latent, InfoGANLatent)  # as ``check`` saw to

        def term(inputs: LossInputs) -> torch.Tensor:
            from ganzoo_conditional.objectives import information

            predicted, latents = inputs.fake_output.codes, inputs.latents
            assert predicted is not None  # it is among ``needs``
            assert latents is not None  # as ``check`` saw to
            return information(
                predicted, latents, latent.categories, continuous_weight=self.continuous_weight
            )

        return term


COMPONENTS: tuple[type[Component], ...] = (ACGAN, MultiHinge, ContraGAN, ReACGAN, InfoGAN)


def _check_heads(loss: AuxiliaryLoss, setting: Setting, codes: int | None = None) -> None:
    """Say which heads a discriminator lacks; the core says so too, but not how to get them."""
    missing = loss.needs - setting.discriminator.provides
    if not missing:
        return
    fields = {
        "class_logits": "'conditional': true",
        "embedding": "'embedding': 128",
        "codes": f"'codes': {codes}",
    }
    wanted = ", ".join(fields[part] for part in sorted(loss.needs))
    raise ValueError(
        f"give the discriminator what {loss.type!r} needs: {{'type': 'with_heads', 'network': …,"
        f" {wanted}}}"
    )
