"""A trained generator as a file that runs without ganzoo: ONNX, or a program of ``torch.export``.

Either is compared with the module before it is written, on batches of several sizes.
"""

from __future__ import annotations

import io
import json
import logging
import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.export import Dim, ExportedProgram
from torch.overrides import TorchFunctionMode

from ganzoo.components import DatasetInfo
from ganzoo.errors import GanzooError, RunError, in_a_line
from ganzoo.runs.generator import LoadedSampler
from ganzoo.sampling import BLOCK, Inputs, Sampler, draw_latents

TOLERANCE = 1e-5
"""Largest difference from the module, relative to the largest output where that is above 1."""

BATCHES = (1, 5, BLOCK)
"""Sizes of the batches that are compared."""

Call = Callable[[Sequence[torch.Tensor]], torch.Tensor]


@dataclass(frozen=True)
class Exported:
    """What was exported: the content of the file, and what a user should know of it.

    Attributes:
        content: of the file.
        inputs: their names, in order; the first axis of each is the batch.
        difference: the largest difference from the module that was found.
        without_noise: whether the generator draws noise, which the file leaves out.
    """

    content: bytes
    inputs: tuple[str, ...]
    difference: float
    without_noise: bool


def to_onnx(loaded: LoadedSampler) -> Exported:
    """Return an ONNX model of a generator: inputs ``latents`` or ``source``, then ``condition``."""
    import onnxruntime as ort

    program = _Program(loaded.sampler)
    with _exporting("ONNX"):
        model = torch.onnx.export(
            _traced(program, loaded.info),
            dynamo=True,
            input_names=program.names,
            output_names=["samples"],
            verbose=False,
        )
        if model is None:  # only where a file is named
            raise RuntimeError("torch.onnx returned nothing")
        proto = model.model_proto
        entry = proto.metadata_props.add()
        entry.key, entry.value = "ganzoo", json.dumps(_facts(loaded))
        content: bytes = proto.SerializeToString()
        session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])

    def call(arguments: Sequence[torch.Tensor]) -> torch.Tensor:
        feed = {name: each.numpy() for name, each in zip(program.names, arguments, strict=True)}
        return torch.from_numpy(session.run(None, feed)[0])

    return _checked("ONNX", content, program, loaded.info, call)


def to_torch(loaded: LoadedSampler) -> Exported:
    """Return a program of ``torch.export`` (.pt2): the same inputs, by position."""
    program, file = _Program(loaded.sampler), io.BytesIO()
    with _exporting("torch.export"):
        traced = _traced(program, loaded.info)
        torch.export.save(traced, file, extra_files={"ganzoo.json": json.dumps(_facts(loaded))})
        file.seek(0)
        module = torch.export.load(file).module()
    return _checked(
        "torch.export", file.getvalue(), program, loaded.info, lambda arguments: module(*arguments)
    )


class _Program(nn.Module):
    """A sampler as a function of tensors alone."""

    def __init__(self, sampler: Sampler) -> None:
        super().__init__()
        if not sampler.translates and sampler.latent_dim is None:
            raise RunError("its samples are generated from noise alone, which no file can be given")
        self.sampler, self.without_noise = sampler.float(), False
        self.names = ["source" if sampler.translates else "latents"]
        if sampler.condition is not None:
            self.names.append("condition")

    def forward(self, given: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        """Map latents or sources (N, …) and conditions of N samples to samples (N, …)."""
        latents, source = (None, given) if self.sampler.translates else (given, None)
        with _WithoutNoise() as mode:
            samples: torch.Tensor = self.sampler(
                Inputs(latents, condition, source), torch.Generator()
            )
        self.without_noise |= mode.met
        return samples

    def arguments(self, count: int, info: DatasetInfo) -> tuple[torch.Tensor, ...]:
        """Return what a number of samples may be generated from."""
        if self.sampler.translates and info.source is not None:
            rng = torch.Generator().manual_seed(0)
            given = torch.rand(count, *info.source.shape, generator=rng) * 2 - 1
        else:
            given = draw_latents(self.sampler, range(count), 0).float()
        condition = self.sampler.default_condition(range(count))
        return (given,) if condition is None else (given, condition)


class _WithoutNoise(TorchFunctionMode):
    """Has zeros drawn in place of the noise that some generators inject: its mean."""

    met = False

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Replace a call of ``torch.randn`` that has a random source; leave others as they are."""
        del types
        given = dict(kwargs or {})
        if func is torch.randn and given.pop("generator", None) is not None:
            self.met = True
            return torch.zeros(*args, **given)
        return func(*args, **given)


def _traced(program: _Program, info: DatasetInfo) -> ExportedProgram:
    """Trace a program for batches of any size."""
    arguments, batch = program.arguments(BATCHES[1], info), Dim("batch")
    return torch.export.export(
        program, arguments, dynamic_shapes=tuple({0: batch} for _ in arguments)
    )


def _facts(loaded: LoadedSampler) -> dict[str, Any]:
    """Return what a reader of the file may want to know: shapes, names of classes, the step."""
    return {
        "step": loaded.step,
        "weights": loaded.weights,
        "weights_sha256": loaded.sha256,
        "latent_dim": loaded.sampler.latent_dim,
        "data": loaded.info.to_json(),
    }


def _checked(
    kind: str, content: bytes, program: _Program, info: DatasetInfo, call: Call
) -> Exported:
    """Compare what was exported with the module; refuse it where they differ."""
    worst = allowed = 0.0
    for count in BATCHES:
        arguments = program.arguments(count, info)
        with torch.no_grad(), _exporting(kind):
            expected, found = program(*arguments), call(arguments)
        if found.shape != expected.shape:
            shapes = f"{tuple(found.shape)}, not {tuple(expected.shape)}"
            raise GanzooError(f"the {kind} file was not written: its samples have shape {shapes}")
        worst = max(worst, float((found - expected).abs().max()))
        allowed = max(allowed, TOLERANCE * max(1.0, float(expected.abs().max())))
    if not (worst <= allowed and math.isfinite(worst)):
        raise GanzooError(
            f"the {kind} file was not written: its samples differ from the module's by {worst:.2g},"
            f" and {allowed:.2g} is allowed"
        )
    return Exported(content, tuple(program.names), worst, program.without_noise)


@contextmanager
def _exporting(kind: str) -> Iterator[None]:
    """Keep exporters from writing to the terminal; what they raise becomes one sentence."""
    log, level = logging.getLogger("torch.onnx"), logging.getLogger("torch.onnx").level
    try:
        log.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions and of what exporters do themselves
            yield
    except Exception as error:  # exporters raise errors of many kinds
        raise GanzooError(f"cannot be exported to {kind}: {in_a_line(error)}") from error
    finally:
        log.setLevel(level)
