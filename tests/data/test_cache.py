"""Arrays that are decoded once."""

from __future__ import annotations

import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ganzoo.data.cache import cache_folder, cached_array, cached_files, cached_rows, fault_of
from ganzoo.errors import DataError, DataWarning


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


@pytest.mark.parametrize("damage", ["truncated", "empty", "garbage", "one bit", "zeros", "facts"])
def test_a_damaged_file_is_made_again(damage: str, cache: Path) -> None:
    source = Source()
    source.cached()
    file = cache / "numbers.npy"
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[128 + 5] ^= 1
    damaged = {
        "truncated": whole[:-1],
        "empty": b"",
        "garbage": b"x" * 200,
        "one bit": bytes(flipped),
        "zeros": whole[:128] + bytes(24) + whole[128 + 24 :],
        "facts": whole.replace(b'"facts": {}', b'"facts": {]'),
    }
    file.write_bytes(damaged[damage])
    with pytest.warns(DataWarning, match=r"numbers\.npy is damaged; it is written again"):
        assert np.array_equal(source.cached(), source.array)
    assert source.decoded == 2
    source.cached()
    assert source.decoded == 2


def test_no_flipped_bit_is_believed(cache: Path) -> None:
    array = np.arange(24, dtype=np.uint8).reshape(6, 4)

    def cached() -> tuple[np.ndarray, object]:
        return cached_rows("bits", (4,), np.uint8, lambda: [array], lambda: {"seen": 3}, rows=None)

    cached()
    file = cache / "bits.npy"
    whole = file.read_bytes()
    for bit in np.random.default_rng(0).permutation(8 * len(whole))[:100].tolist():
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        file.write_bytes(flipped)
        with warnings.catch_warnings(action="ignore"):
            found, facts = cached()
        assert np.array_equal(found, array)
        assert facts == {"seen": 3}


@pytest.mark.parametrize("other", ["same", "shape", "dtype"])
def test_a_file_without_a_hash_is_made_again(other: str, cache: Path) -> None:
    source = Source()
    source.cached()
    array = source.array
    arrays = {"same": array, "shape": array.T, "dtype": array.astype(np.int8)}
    np.save(cache / "numbers.npy", arrays[other])
    assert np.array_equal(source.cached(), array)
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


def test_verifying_the_cache_finds_a_flipped_bit(cache: Path) -> None:
    name = f"numbers-{'0' * 32}"
    cached_array(name, (6, 4), np.uint8, Source().chunks)
    (file,) = cached_files()
    assert fault_of(file) is None
    content = bytearray(file.path.read_bytes())
    content[-100 - 20] ^= 128
    file.path.write_bytes(content)
    fault = fault_of(file)
    assert fault is not None
    assert "its content is not what was written" in fault


def test_rows_of_unknown_number_and_facts_about_them_are_kept() -> None:
    for _ in range(2):
        array, facts = cached_rows(
            "rows", (4,), np.uint16, lambda: [np.ones((3, 4))] * 5, lambda: {"odd": [1]}, rows=None
        )
        assert (array.shape, array.dtype, facts) == ((15, 4), np.uint16, {"odd": [1]})
        assert (array == 1).all()


WRITER = """
import time
import numpy as np
from ganzoo.data.cache import cached_array

def chunks():
    yield np.zeros((10, 10), np.uint8)
    print("begun", flush=True)
    time.sleep(60)

cached_array("slow-" + "0" * 32, (20, 10), np.uint8, chunks)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_a_stopped_process_leaves_is_removed_or_listed(
    number: signal.Signals, cache: Path
) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "begun\n"
    assert len(list(cache.iterdir())) == 1
    assert cached_files() == [], "what is being written is nobody's to delete"
    writer.send_signal(number)
    said, _ = writer.communicate(timeout=30)
    if number == signal.SIGTERM:
        assert "stopped by SIGTERM while writing slow-" in said
        assert writer.returncode == 143
        assert list(cache.iterdir()) == []
    else:
        (left,) = cached_files()
        assert left.kind == "unfinished"
        assert fault_of(left) == "it was never finished"


RESUMABLE = """
import sys, time
import numpy as np
from ganzoo.data.cache import cached_rows

def chunks(rows=0, kept=None):
    for begin in range(rows, 20, 5):
        if begin == 15 and sys.argv[1] == "stop":
            print("begun", flush=True)
            time.sleep(60)
        yield np.full((5, 10), begin, np.uint8)

cached_rows("slow-" + "0" * 32, (10,), np.uint8, chunks, lambda: {"a": 1}, rows=20, resumable=True)
"""


def _stopped(number: signal.Signals) -> str:
    """Stop a writer after three of four chunks, and return what it said."""
    writer = subprocess.Popen(
        [sys.executable, "-c", RESUMABLE, "stop"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "begun\n"
    assert cached_files() == [], "what is being written is nobody's to delete"
    writer.send_signal(number)
    return writer.communicate(timeout=30)[0]


class Resumable:
    """The source of the stopped writer, which knows where it began."""

    def __init__(self) -> None:
        self.began: list[int] = []
        self.kept: list[object] = []

    def chunks(self, rows: int = 0, kept: object = None) -> Iterator[np.ndarray]:
        self.began.append(rows)
        self.kept.append(kept)
        for begin in range(rows, 20, 5):
            yield np.full((5, 10), begin, np.uint8)

    def cached(self) -> np.ndarray:
        name = f"slow-{'0' * 32}"
        rows, facts = cached_rows(
            name, (10,), np.uint8, self.chunks, lambda: {"a": 1}, rows=20, resumable=True
        )
        assert facts == {"a": 1}
        return rows


WHOLE = np.repeat(np.arange(0, 20, 5, np.uint8), 5)[:, None].repeat(10, 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_process_is_gone_on_with(number: signal.Signals, cache: Path) -> None:
    said = _stopped(number)
    assert ("it will continue from there" in said) == (number == signal.SIGTERM)
    assert {each.kind for each in cached_files()} == {"unfinished"}
    source = Resumable()
    assert np.array_equal(source.cached(), WHOLE)
    assert source.began == [15]
    assert source.kept == [{"a": 1}]
    (file,) = cached_files()
    assert fault_of(file) is None
    assert [each.name for each in cache.iterdir()] == [file.name]


@pytest.mark.parametrize("damage", ["a bit", "cut off", "no record", "torn record", "no rows"])
def test_a_damaged_beginning_is_not_gone_on_with(damage: str, cache: Path) -> None:
    _stopped(signal.SIGKILL)
    data, record = (next(cache.glob(f".*.{suffix}")) for suffix in ("tmp", "json"))
    content = bytearray(data.read_bytes())
    content[128 + 7] ^= 1
    if damage == "a bit":
        data.write_bytes(content)
    elif damage == "cut off":
        data.write_bytes(content[:150])
    elif damage == "no rows":
        data.unlink()
    elif damage == "torn record":
        record.write_bytes(record.read_bytes()[:-9])
    else:
        record.unlink()
    source = Resumable()
    assert np.array_equal(source.cached(), WHOLE)
    assert source.began == [0]
    assert [each.name for each in cache.iterdir()] == [f"slow-{'0' * 32}.npy"]


def test_what_cannot_be_finished_is_removed(cache: Path) -> None:
    def chunks(*_: object) -> Iterator[np.ndarray]:
        yield np.zeros((3, 4), np.uint8)
        raise DataError("the fourth row is damaged")

    with pytest.raises(DataError, match="fourth row"):
        cached_rows("numbers", (4,), np.uint8, chunks, rows=6, resumable=True)
    assert list(cache.iterdir()) == []
