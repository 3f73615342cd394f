"""Independent streams of randomness from one seed."""

from __future__ import annotations

import hashlib


def derive_seed(seed: int, *purpose: str | int) -> int:
    """Return a seed for one purpose; it is the same on every machine.

    Different purposes give unrelated streams even for neighbouring seeds, unlike ``seed + 1``.

    Args:
        seed: the user's seed.
        purpose: what the stream is used for, such as ``("data order", epoch)``.

    Returns:
        A number in [0, 2**63).
    """
    text = "/".join(map(str, (seed, *purpose)))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
