"""Any classifier of torchvision, by name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ganzoo.builtin.extractors.shapes import check_images
from ganzoo.components import FeatureExtractor

if TYPE_CHECKING:
    from torch import nn

USUAL = "IMAGENET1K_V1"
"""The first weights torchvision published for a model; labels name any others."""

_NAME = re.compile("[A-Z][A-Z0-9_]*")


class TorchvisionClassifier(FeatureExtractor):
    """A classifier of torchvision: what its last layer reads is the features, what it gives the logits.

    Images are resized, cropped and standardised as torchvision does it for these weights; its
    presets cut off the border of an image, save with those networks that read all of it. Grey
    images become RGB by repeating the channel. Weights of other origin, and random ones, are used
    with the presets of the first weights torchvision has published for the model.
    """

    type: Literal["torchvision"] = "torchvision"
    classifies: ClassVar[bool] = True
    chunk: ClassVar[int] = 32

    model: str = Field(
        pattern="^[a-z][a-z0-9_]*$", description="Name of the model, such as resnet50 or vit_b_16."
    )
    weights: str | None = Field(
        default=USUAL,
        min_length=1,
        description="Name of weights that torchvision has for the model, downloaded once, or a file"
        " of a state dict (then give its 'sha256'). Null: random ones, from 'seed'.",
    )
    sha256: str | None = Field(
        default=None,
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 of the file of the weights. Null: of torchvision's, its first digits,"
        " which are part of its name.",
    )
    seed: int | None = Field(
        default=None, ge=0, lt=2**63, description="Seed of random weights; null with any others."
    )

    @model_validator(mode="after")
    def _check_weights(self) -> Self:
        problem = None
        if self.weights is None:
            if self.seed is None:
                problem = "name 'weights', or give a 'seed' for random ones"
            elif self.sha256 is not None:
                problem = "random weights have no file, so leave out 'sha256'"
        elif self.weights == "DEFAULT":
            problem = f"'DEFAULT' changes with torchvision; name the weights, such as {USUAL}"
        elif self.seed is not None:
            problem = "a 'seed' is for random weights; for these, set 'weights' to null"
        elif self.sha256 is None and not self._are_named:
            problem = f"give the 'sha256' of {self.weights}"
        if problem is not None:
            raise PydanticCustomError("weights", "{problem}", {"problem": problem})
        return self

    @property
    def label(self) -> str:
        """What numbers are marked with: the model, and the weights unless they are the usual ones."""
        name = f"{self.type}-{self.model}"
        if self.weights is None:
            return f"{name}-random-{self.seed}"
        if self.sha256 is not None and not self._are_named:
            return f"{name}-{self.sha256[:8]}"
        return name if self.weights == USUAL else f"{name}-{self.weights.lower().replace('_', '-')}"

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Refuse all but images of 1 or 3 channels."""
        check_images(self.type, sample_shape)

    def with_absolute_paths(self) -> Self:
        """Return the same extractor with the whole path of its weights, where they are a file."""
        if self.weights is None or self._are_named:
            return self
        whole = Path(self.weights).expanduser().absolute()
        return self.model_copy(update={"weights": str(whole)})

    def fingerprint(self) -> dict[str, Any]:
        """Return what the features depend on; where the file lies is not part of it.

        The preset and the SHA-256 of the weights are torchvision's to say: it is imported, and
        weights that it names are downloaded where they are missing.
        """
        from ganzoo.builtin.extractors import torchvision_network

        return {
            "type": self.type,
            "version": self.version,
            "model": self.model,
            "weights": self.weights if self._are_named else None,
            "seed": self.seed,
            "weights_sha256": self._sha256(),
            **torchvision_network.describe(self.model, self._named),
        }

    def build(self, sample_shape: tuple[int, ...]) -> nn.Module:
        """Build the model with its weights, downloading those that torchvision names."""
        from ganzoo.builtin.extractors import torchvision_network

        self.check(sample_shape)
        if self.weights is None:
            return torchvision_network.random_classifier(self.model, self.seed or 0)
        path, content = self._read()
        return torchvision_network.trained_classifier(self.model, self._named, content, path)

    @property
    def _are_named(self) -> bool:
        """Whether the weights are a name and not a file."""
        return self.weights is not None and _NAME.fullmatch(self.weights) is not None

    @property
    def _named(self) -> str | None:
        return self.weights if self._are_named else None

    def _sha256(self) -> str | None:
        """Return the SHA-256 of the weights, or None for random ones."""
        import hashlib

        if self.weights is None:
            return None
        return self.sha256 or hashlib.sha256(self._read()[1]).hexdigest()

    def _read(self) -> tuple[Path, bytes]:
        """Return the file of the weights, and what is in it."""
        from ganzoo.builtin.extractors import torchvision_network
        from ganzoo.data.weights import obtain, read_verified

        if not self._are_named:
            path = Path(self.weights or "").expanduser()
            return path, read_verified(path, self.sha256 or "")
        published = torchvision_network.published(self.model, self.weights or "")
        path = obtain(published)
        return path, read_verified(path, self.sha256 or published.sha256)
