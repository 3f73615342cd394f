"""A store for these tests alone: Trackio reads where it is when it is imported."""

from __future__ import annotations

import os
import tempfile

STORE = tempfile.TemporaryDirectory()  # removed when the process ends
os.environ["TRACKIO_DIR"] = STORE.name
os.environ["HF_HUB_OFFLINE"] = os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
