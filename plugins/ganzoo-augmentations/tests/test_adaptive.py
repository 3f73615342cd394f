"""ADA and APA: each change against its formula, and the probability that follows the discriminator."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from ganzoo_augmentations.components import ADA, APA

import ganzoo
from ganzoo.api import load_spec
from ganzoo.errors import SpecError


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=rng(7), dtype=torch.float64) * 2 - 1


class Dice:
    """Draws as the augmentation does, one list of numbers for a batch after the other."""

    def __init__(self, count: int, p: float, seed: int) -> None:
        self.count, self.p, self.rng = count, p, rng(seed)

    def uniform(self) -> list[float]:
        return torch.rand(self.count, generator=self.rng).tolist()

    def normal(self) -> list[float]:
        return torch.randn(self.count, generator=self.rng).tolist()

    def happens(self, p: float | None = None) -> list[bool]:
        return [each < (self.p if p is None else p) for each in self.uniform()]


Matrix = list[list[float]]


def times(a: Matrix, b: Matrix) -> Matrix:
    return [[sum(a[i][k] * b[k][j] for k in range(3)) for j in range(3)] for i in range(3)]


def linear(a: float, b: float, c: float, d: float) -> Matrix:
    return [[a, b, 0], [c, d, 0], [0, 0, 1]]


def moved(columns: float, rows: float) -> Matrix:
    return [[1, 0, -columns], [0, 1, -rows], [0, 0, 1]]


def inverses(dice: Dice, height: int, width: int) -> list[Matrix]:
    """All warps of the paper in its order, as one matrix from results to sources for each image."""

    def turn(angle: float) -> Matrix:
        return linear(math.cos(angle), math.sin(angle), -math.sin(angle), math.cos(angle))

    def some(drawn: list[Matrix], happens: list[bool]) -> list[Matrix]:
        same = linear(1, 0, 0, 1)
        return [each if yes else same for each, yes in zip(drawn, happens, strict=True)]

    either = 1 - math.sqrt(1 - dice.p)
    angle = math.pi

    def rotation() -> list[Matrix]:
        drawn = [turn(2 * angle * u - angle) for u in dice.uniform()]
        return some(drawn, dice.happens(either))

    steps = [some([linear(-1 if u < 0.5 else 1, 0, 0, 1) for u in dice.uniform()], dice.happens())]
    quarters = [turn(int(4 * u) * math.pi / 2) for u in dice.uniform()]
    steps.append(some(quarters, dice.happens()))
    columns, rows = (
        [round((u - 0.5) / 4 * size) for u in dice.uniform()] for size in (width, height)
    )
    steps.append(some([moved(*each) for each in zip(columns, rows, strict=True)], dice.happens()))
    factors = [2 ** (0.2 * n) for n in dice.normal()]
    steps.append(some([linear(f, 0, 0, f) for f in factors], dice.happens()))
    steps.append(rotation())
    factors = [2 ** (0.2 * n) for n in dice.normal()]
    steps.append(some([linear(f, 0, 0, 1 / f) for f in factors], dice.happens()))
    steps.append(rotation())
    columns, rows = ([n / 8 * size for n in dice.normal()] for size in (width, height))
    steps.append(some([moved(*each) for each in zip(columns, rows, strict=True)], dice.happens()))
    whole = steps[0]
    for step in steps[1:]:
        whole = [times(a, b) for a, b in zip(whole, step, strict=True)]
    return whole


def interpolated(image: torch.Tensor, inverse: Matrix) -> torch.Tensor:
    """Warp one image (C, H, W) pixel by pixel, mirrored beyond its edges."""
    _, height, width = image.shape

    def mirrored(index: int, size: int) -> int:
        while not 0 <= index < size:
            index = -index if index < 0 else 2 * (size - 1) - index
        return index

    result = torch.zeros_like(image)
    for row in range(height):
        for column in range(width):
            x, y = column - (width - 1) / 2, row - (height - 1) / 2
            x, y = (inverse[i][0] * x + inverse[i][1] * y + inverse[i][2] for i in range(2))
            x, y = x + (width - 1) / 2, y + (height - 1) / 2
            for i in (math.floor(y), math.floor(y) + 1):
                for j in (math.floor(x), math.floor(x) + 1):
                    weight = (1 - abs(y - i)) * (1 - abs(x - j))
                    source = image[:, mirrored(i, height), mirrored(j, width)]
                    result[:, row, column] += weight * source
    return result


def coloured(x: torch.Tensor, dice: Dice) -> torch.Tensor:
    """All changes of colour of three channels, as one matrix for each image (Karras et al. 2020)."""
    axis = torch.full((3, 1), 1 / math.sqrt(3), dtype=torch.float64)
    grey, same = axis @ axis.T, torch.eye(3, dtype=torch.float64)
    cross = torch.tensor([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]).double() / math.sqrt(3)
    added, matrices = torch.zeros(len(x), dtype=torch.float64), [same] * len(x)

    def apply(drawn: list[torch.Tensor]) -> None:
        for n, (each, yes) in enumerate(zip(drawn, dice.happens(), strict=True)):
            matrices[n] = each @ matrices[n] if yes else matrices[n]

    levels = [0.2 * n for n in dice.normal()]
    for n, yes in enumerate(dice.happens()):
        added[n] = levels[n] if yes else 0
    apply([same * 2 ** (0.5 * n) for n in dice.normal()])
    apply([same - 2 * grey * (u < 0.5) for u in dice.uniform()])
    angles = [2 * math.pi * u - math.pi for u in dice.uniform()]
    apply([grey + (same - grey) * math.cos(a) + cross * math.sin(a) for a in angles])
    apply([grey + (same - grey) * 2**n for n in dice.normal()])
    brighter = x + added[:, None, None, None]
    return torch.stack(
        [torch.einsum("ij,jhw->ihw", *pair) for pair in zip(matrices, brighter, strict=True)]
    )


def with_p(augmentation: ADA, p: float) -> Any:
    built = augmentation.build().double()
    built.p.fill_(p)
    return built


@pytest.mark.parametrize("p", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("shape", [(8, 1, 8, 8), (8, 3, 7, 10)])
def test_warps_are_the_formulas_of_the_paper(shape: tuple[int, ...], p: float) -> None:
    x = images(*shape)
    warped = with_p(ADA(operations=("blitting", "geometry")), p)(x, rng(3))
    places = inverses(Dice(len(x), p, 3), *shape[2:])
    expected = torch.stack([interpolated(*each) for each in zip(x, places, strict=True)])
    torch.testing.assert_close(warped, expected, rtol=0, atol=1e-9)
    assert torch.equal(warped, x) == (p == 0)


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0])
def test_changes_of_colour_are_the_formulas_of_the_paper(p: float) -> None:
    x = images(12, 3, 4, 5)
    changed = with_p(ADA(operations=("color",)), p)(x, rng(4))
    torch.testing.assert_close(changed, coloured(x, Dice(len(x), p, 4)), rtol=0, atol=1e-9)


def test_grey_images_have_neither_hue_nor_saturation_and_become_negatives() -> None:
    x = images(40, 1, 4, 4)
    assert torch.allclose(with_p(ADA(operations=("hue", "saturation")), 1)(x, rng()), x)
    flipped = with_p(ADA(operations=("luma_flip",)), 1)(x, rng())
    signs = (flipped / x).flatten(1)
    assert set(signs.round(decimals=9).unique().tolist()) == {-1, 1}


def test_flips_quarter_turns_and_whole_shifts_keep_all_values() -> None:
    x = images(60, 2, 8, 8)
    turned = with_p(ADA(operations=("flip", "rotate90")), 1)(x, rng())
    assert torch.equal(turned.flatten(2).sort().values, x.flatten(2).sort().values)
    found = {
        n for n in range(60) for k in range(4) if torch.equal(turned[n], x[n].rot90(k, (1, 2)))
    }
    assert 15 < len(found) < 45, "half of them are mirrored"
    shifted = with_p(ADA(operations=("translate",)), 1)(x, rng())
    assert torch.isin(shifted, x).all()


def test_each_change_happens_as_often_as_p_says() -> None:
    x = torch.ones(2000, 1, 2, 2)
    for name, expected in (("brightness", 0.3), ("noise", 0.3), ("luma_flip", 0.15)):
        built = ADA(operations=(name,)).build()  # type: ignore[arg-type] # one of the names
        built.p.fill_(0.3)
        changed = (built(x, rng(1)) != x).flatten(1).any(1).float().mean()
        assert changed.item() == pytest.approx(expected, abs=0.03)


def test_cutout_blanks_half_of_height_and_width_at_most() -> None:
    ones = torch.ones(400, 1, 8, 12)
    built = ADA(operations=("cutout",)).build()
    built.p.fill_(0.5)
    blanked = (built(ones, rng()) == 0).sum((1, 2, 3))
    assert blanked.max() == 4 * 6
    assert (blanked == 0).float().mean().item() == pytest.approx(0.5, abs=0.1)


def test_names_and_groups_are_the_same_changes_in_any_order() -> None:
    x = images(6, 3, 6, 6)
    names = (
        "translate",
        "rotate90",
        "saturation",
        "flip",
        "hue",
        "luma_flip",
        "contrast",
        "brightness",
    )
    by_name = with_p(ADA(operations=names), 0.7)(x, rng())
    assert torch.equal(by_name, with_p(ADA(operations=("blitting", "color")), 0.7)(x, rng()))


def test_penalties_can_differentiate_twice() -> None:
    built = with_p(ADA(operations=("blitting", "geometry", "color", "corruption")), 0.6)
    x = images(2, 3, 4, 4).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: built(x, rng(2)).square(), x)


def signs(mean: float, count: int = 8) -> torch.Tensor:
    """Logits of which so many are positive that their mean sign is this."""
    positive = round(count * (mean + 1) / 2)
    return torch.cat([torch.full((positive,), 3.0), torch.full((count - positive,), -0.1)])


@pytest.mark.parametrize("augmentation", [ADA, APA])
def test_p_follows_the_mean_sign_of_real_logits(augmentation: type[ADA | APA]) -> None:
    built = augmentation(target=0.5, every=2, ramp=160, max_p=0.25).build()
    logged = [round(float(built.observe(signs(1))["p"]), 6) for _ in range(8)]
    # Two batches of 8 images of the 160 in which p may rise by 1, up to the highest p.
    assert logged == [0, 0.1, 0.1, 0.2, 0.2, 0.25, 0.25, 0.25]
    logged = [round(float(built.observe(signs(0.25))["p"]), 6) for _ in range(8)]
    assert logged == [0.25, 0.15, 0.15, 0.05, 0.05, 0, 0, 0]
    # What decides is the mean over all updates since the last change: 0.75 and 0 are less than 0.5.
    for mean in (1, 1, 0.75, 0):
        built.observe(signs(mean))
    assert float(built.p) == 0


def test_patches_count_as_one_sample() -> None:
    built = ADA(target=0, every=1, ramp=10).build()
    built.observe(torch.ones(2, 5, 5))
    assert float(built.p) == pytest.approx(0.2)


def test_stand_ins_are_the_generated_samples_of_the_same_place() -> None:
    built = APA().build()
    real, fake = torch.zeros(2000, 2), torch.arange(1.0, 4001).view(2000, 2)
    assert torch.equal(built.mix(real, fake, rng()), real)
    built.p.fill_(0.3)
    mixed = built.mix(real, fake, rng())
    replaced = (mixed == fake).all(1)
    assert torch.equal(mixed[~replaced], real[~replaced])
    assert replaced.float().mean().item() == pytest.approx(0.3, abs=0.04)
    assert torch.equal(built(real, rng()), real)


def test_the_discriminator_is_trained_on_stand_ins(tmp_path: Path) -> None:
    spec = {
        "dataset": "ring",
        **NETWORKS,
        "augmentation": {"type": "apa", "target": -0.999, "every": 1, "ramp": 1, "max_p": 1},
        "training": {"duration": "3 steps", "batch_size": 64},
        "output": {"log_every": "1 steps", "samples": 1},
    }
    lines = ganzoo.run(spec, output=tmp_path / "run").metrics()
    assert [line["augmentation/p"] for line in lines] == [1, 1, 1]
    told_apart = [abs(line["score/real"] - line["score/fake"]) > 1e-5 for line in lines]
    assert told_apart == [True, False, False]


NETWORKS = {
    "generator": {"type": "mlp", "hidden": [8]},
    "discriminator": {"type": "mlp", "hidden": [8]},
}


def test_points_are_mixed_but_not_changed() -> None:
    spec = {"dataset": "ring", **NETWORKS}
    load_spec({**spec, "augmentation": "apa"}).check()
    with pytest.raises(SpecError, match="augmentation: 'ada' changes images only"):
        load_spec({**spec, "augmentation": "ada"}).check()


@pytest.mark.parametrize(
    "change", [{"operations": ["blur"]}, {"target": 1}, {"max_p": 0}, {"every": 0}]
)
def test_settings_that_mean_nothing_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(SpecError, match=r"augmentation\."):
        load_spec({"dataset": "mnist-5k", **NETWORKS, "augmentation": {"type": "ada", **change}})
