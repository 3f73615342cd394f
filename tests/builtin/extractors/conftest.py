"""Weights of random numbers in the true format, and images to look at."""

from __future__ import annotations

import hashlib
import math
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest
import torch


@dataclass(frozen=True)
class WeightsFile:
    path: Path
    sha256: str


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Folders where weights are looked for, none of which exists; and no way out to the net."""
    folders = {name: tmp_path / name for name in ("weights", "cache", "torch")}
    monkeypatch.setenv("GANZOO_WEIGHTS", str(folders["weights"]))
    monkeypatch.setenv("GANZOO_CACHE", str(folders["cache"]))
    monkeypatch.setenv("TORCH_HOME", str(folders["torch"]))
    monkeypatch.delenv("GANZOO_OFFLINE", raising=False)
    monkeypatch.setenv("no_proxy", "*")
    connect = socket.create_connection

    def local_only(address: tuple[str, int], *rest: object, **more: object) -> socket.socket:
        assert address[0] in {"127.0.0.1", "localhost"}, "tests must not reach for the net"
        return connect(address, *rest, **more)  # type: ignore[arg-type] # as they came

    monkeypatch.setattr(socket, "create_connection", local_only)
    return folders


@pytest.fixture(scope="session")
def inception_weights(tmp_path_factory: pytest.TempPathFactory) -> WeightsFile:
    """A file as the published one is, of random weights that keep the variance through the layers."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    with (
        mock.patch("torch.load"),
        mock.patch.object(FeatureExtractorInceptionV3, "load_state_dict"),
    ):
        state = FeatureExtractorInceptionV3("x", ["2048"], "x").state_dict()
    rng = torch.Generator().manual_seed(0)
    for name, tensor in state.items():
        if tensor.dim() == 4 or name == "fc.weight":
            fan_in = tensor[0].numel()
            state[name] = torch.randn(tensor.shape, generator=rng) * math.sqrt(2 / fan_in)
        elif name.endswith(("bn.weight", "running_var")):
            state[name] = 0.8 + 0.4 * torch.rand(tensor.shape, generator=rng)
        elif tensor.dim() == 1:
            state[name] = 0.1 * torch.randn(tensor.shape, generator=rng)
    path = tmp_path_factory.mktemp("inception") / "random.pth"
    torch.save(state, path)
    return WeightsFile(path, hashlib.sha256(path.read_bytes()).hexdigest())


Images = Callable[..., torch.Tensor]
"""``(count, channels=3, size=32, seed=0) -> (count, channels, size, size) uint8``."""


@pytest.fixture(scope="session")
def images() -> Images:
    """Random images that are smooth in places, so that different resizes of them differ."""

    def images(count: int, channels: int = 3, size: int = 32, seed: int = 0) -> torch.Tensor:
        rng = torch.Generator().manual_seed(seed)
        coarse = torch.rand(count, channels, 4, 4, generator=rng)
        smooth = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")
        noise = torch.rand(smooth.shape, generator=rng)
        return ((0.8 * smooth + 0.2 * noise) * 255).to(torch.uint8)

    return images
