"""Files on a disk that is full, or that may only grow so far."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganzoo.utils.files import append_line, put_aside, remove_leftovers, write_atomically

resource = pytest.importorskip("resource", reason="limits of POSIX")


@pytest.fixture
def small_files() -> Iterator[None]:
    """Let no file grow beyond 100 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("small_files")
def test_a_line_that_does_not_fit_is_not_added_in_part(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    append_line(path, "first")
    with pytest.raises(OSError, match="File too large") as failed:
        append_line(path, "x" * 200)
    assert (failed.value.errno, failed.value.filename) == (errno.EFBIG, str(path))
    append_line(path, "second")
    assert path.read_text() == "first\nsecond\n"


@pytest.mark.usefixtures("small_files")
def test_a_file_that_does_not_fit_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "generator.safetensors"
    with pytest.raises(OSError, match="File too large") as failed:
        write_atomically(path, b"x" * 200)
    assert failed.value.filename == str(path)
    assert not list(tmp_path.iterdir())


def test_what_is_put_aside_replaces_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    names = []
    for content in "abc":
        path.write_text(content)
        names.append(put_aside(path).name)
    assert names == ["file.damaged", "file.damaged-2", "file.damaged-3"]
    assert [(tmp_path / name).read_text() for name in names] == ["a", "b", "c"]


def test_a_folder_is_no_leftover(tmp_path: Path) -> None:
    (tmp_path / ".mine.tmp").mkdir()
    (tmp_path / ".file.tmp").touch()
    remove_leftovers(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == [".mine.tmp"]
