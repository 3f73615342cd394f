"""Classifiers of torchvision that give what their last layer reads, too."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch import Tensor, nn
from torchvision import models  # type: ignore[import-untyped] # has none

from ganzoo.builtin.extractors.tensors import load_tensors, mismatch
from ganzoo.data.weights import PublishedWeights
from ganzoo.errors import UsageError, did_you_mean

IMAGENET = 1000
"""Classes that the models of torchvision have, unless they are told otherwise."""

_OLD_DENSENET = re.compile(r"(\.denselayer\d+\.(?:norm|conv))\.([12])\.")
"""Names in the files of DenseNet, from when the names of layers could have points in them."""


class TorchvisionNetwork(nn.Module):
    """Maps images (N, 1 or 3, H, W) uint8 to features (N, d) and logits (N, K).

    Args:
        network: a classifier. Its last layer with weights is taken for the one that classifies.
        transforms: what turns RGB images, uint8, into what the network reads.
    """

    def __init__(self, network: nn.Module, transforms: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.transforms = transforms
        self._classifier = last_layer(network)
        self.requires_grad_(False)
        self.eval()

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Return features and logits."""
        read: list[Tensor] = []
        layer = self.network.get_submodule(self._classifier)
        hook = layer.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
        try:
            logits = self.network(self.transforms(samples.expand(-1, 3, -1, -1)))
        finally:
            hook.remove()
        # SqueezeNet classifies at each place and takes the mean after that.
        features = read[0] if read[0].dim() == 2 else read[0].mean((2, 3))
        return features, logits


def last_layer(network: nn.Module) -> str:
    """Return the name of the last layer that has weights and classifies."""
    kinds = (nn.Linear, nn.Conv2d)
    names: list[str] = [name for name, layer in network.named_modules() if isinstance(layer, kinds)]
    return names[-1]


def published(model: str, weights: str) -> PublishedWeights:
    """Return the file of weights that torchvision names.

    Raises:
        UsageError: there is no such model, or no such weights for it.
    """
    url = _entry(model, weights).url
    name = PurePosixPath(url).name
    # The first digits of a file's hash end its name: torch's convention, which torch.hub checks.
    digits = re.search(r"-([0-9a-f]{8,64})\.[^.]+$", name)
    if digits is None:
        raise UsageError(f"{model}: {weights} ({url}) has no hash in its name; give its 'sha256'")
    return PublishedWeights(name, digits[1], url)


def describe(model: str, weights: str | None) -> dict[str, Any]:
    """Return what is done to images before the network, as JSON holds it.

    Args:
        model: name of the model.
        weights: name of the weights whose preset it is; None for the first of the model.

    Raises:
        UsageError: there is no such model, or no such weights for it.
    """
    preset = _entry(model, weights).transforms()
    return {
        "resize": f"shorter side to {preset.resize_size[0]}, {preset.interpolation.value},"
        f" {'antialiased' if preset.antialias else 'not antialiased'}, in 8 bits",
        "crop": f"middle {preset.crop_size[0]} x {preset.crop_size[0]}",
        "scale": f"(x / 255 - {list(preset.mean)}) / {list(preset.std)}",
        "grey": "repeated to three channels",
        "features": "input of the last layer",
    }


def trained_classifier(
    model: str, weights: str | None, content: bytes, path: Path
) -> TorchvisionNetwork:
    """Build a model with given weights.

    Args:
        model: name of the model.
        weights: name of the weights, for their preset; None for the first of the model.
        content: the weights, verified: bytes of a state dict as ``torch.save`` writes it.
        path: where they come from, for messages.

    Raises:
        UsageError: there is no such model, or no such weights for it.
        DataError: the bytes are no state dict, or that of another model.
    """
    transforms = _entry(model, weights).transforms()
    state = load_tensors(content, path)
    for name in [name for name in state if _OLD_DENSENET.search(name)]:
        state[_OLD_DENSENET.sub(r"\1\2.", name)] = state.pop(name)
    with torch.random.fork_rng(devices=[]):  # constructors draw weights
        network = _construct(model, transforms)
        last = state.get(f"{last_layer(network)}.weight")
        if last is not None and len(last) != IMAGENET:
            network = _construct(model, transforms, num_classes=len(last))
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise mismatch(path, f"torchvision's {model}", error) from None
    return TorchvisionNetwork(network, transforms)


def random_classifier(model: str, seed: int) -> TorchvisionNetwork:
    """Build a model with the random weights torchvision gives it.

    Raises:
        UsageError: there is no such model.
    """
    transforms = _entry(model, None).transforms()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return TorchvisionNetwork(_construct(model, transforms, init=True), transforms)


def _construct(
    model: str, transforms: Any, *, num_classes: int = IMAGENET, init: bool = False
) -> nn.Module:
    """Build a model for what its preset gives, as torchvision does for its own weights."""
    arguments: dict[str, Any] = {"num_classes": num_classes}
    if model in {"googlenet", "inception_v3"}:
        # Their weights include those of auxiliary classifiers, which only training uses.
        arguments |= {"transform_input": True, "aux_logits": True, "init_weights": init}
    elif model.startswith("vit_"):
        arguments["image_size"] = transforms.crop_size[0]
    network: nn.Module = models.get_model(model, **arguments)
    return network


def _entry(model: str, weights: str | None) -> Any:
    """Return torchvision's entry of weights, or the first of a model."""
    names = models.list_models(module=models)
    if model not in names:
        raise UsageError(
            f"torchvision has no classifier called {model!r}{did_you_mean(model, names)}"
        )
    entries = {entry.name: entry for entry in models.get_model_weights(model)}
    if weights is None:
        return next(iter(entries.values()))
    if weights not in entries:
        raise UsageError(
            f"torchvision's {model} has no weights {weights!r} (there is: {', '.join(entries)})"
        )
    return entries[weights]
