"""Heights and widths of images, and of what layers make of them, in pixels."""

from __future__ import annotations

from collections.abc import Callable

SMALLEST = 8
"""Pixels of the shorter side of the smallest images: one doubling of a stem of 4 pixels."""


def doublings(height: int, width: int) -> int:
    """Return how often a stem whose shorter side has 4 to 7 pixels is doubled to reach a size.

    The result is exact for 28x28 (7x7 twice) or 48x64 (6x8 three times), and rounded down for 30x30.
    """
    return min(height, width).bit_length() - SMALLEST.bit_length() + 1


def stem_of(height: int, width: int) -> tuple[int, int] | None:
    """Return height and width of the stem that is doubled to a size, or None where there is none."""
    depth = doublings(height, width)
    stem = height >> depth, width >> depth
    return stem if (stem[0] << depth, stem[1] << depth) == (height, width) else None


def nearest(height: int, width: int) -> list[tuple[int, int]]:
    """Return the nearest sizes that a stem can be doubled to: a smaller one, if any, and a larger."""
    depth = doublings(height, width)
    steps = [1 << each for each in (depth - 1, depth, depth + 1) if each > 0]
    rounds: tuple[Callable[[int, int], int], ...] = (
        lambda side, step: side // step * step,
        lambda side, step: -(-side // step) * step,
    )
    found = []
    for rounded in rounds:
        sizes = [(rounded(height, step), rounded(width, step)) for step in steps]
        sizes = [size for size in sizes if min(size) >= SMALLEST and stem_of(*size)]
        near = min(
            sizes, key=lambda size: abs(size[0] - height) + abs(size[1] - width), default=None
        )
        found += [] if near is None else [near]
    return found


def convolved(size: int, kernel_size: int, padding: int, *, pooled: bool = False) -> int:
    """Return the pixels that a convolution of stride 2, or one and pooling, leaves of a side."""
    every = size + 2 * padding - kernel_size + 1
    return every // 2 if pooled else -(-every // 2)


def check_size(sample_shape: tuple[int, ...]) -> tuple[int, int]:
    """Return height and width of images.

    Raises:
        ValueError: the samples are not images, or are too small.
    """
    if len(sample_shape) != 3:
        raise ValueError("supports images only; choose 'mlp' for other samples")
    _, height, width = sample_shape
    if min(height, width) < SMALLEST:
        raise ValueError(f"supports images of at least {SMALLEST}x{SMALLEST}, not {height}x{width}")
    return height, width
