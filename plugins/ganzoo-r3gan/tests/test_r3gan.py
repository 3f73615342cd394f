"""The networks of R3GAN: their formula, sizes and first weights, and what they refuse."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from ganzoo_r3gan.components import R3GANDiscriminator, R3GANGenerator
from torch import nn
from torch.nn import functional as F

from ganzoo.components import Condition

CLASSES = Condition("classes", 3)


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def generator(**fields: Any) -> R3GANGenerator:
    return R3GANGenerator(**{"channels": 8, "group_width": 4, **fields})


def discriminator(**fields: Any) -> R3GANDiscriminator:
    return R3GANDiscriminator(**{"channels": 8, "group_width": 4, **fields})


class Plain:
    """The paper's formulas on the parameters of a network, in the order in which it registers them."""

    def __init__(self, network: nn.Module) -> None:
        self.parameters = iter(network.parameters())

    def take(self) -> torch.Tensor:
        return next(self.parameters)

    def residual(self, x: torch.Tensor) -> torch.Tensor:
        w1, b1, w2, b2, w3 = (self.take() for _ in range(5))
        y = torch.einsum("oi,nihw->nohw", w1[:, :, 0, 0], x) + b1[:, None, None]
        y = torch.where(y > 0, y, 0.2 * y)
        parts = []
        for part, weight in zip(y.split(4, 1), w2.split(4, 0), strict=True):
            parts.append(F.conv2d(part, weight, padding=1))
        y = torch.cat(parts, 1) + b2[:, None, None]
        y = torch.where(y > 0, y, 0.2 * y)
        return x + torch.einsum("oi,nihw->nohw", w3[:, :, 0, 0], y)

    def pixelwise(self, x: torch.Tensor) -> torch.Tensor:
        return torch.einsum("oi,nihw->nohw", self.take()[:, :, 0, 0], x)


def doubled(x: torch.Tensor) -> torch.Tensor:
    """Insert zeros between pixels and blur with the outer product of [1, 3, 3, 1] / 4."""
    n, c, h, w = x.shape
    sparse = x.new_zeros(n, c, 2 * h, 2 * w)
    sparse[:, :, ::2, ::2] = x
    return blurred(F.pad(sparse, (2, 1, 2, 1)), 4)


def halved(x: torch.Tensor) -> torch.Tensor:
    return blurred(F.pad(x, (1, 2, 1, 2)), 8)[:, :, ::2, ::2]


def blurred(x: torch.Tensor, total: int) -> torch.Tensor:
    for axis in (2, 3):
        length = x.shape[axis] - 3
        taps = zip((1, 3, 3, 1), range(4), strict=True)
        x = sum(tap / total * x.narrow(axis, at, length) for tap, at in taps)
    return x


def plain_generator(network: nn.Module, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    plain = Plain(network)
    basis, table, mixing = (plain.take() for _ in range(3))
    x = basis * (torch.cat([z, table[labels]], 1) @ mixing.T)[:, :, None, None]
    for stage in range(3):
        if stage:
            x = doubled(plain.pixelwise(x) if stage == 2 else x)  # the last stage is narrower
        x = plain.residual(plain.residual(x))
    return plain.pixelwise(x)


def plain_discriminator(network: nn.Module, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    plain = Plain(network)
    x = plain.pixelwise(x)
    for stage in range(3):
        if stage:
            x = halved(x)
            x = plain.pixelwise(x) if stage == 1 else x
        x = plain.residual(plain.residual(x))
    features = (x * plain.take()[:, 0]).sum((2, 3)) @ plain.take().T
    return (features * plain.take()[labels]).sum(1)


def randomized(network: nn.Module) -> nn.Module:
    """Return the network in double precision with weights that are nowhere zero."""
    for parameter in network.double().parameters():
        nn.init.normal_(parameter, std=0.3)
    return network


@pytest.mark.parametrize("side", [16, 28])
def test_the_generator_is_the_paper_s(side: int) -> None:
    spec = generator(channels=[8, 8, 4], conditional=True)
    network = randomized(spec.build(5, (3, side, side), CLASSES))
    z, labels = torch.randn(4, 5, dtype=torch.float64), torch.tensor([0, 2, 1, 2])
    assert_same(network, network(z, labels), plain_generator(network, z, labels))


@pytest.mark.parametrize("side", [16, 28])
def test_the_discriminator_is_the_paper_s(side: int) -> None:
    spec = discriminator(channels=[8, 8, 4], conditional=True)
    network = randomized(spec.build((3, side, side), CLASSES))
    x, labels = torch.randn(4, 3, side, side, dtype=torch.float64), torch.tensor([0, 2, 1, 2])
    assert_same(network, network(x, labels), plain_discriminator(network, x, labels))


def assert_same(network: nn.Module, ours: torch.Tensor, plain: torch.Tensor) -> None:
    torch.testing.assert_close(ours, plain, rtol=1e-9, atol=1e-12)
    weights = torch.randn_like(ours)
    parameters = list(network.parameters())
    gradients = [
        torch.autograd.grad((output * weights).sum(), parameters) for output in (ours, plain)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-9)


def test_resampling_is_bilinear_interpolation_inside_the_border() -> None:
    from ganzoo_r3gan.networks import Resample

    x = torch.rand(2, 3, 6, 8)
    larger = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    inside = (..., slice(1, -1), slice(1, -1))
    torch.testing.assert_close(Resample(3, 3, double=True)(x)[inside], larger[inside])


def test_the_paper_s_networks_have_as_many_parameters_as_in_the_authors_program() -> None:
    shape = (3, 256, 256)
    with torch.device("meta"):
        networks = (
            R3GANGenerator(channels=768).build(64, shape, None),
            R3GANDiscriminator(channels=768).build(shape, None),
        )
    counts = [sum(each.numel() for each in network.parameters()) for network in networks]
    assert counts == [23_057_952, 23_009_568]  # FFHQ-256


@pytest.mark.parametrize(
    ("shape", "base"),
    [
        ((1, 28, 28), (7, 7)),
        ((3, 16, 16), (4, 4)),
        ((4, 20, 40), (5, 10)),
        ((3, 24, 32), (6, 8)),
        ((2, 64, 48), (8, 6)),
        ((1, 7, 4), (7, 4)),
    ],
)
def test_many_sizes_are_generated_and_read(shape: tuple[int, ...], base: tuple[int, int]) -> None:
    made, read = generator(blocks=1), discriminator(blocks=1)
    made.check(shape, None)
    read.check(shape, None)
    network = made.build(5, shape, None)
    assert network.basis.shape[1:] == base
    images = network(torch.randn(2, 5), None)
    assert images.shape == (2, *shape)
    assert read.build(shape, None)(images, None).shape == (2,)


@pytest.mark.parametrize(
    ("fields", "shape", "reason"),
    [
        ({}, (2,), "supports images only; choose 'mlp'"),
        ({}, (1, 3, 8), "at least 4x4, not 3x8"),
        ({}, (1, 30, 30), "30x30; the nearest sizes it can are 28x28 and 32x32"),
        ({}, (1, 32, 33), "32x33; the nearest sizes it can are 32x32 and 40x40"),
        ({"channels": [8, 8]}, (1, 28, 28), "lists 2 stages, but images of 28x28 have 3"),
        (
            {"channels": 3, "group_width": 1},
            (1, 256, 256),
            "'channels' of 3 leave none for the largest stage",
        ),
        ({"channels": 9, "expansion": 1}, (1, 8, 8), "9 times an 'expansion' of 1 cannot be"),
    ],
)
@pytest.mark.parametrize("family", [generator, discriminator])
def test_what_does_not_fit_is_refused(
    family: Any, fields: dict[str, Any], shape: tuple[int, ...], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        family(**fields).check(shape, None)


def test_widths_are_the_paper_s() -> None:
    widths = R3GANGenerator(channels=768)._widths((3, 256, 256))
    assert widths == (768, 768, 768, 768, 384, 192, 96)


def test_blocks_start_as_the_identity_with_the_scale_of_fix_up_initialization() -> None:
    network = R3GANGenerator(channels=32).build(64, (3, 32, 32), None)
    x = torch.randn(2, 32, 8, 8)
    block = network.layers[0]
    assert torch.equal(block(x), x)
    expected = math.sqrt(2 / 1.04) * 8 ** (-1 / 4) / math.sqrt(32)
    assert block.expand.weight.std().item() == pytest.approx(expected, rel=0.05)
