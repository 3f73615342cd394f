"""StyleGAN2: its formulas, sizes and counts, styles in training and in sampling, what is refused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ganzoo_stylegan.components import PathLength, StyleGAN2Discriminator, StyleGAN2Generator
from ganzoo_stylegan.layers import StandardDeviation
from ganzoo_stylegan.penalty import PathLengthPenalty
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

import ganzoo
from ganzoo import hookimpl
from ganzoo.cli import main
from ganzoo.components import Condition, DiscriminatorOutput, LossInputs
from ganzoo.errors import RunError, SpecError

CLASSES = Condition("classes", 3)
SHAPE = (3, 16, 16)


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def generator(**fields: Any) -> StyleGAN2Generator:
    return StyleGAN2Generator(**{"channels": 6, "style_dim": 5, "mapping_layers": 2, **fields})


def discriminator(**fields: Any) -> StyleGAN2Discriminator:
    return StyleGAN2Discriminator(**{"channels": 6, **fields})


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(7)


# ---------------------------------------------------------------- the paper's formulas, written plainly


def relu(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x > 0, x, 0.2 * x) * 2**0.5


def unit(x: torch.Tensor) -> torch.Tensor:
    return x / (x.square().mean(1, keepdim=True) + 1e-8).sqrt()


def filtered(x: torch.Tensor, before: int, after: int) -> torch.Tensor:
    """Convolve with [1, 3, 3, 1] / 8 along both axes, tap by tap."""
    x = F.pad(x, (before, after, before, after))
    for axis in (2, 3):
        length = x.shape[axis] - 3
        taps = zip((1, 3, 3, 1), range(4), strict=True)
        x = sum(tap / 8 * x.narrow(axis, at, length) for tap, at in taps)
    return x


def spread(x: torch.Tensor) -> torch.Tensor:
    """Insert a zero after each pixel."""
    n, c, h, w = x.shape
    sparse = x.new_zeros(n, c, 2 * h, 2 * w)
    sparse[:, :, ::2, ::2] = x
    return sparse


def doubled(x: torch.Tensor) -> torch.Tensor:
    return 4 * filtered(spread(x), 2, 1)


def halved(x: torch.Tensor) -> torch.Tensor:
    return filtered(x, 1, 1)[:, :, ::2, ::2]


class Plain:
    """The paper's formulas on the weights of a network by their names."""

    def __init__(self, network: nn.Module) -> None:
        self.weights = dict(network.named_parameters())

    def linear(self, x: torch.Tensor, name: str, factor: float = 1.0) -> torch.Tensor:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        return (x @ weight.T / weight.shape[1] ** 0.5 + bias) * factor

    def convolution(self, x: torch.Tensor, name: str, **options: Any) -> torch.Tensor:
        weight = self.weights[f"{name}.weight"]
        bias = self.weights.get(f"{name}.bias")
        return F.conv2d(x, weight / weight[0].numel() ** 0.5, bias, **options)

    def modulated(
        self, x: torch.Tensor, style: torch.Tensor, name: str, *, up: bool, demodulate: bool
    ) -> torch.Tensor:
        """Convolve each sample with weights of its own (equations 1 and 3 of the paper)."""
        weight = self.weights[f"{name}.weight"]
        weight = weight / weight[0].numel() ** 0.5
        outputs = []
        for image, scale in zip(x, self.linear(style, f"{name}.style"), strict=True):
            own = weight * scale[None, :, None, None]
            if demodulate:
                own = own / (own.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
            if up:  # the transposed convolution: zeros between pixels, and the kernel reversed
                sparse = F.pad(spread(image[None])[:, :, :-1, :-1], (2, 2, 2, 2))
                wide = F.conv2d(sparse, own.flip(2, 3))
                outputs.append(4 * filtered(wide, 1, 1))
            else:
                outputs.append(F.conv2d(image[None], own, padding=weight.shape[2] // 2))
        return torch.cat(outputs)

    def styled(
        self, x: torch.Tensor, style: torch.Tensor, name: str, source: torch.Generator, *, up: bool
    ) -> torch.Tensor:
        x = self.modulated(x, style, f"{name}.convolution", up=up, demodulate=True)
        noise = torch.randn(len(x), 1, *x.shape[2:], generator=source).double()
        bias = self.weights[f"{name}.bias"][:, None, None]
        return relu(x + noise * self.weights[f"{name}.noise_strength"] + bias)

    def style(self, z: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        x = torch.cat([unit(z), unit(self.weights["mapping.embedding.weight"][labels])], 1)
        for layer in range(2):
            weight = self.weights[f"mapping.connected.{layer}.weight"]
            bias = self.weights[f"mapping.connected.{layer}.bias"]
            x = relu(0.01 * (x @ weight.T) / weight.shape[1] ** 0.5 + 0.01 * bias)
        return x


def plain_generator(
    network: nn.Module, z: torch.Tensor, labels: torch.Tensor, *, residual: bool
) -> torch.Tensor:
    plain, source = Plain(network), rng()
    style = plain.style(z, labels)
    x = plain.weights["constant"].expand(len(z), -1, -1, -1)
    image: Any = 0
    for stage in range(3):
        name = f"stages.{stage}"
        y = x
        if stage:
            y = plain.styled(y, style, f"{name}.convolutions.0", source, up=True)
        y = plain.styled(y, style, f"{name}.convolutions.{min(stage, 1)}", source, up=False)
        if stage and residual:
            y = (y + plain.convolution(doubled(x), f"{name}.shortcut.0")) / 2**0.5
        if stage == 2 or not residual:
            change = plain.modulated(y, style, f"{name}.to_image", up=False, demodulate=False)
            change = change + plain.weights[f"{name}.image_bias"]
            image = change + (doubled(image) if stage and not residual else 0)
        x = y
    return image


def plain_discriminator(network: nn.Module, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    plain = Plain(network)
    x = relu(plain.convolution(x, "from_image"))
    for block in range(2):
        name = f"blocks.{block}"
        y = relu(plain.convolution(x, f"{name}.first", padding=1))
        y = relu(plain.convolution(filtered(y, 2, 2), f"{name}.second", stride=2))
        x = (y + plain.convolution(halved(x), f"{name}.shortcut")) / 2**0.5
    deviations = []
    for sample in range(len(x)):  # groups of four of eight samples: each second one
        group = x[sample % 2 :: 2]
        deviations.append(((group - group.mean(0)).square().mean(0) + 1e-8).sqrt().mean())
    extra = torch.stack(deviations)[:, None, None, None].expand(-1, 1, *x.shape[2:])
    x = relu(plain.convolution(torch.cat([x, extra], 1), "convolution", padding=1))
    x = plain.linear(relu(plain.linear(x.flatten(1), "connected")), "head")
    return (x * plain.weights["embedding.weight"][labels]).sum(1) / x.shape[1] ** 0.5


def randomized(network: nn.Module) -> nn.Module:
    """Return the network in double precision with weights that are nowhere zero."""
    for name, parameter in network.double().named_parameters():
        nn.init.normal_(parameter, std=100.0 if "connected" in name else 0.7)
    return network


def assert_same(network: nn.Module, ours: torch.Tensor, plain: torch.Tensor) -> None:
    torch.testing.assert_close(ours, plain, rtol=1e-9, atol=1e-12)
    weights = torch.randn_like(ours)
    parameters = list(network.parameters())
    gradients = [
        torch.autograd.grad((output * weights).sum(), parameters) for output in (ours, plain)
    ]
    torch.testing.assert_close(*gradients, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("side", [16, 28])
@pytest.mark.parametrize("architecture", ["skip", "residual"])
def test_the_generator_is_the_paper_s(side: int, architecture: str) -> None:
    spec = generator(channels=[6, 5, 4], architecture=architecture, conditional=True)
    network = randomized(spec.build(7, (3, side, side), CLASSES)).eval()
    z, labels = torch.randn(4, 7, dtype=torch.float64), torch.tensor([0, 2, 1, 2])
    expected = plain_generator(network, z, labels, residual=architecture == "residual")
    assert_same(network, network(z, labels, rng()), expected)


@pytest.mark.parametrize("side", [16, 28])
def test_the_discriminator_is_the_paper_s(side: int) -> None:
    spec = discriminator(channels=[6, 5, 4], conditional=True)
    network = randomized(spec.build((3, side, side), CLASSES))
    x, labels = torch.randn(8, 3, side, side).double(), torch.arange(8) % 3
    assert_same(network, network(x, labels), plain_discriminator(network, x, labels))


@pytest.mark.parametrize(
    ("side", "channels", "counts"),
    [
        (1024, 512, [30_370_060, 29_012_513]),
        (256, [512, 512, 512, 512, 256, 128, 64], [24_767_458, 24_001_089]),
    ],
)
def test_the_paper_s_networks_have_as_many_parameters_as_in_the_authors_program(
    side: int, channels: Any, counts: list[int]
) -> None:
    shape = (3, side, side)
    with torch.device("meta"):
        networks = (
            StyleGAN2Generator(channels=channels).build(512, shape, None),
            StyleGAN2Discriminator(channels=channels).build(shape, None),
        )
    assert [sum(each.numel() for each in network.parameters()) for network in networks] == counts


# ------------------------------------------------------------------------- styles, and path lengths


def test_styles_are_mixed_in_training_from_some_layer_on() -> None:
    mapping = generator(style_mixing=0.75).build(7, SHAPE, None).mapping
    z = torch.randn(4000, 7)
    styles = mapping(z, None, rng())
    assert styles.shape == (4000, 6, 5)
    mixed = (styles != styles[:, :1]).any(2)
    assert mixed.any(1).float().mean().item() == pytest.approx(0.75, abs=0.03)
    starts = (~mixed).sum(1)[mixed.any(1)]
    portions = torch.bincount(starts, minlength=6)[1:] / len(starts)
    torch.testing.assert_close(portions, torch.full((5,), 0.2), atol=0.03, rtol=0)
    assert (mixed[:, 1:] >= mixed[:, :-1]).all()  # once mixed, all later layers are
    mapping.eval()
    assert torch.equal(mapping(z, None, rng()), styles[:, :1].expand(-1, 6, -1))


def test_truncation_moves_styles_towards_their_mean_outside_of_training() -> None:
    whole = generator().build(7, SHAPE, None).mapping
    z = torch.randn(64, 7)
    for _ in range(3000):
        whole(z, None, rng())
    mean = whole.eval()(z, None, rng())[:, 0].mean(0)
    torch.testing.assert_close(whole.mean, mean, rtol=0.01, atol=0.01)
    part = generator().truncated(0.25).build(7, SHAPE, None).mapping
    part.load_state_dict(whole.state_dict())
    styles = whole.mean + 0.25 * (whole(z, None, rng()) - whole.mean)
    torch.testing.assert_close(part.eval()(z, None, rng()), styles)


def test_truncations_multiply_and_those_that_are_none_are_refused() -> None:
    assert generator(truncation=0.8).truncated(0.5).truncation == 0.4
    for wrong in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match=r"by a factor in \[0, 1\], not"):
            generator().truncated(wrong)


def test_the_path_length_penalty_is_the_paper_s() -> None:
    network = randomized(generator(style_mixing=0).build(7, (1, 8, 8), CLASSES))
    z, labels = torch.randn(6, 7).double(), torch.tensor([0, 2, 1, 2, 1, 0])
    source, noise = rng(), rng()
    penalty = PathLengthPenalty(decay=0.9, shrink=2).double()
    penalty.mean.fill_(0.3)
    fixed = {"generator": lambda z, condition: network(z, condition, rng())}
    images = network(z, labels, rng())
    ours = penalty(
        LossInputs(
            side="generator",
            real=images,
            fake=images,
            real_output=None,
            fake_output=DiscriminatorOutput(images),
            condition=labels,
            latents=z,
            differentiate=lambda output, samples: samples,
            discriminator=DiscriminatorOutput,
            rng=source,
            **fixed,
        )
    )
    # The Jacobian itself, by the styles of each layer; half of the samples are generated.
    styles = network.mapping(z[:3], labels[:3], rng()).detach()
    y = torch.randn(3, 1, 8, 8, generator=noise).double() / 8

    def synthesis(styles: torch.Tensor) -> torch.Tensor:
        class Given(nn.Module):
            def forward(self, *_: Any) -> torch.Tensor:
                return styles

        mapping, network.mapping = network.mapping, Given()
        images = network(z[:3], labels[:3], rng())
        network.mapping = mapping
        return images

    jacobian = torch.autograd.functional.jacobian(synthesis, styles)
    lengths = [
        torch.einsum("chw,chwlk->lk", y[n], jacobian[n, :, :, :, n]).square().sum(1).mean().sqrt()
        for n in range(3)
    ]
    mean = 0.9 * 0.3 + 0.1 * sum(lengths) / 3
    expected = sum((length - mean) ** 2 for length in lengths) / 3
    torch.testing.assert_close(ours, expected, rtol=1e-9, atol=0)
    torch.testing.assert_close(penalty.mean, mean, rtol=1e-9, atol=0)
    trained = torch.autograd.grad(ours, list(network.parameters()), allow_unused=True)
    assert sum(gradient is not None for gradient in trained) > len(trained) / 2


@pytest.mark.parametrize(("count", "size"), [(8, 4), (6, 3), (7, 1), (3, 3), (2, 2)])
def test_groups_are_as_large_as_the_batch_lets_them(count: int, size: int) -> None:
    x = torch.randn(count, 3, 2, 2)
    out = StandardDeviation(4)(x)
    groups = x.reshape(size, count // size, 3, 2, 2)
    expected = (groups.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3)).repeat(size)
    torch.testing.assert_close(out[:, 3, 0, 0], expected)
    assert torch.equal(out[:, :3], x)


# ------------------------------------------------------------------------------------ as parts of a run


class Kill:
    """Ends training at a logged step without a word, as a kill does: nothing more is saved."""

    @hookimpl
    def ganzoo_step_finished(self, step: int) -> None:
        if step == 4:
            raise KeyboardInterrupt


@pytest.fixture
def tiny(tmp_path: Path) -> dict[str, Any]:
    images = np.random.default_rng(0).integers(0, 256, (48, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", images=images, labels=np.arange(48) % 3)
    small = {"type": "stylegan2", "channels": 4, "conditional": True}
    return {
        "name": "tiny",
        "dataset": {"type": "arrays", "path": str(tmp_path / "images.npz")},
        "latent": {"type": "normal", "dim": 4},
        "generator": {**small, "style_dim": 6, "mapping_layers": 2},
        "discriminator": small,
        "regularizers": [
            {"type": "r1", "weight": 0.1, "every": 2},
            {"type": "path_length", "every": 2},
        ],
        "training": {"duration": "6 steps", "batch_size": 8},
        "output": {
            "directory": str(tmp_path / "runs"),
            "log_every": "1 steps",
            "samples_every": "6 steps",
            "samples": 6,
            "checkpoint_every": "3 steps",
        },
    }


def test_noise_mixing_and_path_lengths_are_resumed_to_the_last_bit(tiny: dict[str, Any]) -> None:
    whole = ganzoo.run(tiny)
    with pytest.raises(KeyboardInterrupt):
        ganzoo.run(tiny, listeners=[Kill()])
    resumed = ganzoo.resume(whole.path.parent / "tiny-2")
    one, other = (load_file(run.directory.checkpoints()[0]) for run in (whole, resumed))
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []
    assert one["networks/discriminator-regularizer-path_length/mean"] > 0
    assert one["networks/generator/mapping.mean"].any()
    assert one["networks/generator/stages.0.convolutions.0.noise_strength"] != 0


def test_a_run_is_sampled_with_the_truncation_of_its_generator(
    tiny: dict[str, Any], tmp_path: Path
) -> None:
    run = ganzoo.run(tiny)
    z = torch.randn(5, 4)
    assert torch.equal(run.latents(5, truncation=0.5), run.latents(5))
    least = run.sample(latents=z, labels=1, truncation=0)
    assert torch.equal(least, run.sample(latents=-z, labels=2, truncation=0))
    distances = [
        (run.sample(latents=z, labels=1, truncation=psi) - least).abs().mean().item()
        for psi in (0.3, 1)
    ]
    assert 0 < distances[0] < 0.5 * distances[1]
    assert torch.equal(run.sample(5), run.sample(5, truncation=1))
    with pytest.raises(RunError, match=r"truncation: styles are truncated by a factor in \[0, 1\]"):
        run.sample(5, truncation=2)
    varied = []
    for psi in ("0", "1"):
        picture = tmp_path / f"{psi}.png"
        with pytest.raises(SystemExit, match="0"):
            main(["traverse", str(run.path), "--truncation", psi, "-o", str(picture)])
        varied.append(picture.stat().st_size)
    assert varied[0] < varied[1]  # of mean styles all images are alike, and take less space


def test_path_lengths_of_other_generators_are_refused(tiny: dict[str, Any]) -> None:
    tiny |= {"generator": {"type": "mlp", "conditional": True}}
    expected = r"regularizers\.1: 'path_length' needs the generator 'stylegan2', not 'mlp'"
    with pytest.raises(SpecError, match=expected):
        ganzoo.load_spec(tiny).check()
    assert PathLength().every == 4


# ------------------------------------------------------------------------------ sizes, and refusals


@pytest.mark.parametrize(
    ("shape", "base"),
    [
        ((1, 28, 28), (7, 7)),
        ((3, 16, 16), (4, 4)),
        ((4, 20, 40), (5, 10)),
        ((2, 64, 48), (8, 6)),
        ((1, 7, 4), (7, 4)),
    ],
)
def test_many_sizes_are_generated_and_read(shape: tuple[int, ...], base: tuple[int, int]) -> None:
    made, read = generator(), discriminator()
    made.check(shape, None)
    read.check(shape, None)
    network = made.build(7, shape, None)
    assert network.constant.shape[1:] == base
    images = network(torch.randn(2, 7), None, rng())
    assert images.shape == (2, *shape)
    assert read.build(shape, None)(images, None).shape == (2,)


@pytest.mark.parametrize(
    ("fields", "shape", "reason"),
    [
        ({}, (2,), "supports images only; choose 'mlp'"),
        ({}, (1, 3, 8), "at least 4x4, not 3x8"),
        ({}, (1, 30, 30), "30x30; the nearest sizes it can are 28x28 and 32x32"),
        ({"channels": [8, 8]}, (1, 28, 28), "lists 2 stages, but images of 28x28 have 3"),
        ({"channels": 1}, (1, 128, 128), "'channels' of 1 leave none for the largest stage"),
    ],
)
@pytest.mark.parametrize("family", [generator, discriminator])
def test_what_does_not_fit_is_refused(
    family: Any, fields: dict[str, Any], shape: tuple[int, ...], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        family(**fields).check(shape, None)


def test_widths_are_the_paper_s() -> None:
    widths = StyleGAN2Generator(channels=512)._widths((3, 1024, 1024))
    assert widths == (512, 512, 512, 512, 512, 256, 128, 64, 32)
