"""Whether files in the cache are whole."""

from __future__ import annotations

import hashlib

import numpy as np

from ganzoo.data.cache import CachedFile
from ganzoo.evaluation.features_cache import is_whole


def fault_of(file: CachedFile) -> str | None:
    """Return what is wrong with a file in the cache, or None where it is whole.

    Samples are checked for their length, features and weights for their content: features carry its
    hash, and names of weights end in the first digits of theirs.
    """
    try:
        if file.kind == "samples":
            np.lib.format.open_memmap(file.path, mode="r")
        elif file.kind == "features" and not is_whole(file.path.read_bytes()):
            return "its content is not what was written"
        elif file.kind == "weights":
            expected = file.path.stem.rpartition("-")[2]
            digest = hashlib.sha256(file.path.read_bytes()).hexdigest()
            if not digest.startswith(expected):
                return f"its SHA-256 begins with {digest[: len(expected)]}, not {expected}"
    except (OSError, ValueError, EOFError) as error:
        return f"cannot be read: {error}"
    return None
