"""torch-fidelity's Inception v3, with a choice of resize."""

from __future__ import annotations

import io
from pathlib import Path

import torch
from torch import Tensor, nn
from torch_fidelity.feature_extractor_inceptionv3 import (  # type: ignore[import-untyped] # has none
    FeatureExtractorInceptionV3,
)
from torch_fidelity.interpolate_compat_tensorflow import (  # type: ignore[import-untyped] # has none
    interpolate_bilinear_2d_like_tensorflow1x,
)

from ganzoo.builtin.extractors.tensors import load_tensors, mismatch

SIDE = 299
"""Height and width of what the network reads, in pixels."""


class InceptionNetwork(nn.Module):
    """Maps images (N, 1 or 3, H, W) uint8 to features (N, 2048) and logits without bias (N, 1008).

    Args:
        content: the weights, verified: bytes of a state dict as ``torch.save`` writes it.
        path: where they come from, for messages.
        antialias: whether to resize with PyTorch's antialiased bilinear filter instead of
            TensorFlow 1.x's.

    Raises:
        DataError: the bytes are no state dict, or that of another network.
    """

    def __init__(self, content: bytes, path: Path, *, antialias: bool) -> None:
        super().__init__()
        # torch-fidelity unpickles what it is given. It gets plain tensors, saved anew, so that
        # nothing in the file is run whatever the file holds.
        safe = io.BytesIO()
        torch.save(load_tensors(content, path), safe)
        safe.seek(0)
        try:
            with torch.random.fork_rng(devices=[]):  # it draws weights before it loads them
                network = FeatureExtractorInceptionV3("inception", ["2048"], safe)
        except RuntimeError as error:
            raise mismatch(path, "torch-fidelity's Inception v3", error) from None
        # Its layers are in the order in which they are applied; the last is the classifier.
        *layers, classifier = network.children()
        self.trunk = nn.Sequential(*layers, nn.Flatten())
        self.classifier = classifier
        self.antialias = antialias
        self.requires_grad_(False)
        self.eval()

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Return features and logits."""
        images = samples.expand(-1, 3, -1, -1).to(torch.float32)
        if self.antialias:
            images = nn.functional.interpolate(
                images, size=(SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True
            )
        else:
            images = interpolate_bilinear_2d_like_tensorflow1x(
                images, size=(SIDE, SIDE), align_corners=False
            )
        features = self.trunk((images - 128) / 128)
        return features, features @ self.classifier.weight.T
