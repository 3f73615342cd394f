"""Streams of randomness from one seed."""

from __future__ import annotations

import itertools

from ganzoo.utils.seeds import derive_seed


def test_seeds_are_the_same_on_every_machine() -> None:
    """Numbers of sha256sum; a change would make old runs resume into other data."""
    assert derive_seed(0) == 0x5FECEB66FFC86F38 >> 1
    assert derive_seed(7, "data order", 3) == 0xE48541CE3D591157 >> 1


def test_seeds_purposes_and_their_numbers_all_give_other_streams() -> None:
    seeds = [
        derive_seed(seed, purpose, number)
        for seed, purpose, number in itertools.product(range(5), ("weights", "latents"), range(5))
    ]
    assert len(set(seeds)) == len(seeds)


def test_torch_takes_every_seed() -> None:
    assert all(0 <= derive_seed(seed, "x") < 2**63 for seed in range(200))


def test_neighbouring_seeds_share_no_bits() -> None:
    """Half of the bits differ on average, which they would not for seed + 1."""
    differing = [
        (derive_seed(seed, "x") ^ derive_seed(seed + 1, "x")).bit_count() for seed in range(200)
    ]
    assert 28 < sum(differing) / len(differing) < 35
