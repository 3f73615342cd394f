"""The weights of the digit classifier, as they come with this package."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ganzoo.errors import DataError

FILE = Path(__file__).with_name("lenet-mnist.safetensors")
"""Made by ``tools/train_lenet.py``; what they are is in ``lenet-mnist.md`` beside them."""

SHA256 = "e8d147e75addab5cf396837efe6a9cfd0128f56b9b2837125fa474991a77ef80"


def read() -> bytes:
    """Read the file, and make sure that it is the one expected.

    Raises:
        DataError: it is missing, unreadable, or another.
    """
    try:
        content = FILE.read_bytes()
    except OSError as error:
        raise DataError(
            f"{FILE} cannot be read: {error.strerror}; reinstall ganzoo-digits"
        ) from None
    found = hashlib.sha256(content).hexdigest()
    if found != SHA256:
        raise DataError(
            f"{FILE} is not the file of weights it should be (SHA-256 {found}, expected {SHA256});"
            " reinstall ganzoo-digits"
        )
    return content
