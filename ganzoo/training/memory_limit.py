"""Networks that are too large for this machine are refused before their memory is taken."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from ganzoo.errors import Problem, SpecError
from ganzoo.spec import RunSpec
from ganzoo.utils.memory import machine_memory

WEIGHTS = frozenset({torch.empty, torch.zeros, torch.ones})
"""What layers allocate their weights with."""


class TooLargeError(Exception):
    """The weights asked for do not fit in the memory of this machine."""


class MemoryLimit(TorchFunctionMode):
    """A context in which weights take a number of bytes at most, counted before it is allocated."""

    def __init__(self, limit: float) -> None:
        super().__init__()
        self._limit, self._taken = limit, 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Count what is about to be allocated."""
        del types
        kwargs = kwargs or {}
        if func in WEIGHTS:
            size = kwargs.get("size", args)
            size = size[0] if len(size) == 1 and isinstance(size[0], Sequence) else size
            width = (kwargs.get("dtype") or torch.get_default_dtype()).itemsize
            self._taken += math.prod(size) * width
            if self._taken > self._limit:
                raise TooLargeError
        return func(*args, **kwargs)


@contextmanager
def within_memory(spec: RunSpec, limit: float | None = None) -> Iterator[None]:
    """Refuse, in a ``with`` block that builds networks, those whose weights do not fit in memory.

    Raises:
        SpecError: with the path of the network.
    """
    if limit is None:
        limit = machine_memory()
    try:
        with MemoryLimit(limit):
            yield
    except (TooLargeError, MemoryError) as error:
        reason = f"its weights need more than the {limit / 2**30:.3g} GiB of memory of this machine"
        raise SpecError([Problem(_builder(error, spec), f"{reason}; make it smaller")]) from None


def _builder(error: BaseException, spec: RunSpec) -> str:
    """Return the path of the component whose ``build`` raised an exception."""
    paths = {id(component): path for path, component in spec.components().items()}
    found = [
        paths[id(frame.f_locals["self"])]
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if id(frame.f_locals.get("self")) in paths
    ]
    return found[-1] if found else "algorithm"
