"""Arrays that are decoded once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ganzoo.data.cache import cache_folder, cached_array
from ganzoo.errors import DataError


class Source:
    """Counts how often it is decoded."""

    def __init__(self) -> None:
        self.array = np.arange(24, dtype=np.uint8).reshape(6, 4)
        self.decoded = 0

    def chunks(self) -> Iterator[np.ndarray]:
        self.decoded += 1
        yield self.array[:4]
        yield self.array[4:]

    def cached(self) -> np.ndarray:
        return cached_array("numbers", (6, 4), np.uint8, self.chunks)


def test_an_array_is_decoded_once_and_then_mapped(cache: Path) -> None:
    source = Source()
    first, second = source.cached(), source.cached()
    assert source.decoded == 1
    assert np.array_equal(first, source.array)
    assert np.array_equal(second, source.array)
    assert isinstance(second, np.memmap)
    assert [file.name for file in cache.iterdir()] == ["numbers.npy"]


def test_writing_to_the_array_does_not_change_the_cache() -> None:
    source = Source()
    source.cached()[:] = 0
    assert np.array_equal(source.cached(), source.array)


@pytest.mark.parametrize("damage", ["truncated", "empty", "other shape", "other dtype", "garbage"])
def test_a_damaged_file_is_made_again(damage: str, cache: Path) -> None:
    source = Source()
    source.cached()
    file = cache / "numbers.npy"
    if damage == "other shape":
        np.save(file, source.array.T)
    elif damage == "other dtype":
        np.save(file, source.array.astype(np.int8))
    else:
        whole = file.read_bytes()
        file.write_bytes({"truncated": whole[:-1], "empty": b"", "garbage": b"x" * 200}[damage])
    assert np.array_equal(source.cached(), source.array)
    assert source.decoded == 2
    source.cached()
    assert source.decoded == 2


def test_without_a_writable_folder_the_array_is_made_in_memory(cache: Path) -> None:
    cache.write_text("a file stands where the folder should be")
    source = Source()
    with pytest.warns(UserWarning, match="cannot be written .* set GANZOO_CACHE"):
        array = source.cached()
    assert np.array_equal(array, source.array)


def test_a_disk_that_fills_up_leaves_nothing_behind(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    source = Source()
    with pytest.warns(UserWarning, match="No space left"):
        array = source.cached()
    assert np.array_equal(array, source.array)
    assert list(cache.iterdir()) == []


def test_a_source_that_fails_leaves_nothing_behind(cache: Path) -> None:
    def chunks() -> Iterator[np.ndarray]:
        yield np.zeros((3, 4), np.uint8)
        raise DataError("the fourth row is damaged")

    with pytest.raises(DataError, match="fourth row"):
        cached_array("numbers", (6, 4), np.uint8, chunks)
    assert list(cache.iterdir()) == []


def test_processes_that_make_the_same_array_do_not_disturb_each_other(cache: Path) -> None:
    code = """
import sys, time
import numpy as np
from ganzoo.data.cache import cached_array

def chunks():
    for _ in range(20):
        time.sleep(0.01)
        yield np.full((10, 1000), 7, np.uint8)

array = cached_array("race", (200, 1000), np.uint8, chunks)
sys.exit(not (array.shape == (200, 1000) and (array == 7).all()))
"""
    racers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [racer.wait(timeout=30) for racer in racers] == [0, 0, 0]
    assert [file.name for file in cache.iterdir()] == ["race.npy"]


def test_the_folder_is_the_users_unless_said_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("GANZOO_CACHE")
    assert "ganzoo" in cache_folder().parts
