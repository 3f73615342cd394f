"""One step of each algorithm, against the papers' formulas in plain torch, in double precision."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ganzoo_translation.pool import ImagePool
from torch.nn import functional as F

from ganzoo.spec import RunSpec
from ganzoo.training import Batch
from ganzoo.training.setup import prepare

Weights = dict[str, torch.Tensor]
Step = tuple[Any, Batch, dict[str, Weights], dict[str, torch.Tensor]]

UNET = {"type": "unet", "channels": 2, "depth": 3, "dropout": 0.0}
RESNET = {"type": "resnet-translator", "channels": 2, "blocks": 2}
PATCHES = {"type": "patchgan", "channels": 2, "layers": 1}
LR, EPS = 2e-4, 1e-8


@pytest.fixture
def take_step(tmp_path: Path) -> Callable[..., Step]:
    """Take a step of an algorithm; return its game, the batch, the weights before, and the numbers."""

    def take(*, paired: bool, **fields: Any) -> Step:
        images = np.random.default_rng(0).integers(0, 256, (2, 12, 16, 16, 3), dtype=np.uint8)
        path = tmp_path / "images.npz"
        np.savez(path, images=images[0], source=images[1])
        training = {"duration": "1 step", "batch_size": 3, "precision": "float64", "ema": None}
        spec = RunSpec.model_validate(
            {
                "dataset": {"type": "arrays", "path": str(path), "paired": paired},
                "training": training,
                "device": "cpu",
                **fields,
            }
        )
        state = prepare(spec, spec.check(), torch.device("cpu")).state
        game, batch = state.game, state.batches.next()
        state.batches.close()
        for (
            network
        ) in game.networks.values():  # where nothing is zero or one, nothing is left untested
            for parameter in network.parameters():
                parameter.data += 0.1 * torch.randn(parameter.shape, dtype=torch.float64)
        before = {
            name: {
                key: each.detach().clone().requires_grad_()
                for key, each in network.named_parameters()
            }
            for name, network in game.networks.items()
        }
        numbers = game.step(lambda: batch, 0, 0.0)
        return game, batch, before, numbers

    return take


@pytest.fixture(autouse=True)
def _seeded() -> Any:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def layer(x: torch.Tensor, weights: Weights, name: str, **options: Any) -> torch.Tensor:
    return F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], **options)


def doubled(x: torch.Tensor, weights: Weights, name: str, **options: Any) -> torch.Tensor:
    return F.conv_transpose2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], 2, **options)


def normalized(x: torch.Tensor, weights: Weights, name: str) -> torch.Tensor:
    mean = x.mean((2, 3), keepdim=True)
    x = (x - mean) / ((x - mean).square().mean((2, 3), keepdim=True) + 1e-5).sqrt()
    return x * weights[f"{name}.weight"][:, None, None] + weights[f"{name}.bias"][:, None, None]


def mirrored(x: torch.Tensor, by: int) -> torch.Tensor:
    rows = torch.cat([x[:, :, 1 : by + 1].flip(2), x, x[:, :, -by - 1 : -1].flip(2)], 2)
    return torch.cat([rows[..., 1 : by + 1].flip(3), rows, rows[..., -by - 1 : -1].flip(3)], dim=3)


def leaky(x: torch.Tensor) -> torch.Tensor:
    return torch.where(x > 0, x, 0.2 * x)


def unet(x: torch.Tensor, w: Weights) -> torch.Tensor:
    first = layer(x, w, "down.0.1", stride=2, padding=1)
    second = layer(leaky(first), w, "down.1.1", stride=2, padding=1)
    second = normalized(second, w, "down.1.2")
    third = layer(leaky(second), w, "down.2.1", stride=2, padding=1)
    y = normalized(doubled(third.clamp(min=0), w, "up.0.1", padding=1), w, "up.0.2")
    y = torch.cat([y, second], 1).clamp(min=0)
    y = normalized(doubled(y, w, "up.1.1", padding=1), w, "up.1.2")
    return doubled(torch.cat([y, first], 1).clamp(min=0), w, "up.2.1", padding=1).tanh()


def resnet(x: torch.Tensor, w: Weights) -> torch.Tensor:
    x = normalized(layer(mirrored(x, 3), w, "layers.1"), w, "layers.2").clamp(min=0)
    for name, norm in (("layers.4", "layers.5"), ("layers.7", "layers.8")):
        x = normalized(layer(x, w, name, stride=2, padding=1), w, norm).clamp(min=0)
    for block in ("layers.10.layers", "layers.11.layers"):
        y = normalized(layer(mirrored(x, 1), w, f"{block}.1"), w, f"{block}.2").clamp(min=0)
        x = x + normalized(layer(mirrored(y, 1), w, f"{block}.5"), w, f"{block}.6")
    for name, norm in (("layers.12", "layers.13"), ("layers.15", "layers.16")):
        x = doubled(x, w, name, padding=1, output_padding=1)
        x = normalized(x, w, norm).clamp(min=0)
    return layer(mirrored(x, 3), w, "layers.19").tanh()


def patches(x: torch.Tensor, w: Weights) -> torch.Tensor:
    x = leaky(layer(x, w, "layers.0", stride=2, padding=1))
    x = leaky(normalized(layer(x, w, "layers.2", padding=1), w, "layers.3"))
    return layer(x, w, "layers.5", padding=1)


def assert_updated(game: Any, name: str, loss: torch.Tensor, before: Weights) -> None:
    """Compare gradients with those of a loss, and weights with the first step of Adam by them."""
    gradients = torch.autograd.grad(loss, [*before.values()], allow_unused=True, retain_graph=True)
    for (key, found), gradient in zip(
        game.networks[name].named_parameters(), gradients, strict=True
    ):
        assert gradient is not None, key
        torch.testing.assert_close(found.grad, gradient, rtol=1e-9, atol=1e-12)
        expected = before[key].detach() - LR * gradient / (gradient.abs() + EPS)
        small = gradient.abs() < 1e-10  # there Adam's step is a matter of rounding
        torch.testing.assert_close(found.detach()[~small], expected[~small], rtol=1e-9, atol=1e-9)


def test_a_step_of_pix2pix_is_the_papers(take_step: Callable[..., Step]) -> None:
    game, batch, before, numbers = take_step(
        paired=True, algorithm="pix2pix", generator=UNET, discriminator=PATCHES
    )
    source, target = batch.source, batch.sample
    generator, discriminator = before["generator"], before["discriminator"]
    fake = unet(source, generator)
    real_logits = patches(torch.cat([source, target], 1), discriminator)
    fake_logits = patches(torch.cat([source, fake.detach()], 1), discriminator)
    loss = -(real_logits.sigmoid().log().mean() + (-fake_logits).sigmoid().log().mean()) / 2
    assert_updated(game, "discriminator", loss, discriminator)
    updated = dict(game.networks["discriminator"].named_parameters())
    l1 = (fake - target).abs().mean()
    adversarial = -patches(torch.cat([source, fake], 1), updated).sigmoid().log().mean()
    assert_updated(game, "generator", adversarial + 100 * l1, generator)
    for name, expected in {
        "loss/discriminator": loss,
        "loss/generator": adversarial,
        "loss/distance": l1,
    }.items():
        torch.testing.assert_close(numbers[name], expected.detach(), rtol=1e-9, atol=0)


def test_without_a_discriminator_the_distance_alone_is_minimized(
    take_step: Callable[..., Step],
) -> None:
    game, batch, before, numbers = take_step(
        paired=True, algorithm="pix2pix", generator=UNET, discriminator=None, distance="l2"
    )
    assert [*game.networks] == [*game.optimizers] == ["generator"]
    squared = (unet(batch.source, before["generator"]) - batch.sample).square().mean()
    assert_updated(game, "generator", 100 * squared, before["generator"])
    assert [*numbers] == ["loss/distance"]


def test_a_step_of_cyclegan_is_the_papers(take_step: Callable[..., Step]) -> None:
    game, batch, before, numbers = take_step(
        paired=False, algorithm="cyclegan", generator=RESNET, discriminator=PATCHES
    )
    x, y = batch.source, batch.sample
    there, back = before["there"], before["back"]
    fake_y, fake_x = resnet(x, there), resnet(y, back)
    cycle = (resnet(fake_y, back) - x).abs().mean() + (resnet(fake_x, there) - y).abs().mean()
    same = (resnet(y, there) - y).abs().mean() + (resnet(x, back) - x).abs().mean()
    on_y, on_x = before["target-discriminator"], before["source-discriminator"]
    adversarial = (patches(fake_y, on_y) - 1).square().mean()
    adversarial = adversarial + (patches(fake_x, on_x) - 1).square().mean()
    loss = adversarial + 10 * cycle + 5 * same
    assert_updated(game, "there", loss, there)
    assert_updated(game, "back", loss, back)
    domains = {"target": (y, fake_y, on_y), "source": (x, fake_x, on_x)}
    for domain, (real, fake, weights) in domains.items():
        right = (patches(real, weights) - 1).square().mean()
        judged = (right + patches(fake.detach(), weights).square().mean()) / 2
        assert_updated(game, f"{domain}-discriminator", judged, weights)
        found = numbers[f"loss/discriminator/{domain}-discriminator"]
        torch.testing.assert_close(found, judged.detach(), rtol=1e-9, atol=0)
        shown = game.networks[f"{domain}-pool"].images[:3]
        torch.testing.assert_close(shown, fake.detach(), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(numbers["loss/cycle"], cycle.detach(), rtol=1e-9, atol=0)
    torch.testing.assert_close(numbers["loss/identity"], same.detach(), rtol=1e-9, atol=0)


@pytest.mark.parametrize(("generator", "layers"), [(RESNET, (4, 7, 10, 11)), (UNET, (0, 1, 2))])
def test_a_step_of_cut_is_the_papers(
    take_step: Callable[..., Step], generator: dict[str, Any], layers: tuple[int, ...]
) -> None:
    """All patches are compared, so that their order, which is random, does not matter."""
    game, batch, before, numbers = take_step(
        paired=False,
        algorithm="cut",
        generator=generator,
        discriminator=PATCHES,
        projection=3,
        contrast_weight=2.0,
    )
    x, y, w, heads = batch.source, batch.sample, before["generator"], before["contrast"]
    translate, encode = (resnet, seen_by_resnet) if generator is RESNET else (unet, seen_by_unet)

    def contrast(images: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
        losses = []
        for number, layer in enumerate(zip(encode(images, w), encode(sources, w), strict=True)):
            query, key = (projected(each, heads, f"projections.{number}") for each in layer)
            similar = (query @ key.detach().transpose(1, 2) / 0.07).exp()
            own = similar.diagonal(dim1=1, dim2=2)
            losses.append(-(own / similar.sum(2)).log().mean())
        assert len(losses) == 1 + len(layers)
        return sum(losses) / len(losses)

    fake = translate(x, w)
    discriminator = before["discriminator"]
    judged = (patches(y, discriminator) - 1).square().mean()
    judged = (judged + patches(fake.detach(), discriminator).square().mean()) / 2
    assert_updated(game, "discriminator", judged, discriminator)
    updated = dict(game.networks["discriminator"].named_parameters())
    adversarial = (patches(fake, updated) - 1).square().mean()
    across, same = contrast(fake, x), contrast(translate(y, w), y)
    loss = adversarial + 2 * (across + same) / 2
    assert_updated(game, "generator", loss, w)
    assert_updated(game, "contrast", loss, heads)
    for name, expected in {
        "loss/discriminator": judged,
        "loss/generator": adversarial,
        "loss/contrast": across,
        "loss/identity": same,
    }.items():
        torch.testing.assert_close(numbers[name], expected.detach(), rtol=1e-9, atol=0)


def seen_by_resnet(x: torch.Tensor, w: Weights) -> list[torch.Tensor]:
    seen = [x]
    x = normalized(layer(mirrored(x, 3), w, "layers.1"), w, "layers.2").clamp(min=0)
    for name, norm in (("layers.4", "layers.5"), ("layers.7", "layers.8")):
        x = layer(x, w, name, stride=2, padding=1)
        seen.append(x)
        x = normalized(x, w, norm).clamp(min=0)
    for block in ("layers.10.layers", "layers.11.layers"):
        y = normalized(layer(mirrored(x, 1), w, f"{block}.1"), w, f"{block}.2").clamp(min=0)
        x = x + normalized(layer(mirrored(y, 1), w, f"{block}.5"), w, f"{block}.6")
        seen.append(x)
    return seen


def seen_by_unet(x: torch.Tensor, w: Weights) -> list[torch.Tensor]:
    first = layer(x, w, "down.0.1", stride=2, padding=1)
    second = layer(leaky(first), w, "down.1.1", stride=2, padding=1)
    second = normalized(second, w, "down.1.2")
    return [x, first, second, layer(leaky(second), w, "down.2.1", stride=2, padding=1)]


def projected(x: torch.Tensor, w: Weights, name: str) -> torch.Tensor:
    """Return a vector of length 1 for each pixel, (N, pixels, width)."""
    x = x.flatten(2).transpose(1, 2)
    x = (x @ w[f"{name}.0.weight"].T + w[f"{name}.0.bias"]).clamp(min=0)
    x = x @ w[f"{name}.2.weight"].T + w[f"{name}.2.bias"]
    return x / x.square().sum(2, keepdim=True).sqrt()


def test_the_networks_stand_in_each_others_place(take_step: Callable[..., Step]) -> None:
    for paired, algorithm in ((True, "pix2pix"), (False, "cyclegan")):
        for generator in (UNET, RESNET):
            *_, numbers = take_step(
                paired=paired, algorithm=algorithm, generator=generator, discriminator=PATCHES
            )
            assert all(number.isfinite() for number in numbers.values())


@pytest.mark.parametrize("size", [0, 2, 5])
def test_the_pool_is_the_papers(size: int) -> None:
    """Until it is full, an image is kept and shown; then it is exchanged if a coin says so."""
    pool, rng, same = ImagePool(size, (1,)), *(torch.Generator().manual_seed(7) for _ in range(2))
    kept: list[float] = []
    for step in range(20):
        fresh = torch.arange(3.0)[:, None] + 3 * step
        shown = pool(fresh, rng)
        if not size:
            assert torch.equal(shown, fresh)
            continue
        slots = torch.randint(size, (3,), generator=same).tolist()
        coins = torch.rand(3, generator=same).tolist()
        expected = []
        for image, slot, coin in zip(fresh[:, 0].tolist(), slots, coins, strict=True):
            if len(kept) < size:
                kept.append(image)
                expected.append(image)
            elif coin < 0.5:
                expected.append(kept[slot])
                kept[slot] = image
            else:
                expected.append(image)
        assert shown[:, 0].tolist() == expected
