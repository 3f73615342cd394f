"""All checks of all that a distribution offers, as one parametrised test."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence

import pytest

from ganzoo.components import Component
from ganzoo.errors import did_you_mean
from ganzoo.testing.cases import Case, FromFiles, cases_of
from ganzoo.testing.faults import NonConformance
from ganzoo.testing.tiny import SAMPLE_SHAPES


def conformance(
    distribution: str,
    *,
    examples: Sequence[Component | FromFiles] = (),
    sample_shapes: Sequence[tuple[int, ...]] = SAMPLE_SHAPES,
    skip: Mapping[str, str] | None = None,
) -> Callable[..., None]:
    """Make a test of all that an installed distribution offers.

    In a test module, one line turns all checks on::

        test_conformance = conformance("ganzoo-sphere")

    Each check of each component is a case of its own, such as ``latent-sphere-state-dict``, and fails
    with one sentence. A component is checked with its defaults, or with the examples given for it; of
    several, the second is ``latent-sphere-2``, and so on.

    Args:
        distribution: its name, such as ``ganzoo-sphere``.
        examples: components with parameters, checked in place of those with defaults. Needed where a
            parameter has no default, and good where defaults make networks that are large.
        sample_shapes: shapes of samples to try networks, extractors, penalties and augmentations
            with: (channels, height, width), or (dimensions,) for points. What the ``check`` of a
            component refuses is left out.
        skip: cases to leave out, each with the reason; * and ? stand for any letters and for one.

    Returns:
        A test function for pytest, with a case for each check.

    Raises:
        ValueError: an example is no component of this distribution, or there is no case to skip.
    """
    cases = list(cases_of(distribution, examples, tuple(sample_shapes)))
    reasons = dict(skip or {})
    _refuse_unmatched(reasons, [case.name for case in cases])

    @pytest.mark.parametrize(
        "case",
        [pytest.param(case, id=case.name, marks=_marks(case, reasons)) for case in cases],
    )
    def test_conformance(case: Case, tmp_path_factory: pytest.TempPathFactory) -> None:
        __tracebackhide__ = True
        sentence = None
        try:
            case.run(tmp_path_factory.mktemp)
        except NonConformance as error:
            if error.__cause__ is not None:
                raise  # with the traceback of what the plugin raised
            sentence = str(error)
        if sentence is not None:  # here, so that nothing is shown but the sentence
            pytest.fail(sentence, pytrace=False)

    return test_conformance


def _marks(case: Case, reasons: Mapping[str, str]) -> list[pytest.MarkDecorator]:
    return [
        pytest.mark.skip(reason=reason)
        for pattern, reason in reasons.items()
        if fnmatch.fnmatchcase(case.name, pattern)
    ]


def _refuse_unmatched(reasons: Mapping[str, str], names: list[str]) -> None:
    for pattern, reason in reasons.items():
        if not fnmatch.filter(names, pattern):
            raise ValueError(f"skip: no case is called {pattern!r}{did_you_mean(pattern, names)}")
        if not reason.strip():
            raise ValueError(f"skip: there is no reason for {pattern!r}; say why it is left out")
