"""RunSpec: one run, validated. Nothing here imports torch."""

from __future__ import annotations

from ganzoo.spec.durations import Duration
from ganzoo.spec.local import (
    PluginFile,
    copies_of,
    load_local_plugins,
    with_plugins_of_the_program,
)
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
    "PluginFile",
    "RunSpec",
    "Training",
    "copies_of",
    "load_local_plugins",
    "load_spec_file",
    "parse_evaluation",
    "parse_spec",
    "read_spec_data",
    "read_spec_file",
    "upgraded",
    "with_plugins_of_the_program",
]
