"""DiffAugment against its formulas, written out image by image."""

from __future__ import annotations

import pytest
import torch
from ganzoo_augmentations.components import DiffAugment

from ganzoo.api import load_spec
from ganzoo.errors import SpecError


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=rng(7)) * 2 - 1


def by_hand(x: torch.Tensor, seed: int) -> torch.Tensor:
    """Colour, translation and cutout of the paper, one image after another with loops over pixels."""
    draws = rng(seed)
    count, channels, height, width = x.shape
    brightness, saturation, contrast = (torch.rand(count, generator=draws) for _ in range(3))
    down, right = (
        torch.randint(-int(size / 8 + 0.5), int(size / 8 + 0.5) + 1, (count,), generator=draws)
        for size in (height, width)
    )
    tall, wide = int(height / 2 + 0.5), int(width / 2 + 0.5)
    top = torch.randint(0, height + 1 - tall % 2, (count,), generator=draws) - tall // 2
    left = torch.randint(0, width + 1 - wide % 2, (count,), generator=draws) - wide // 2
    result = torch.zeros_like(x)
    for n in range(count):
        image = x[n] + brightness[n] - 0.5
        grey = image.sum(0) / channels
        image = grey + 2 * saturation[n] * (image - grey)
        level = image.sum() / image.numel()
        image = level + (contrast[n] + 0.5) * (image - level)
        for row in range(height):
            for column in range(width):
                from_row, from_column = row - int(down[n]), column - int(right[n])
                if not (0 <= from_row < height and 0 <= from_column < width):
                    continue
                if top[n] <= row < top[n] + tall and left[n] <= column < left[n] + wide:
                    continue
                result[n, :, row, column] = image[:, from_row, from_column]
    return result


@pytest.mark.parametrize("shape", [(9, 3, 16, 16), (9, 1, 28, 28), (7, 4, 9, 21)])
def test_all_operations_are_the_formulas_of_the_paper(shape: tuple[int, ...]) -> None:
    x = images(*shape)
    torch.testing.assert_close(DiffAugment().build()(x, rng(3)), by_hand(x, 3))


def test_images_of_one_colour_channel_have_no_saturation() -> None:
    x = images(64, 1, 4, 4)
    changed = DiffAugment(operations=("color",)).build()(x, rng())
    # Brightness and contrast are a line through the values of each image.
    slopes = (changed - changed.mean((1, 2, 3), keepdim=True)) / (
        x - x.mean((1, 2, 3), keepdim=True)
    )
    assert slopes.std((1, 2, 3)).max() < 1e-3
    assert slopes.min() >= 0.49
    assert slopes.max() <= 1.51


def test_shifts_and_holes_are_as_large_as_asked_for_and_everywhere() -> None:
    ones = torch.ones(500, 1, 16, 16)
    moved = DiffAugment(operations=("translation",), translation=0.25).build()(ones, rng())
    lost = 16 - moved[:, 0].amax(1).sum(1)
    assert set(lost.int().tolist()) == {0, 1, 2, 3, 4}
    holed = DiffAugment(operations=("cutout",), cutout=0.25).build()(ones, rng())
    sizes = (1 - holed).sum((1, 2, 3))
    assert sizes.max() == 16
    assert sizes.min() >= 4
    assert ((1 - holed).mean(0) > 0).all()


def test_gradients_reach_what_is_left_of_an_image() -> None:
    x = images(6, 3, 8, 8).requires_grad_()
    changed = DiffAugment(operations=("cutout",)).build()(x, rng())
    (gradient,) = torch.autograd.grad(changed.sum(), x)
    torch.testing.assert_close(gradient, (changed != 0).float())


def test_mixed_precision_and_double_precision_stay_what_they_are() -> None:
    for dtype in (torch.bfloat16, torch.float64):
        assert DiffAugment().build()(images(2, 3, 8, 8).to(dtype), rng()).dtype == dtype


def test_points_are_refused() -> None:
    spec = {"dataset": "ring", "generator": "mlp", "discriminator": "mlp"}
    with pytest.raises(SpecError, match="augmentation: 'diffaugment' changes images only"):
        load_spec({**spec, "augmentation": "diffaugment"}).check()


@pytest.mark.parametrize("change", [{"operations": []}, {"operations": ["blur"]}, {"cutout": 1}])
def test_settings_that_mean_nothing_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(SpecError, match=r"augmentation\."):
        load_spec(
            {
                "dataset": "mnist-5k",
                "generator": "mlp",
                "discriminator": "mlp",
                "augmentation": {"type": "diffaugment", **change},
            }
        )
