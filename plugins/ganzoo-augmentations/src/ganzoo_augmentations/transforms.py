"""The changes of ADA, with the strengths of Karras et al. 2020, on images (N, C, H, W) in [-1, 1].

Each is made with probability p to each image; the numbers are drawn for all images and then used for
some, so that nothing waits for p. *Warps* say for each place in the result where its pixel comes from.
They are composed, and the image is interpolated once, between the four nearest pixels; beyond its edges
it is mirrored. The paper's code filters with a wavelet at that point, for which this has no counterpart.
Unlike torch's ``grid_sample``, everything here can be differentiated twice, as R1 does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch


class Draws(NamedTuple):
    """Random numbers for each image of a batch, in the number format that is asked for."""

    x: torch.Tensor
    rng: torch.Generator
    dtype: torch.dtype

    def uniform(self, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        """Draw from [low, high), (N,)."""
        drawn = torch.rand(len(self.x), generator=self.rng, device=self.rng.device)
        return drawn.to(self.dtype) * (high - low) + low

    def normal(self, std: float) -> torch.Tensor:
        """Draw from a normal distribution around 0, (N,)."""
        drawn = torch.randn(len(self.x), generator=self.rng, device=self.rng.device)
        return drawn.to(self.dtype) * std

    def where(self, p: torch.Tensor, value: torch.Tensor, neutral: float) -> torch.Tensor:
        """Return ``value`` (N,) with probability p, else ``neutral``."""
        happens = torch.rand(len(self.x), generator=self.rng, device=self.rng.device) < p
        return torch.where(happens, value, torch.full_like(value, neutral))


Place = tuple[torch.Tensor, torch.Tensor]
"""A matrix (N, 2, 2) and an offset (N, 2): result (column, row) from the middle -> source."""

Warp = Callable[[Draws, torch.Tensor, tuple[int, int]], Place]
"""``(draws, p, (width, height)) -> place``."""

PixelChange = Callable[[torch.Tensor, torch.Tensor, torch.Generator], torch.Tensor]
"""``(x, p, rng) -> x``."""


def _linear(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor, d: torch.Tensor) -> Place:
    matrix = torch.stack([a, b, c, d], dim=1).view(-1, 2, 2)
    return matrix, torch.zeros_like(matrix[:, 0])


def _turned(cosine: torch.Tensor, sine: torch.Tensor) -> Place:
    return _linear(cosine, sine, -sine, cosine)


def _stretched(column: torch.Tensor, row: torch.Tensor) -> Place:
    zero = torch.zeros_like(column)
    return _linear(column, zero, zero, row)


def _moved(columns: torch.Tensor, rows: torch.Tensor) -> Place:
    one = torch.ones_like(columns)
    return _stretched(one, one)[0], -torch.stack([columns, rows], dim=1)


def flip(draws: Draws, p: torch.Tensor, size: tuple[int, int]) -> Place:
    """Mirror left and right, half the time."""
    del size
    mirrored = draws.where(p, (draws.uniform() < 0.5).to(draws.dtype), 0)
    return _stretched(1 - 2 * mirrored, torch.ones_like(mirrored))


def rotate90(draws: Draws, p: torch.Tensor, size: tuple[int, int]) -> Place:
    """Turn by 0, 90, 180 or 270 degrees."""
    del size
    turns = draws.where(p, draws.uniform(0, 4).floor(), 0)
    cosine = (turns == 0).to(draws.dtype) - (turns == 2).to(draws.dtype)
    sine = (turns == 1).to(draws.dtype) - (turns == 3).to(draws.dtype)
    return _turned(cosine, sine)


def translate(draws: Draws, p: torch.Tensor, size: tuple[int, int]) -> Place:
    """Shift by whole pixels, up to an eighth of the width and of the height."""
    shifts = [(draws.uniform(-0.125, 0.125) * length).round() for length in size]
    happens = draws.where(p, torch.ones_like(shifts[0]), 0)
    return _moved(shifts[0] * happens, shifts[1] * happens)


def scale(draws: Draws, p: torch.Tensor, size: tuple[int, int]) -> Place:
    """Enlarge by a factor whose logarithm to base 2 has a standard deviation of 0.2."""
    del size
    inverse = draws.where(p, torch.exp2(draws.normal(0.2)), 1)
    return _stretched(inverse, inverse)


def rotate(draws: Draws, p: torch.Tensor, size: tuple[int, int]) -> Place:
    """Turn by any angle; done before and after ``stretch``, so that one of both happens with p."""
    del size
    angle = draws.where(1 - (1 - p).sqrt(), draws.uniform(-torch.pi, torch.pi), 0)
    return _turned(angle.cos(), angle.sin())


def stretch(draws: Draws, p: torch.Tensor, size: tuple[int, int]) -> Place:
    """Enlarge the width by such a factor as in ``scale``, and reduce the height by it."""
    del size
    factor = draws.where(p, torch.exp2(draws.normal(0.2)), 1)
    return _stretched(factor, 1 / factor)


def shift(draws: Draws, p: torch.Tensor, size: tuple[int, int]) -> Place:
    """Shift by a fraction of the width and of the height, of standard deviation 1/8."""
    shifts = [draws.normal(0.125) * length for length in size]
    happens = draws.where(p, torch.ones_like(shifts[0]), 0)
    return _moved(shifts[0] * happens, shifts[1] * happens)


def warp(
    x: torch.Tensor, warps: Sequence[Warp], p: torch.Tensor, rng: torch.Generator
) -> torch.Tensor:
    """Compose warps, the first one first, and interpolate."""
    height, width = x.shape[2:]
    dtype = torch.promote_types(x.dtype, torch.float32)
    draws = Draws(x, rng, dtype)
    (matrix, offset), *others = (each(draws, p, (width, height)) for each in warps)
    for then_matrix, then_offset in others:
        offset = (matrix @ then_offset[:, :, None])[:, :, 0] + offset
        matrix = matrix @ then_matrix
    columns = torch.arange(width, device=x.device, dtype=dtype) - (width - 1) / 2
    rows = torch.arange(height, device=x.device, dtype=dtype) - (height - 1) / 2
    places = torch.stack([columns.repeat(height), rows.repeat_interleave(width)])
    sources = matrix @ places + offset[:, :, None]
    return _interpolate(x, sources[:, 0] + (width - 1) / 2, sources[:, 1] + (height - 1) / 2)


def _interpolate(x: torch.Tensor, columns: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Return the values of images at places (N, H·W), linear between the four nearest pixels."""
    height, width = x.shape[2:]
    pixels, left, top = x.flatten(2), columns.floor(), rows.floor()

    def at(row: torch.Tensor, column: torch.Tensor) -> torch.Tensor:
        index = _mirrored(row.long(), height) * width + _mirrored(column.long(), width)
        return pixels.gather(2, index[:, None].expand(-1, pixels.shape[1], -1))

    right, down = ((each - each.floor()).to(x.dtype)[:, None] for each in (columns, rows))
    upper = torch.lerp(at(top, left), at(top, left + 1), right)
    lower = torch.lerp(at(top + 1, left), at(top + 1, left + 1), right)
    return torch.lerp(upper, lower, down).view_as(x)


def _mirrored(index: torch.Tensor, size: int) -> torch.Tensor:
    """Bring indices into an axis that continues as its mirror image on both sides."""
    period = max(1, 2 * (size - 1))
    index = index % period
    return torch.minimum(index, period - index) if size > 1 else torch.zeros_like(index)


def brightness(x: torch.Tensor, p: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Add a number of standard deviation 0.2."""
    draws = Draws(x, rng, x.dtype)
    return x + _each(draws.where(p, draws.normal(0.2), 0))


def contrast(x: torch.Tensor, p: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Multiply by a factor whose logarithm to base 2 has a standard deviation of 0.5."""
    draws = Draws(x, rng, x.dtype)
    return x * _each(draws.where(p, torch.exp2(draws.normal(0.5)), 1))


def luma_flip(x: torch.Tensor, p: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Change the sign of the mean of the channels, half the time: grey images become negatives."""
    draws = Draws(x, rng, x.dtype)
    flipped = draws.where(p, (draws.uniform() < 0.5).to(x.dtype), 0)
    return x - 2 * _each(flipped) * x.mean(dim=1, keepdim=True)


def hue(x: torch.Tensor, p: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Turn colours of three channels around the grey axis by any angle."""
    draws = Draws(x, rng, x.dtype)
    angle = _each(draws.where(p, draws.uniform(-torch.pi, torch.pi), 0))
    if x.shape[1] != 3:
        return x
    grey = x.mean(dim=1, keepdim=True)
    across = (x.roll(1, dims=1) - x.roll(-1, dims=1)) / 3**0.5
    return grey + (x - grey) * angle.cos() + across * angle.sin()


def saturation(x: torch.Tensor, p: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Multiply the distance from the mean of the channels; the factor's logarithm has deviation 1."""
    draws = Draws(x, rng, x.dtype)
    factor = _each(draws.where(p, torch.exp2(draws.normal(1.0)), 1))
    grey = x.mean(dim=1, keepdim=True)
    return grey + (x - grey) * factor


def noise(x: torch.Tensor, p: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Add normal noise to all values; its deviation is drawn for each image, itself of deviation 0.1."""
    draws = Draws(x, rng, x.dtype)
    strength = _each(draws.where(p, draws.normal(0.1).abs(), 0))
    return x + strength * torch.randn(x.shape, generator=rng, device=rng.device).to(x)


def cutout(x: torch.Tensor, p: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Set a rectangle of half the width and height to 0; its middle is anywhere."""
    draws = Draws(x, rng, torch.promote_types(x.dtype, torch.float32))
    size = draws.where(p, torch.full((len(x),), 0.5, device=x.device, dtype=draws.dtype), 0)
    holes = []
    for length in x.shape[2:]:
        middle = draws.uniform()[:, None]
        places = (torch.arange(length, device=x.device, dtype=draws.dtype) + 0.5) / length
        holes.append((places - middle).abs() < size[:, None] / 2)
    hole = holes[0][:, :, None] & holes[1][:, None, :]
    return x * ~hole[:, None]


def _each(numbers: torch.Tensor) -> torch.Tensor:
    return numbers[:, None, None, None]


WARPS: dict[str, Warp] = {
    "flip": flip,
    "rotate90": rotate90,
    "translate": translate,
    "scale": scale,
    "rotate": rotate,
    "stretch": stretch,
    "shift": shift,
}
"""By name, in the paper's order; ``rotate`` follows ``stretch`` once more."""

PIXEL_CHANGES: dict[str, PixelChange] = {
    "brightness": brightness,
    "contrast": contrast,
    "luma_flip": luma_flip,
    "hue": hue,
    "saturation": saturation,
    "noise": noise,
    "cutout": cutout,
}
"""By name, in the paper's order."""
