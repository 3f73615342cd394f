"""How a check runs, and how it fails: with one sentence that names the component and the promise."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn

import torch

from ganzoo.components import Component, MetricInputs
from ganzoo.plugins import PluginRecord, Recipe

Subject = Component | PluginRecord | Recipe
Check = Callable[..., None]
Trials = Callable[[Any, "Options"], Iterable[Any]]

SAMPLE_SHAPES: tuple[tuple[int, ...], ...] = ((1, 28, 28), (3, 32, 32), (3, 24, 40), (2,))
"""Shapes that components are tried with: of MNIST, of CIFAR, not square, and points."""


@dataclass(frozen=True)
class Options:
    """What components are tried with.

    Attributes:
        sample_shapes: shapes of samples; those that a component's ``check`` refuses are left out.
        spec: parts of the spec in which it is trained, in place of the kit's tiny ones.
        inputs: samples on which a metric has a value, where it has none on the kit's.
    """

    sample_shapes: tuple[tuple[int, ...], ...] = SAMPLE_SHAPES
    spec: Mapping[str, Any] = field(default_factory=dict)
    inputs: MetricInputs | None = None


class NonConformance(AssertionError):  # noqa: N818 - it is the name of what was found
    """Something does not keep to its contract.

    The message is ``<family> '<name>', <check>: <the broken promise>, <the inputs it was tried with>``.
    """


class _Fault(Exception):  # noqa: N818 - never seen outside
    """What ``fail`` raises; the check adds whose fault it is."""


class Declared(NamedTuple):
    """A check, with the families whose components it is of."""

    check: Check
    families: tuple[type, ...]
    conditional: bool


CHECKS: list[Declared] = []
"""All checks, in the order in which they are defined."""


def check(
    *families: type, each: Trials | None = None, most: int | None = None, conditional: bool = False
) -> Callable[[Callable[..., None]], Check]:
    """Make a function a check of some families: it runs from a fixed seed and fails with one sentence.

    The check's name is the function's, without ``check_``. An exception raised by a plugin's code is a
    failure too. All checks may be given options, whether the function takes them or not.

    Args:
        families: whose components are checked.
        each: gives what a component is tried with; the function is called with each, after the
            component where it takes that. A trial's ``where`` ends the sentence of a failure.
        most: the number of trials, where not all are needed.
        conditional: whether networks are checked in their conditional form too.
    """

    def declare(function: Callable[..., None]) -> Check:
        taken = len(inspect.signature(function).parameters)

        @functools.wraps(function)
        def checked(subject: Subject, *options: Any) -> None:
            __tracebackhide__ = True
            where, cause = "", None
            if not options and isinstance(subject, Component):
                options = (Options(),)
            try:
                with torch.random.fork_rng(devices=[]):
                    torch.manual_seed(0)
                    if each is None:
                        return function(*(subject, *options)[:taken])
                    for trial in itertools.islice(each(subject, *options), most):
                        where = f", {trial.where}"
                        function(*(subject, trial)[-taken:])
                    return None
            except NonConformance:
                raise
            except _Fault as fault:
                sentence = str(fault)
            except Exception as error:
                first_line = str(error).strip().partition("\n")[0] or "without a message"
                sentence, cause = f"{type(error).__name__} was raised ({first_line})", error
            prefix = f"{title(subject)}, {name_of_check(function)}"
            raise NonConformance(f"{prefix}: {sentence}{where}") from cause

        CHECKS.append(Declared(checked, families, conditional))
        return checked

    return declare


def name_of_check(function: Callable[..., object]) -> str:
    """Return the name of a check, as identifiers of tests have it."""
    return function.__name__.removeprefix("check_").replace("_", "-")


def title(subject: Subject) -> str:
    """Return what is checked, in words: its family, its name, and parameters that are not defaults."""
    if isinstance(subject, PluginRecord):
        return f"plugin {subject.name}"
    if isinstance(subject, Recipe):
        return f"recipe {subject.name!r}"
    names = [name for name in type(subject).model_fields if name != "type"]
    given = [name for name in names if name in subject.model_fields_set]
    changed = ", ".join(f"{name}={getattr(subject, name)!r}" for name in given)
    name = f"{subject.family.replace('_', ' ')} {subject.type!r}"
    return f"{name} ({changed})" if changed else name


def require(condition: object, sentence: str) -> None:
    """Fail with a sentence unless a condition holds (any truth value, or a tensor of one element)."""
    if not condition:
        fail(sentence)


def fail(sentence: str) -> NoReturn:
    """Fail with a sentence."""
    raise _Fault(sentence)


def require_type(value: object, kind: type, source: str) -> None:
    """Require that what something gives, such as ``'build'``, is of a class."""
    found = type(value).__name__
    require(isinstance(value, kind), f"{source} gives a {found}; it must give a {kind.__name__}")


def require_tensor(
    value: Any,
    what: str,
    shape: tuple[int, ...] | None = None,
    dtype: torch.dtype | None = torch.float32,
) -> None:
    """Require a finite tensor, of a shape and a type where these are given."""
    require(torch.is_tensor(value), f"{what} is a {type(value).__name__}; it must be a tensor")
    found = tuple(value.shape)
    require(shape in {None, found}, f"{what} has shape {found}; it must be {shape}")
    require(dtype in {None, value.dtype}, f"{what} is {value.dtype}; it must be {dtype}")
    require(value.isfinite().all(), f"{what} is not finite")


def require_from_rng(
    draw: Callable[[torch.Generator], torch.Tensor], what: str, *, varies: bool
) -> None:
    """Require that what is drawn follows from the generator alone, and with ``varies`` differs by it."""
    drawn = []
    for elsewhere, seed in ((0, 7), (1, 7), (0, 8)):
        torch.manual_seed(elsewhere)
        drawn.append(draw(torch.Generator().manual_seed(seed)))
    one, again, other = drawn
    require(same(one, again), f"the same state of 'rng' gives different {what}")
    equal = f"another state of 'rng' gives the same {what}; they must be drawn from it"
    require(not varies or not same(one, other), equal)


def same(one: torch.Tensor, other: torch.Tensor | None) -> bool:
    """Return whether two tensors are equal to the last bit; what is not a number equals itself."""
    return other is not None and torch.equal(one.nan_to_num(), other.nan_to_num())


def close(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Return whether two tensors are equal up to rounding."""
    within = {"rtol": 1e-3, "atol": 1e-4}
    return one.shape == other.shape and torch.allclose(one, other, **within, equal_nan=True)


def passes(function: Callable[..., object], *arguments: Any) -> bool:
    """Return whether a component's ``check`` accepts what it is asked about."""
    try:
        function(*arguments)
    except ValueError:
        return False
    return True


def few(names: Iterable[str], limit: int = 3) -> str:
    """Return names for a sentence, the first few of them where they are many."""
    names = list(names)
    return ", ".join(names[:limit]) + (", …" if len(names) > limit else "")
