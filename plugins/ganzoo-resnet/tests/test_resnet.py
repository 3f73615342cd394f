"""The residual networks: their formulas, sizes and counts, and what they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from ganzoo_resnet.components import ResNetDiscriminator, ResNetGenerator
from torch import nn
from torch.nn import functional as F

from ganzoo.components import Condition

CLASSES = Condition("classes", 3)
SHAPE = (3, 16, 16)


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


class Plain:
    """The papers' formulas on the weights of a network by their names."""

    def __init__(self, network: nn.Module) -> None:
        self.weights = dict(network.named_parameters())

    def convolution(self, x: torch.Tensor, name: str, padding: int = 0) -> torch.Tensor:
        bias = self.weights.get(f"{name}.bias")
        return F.conv2d(x, self.weights[f"{name}.weight"], bias, padding=padding)

    def normalized(self, x: torch.Tensor, name: str, told: torch.Tensor | None) -> torch.Tensor:
        mean = x.mean((0, 2, 3), keepdim=True)
        x = (x - mean) / ((x - mean).square().mean((0, 2, 3), keepdim=True) + 1e-5).sqrt()
        if told is None:
            scale, shift = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
            return x * scale[:, None, None] + shift[:, None, None]
        scale = told @ self.weights[f"{name}.scale.weight"].T
        shift = told @ self.weights[f"{name}.shift.weight"].T
        return x + x * scale[:, :, None, None] + shift[:, :, None, None]

    def up(self, x: torch.Tensor, name: str, told: torch.Tensor | None) -> torch.Tensor:
        y = repeated(self.normalized(x, f"{name}.norm1", told).clamp(min=0))
        y = self.convolution(y, f"{name}.conv1", 1)
        y = self.normalized(y, f"{name}.norm2", told).clamp(min=0)
        return self.convolution(y, f"{name}.conv2", 1) + self.convolution(
            repeated(x), f"{name}.shortcut"
        )

    def down(self, x: torch.Tensor, name: str, *, first: bool, halve: bool) -> torch.Tensor:
        y = self.convolution(x if first else x.clamp(min=0), f"{name}.conv1", 1)
        y = self.convolution(y.clamp(min=0), f"{name}.conv2", 1)
        if f"{name}.shortcut.weight" in self.weights:
            x = self.convolution(x, f"{name}.shortcut")
        return pooled(x + y) if halve else x + y

    def attention(self, x: torch.Tensor, name: str) -> torch.Tensor:
        query, key, value = (
            self.convolution(x, f"{name}.{part}") for part in ("query", "key", "value")
        )
        key, value = F.max_pool2d(key, 2).flatten(2), F.max_pool2d(value, 2).flatten(2)
        similar = torch.einsum("nci,ncj->nij", query.flatten(2), key).exp()
        weights = similar / similar.sum(2, keepdim=True)
        mixed = torch.einsum("nij,ncj->nci", weights, value).view(len(x), -1, *x.shape[2:])
        return x + self.weights[f"{name}.gain"] * self.convolution(mixed, f"{name}.output")


def repeated(x: torch.Tensor) -> torch.Tensor:
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def pooled(x: torch.Tensor) -> torch.Tensor:
    return (x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]) / 4


def randomized(network: nn.Module) -> nn.Module:
    """Return the network in double precision with weights that are nowhere zero."""
    for parameter in network.double().parameters():
        nn.init.normal_(parameter, std=0.3)
    return network


@pytest.mark.parametrize("split", [False, True])
def test_the_generator_is_the_papers(split: bool) -> None:
    spec = ResNetGenerator(
        channels=2, embedding=4, split_latent=split, attention=(8,), conditional=True
    )
    network = randomized(spec.build(7, SHAPE, CLASSES))
    z, labels = torch.randn(5, 7, dtype=torch.float64), torch.tensor([0, 2, 1, 2, 0])
    plain = Plain(network)
    weights = plain.weights
    told = weights["embedding.weight"][labels]
    first, second = (torch.cat([told, z[:, at : at + 2]], 1) for at in (3, 5))
    stem = z[:, :3] if split else z
    x = (stem @ weights["stem.weight"].T + weights["stem.bias"]).view(5, 8, 4, 4)
    x = plain.attention(plain.up(x, "blocks.0", first if split else told), "attention.0")
    x = plain.up(x, "blocks.1", second if split else told)
    x = plain.normalized(x, "norm", None).clamp(min=0)
    assert_same(network, network(z, labels), plain.convolution(x, "to_image", 1).tanh())


def test_the_discriminator_is_the_papers() -> None:
    spec = ResNetDiscriminator(channels=2, attention=(8,), conditional=True)
    network = randomized(spec.build(SHAPE, CLASSES))
    x, labels = torch.randn(5, *SHAPE, dtype=torch.float64), torch.tensor([0, 2, 1, 2, 0])
    plain = Plain(network)
    y = plain.down(x, "layers.0", first=True, halve=True)
    y = plain.attention(y, "layers.1")
    y = plain.down(y, "layers.2", first=False, halve=True)
    y = plain.down(y, "layers.3", first=False, halve=False)
    features = y.clamp(min=0).sum((2, 3))
    head, table = plain.weights["head.weight"][0], plain.weights["embedding.weight"]
    expected = features @ head + plain.weights["head.bias"] + (features * table[labels]).sum(1)
    assert_same(network, network(x, labels), expected)


def assert_same(network: nn.Module, ours: torch.Tensor, plain: torch.Tensor) -> None:
    torch.testing.assert_close(ours, plain, rtol=1e-9, atol=1e-12)
    weights = torch.randn_like(ours)
    parameters = list(network.parameters())
    gradients = [
        torch.autograd.grad((output * weights).sum(), parameters) for output in (ours, plain)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("side", "fields", "opponent", "counts"),
    [
        (
            32,
            {"channels": [256] * 4},
            {"channels": [128] * 4, "halvings": 2},
            (4_276_739, 1_053_825),
        ),
        (
            48,
            {},
            {"channels": [64, 128, 256, 512, 1024], "halvings": 4},
            (4_878_083, 10_141_441),
        ),
        (
            64,
            {},
            {"channels": [64, 128, 256, 512, 1024], "halvings": 5},
            (12_220_675, 10_141_441),
        ),
        (128, {}, {}, (32_150_787, 29_017_857)),
    ],
)
def test_sngan_s_networks_have_as_many_parameters_as_mimicry_s(
    side: int, fields: dict[str, Any], opponent: dict[str, Any], counts: tuple[int, int]
) -> None:
    shape = (3, side, side)
    with torch.device("meta"):
        networks = (
            ResNetGenerator(**fields).build(128, shape, None),
            ResNetDiscriminator(**opponent).build(shape, None),
        )
    for network, count in zip(networks, counts, strict=True):
        assert sum(each.numel() for each in network.parameters()) == count


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 24, 32), (4, 64, 48), (2, 8, 8)])
def test_many_sizes_are_generated_and_read(shape: tuple[int, ...]) -> None:
    made, read = ResNetGenerator(channels=1, upsampling="bilinear"), ResNetDiscriminator(channels=1)
    made.check(shape, None)
    read.check(shape, None)
    images = made.build(5, shape, None)(torch.randn(2, 5), None)
    assert images.shape == (2, *shape)
    assert read.build(shape, None)(images, None).shape == (2,)


@pytest.mark.parametrize(
    ("component", "fields", "shape", "reason"),
    [
        (ResNetGenerator, {}, (2,), "supports images only; choose 'mlp'"),
        (ResNetDiscriminator, {}, (1, 7, 9), "at least 8x8, not 7x9"),
        (ResNetGenerator, {}, (1, 30, 30), "30x30; the nearest sizes it can are 28x28 and 32x32"),
        (ResNetGenerator, {"channels": [4, 4]}, SHAPE, "lists 2 widths, but images of 16x16 have"),
        (ResNetGenerator, {"attention": [4]}, SHAPE, "at 4 pixels, but blocks end at 8, 16"),
        (ResNetDiscriminator, {"attention": [16]}, SHAPE, "at 16 pixels, but blocks end at 8, 4"),
        (ResNetDiscriminator, {"halvings": 5}, SHAPE, "16x16 cannot be halved 5 times"),
        (
            ResNetDiscriminator,
            {"channels": [4, 4], "halvings": 3},
            SHAPE,
            "lists 2 blocks, but 3 halve the image",
        ),
    ],
)
def test_what_does_not_fit_is_refused(
    component: Any, fields: dict[str, Any], shape: tuple[int, ...], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        component(**fields).check(shape, None)


@pytest.mark.parametrize("init", ["xavier", "orthogonal"])
def test_attention_starts_as_nothing_and_normalizations_start_nearly_unconditional(
    init: str,
) -> None:
    fields: dict[str, Any] = {"channels": 4, "init": init, "conditional": True}
    network = ResNetGenerator(attention=(8,), **fields).build(7, SHAPE, CLASSES)
    x = torch.randn(2, 8, 8, 8)
    assert torch.equal(network.attention[0](x), x)
    told = torch.randn(2, 128)
    norm = network.blocks[0].norm1
    images = torch.randn(2, 16, 4, 4)
    torch.testing.assert_close(norm(images, 0 * told), nn.BatchNorm2d(16)(images))


def test_spectral_norm_bounds_every_layer_of_the_discriminator() -> None:
    from ganzoo.nn import parametrized

    spec = ResNetDiscriminator(channels=4, attention=(8,), parametrizations=("spectral_norm",))
    network = parametrized(spec.build(SHAPE, None), spec)
    for _ in range(200):  # power iterations go on while training
        network(torch.randn(1, *SHAPE), None)
    network.eval()
    layers = [each for each in network.modules() if isinstance(each, nn.Conv2d | nn.Linear)]
    assert len(layers) > 10
    for layer in layers:
        largest = torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2)
        assert largest.item() == pytest.approx(1, abs=1e-3)
