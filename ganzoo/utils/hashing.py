"""The hash of content: of weights, checkpoints, arrays and JSON. Torch-free."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def content_hash(parts: Iterable[tuple[str, Array | bytes]]) -> str:
    """Return the SHA-256 of parts in order: of each, what it is in words, and its bytes."""
    digest = hashlib.sha256()
    for label, content in parts:
        digest.update(label.encode())
        digest.update(content if isinstance(content, bytes) else np.ascontiguousarray(content).data)
    return digest.hexdigest()


def json_hash(data: Any) -> str:
    """Return the SHA-256 of JSON data, on whose spaces and order of keys it does not depend."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return content_hash([(text, b"")])
