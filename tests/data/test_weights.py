"""Files of weights: found, downloaded once, verified."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from ganzoo.data import weights
from ganzoo.data.weights import PublishedWeights, obtain, read_verified, weights_folders
from ganzoo.errors import DataError
from ganzoo.utils.progress import reporting_to

CONTENT = bytes(range(256)) * 16
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's choice, which does not exist yet."""
    monkeypatch.setenv("GANZOO_WEIGHTS", str(tmp_path / "mine"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("GANZOO_OFFLINE", raising=False)
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "mine"


class Server:
    """Gives the bytes it holds for any path, and counts how often."""

    def __init__(self) -> None:
        self.content, self.announced, self.status, self.requests = CONTENT, len(CONTENT), 200, 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests += 1
                self.send_response(outer.status)
                self.send_header("Content-Length", str(outer.announced))
                self.end_headers()
                self.wfile.write(outer.content)

            def log_message(self, *args: object) -> None:
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.file = PublishedWeights(
            "net-1.pth", SHA256, f"http://127.0.0.1:{self.http.server_port}/net-1.pth"
        )


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.http.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_a_file_is_downloaded_once(server: Server, first: Path) -> None:
    assert obtain(server.file) == first / "net-1.pth"
    assert (first / "net-1.pth").read_bytes() == CONTENT
    assert visible(first) == ["net-1.pth"]
    assert obtain(server.file) == first / "net-1.pth"
    assert server.requests == 1


def test_without_a_choice_downloads_go_to_the_cache(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GANZOO_WEIGHTS")
    assert obtain(server.file) == cache / "weights" / "net-1.pth"


def test_folders_are_looked_through_in_their_order(
    server: Server, first: Path, cache: Path, tmp_path: Path
) -> None:
    folders = [first, cache / "weights", tmp_path / "torch" / "hub" / "checkpoints"]
    assert weights_folders() == folders
    for folder in reversed(folders):
        folder.mkdir(parents=True)
        (folder / "net-1.pth").write_bytes(b"")
        assert obtain(server.file) == folder / "net-1.pth"
    assert server.requests == 0


def test_torchs_folder_is_found_as_torch_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    for names in ({"TORCH_HOME": "t"}, {"XDG_CACHE_HOME": "x"}, {}):
        for name in ("TORCH_HOME", "XDG_CACHE_HOME"):
            if name in names:
                monkeypatch.setenv(name, str(tmp_path / names[name]))
            else:
                monkeypatch.delenv(name, raising=False)
        assert weights_folders()[-1] == Path(torch.hub.get_dir()) / "checkpoints"


def test_progress_is_reported(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "PIECE", 1500)
    reports: list[tuple[str, int, int]] = []
    with reporting_to(lambda *each: reports.append(each)):
        obtain(server.file)
    assert {text for text, _, _ in reports} == {"downloading net-1.pth"}
    assert [(done, total) for _, done, total in reports] == [
        (0, 0),
        (1500, 4096),
        (3000, 4096),
        (4096, 4096),
        (4096, 4096),
    ]


def test_other_bytes_than_expected_are_not_kept(server: Server, first: Path) -> None:
    server.content = b"x" * len(CONTENT)
    found = hashlib.sha256(server.content).hexdigest()
    with pytest.raises(DataError) as caught:
        obtain(server.file)
    assert str(caught.value) == (
        f"net-1.pth (SHA-256 {SHA256}) is not on this machine, and what was downloaded, 4096 bytes,"
        f" has SHA-256 {found}; get it from {server.file.url} and put it into {first}"
    )
    assert visible(first) == []


def test_a_download_that_breaks_off_is_not_kept(server: Server, first: Path) -> None:
    server.content = CONTENT[:1000]
    with pytest.raises(DataError, match="what was downloaded, 1000 bytes"):
        obtain(server.file)
    assert visible(first) == []


def test_failed_downloads_say_why(server: Server, first: Path) -> None:
    server.status = 404
    with pytest.raises(DataError, match=rf"it cannot be downloaded \(Not Found\); .* into {first}"):
        obtain(server.file)


def test_folders_that_cannot_be_written_say_so(server: Server, first: Path) -> None:
    first.write_text("a file where the folder should be")
    with pytest.raises(DataError, match=r"it cannot be downloaded \(.*File exists"):
        obtain(server.file)


@pytest.mark.parametrize(("value", "requests"), [("1", 0), ("yes", 0), ("0", 1), ("", 1)])
def test_nothing_is_downloaded_when_offline(
    value: str, requests: int, server: Server, first: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANZOO_OFFLINE", value)
    if requests:
        assert obtain(server.file).exists()
    else:
        with pytest.raises(
            DataError,
            match="downloads are forbidden, by --offline or GANZOO_OFFLINE; get it from http",
        ):
            obtain(server.file)
    assert server.requests == requests


def test_only_the_bytes_expected_are_given(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    with pytest.raises(DataError, match=rf"net\.pth does not exist; it should be .* {SHA256}"):
        read_verified(path, SHA256)
    path.write_bytes(CONTENT)
    assert read_verified(path, SHA256) == read_verified(path, SHA256[:8]) == CONTENT
    with pytest.raises(DataError, match=rf"has SHA-256 {SHA256}, where {'0' * 8} is expected"):
        read_verified(path, "0" * 8)
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        read_verified(tmp_path, SHA256)
