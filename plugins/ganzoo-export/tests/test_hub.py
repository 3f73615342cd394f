"""Pushing and pulling model folders, at an endpoint of this process in place of the hub."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch
from ganzoo_export.folder import write_folder
from ganzoo_export.hub import pull, push

import ganzoo
from ganzoo import Run
from ganzoo.errors import GanzooError, RunError

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(BaseHTTPRequestHandler):
    """As much of the hub's interface as its library uses for small repositories."""

    files: dict[str, bytes]

    def log_message(self, *_: Any) -> None:
        """Be silent."""

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _answer(self, content: Any, status: int = 200, **headers: str) -> None:
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(raw)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    def do_POST(self) -> None:
        body, address = self._body(), f"http://{self.headers['Host']}/me/tiny"
        if "/preupload/" in self.path:
            listed = json.loads(body)["files"]
            modes = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in listed
            ]
            self._answer({"files": modes})
        elif "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            self._answer(
                {"commitUrl": f"{address}/commit/{COMMIT}", "commitOid": COMMIT, "success": True}
            )
        else:
            self._answer({"url": address, "errors": [], "warnings": []})

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        listed = [
            {
                "type": "file",
                "path": name,
                "rfilename": name,
                "size": len(content),
                "oid": hashlib.sha1(content).hexdigest(),
            }
            for name, content in self.files.items()
        ]
        name = path.partition(f"/resolve/{COMMIT}/")[2]
        if name in self.files:
            content = self.files[name]
            etag = f'"{hashlib.sha1(content).hexdigest()}"'
            self._answer(content, ETag=etag, X_Repo_Commit=COMMIT)
        elif "/tree/" in path:
            self._answer(listed)
        elif path.startswith("/api/models/me/tiny"):
            self._answer({"id": "me/tiny", "sha": COMMIT, "siblings": listed})
        else:
            self._answer({"error": "not found"}, 404, X_Error_Code="RepoNotFound")

    do_HEAD = do_GET


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, bytes]]:
    """Serve an empty hub, and return the files that are pushed to it."""
    files: dict[str, bytes] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("WithFiles", (Hub,), {"files": files}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", endpoint)
    template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
    yield files
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_is_pushed_can_be_pulled(run: Run, hub: dict[str, bytes], tmp_path: Path) -> None:
    folder = write_folder(run, tmp_path / "tiny")
    (folder / "evil.pkl").write_bytes(b"never sent")
    push(folder, "me/tiny")
    assert "generator.safetensors" in hub
    assert "evil.pkl" not in hub
    hub["model.pkl"] = b"never fetched"
    pulled = pull("me/tiny", tmp_path / "there")
    expected = {path.name for path in folder.rglob("*")} - {"evil.pkl"}
    assert {path.name for path in pulled.rglob("*")} == expected
    assert torch.equal(ganzoo.open_run(pulled).sample(4), run.sample(4))


def test_what_is_not_a_model_folder_is_refused(hub: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is not a model folder: it has no spec\.json"):
        push(tmp_path, "me/tiny")
    hub["README.md"] = b"something else"
    with pytest.raises(RunError, match=r"me/tiny: is not a model folder"):
        pull("me/tiny", tmp_path / "there")
    with pytest.raises(RunError, match="exists already"):
        pull("me/tiny", tmp_path)
    assert not (tmp_path / "there").exists()


def test_what_the_hub_refuses_is_one_sentence(hub: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(GanzooError, match="someone/else: cannot be downloaded") as caught:
        pull("someone/else", tmp_path / "there")
    assert "\n" not in str(caught.value)
