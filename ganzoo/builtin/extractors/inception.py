"""Inception v3 as FID, KID and the Inception score were defined with it."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ganzoo.builtin.extractors.shapes import check_images
from ganzoo.components import FeatureExtractor

if TYPE_CHECKING:
    from torch import nn

FILE = "weights-inception-2015-12-05-6726825d.pth"
ADDRESS = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE}"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
"""The weights of 2015 that the first papers used, converted from TensorFlow by torch-fidelity."""

Preset = Literal["legacy-tf", "antialias"]

RESIZE: dict[Preset, str] = {
    "legacy-tf": "bilinear to 299 x 299 as in TensorFlow 1.x, corners not aligned, not antialiased",
    "antialias": "bilinear to 299 x 299 as in PyTorch, corners not aligned, antialiased",
}


class Inception(FeatureExtractor):
    """Inception v3 of 2015: features of its last pooling layer (d = 2048) and 1008 class logits.

    With the published weights and the preset ``legacy-tf`` numbers can be compared with those of
    papers: the Frechet distance on these features is the FID, and the logits, taken without the bias
    of the last layer, are those of the Inception score. Grey images become RGB by repeating the
    channel. The network and its resize are those of torch-fidelity; the preset ``antialias`` is what
    torchmetrics does by default since 1.8.
    """

    type: Literal["inception"] = "inception"
    paper: ClassVar[str | None] = (
        "Szegedy et al., Rethinking the Inception Architecture for Computer Vision, 2015,"
        " arXiv:1512.00567; for FID: Heusel et al., GANs Trained by a Two Time-Scale Update Rule"
        " Converge to a Local Nash Equilibrium, 2017, arXiv:1706.08500"
    )
    classifies: ClassVar[bool] = True
    chunk: ClassVar[int] = 32

    preset: Preset = Field(
        default="legacy-tf",
        description="How images are resized to 299 x 299 pixels: legacy-tf is bilinear as in"
        " TensorFlow 1.x, as published numbers have it; antialias is PyTorch's antialiased one.",
    )
    weights: str | None = Field(
        default=None,
        min_length=1,
        description="File of the weights. Null: the published ones, looked for in $GANZOO_WEIGHTS,"
        " in ganzoo's cache and in torch's, and downloaded once.",
    )
    sha256: str = Field(
        default=SHA256,
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 of the file; any other file is refused.",
    )

    @model_validator(mode="after")
    def _check_weights(self) -> Self:
        if self.weights is None and self.sha256 != SHA256:
            raise PydanticCustomError(
                "weights",
                "this 'sha256' is not that of the published weights; name the file in 'weights'",
            )
        return self

    @property
    def published(self) -> bool:
        """Whether numbers may be called by their plain names, FID and so on."""
        return self.sha256 == SHA256 and self.preset == "legacy-tf"

    @property
    def label(self) -> str:
        """What numbers are marked with: the preset and the weights, unless they are the usual ones."""
        preset = "" if self.preset == "legacy-tf" else f"-{self.preset}"
        weights = "" if self.sha256 == SHA256 else f"-{self.sha256[:8]}"
        return f"{self.type}{preset}{weights}"

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Refuse all but images of 1 or 3 channels."""
        check_images(self.type, sample_shape)

    def with_absolute_paths(self) -> Self:
        """Return the same extractor with the whole path of its weights, where one is given."""
        if self.weights is None:
            return self
        whole = Path(self.weights).expanduser().absolute()
        return self.model_copy(update={"weights": str(whole)})

    def fingerprint(self) -> dict[str, Any]:
        """Return what the features depend on; where the file lies is not part of it.

        The file is not read: ``build`` refuses all others than the one stated here.
        """
        return {
            "type": self.type,
            "version": self.version,
            "preset": self.preset,
            "resize": RESIZE[self.preset],
            "scale": "(x - 128) / 128",
            "grey": "repeated to three channels",
            "features": "last average pool, 2048",
            "logits": "1008, without bias",
            "weights_sha256": self.sha256,
            "torch_fidelity": version("torch-fidelity"),
        }

    def build(self, sample_shape: tuple[int, ...]) -> nn.Module:
        """Build the network with the verified weights, downloading them where they are missing."""
        from ganzoo.builtin.extractors.inception_network import (
            InceptionNetwork,
        )
        from ganzoo.data.weights import (
            PublishedWeights,
            obtain,
            read_verified,
        )

        self.check(sample_shape)
        if self.weights is None:
            path = obtain(PublishedWeights(FILE, SHA256, ADDRESS))
        else:
            path = Path(self.weights).expanduser()
        return InceptionNetwork(
            read_verified(path, self.sha256), path, antialias=self.preset == "antialias"
        )
