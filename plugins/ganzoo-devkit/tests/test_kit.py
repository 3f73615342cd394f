"""The test that one line makes: its cases, what it skips, and how it fails."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ganzoo_activations.rectifiers import LeakyReLU, ReLU
from ganzoo_devkit.testing import FromFiles, checks_of, conformance, tiny_dataset
from ganzoo_devkit.testing.checks import CHECKS
from ganzoo_mlp.components import MLPGenerator

from ganzoo.builtin.datasets import Arrays
from ganzoo.components import FAMILIES


def parameters(test):
    """Return the cases of a test, by identifier."""
    (mark,) = test.pytestmark
    return {each.id: each for each in mark.args[1]}


def test_each_check_of_each_component_and_recipe_is_a_case():
    cases = parameters(conformance("ganzoo-mlp"))
    assert "plugin-torch-free" in cases
    assert "generator-mlp-gradients" in cases
    assert "recipe-mlp-mnist-valid" in cases
    own = [name for name in cases if name.startswith("generator-mlp-")]
    conditional = [name for name in own if name.startswith("generator-mlp-conditional-")]
    assert len(own) - len(conditional) == len(checks_of(MLPGenerator))
    assert "generator-mlp-conditional-variety" in conditional


def test_the_name_of_a_distribution_may_be_written_in_any_way():
    assert (
        parameters(conformance("Ganzoo_MLP")).keys() == parameters(conformance("ganzoo-mlp")).keys()
    )


def test_examples_take_the_place_of_defaults_and_are_numbered():
    examples = [LeakyReLU(negative_slope=0.1), LeakyReLU(negative_slope=0.3), ReLU()]
    cases = parameters(conformance("ganzoo-activations", examples=examples))
    assert "activation-leaky_relu-gain" in cases
    assert "activation-leaky_relu-2-gain" in cases
    assert "activation-leaky_relu-3-gain" not in cases
    assert "activation-relu-gain" in cases
    assert "activation-tanh-gain" in cases


def test_a_component_that_needs_parameters_fails_until_there_is_an_example(tmp_path_factory):
    test = conformance("ganzoo")
    case = parameters(test)["schedule-linear-example"].values[0]
    with pytest.raises(pytest.fail.Exception) as failed:
        test(case, tmp_path_factory)
    assert str(failed.value) == (
        "schedule 'linear', example: it cannot be made of defaults alone (start: Field required);"
        " pass one to 'examples', such as Linear(…)"
    )


def test_examples_with_files_are_made_once_and_only_when_needed(tmp_path_factory):
    made: list[Path] = []

    def make(folder: Path) -> Arrays:
        made.append(folder)
        return tiny_dataset(folder, (2,))

    test = conformance("ganzoo", examples=[FromFiles(Arrays, make)])
    cases = parameters(test)
    assert not made
    for name in ("dataset-arrays-info", "dataset-arrays-samples"):
        test(cases[name].values[0], tmp_path_factory)
    assert len(made) == 1


def test_examples_of_other_distributions_are_refused():
    with pytest.raises(
        ValueError, match="ReLU is not a component of ganzoo-mlp \\(available: MLPGen"
    ):
        conformance("ganzoo-mlp", examples=[ReLU()])


def test_cases_are_skipped_by_pattern_with_the_reason():
    cases = parameters(conformance("ganzoo-mlp", skip={"*-compile": "no compiler"}))
    (mark,) = cases["generator-mlp-compile"].marks
    assert mark.kwargs == {"reason": "no compiler"}
    assert not cases["generator-mlp-gradients"].marks


@pytest.mark.parametrize(
    ("skip", "message"),
    [
        (
            {"generator-mlp-gradient": "why"},
            "no case is called 'generator-mlp-gradient'; did you mean 'generator-mlp-gradients'?",
        ),
        ({"*-compile": " "}, "there is no reason for '*-compile'"),
    ],
)
def test_a_skip_of_nothing_or_without_a_reason_is_refused(skip, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        conformance("ganzoo-mlp", skip=skip)


def test_a_distribution_that_is_not_there_fails_with_the_nearest_name(tmp_path_factory):
    test = conformance("ganzoo-mpl")
    (case,) = [each.values[0] for each in parameters(test).values()]
    with pytest.raises(pytest.fail.Exception, match="did you mean 'ganzoo-mlp'"):
        test(case, tmp_path_factory)


def test_every_check_of_every_family_is_documented():
    for family in FAMILIES:
        assert len(checks_of(family)) > 4
    for declared in CHECKS:
        assert declared.check.__doc__
        assert declared.check.__name__.startswith("check_")
