"""The operations of DiffAugment on images (N, C, H, W) in [-1, 1]; 0, the middle grey, fills gaps.

All random numbers come from the generator that is handed in, one or a few for each image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch

Change = Callable[[torch.Tensor, torch.Generator], torch.Tensor]


class Sequence:
    """Operations applied one after another."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self.changes = tuple(changes)

    def __call__(self, x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        """Change images, each in its own way."""
        for change in self.changes:
            x = change(x, rng)
        return x


def change_colors(x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Change the brightness by up to 0.5, the saturation by 0 to 2 and the contrast by 0.5 to 1.5.

    Saturation is the distance of each pixel from the mean of its channels, contrast the distance of
    all values of an image from their mean.
    """
    x = x + (_uniform(x, rng) - 0.5)
    x = _scale_around(x, x.mean(dim=1, keepdim=True), 2 * _uniform(x, rng))
    return _scale_around(x, x.mean(dim=(1, 2, 3), keepdim=True), 0.5 + _uniform(x, rng))


def translate(x: torch.Tensor, rng: torch.Generator, *, fraction: float) -> torch.Tensor:
    """Shift each image by whole pixels, up to a fraction of its height and width."""
    height, width = x.shape[2:]
    rows = _positions(x, height) - _shift(x, rng, _nearest(height * fraction))
    columns = _positions(x, width) - _shift(x, rng, _nearest(width * fraction))
    inside = _within(rows, height)[:, :, None] & _within(columns, width)[:, None, :]
    x = x.gather(2, rows.clamp(0, height - 1)[:, None, :, None].expand_as(x))
    x = x.gather(3, columns.clamp(0, width - 1)[:, None, None, :].expand_as(x))
    return x * inside[:, None]


def cut_out(x: torch.Tensor, rng: torch.Generator, *, fraction: float) -> torch.Tensor:
    """Blank a rectangle in each image: its middle is anywhere, so that a part may lie outside."""
    holes = []
    for size in x.shape[2:]:
        length = _nearest(size * fraction)
        # The first pixel of the hole, from half a hole before the image to half a hole before its end.
        choices = size + 1 - length % 2
        begin = _whole_number(x, rng, 0, choices - 1) - length // 2
        places = _positions(x, size)
        holes.append((places >= begin) & (places < begin + length))
    hole = holes[0][:, :, None] & holes[1][:, None, :]
    return x * ~hole[:, None]


def _nearest(number: float) -> int:
    return int(number + 0.5)


def _uniform(x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Draw a number in [0, 1) for each image, (N, 1, 1, 1)."""
    return torch.rand(len(x), 1, 1, 1, generator=rng, device=rng.device).to(x)


def _shift(x: torch.Tensor, rng: torch.Generator, largest: int) -> torch.Tensor:
    return _whole_number(x, rng, -largest, largest)


def _whole_number(
    x: torch.Tensor, rng: torch.Generator, smallest: int, largest: int
) -> torch.Tensor:
    """Draw a whole number for each image, (N, 1); both ends are possible."""
    shape = (len(x), 1)
    return torch.randint(smallest, largest + 1, shape, generator=rng, device=rng.device)


def _positions(x: torch.Tensor, size: int) -> torch.Tensor:
    """Return the places of all rows or columns for each image, (N, size)."""
    return torch.arange(size, device=x.device).expand(len(x), size)


def _within(places: torch.Tensor, size: int) -> torch.Tensor:
    return (places >= 0) & (places < size)


def _scale_around(x: torch.Tensor, mean: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    return (x - mean) * factor + mean
