"""What extractors say of samples they cannot read."""

from __future__ import annotations


def check_images(name: str, sample_shape: tuple[int, ...], *, any_channels: bool = False) -> None:
    """Refuse what are no images, or none of 1 or 3 channels.

    Raises:
        ValueError: the message says what the extractor of this name reads.
    """
    if len(sample_shape) != 3:
        raise ValueError(
            f"extractor {name!r} reads images, not points {sample_shape}; choose 'identity' for these"
        )
    if sample_shape[0] not in {1, 3} and not any_channels:
        raise ValueError(
            f"extractor {name!r} reads images of 1 or 3 channels, not of {sample_shape[0]}"
        )
