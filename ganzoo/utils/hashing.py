"""The hash of content: of weights, checkpoints, arrays and JSON. Torch-free."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any


def content_hash(parts: Iterable[tuple[str, Any]]) -> str:
    """Return the SHA-256 of parts in order: of each, what it is in words, and its bytes.

    In place of bytes there may be a contiguous array.
    """
    digest = hashlib.sha256()
    for label, content in parts:
        digest.update(label.encode())
        digest.update(content)
    return digest.hexdigest()


def json_hash(data: Any) -> str:
    """Return the SHA-256 of JSON data, on whose spaces and order of keys it does not depend."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    return content_hash([(text, b"")])
