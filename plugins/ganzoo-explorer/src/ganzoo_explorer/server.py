"""A server of one page, for programs on the same machine unless told otherwise."""

from __future__ import annotations

import errno
import json
import socket
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from typing import Any
from urllib.parse import unquote, urlsplit

from ganzoo.errors import GanzooError, UsageError, in_a_line
from ganzoo_explorer.model import Explorer

PAGE = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/explorer.js": ("explorer.js", "text/javascript; charset=utf-8"),
    "/explorer.css": ("explorer.css", "text/css; charset=utf-8"),
}

LOOPBACK = {"localhost", "127.0.0.1", "::1"}

LARGEST = 32 * 2**20
"""Bytes of a request, at most: a photo fits."""

POLICY = "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'; base-uri 'none'"


class Server(ThreadingHTTPServer):
    """Serves the page of an explorer; each visitor has a thread.

    Raises:
        UsageError: the port is in use, or there is no such address on this machine.
    """

    daemon_threads = True

    def __init__(self, explorer: Explorer, host: str, port: int) -> None:
        self.explorer = explorer
        self.local = host in LOOPBACK
        if ":" in host:
            self.address_family = socket.AF_INET6
        try:
            super().__init__((host, port), Handler)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise UsageError(f"port {port} is in use; name another with --port") from None
            raise UsageError(f"{host}:{port}: cannot be served: {error.strerror}") from None

    @property
    def url(self) -> str:
        """Where the page is."""
        host, port = self.server_address[:2]
        shown = f"[{host!s}]" if self.address_family == socket.AF_INET6 else host
        return f"http://{shown!s}:{port}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore what goes wrong with a connection, such as a page that was closed."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # small answers would wait for each other
    timeout = 60
    server: Server

    def do_GET(self) -> None:
        """Send the page, or data that depend on nothing."""
        path = urlsplit(self.path).path
        explorer = self.server.explorer
        if self._refused():
            return
        if path in PAGE:
            name, kind = PAGE[path]
            content = resources.files("ganzoo_explorer").joinpath("page", name).read_bytes()
            self._send(HTTPStatus.OK, content, kind)
        elif path == "/api/run":
            self._send_result(explorer.describe)
        elif path == "/api/effects":
            self._send_result(explorer.effects)
        else:
            self._fail(HTTPStatus.NOT_FOUND, "there is no such page")

    def do_POST(self) -> None:
        """Answer with what was asked for, or with what is wrong, in a sentence."""
        if self._refused():
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LARGEST:
            self.close_connection = True  # the rest is not read
            self._fail(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"at most {LARGEST >> 20} MiB are read")
            return
        body = self.rfile.read(int(length))
        self._send_result(lambda: self._answer(body))

    def _answer(self, body: bytes) -> Any:
        explorer, url = self.server.explorer, urlsplit(self.path)
        if url.path == "/api/invert":
            return explorer.invert(body, _json_object(unquote(url.query) or "{}"))
        answers = {
            "/api/latents": explorer.latents,
            "/api/images": explorer.images,
            "/api/animation": explorer.animation,
        }
        if url.path not in answers:
            raise UsageError("there is no such page")
        return answers[url.path](_json_object(body))

    def _refused(self) -> bool:
        """Refuse requests of other hosts' pages, also where their name points to this machine."""
        sources = [f"//{self.headers.get('Host', '')}", *self.headers.get_all("Origin", [])]
        if self.server.local and not all(map(_is_loopback, sources)):
            self.close_connection = True
            self._fail(HTTPStatus.FORBIDDEN, "this page is for programs on the same machine")
            return True
        return False

    def _send_result(self, action: Callable[[], Any]) -> None:
        """Send what an action returns as JSON, or what is wrong with it."""
        try:
            data = action()
        except GanzooError as error:
            self._fail(HTTPStatus.BAD_REQUEST, str(error))
        except Exception as error:  # such as memory that runs out: the page must hear of it
            self._fail(HTTPStatus.INTERNAL_SERVER_ERROR, in_a_line(error))
        else:
            self._send(HTTPStatus.OK, json.dumps(data).encode(), "application/json")

    def _fail(self, status: HTTPStatus, reason: str) -> None:
        self._send(status, json.dumps({"error": reason}).encode(), "application/json")

    def _send(self, status: HTTPStatus, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        """Write nothing."""


def _is_loopback(address: str) -> bool:
    try:
        return urlsplit(address).hostname in LOOPBACK
    except ValueError:
        return False


def _json_object(text: str | bytes) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise UsageError("the request must be a JSON object")
    return data
