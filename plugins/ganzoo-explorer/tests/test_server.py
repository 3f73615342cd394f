"""What the server answers to a page, and to what is no page."""

from __future__ import annotations

import base64
import http.client
import io
import json
import socket
import threading
import time
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import torch
from ganzoo_explorer.model import Explorer
from ganzoo_explorer.server import Server
from ganzoo_latents.space import LatentSpace
from PIL import Image

import ganzoo
from ganzoo.errors import UsageError


def ask(server: Server, path: str, data: Any = None, **headers: str) -> tuple[int, Any]:
    """Return the status and the content of an answer, JSON where it is."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=60)
    body = data if data is None or isinstance(data, bytes) else json.dumps(data)
    connection.request("GET" if data is None else "POST", path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    kind = answer.headers["Content-Type"]
    return answer.status, json.loads(content) if kind == "application/json" else content


def pixels(url: str) -> Any:
    kind, _, content = url.partition(",")
    assert kind == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        return np.asarray(image)


def test_the_page_and_its_parts_are_served(served: Server) -> None:
    status, page = ask(served, "/")
    assert status == 200
    assert b"ganzoo explorer" in page
    for part in ("explorer.js", "explorer.css"):
        assert f'"{part}"'.encode() in page
        assert ask(served, f"/{part}")[0] == 200
    assert ask(served, "/../conftest.py")[0] == 404


def test_a_run_is_described(served: Server) -> None:
    _, data = ask(served, "/api/run")
    assert (data["name"], data["dim"], data["width"]) == ("small-1", 8, 28)
    assert data["classes"] == [str(each) for each in range(10)]
    _, effects = ask(served, "/api/effects")
    assert len(effects["coordinates"]) == 8
    assert len(effects["directions"]) == 8
    assert all(each["change"] > 0 for each in effects["directions"])


def test_images_are_those_that_sampling_gives(served: Server, finished: Any) -> None:
    _, data = ask(served, "/api/latents", {"seed": 3})
    assert len(data["latents"]) == 8
    _, answer = ask(served, "/api/images", {"latents": data["latents"], "labels": [4]})
    run = ganzoo.open_run(finished)
    expected = run.sample(8, seed=3, labels=4).numpy()
    for url, sample in zip(answer["images"], expected, strict=True):
        np.testing.assert_allclose(pixels(url) / 127.5 - 1, sample[0], atol=0.01)


def test_truncation_and_animations(served: Server) -> None:
    _, data = ask(served, "/api/latents", {"seed": 3, "truncation": 0.5})
    latents = data["latents"]
    assert np.abs(latents).max() <= 0.5
    request = {"begin": latents[0], "end": latents[1], "frames": 5, "labels": [0]}
    _, moving = ask(served, "/api/animation", request)
    _, ends = ask(served, "/api/images", {"latents": latents[:2], "labels": [0]})
    assert len(moving["images"]) == 5
    for frame, end in zip((moving["images"][0], moving["images"][-1]), ends["images"], strict=True):
        np.testing.assert_allclose(pixels(frame).astype(int), pixels(end), atol=1)


def test_a_picture_becomes_a_latent(served: Server) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40), "black").save(buffer, "PNG")
    status, found = ask(
        served, f"/api/invert?{quote(json.dumps({'labels': [2]}))}", buffer.getvalue()
    )
    assert status == 200
    assert found["label"] == 2
    assert len(found["latent"]) == 8
    assert "resized from 40x40" in found["note"]
    _, answer = ask(served, "/api/images", {"latents": [found["latent"]], "labels": [2]})
    assert (pixels(answer["images"][0]) == pixels(found["image"])).all()


ZERO = [0.0] * 8


@pytest.mark.parametrize(
    ("path", "request_", "message"),
    [
        ("latents", {"seed": "x"}, "seed: must be a whole number"),
        ("latents", {"truncation": "x"}, "truncation: must be a number"),
        ("latents", {"truncation": -1}, "truncation"),
        ("images", {"latents": [[1, 2]], "labels": [0]}, "needs 8 numbers, not 2"),
        ("images", {"latents": [["x"] * 8], "labels": [0]}, "must be a number"),
        ("images", {"latents": [[1e99] * 8], "labels": [0]}, "must be finite"),
        ("images", {"latents": [ZERO] * 65, "labels": [0]}, "1 to 64"),
        ("images", {"latents": [ZERO], "labels": [10]}, "class"),
        ("images", {"latents": [ZERO]}, "labels"),
        ("animation", {"begin": ZERO, "end": ZERO, "frames": 1, "labels": [0]}, "frames"),
        ("animation", {"begin": ZERO}, "needs 8 numbers"),
        ("images", b"{", "must be a JSON object"),
        ("images", b"[]", "must be a JSON object"),
        ("nothing", {}, "no such page"),
        (
            "invert",
            b"no picture",
            "the picture: cannot be read as a picture: it has no known format",
        ),
        (f"invert?{quote(json.dumps({'labels': [12]}))}", b"", "class"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(
    served: Server, path: str, request_: Any, message: str
) -> None:
    status, answer = ask(served, f"/api/{path}", request_)
    assert status == 400
    assert message in answer["error"]
    assert ask(served, "/api/run")[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example:8642"},
        {"Host": "[evil"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_pages_of_other_hosts_are_refused(served: Server, headers: dict[str, str]) -> None:
    for data in (None, {"seed": 1}):
        path = "/api/run" if data is None else "/api/latents"
        status, answer = ask(served, path, data, **headers)
        assert status == 403
        assert "same machine" in answer["error"]


def test_the_page_itself_is_answered(served: Server) -> None:
    assert ask(served, "/api/latents", {"seed": 1}, Origin=served.url.rstrip("/"))[0] == 200
    assert ask(served, "/api/latents", {"seed": 1}, Origin="http://localhost:9000")[0] == 200


def test_several_visitors_are_answered_at_once(served: Server) -> None:
    found: list[Any] = []

    def visit(seed: int) -> None:
        latents = ask(served, "/api/latents", {"seed": seed})[1]["latents"]
        found.append((seed, ask(served, "/api/images", {"latents": latents, "labels": [1]})[1]))

    threads = [threading.Thread(target=visit, args=(seed,)) for seed in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for seed, answer in found:
        latents = ask(served, "/api/latents", {"seed": seed})[1]["latents"]
        assert ask(served, "/api/images", {"latents": latents, "labels": [1]})[1] == answer
    assert len(found) == 6


def test_a_port_in_use_is_one_sentence(program: Any, finished: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = program("explore", finished, "--port", port)
    assert result.code == 2
    assert result.err == f"error: port {port} is in use; name another with --port\n"


def test_the_address_of_the_page_is_written(
    program: Any, finished: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Server) -> None:
        status, _ = ask_late(self)
        assert status == 200
        raise KeyboardInterrupt

    def ask_late(server: Server) -> tuple[int, Any]:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        answer = ask(server, "/api/run")
        thread.join()
        return answer

    monkeypatch.setattr(Server, "serve_forever", interrupted)
    result = program("explore", finished, "--port", 0)
    assert result.code == 0
    assert result.out.startswith("http://127.0.0.1:")
    assert result.err == "Ctrl-C ends it\nstopped\n"


@pytest.mark.parametrize(("slow", "chosen"), [(3, 1), (1, 3)])
def test_one_thread_is_used_where_it_is_faster(
    finished: Any, monkeypatch: pytest.MonkeyPatch, slow: int, chosen: int
) -> None:
    before, explorer = torch.get_num_threads(), Explorer(ganzoo.open_run(finished))

    def render(*_: Any) -> None:
        time.sleep(0.01 if torch.get_num_threads() == slow else 0)

    monkeypatch.setattr(LatentSpace, "render", render)
    try:
        torch.set_num_threads(3)
        explorer.choose_threads()
        assert torch.get_num_threads() == chosen
    finally:
        torch.set_num_threads(before)


def test_a_generator_of_values_is_told_them(tmp_path: Any) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (32, 8, 8, 3), dtype=np.uint8)
    labels = rng.integers(0, 2, (32, 2)).astype(np.float32) / 2
    np.savez(tmp_path / "x.npz", train_images=images, train_labels=labels)
    network = {"type": "mlp", "hidden": [8], "conditional": True}
    spec = {
        "dataset": {"type": "arrays", "path": str(tmp_path / "x.npz")},
        "latent": {"type": "uniform", "dim": 4},
        "generator": network,
        "discriminator": network,
        "training": {"duration": "3 steps", "batch_size": 8},
        "device": "cpu",
    }
    explorer = Explorer(ganzoo.run(spec, output=tmp_path / "run"))
    example = explorer.describe()["condition"]
    assert len(example) == 2
    latents = explorer.latents({"truncation": 0.25})["latents"]
    assert np.abs(latents).max() <= 0.25
    first, other = (
        explorer.images({"latents": latents, "condition": told})["images"]
        for told in (example, [5.0, -5.0])
    )
    assert first != other
    with pytest.raises(UsageError, match="condition: needs 2 numbers"):
        explorer.images({"latents": latents, "condition": [1]})
    picture = base64.b64decode(first[0].partition(",")[2])
    found = explorer.invert(picture, {"condition": example})
    shown = explorer.images({"latents": [found["latent"]], "condition": example})["images"]
    assert shown == [found["image"]]


def test_the_loopback_address_of_ipv6_is_served(finished: Any) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with Server(Explorer(ganzoo.open_run(finished)), "::1", 0) as server:
        assert server.url == f"http://[::1]:{server.server_address[1]}/"


def test_an_address_of_another_machine_is_refused(finished: Any) -> None:
    with pytest.raises(UsageError, match=r"192\.0\.2\.1:0: cannot be served"):
        Server(Explorer(ganzoo.open_run(finished)), "192.0.2.1", 0)
