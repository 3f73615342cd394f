"""The classifiers of torchvision."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ganzoo.builtin.extractors.common import check_images, load_tensors, mismatch
from ganzoo.components import FeatureExtractor
from ganzoo.errors import UsageError, did_you_mean
from ganzoo.utils.files import expanded

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ganzoo.data.weights import PublishedWeights

USUAL = "IMAGENET1K_V1"
"""The first weights torchvision published for a model; labels name any others."""

IMAGENET = 1000
"""Number of classes of torchvision's models by default."""

_NAME = re.compile("[A-Z][A-Z0-9_]*")

_OLD_DENSENET = re.compile(r"(\.denselayer\d+\.(?:norm|conv))\.([12])\.")
"""Names in the files of DenseNet, from the time when names of layers could have dots in them."""


class TorchvisionClassifier(FeatureExtractor):
    """A classifier of torchvision: the input of its last layer is the features, the output the logits.

    Images are resized, cropped and standardised as torchvision does it for these weights; most of its
    presets cut off the border of an image. Grey images become RGB by repeating the channel. Weights
    from elsewhere, and random ones, are used with the preset of the first weights that torchvision
    published for the model.
    """

    type: Literal["torchvision"] = "torchvision"
    reads = frozenset({"images"})
    classifies = True
    chunk = 32

    model: str = Field(
        pattern="^[a-z][a-z0-9_]*$", description="Name of the model, such as resnet50 or vit_b_16."
    )
    weights: str | None = Field(
        default=USUAL,
        min_length=1,
        description="Name of torchvision's weights for the model, downloaded once, or a file of a"
        " state dict (then give its 'sha256'). Null: random weights, from 'seed'.",
    )
    sha256: str | None = Field(
        default=None,
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 of the file of the weights. Null: for torchvision's, its first digits,"
        " which are part of the file's name.",
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
        elif self.sha256 is None and self._named is None:
            problem = f"give the 'sha256' of {self.weights}"
        if problem is not None:
            raise PydanticCustomError("weights", "{problem}", {"problem": problem})
        return self

    @property
    def label(self) -> str:
        """Its name in reports: the model, and the weights unless they are the usual ones."""
        name = f"{self.type}-{self.model}"
        if self.weights is None:
            return f"{name}-random-{self.seed}"
        if self.sha256 is not None and self._named is None:
            return f"{name}-{self.sha256[:8]}"
        return name if self.weights == USUAL else f"{name}-{self.weights.lower().replace('_', '-')}"

    def check(self, sample_shape: tuple[int, ...]) -> None:
        """Refuse all but images of 1 or 3 channels."""
        check_images(self.type, sample_shape)

    def with_absolute_paths(self) -> Self:
        """Return the same extractor with the absolute path of its weights, if they are a file."""
        if self.weights is None or self._named:
            return self
        return self.model_copy(update={"weights": str(expanded(self.weights).absolute())})

    def fingerprint(self) -> dict[str, Any]:
        """Return what the features depend on, of which the path of the file is not part.

        torchvision is imported for the preset and the SHA-256 of the weights, and its weights are
        downloaded if they are missing.
        """
        sha256 = self.sha256
        if sha256 is None and self.weights is not None:
            sha256 = hashlib.sha256(self._read()[1]).hexdigest()
        return {
            "type": self.type,
            "version": self.version,
            "model": self.model,
            "weights": self._named,
            "seed": self.seed,
            "weights_sha256": sha256,
            **describe(self.model, self._named),
        }

    def build(self, sample_shape: tuple[int, ...]) -> nn.Module:
        """Build the model with its weights, downloading torchvision's if they are missing."""
        import torch

        self.check(sample_shape)
        transforms = _entry(self.model, self._named).transforms()
        with torch.random.fork_rng(devices=[]):  # constructors draw weights
            if self.weights is None:
                torch.default_generator.manual_seed(self.seed or 0)
                network = _construct(self.model, transforms, init=True)
            else:
                path, content = self._read()
                network = _load(self.model, transforms, content, path)
        return _with_features(network, transforms)

    @property
    def _named(self) -> str | None:
        """The weights if they are a name of torchvision's, else None."""
        return self.weights if self.weights and _NAME.fullmatch(self.weights) else None

    def _read(self) -> tuple[Path, bytes]:
        """Return the file of the weights, and its verified content."""
        from ganzoo.data.weights import obtain, read_verified

        if self._named is None:
            path = expanded(self.weights or "")
            return path, read_verified(path, self.sha256 or "")
        weights = published(self.model, self._named)
        path = obtain(weights)
        return path, read_verified(path, self.sha256 or weights.sha256)


def published(model: str, weights: str) -> PublishedWeights:
    """Return the file of weights that torchvision names; ``UsageError`` if it has none."""
    from ganzoo.data.weights import PublishedWeights

    url = _entry(model, weights).url
    name = PurePosixPath(url).name
    # The name of a file ends in the first digits of its hash: torch's convention.
    digits = re.search(r"-([0-9a-f]{8,64})\.[^.]+$", name)
    if digits is None:
        raise UsageError(f"{model}: {weights} ({url}) has no hash in its name; give its 'sha256'")
    return PublishedWeights(name, digits[1], url)


def describe(model: str, weights: str | None) -> dict[str, Any]:
    """Return what is done to images before the network, by the preset of its (or its first) weights."""
    preset = _entry(model, weights).transforms()
    return {
        "resize": f"shorter side to {preset.resize_size[0]}, {preset.interpolation.value},"
        f" {'antialiased' if preset.antialias else 'not antialiased'}, in 8 bits",
        "crop": f"middle {preset.crop_size[0]} x {preset.crop_size[0]}",
        "scale": f"(x / 255 - {list(preset.mean)}) / {list(preset.std)}",
        "grey": "repeated to three channels",
        "features": "input of the last layer",
    }


def _with_features(network: nn.Module, transforms: nn.Module) -> nn.Module:
    """Return a module that gives both the input of a classifier's last layer and its logits."""
    from torch import nn

    last = _last_layer(network)

    class TorchvisionNetwork(nn.Module):
        """Maps images (N, 1 or 3, H, W) uint8 to features (N, d) and logits (N, K)."""

        def __init__(self) -> None:
            super().__init__()
            self.network, self.transforms = network, transforms

        def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
            read: list[Tensor] = []
            layer = self.network.get_submodule(last)
            hook = layer.register_forward_pre_hook(lambda _, inputs: read.append(inputs[0]))
            try:
                logits = self.network(self.transforms(samples.expand(-1, 3, -1, -1)))
            finally:
                hook.remove()
            # SqueezeNet classifies at each place and takes the mean after that.
            features = read[0] if read[0].dim() == 2 else read[0].mean((2, 3))
            return features, logits

    return TorchvisionNetwork().eval().requires_grad_(False)


def _load(model: str, transforms: Any, content: bytes, path: Path) -> nn.Module:
    """Build a model with the weights in a file, whatever its number of classes."""
    state = load_tensors(content, path)
    for name in [name for name in state if _OLD_DENSENET.search(name)]:
        state[_OLD_DENSENET.sub(r"\1\2.", name)] = state.pop(name)
    network = _construct(model, transforms)
    last = state.get(f"{_last_layer(network)}.weight")
    if last is not None and len(last) != IMAGENET:
        network = _construct(model, transforms, num_classes=len(last))
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise mismatch(path, f"torchvision's {model}", error) from None
    return network


def _last_layer(network: nn.Module) -> str:
    """Return the name of the last layer that has weights, which classifies."""
    from torch import nn

    kinds = (nn.Linear, nn.Conv2d)
    names: list[str] = [name for name, layer in network.named_modules() if isinstance(layer, kinds)]
    return names[-1]


def _construct(
    model: str, transforms: Any, *, num_classes: int = IMAGENET, init: bool = False
) -> nn.Module:
    """Build a model for the output of its preset, as torchvision does for its own weights."""
    from torchvision import models  # type: ignore[import-untyped] # has none

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
    from torchvision import models

    names = models.list_models(module=models)
    if model not in names:
        nearest = did_you_mean(model, names)
        raise UsageError(f"torchvision has no classifier called {model!r}{nearest}")
    entries = {entry.name: entry for entry in models.get_model_weights(model)}
    if weights is None:
        return next(iter(entries.values()))
    if weights not in entries:
        known = ", ".join(entries)
        raise UsageError(f"torchvision's {model} has no weights {weights!r} (available: {known})")
    return entries[weights]
