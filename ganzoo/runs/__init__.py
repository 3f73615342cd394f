"""A run directory: its files, checkpoints, evaluation reports and history."""

from __future__ import annotations

from ganzoo.runs.directory import RunDirectory

__all__ = ["RunDirectory"]
