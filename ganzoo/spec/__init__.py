"""RunSpec: one run, validated. Nothing here imports torch."""

from __future__ import annotations

from ganzoo.spec.durations import Duration
from ganzoo.spec.reading import (
    load_spec_file,
    parse_evaluation,
    parse_spec,
    read_spec_data,
    read_spec_file,
    upgraded,
)
from ganzoo.spec.run import InitializeFrom, RunSpec
from ganzoo.spec.sections import EMA, Evaluation, Output, Training

__all__ = [
    "EMA",
    "Duration",
    "Evaluation",
    "InitializeFrom",
    "Output",
    "RunSpec",
    "Training",
    "load_spec_file",
    "parse_evaluation",
    "parse_spec",
    "read_spec_data",
    "read_spec_file",
    "upgraded",
]
