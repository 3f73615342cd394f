"""Sizes of images and of what layers make of them, in pixels a side."""

from __future__ import annotations

SMALLEST = 8
"""Pixels a side of the smallest images: one doubling of a stem of 4x4."""


def doublings(size: int) -> int:
    """Return how often a stem of 4 to 7 pixels a side is doubled to reach ``size`` of at least 8.

    The result is exact for 28 (7 twice) or 64 (4 four times), and rounded down for 30.
    """
    return size.bit_length() - SMALLEST.bit_length() + 1


def convolved(size: int, kernel_size: int, padding: int) -> int:
    """Return the pixels a side that a convolution of stride 2 leaves of ``size``."""
    return (size + 2 * padding - kernel_size) // 2 + 1


def check_size(sample_shape: tuple[int, ...]) -> int:
    """Return the pixels a side of square images.

    Raises:
        ValueError: the samples are points, or images that are not square or too small.
    """
    if len(sample_shape) != 3:
        raise ValueError("supports images only; choose 'mlp' for other samples")
    _, height, width = sample_shape
    if height != width:
        side = max(height, width)
        raise ValueError(
            f"supports square images, not {height}x{width}; choose 'mlp', or let the data set resize"
            f" them, to {side}x{side} for example"
        )
    if height < SMALLEST:
        raise ValueError(f"supports images of at least {SMALLEST}x{SMALLEST}, not {height}x{width}")
    return height
