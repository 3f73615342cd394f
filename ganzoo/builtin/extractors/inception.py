"""Inception v3, the network with which FID, KID and the Inception score were defined."""

from __future__ import annotations

import io
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ganzoo.builtin.extractors.common import check_images, load_tensors, mismatch
from ganzoo.components import FeatureExtractor
from ganzoo.utils.files import expanded

if TYPE_CHECKING:
    from torch import Tensor, nn

FILE = "weights-inception-2015-12-05-6726825d.pth"
ADDRESS = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE}"
SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
"""The weights of 2015 that the first papers used, converted from TensorFlow by torch-fidelity."""

SIDE = 299
"""Height and width of what the network reads, in pixels."""

Preset = Literal["legacy-tf", "antialias"]

RESIZE: dict[Preset, str] = {
    "legacy-tf": "bilinear to 299 x 299 as in TensorFlow 1.x, corners not aligned, not antialiased",
    "antialias": "bilinear to 299 x 299 as in PyTorch, corners not aligned, antialiased",
}


class Inception(FeatureExtractor):
    """Inception v3 of 2015: features of its last pooling layer (d = 2048) and 1008 class logits.

    With the published weights and the preset ``legacy-tf`` numbers can be compared with those of
    papers: the Fréchet distance on these features is the FID, and the logits, without the bias of the
    last layer, are those of the Inception score. Grey images become RGB by repeating the channel. The
    network and its resize are those of torch-fidelity; the preset ``antialias`` is what torchmetrics
    does by default since 1.8.
    """

    type: Literal["inception"] = "inception"
    reads = frozenset({"images"})
    paper = (
        "Szegedy et al., Rethinking the Inception Architecture for Computer Vision, 2015,"
        " arXiv:1512.00567; for FID: Heusel et al., GANs Trained by a Two Time-Scale Update Rule"
        " Converge to a Local Nash Equilibrium, 2017, arXiv:1706.08500"
    )
    classifies = True
    chunk = 32

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
        """Whether numbers may have the plain names, such as FID."""
        return self.sha256 == SHA256 and self.preset == "legacy-tf"

    @property
    def label(self) -> str:
        """Its name in reports, with the preset and the weights unless they are the usual ones."""
        preset = "" if self.preset == "legacy-tf" else f"-{self.preset}"
        weights = "" if self.sha256 == SHA256 else f"-{self.sha256[:8]}"
        return f"{self.type}{preset}{weights}"

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Refuse all but images of 1 or 3 channels."""
        check_images(self.type, sample_shape)

    def with_absolute_paths(self) -> Self:
        """Return the same extractor with the absolute path of its weights, if one is given."""
        if self.weights is None:
            return self
        return self.model_copy(update={"weights": str(expanded(self.weights).absolute())})

    def fingerprint(self) -> dict[str, Any]:
        """Return what the features depend on, of which the path of the file is not part.

        The file is not read: ``build`` refuses any but the one stated here.
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
        """Build the network with the verified weights, downloading them if they are missing."""
        from ganzoo.data.weights import PublishedWeights, obtain, read_verified

        self.check(sample_shape)
        published = PublishedWeights(FILE, SHA256, ADDRESS)
        path = obtain(published) if self.weights is None else expanded(self.weights)
        content = read_verified(path, self.sha256)
        return _network(content, path, antialias=self.preset == "antialias")


def _network(content: bytes, path: Path, *, antialias: bool) -> nn.Module:
    """Build torch-fidelity's Inception v3, with a choice of resize."""
    import torch
    from torch import nn
    from torch_fidelity import (  # type: ignore[import-untyped] # has none
        feature_extractor_inceptionv3,
        interpolate_compat_tensorflow,
    )

    class InceptionNetwork(nn.Module):
        """Maps images (N, 1 or 3, H, W) uint8 to features (N, 2048) and logits (N, 1008)."""

        def __init__(self, network: nn.Module) -> None:
            super().__init__()
            # Its layers are in the order in which they are applied; the last is the classifier.
            *layers, self.classifier = network.children()
            self.trunk = nn.Sequential(*layers, nn.Flatten())

        def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
            images, size = samples.expand(-1, 3, -1, -1).float(), (SIDE, SIDE)
            if antialias:
                images = nn.functional.interpolate(
                    images, size=size, mode="bilinear", align_corners=False, antialias=True
                )
            else:
                resize = interpolate_compat_tensorflow.interpolate_bilinear_2d_like_tensorflow1x
                images = resize(images, size=size, align_corners=False)
            features = self.trunk((images - 128) / 128)
            return features, features @ self.classifier.weight.T

    # torch-fidelity unpickles the file it is given. It gets plain tensors, saved anew, so that nothing
    # in the file is run.
    safe = io.BytesIO()
    torch.save(load_tensors(content, path), safe)
    safe.seek(0)
    build = feature_extractor_inceptionv3.FeatureExtractorInceptionV3
    try:
        with torch.random.fork_rng(devices=[]):  # it draws weights before it loads them
            network = build("inception", ["2048"], safe)
    except RuntimeError as error:
        raise mismatch(path, "torch-fidelity's Inception v3", error) from None
    return InceptionNetwork(network).eval().requires_grad_(False)
