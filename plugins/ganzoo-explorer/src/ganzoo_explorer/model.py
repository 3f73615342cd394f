"""What the page asks for: latents, images, effects of coordinates, the latent of a picture.

Nothing of a visitor is kept: each request brings the latents that it is about, so that any number of
pages can be open at once.
"""

from __future__ import annotations

import base64
import functools
import io
import threading
import timeit
from typing import Any

import numpy as np
import torch
from ganzoo_latents.directions import sefa
from ganzoo_latents.effects import effects
from ganzoo_latents.inversion import invert, read_picture
from ganzoo_latents.paths import interpolate_spherically
from ganzoo_latents.space import LatentSpace, Pixels

from ganzoo.errors import UsageError
from ganzoo.opened import Run
from ganzoo.utils.images import to_image

SAMPLES = 8
"""Latents that the page shows side by side."""

MEASURED = 8
"""Latents that the effects of coordinates are measured on."""

DIRECTIONS = 10

MOST = 64
"""Images in one answer, at most."""

Data = dict[str, Any]


class Explorer:
    """Answers the requests of the page about one run."""

    def __init__(self, run: Run) -> None:
        self.space, self.run = LatentSpace.of(run), run
        self.truncated = functools.lru_cache(maxsize=8)(functools.partial(LatentSpace.of, run))
        self._measuring = threading.Lock()
        self._effects: Data | None = None

    def choose_threads(self) -> None:
        """Let torch use one thread where that is faster, as for small networks and on busy machines."""
        latents = torch.zeros(SAMPLES, self.space.dim)
        condition = self.space.conditions(SAMPLES)

        def seconds(threads: int) -> float:
            torch.set_num_threads(threads)
            return min(timeit.repeat(lambda: self.space.render(latents, condition), number=1))

        torch.set_num_threads(min({1, torch.get_num_threads()}, key=seconds))

    def describe(self) -> Data:
        """Return what the page is built from."""
        condition, images = self.run.sampler.condition, self.space.images
        vectors = condition is not None and condition.kind != "classes"
        example = self.space.conditions(1)
        return {
            "name": self.run.path.resolve().name,
            "dim": self.space.dim,
            "width": images.width,
            "height": images.height,
            "checkpoint": self.run.checkpoint,
            "classes": self.run.class_names,
            "condition": example[0].tolist() if vectors and example is not None else None,
            "center": self.space.center.tolist(),
            "spread": self.space.spread(torch.eye(self.space.dim)).tolist(),
        }

    def effects(self) -> Data:
        """Return the effect of each coordinate and direction; they are measured once."""
        with self._measuring:
            if self._effects is None:
                self._effects = self._measure()
            return self._effects

    def _measure(self) -> Data:
        coordinates = effects(self.space, torch.eye(self.space.dim), MEASURED)
        data: Data = {"coordinates": [each.change for each in coordinates], "directions": []}
        try:
            found = sefa(self.space, min(DIRECTIONS, self.space.dim))
        except UsageError:
            return data
        changes = [each.change for each in effects(self.space, found.vectors, MEASURED)]
        spread = self.space.spread(found.vectors).tolist()
        rows = zip(found.vectors.tolist(), changes, spread, strict=True)
        data["directions"] = [
            {"vector": vector, "change": change, "spread": unit} for vector, change, unit in rows
        ]
        return data

    def latents(self, request: Data) -> Data:
        """Return the latents of a seed; ``truncation`` may be null."""
        seed = request.get("seed", 0)
        if not isinstance(seed, int) or abs(seed) >= 2**63:
            raise UsageError("seed: must be a whole number")
        return {"latents": self._space(request).latents(SAMPLES, seed).tolist()}

    def images(self, request: Data) -> Data:
        """Return the images of some latents, as data URLs of PNG files."""
        latents = self._latents(request.get("latents"))
        condition = self._condition(request, len(latents))
        return self._rendered(request, latents, condition)

    def animation(self, request: Data) -> Data:
        """Return images on the arc between two latents."""
        begin, end = self._latents([request.get("begin"), request.get("end")]).double().numpy()
        frames = request.get("frames", 24)
        if not isinstance(frames, int) or not 2 <= frames <= MOST:
            raise UsageError(f"frames: must be from 2 to {MOST}")
        way = interpolate_spherically(begin[None], end[None], frames)[0]
        latents = torch.from_numpy(way).float()
        condition = self._condition(request, frames)
        return self._rendered(request, latents, condition)

    def invert(self, picture: bytes, request: Data) -> Data:
        """Return the latent of a picture, with both images and the error.

        Its condition is that of the request, or the one of all that fits best.
        """
        condition = self._condition(request, 1) if request else None
        target, note = read_picture(io.BytesIO(picture), self.space.images, "the picture")
        found = invert(self.space, target, condition=condition, starts=4, steps=200)
        return {
            "latent": found.latent.tolist(),
            "label": found.label,
            "distance": found.error,
            "note": note,
            "target": data_url(target.numpy()),
            "image": data_url(found.image),
        }

    def _space(self, request: Data) -> LatentSpace:
        truncation = request.get("truncation")
        if truncation is None:
            return self.space
        return self.truncated(_number("truncation", truncation))

    def _rendered(
        self, request: Data, latents: torch.Tensor, condition: torch.Tensor | None
    ) -> Data:
        images = self._space(request).render(latents, condition)
        return {"images": [data_url(each) for each in images]}

    def _latents(self, given: Any) -> torch.Tensor:
        dim = self.space.dim
        if not isinstance(given, list) or not 0 < len(given) <= MOST:
            raise UsageError(f"latents: must be a list of 1 to {MOST} latents")
        for each in given:
            if not isinstance(each, list) or len(each) != dim:
                found = len(each) if isinstance(each, list) else "none"
                raise UsageError(f"latent: needs {dim} numbers, not {found}")
        try:
            latents = torch.tensor(given, dtype=torch.float32)
        except (TypeError, ValueError, RuntimeError, OverflowError):
            raise UsageError("latent: every coordinate must be a number") from None
        if not torch.isfinite(latents).all():
            raise UsageError("latent: every coordinate must be finite, and fit in 32 bits")
        return latents

    def _condition(self, request: Data, count: int) -> torch.Tensor | None:
        condition = self.run.sampler.condition
        if condition is None:
            return None
        if condition.kind == "classes":
            labels = request.get("labels")
            if not isinstance(labels, list) or len(labels) not in {1, count}:
                raise UsageError(f"labels: must be a list of 1 or {count} classes")
            for each in labels:
                self._refuse_class(each)
            return torch.tensor(labels, dtype=torch.int64).expand(count)
        given = request.get("condition")
        if not isinstance(given, list) or len(given) != condition.size:
            raise UsageError(f"condition: needs {condition.size} numbers")
        numbers = [_number("condition", each) for each in given]
        return torch.tensor([numbers], dtype=torch.float32).expand(count, -1)

    def _refuse_class(self, label: Any) -> None:
        classes = len(self.run.class_names)
        if not isinstance(label, int) or not 0 <= label < classes:
            raise UsageError(f"class: must be a number from 0 to {classes - 1}")


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise UsageError(f"{name}: must be a number")
    return float(value)


def data_url(image: Pixels) -> str:
    """Return an image (C, H, W) in [-1, 1] as a PNG in a URL."""
    buffer = io.BytesIO()
    to_image(image).save(buffer, format="PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
