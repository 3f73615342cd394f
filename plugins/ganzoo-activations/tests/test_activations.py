"""The activations: their formulas, parameters, gradients and errors."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from ganzoo.components import Activation, registry

POINTS = (-30.0, -4.0, -2.5, -0.7, -0.01, 0.3, 0.9, 2.0, 5.0, 30.0)


def activation(name: str, **parameters: Any) -> Activation:
    """Validate an activation as a spec does."""
    return TypeAdapter(Activation).validate_python({"type": name, **parameters})


def own_names(family: str = "activation") -> list[str]:
    """Names of the activations, or of another family, that this package provides."""
    return [
        entry.name
        for entry in registry.active().entries(family)
        if entry.provider.name == "ganzoo-activations"
    ]


def normal_distribution(x: float) -> float:
    return (1 + math.erf(x / math.sqrt(2))) / 2


def log1p_exp(x: float) -> float:
    return max(x, 0) + math.log1p(math.exp(-abs(x)))


def tanh_gelu(x: float) -> float:
    return x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805

FORMULAS: list[tuple[str, dict[str, Any], Callable[[float], float]]] = [
    ("relu", {}, lambda x: max(x, 0)),
    ("relu6", {}, lambda x: min(max(x, 0), 6)),
    ("leaky_relu", {}, lambda x: x if x > 0 else 0.2 * x),
    ("leaky_relu", {"negative_slope": 0.01}, lambda x: x if x > 0 else 0.01 * x),
    ("prelu", {}, lambda x: x if x > 0 else 0.25 * x),
    ("prelu", {"init": 0.125}, lambda x: x if x > 0 else 0.125 * x),
    ("elu", {}, lambda x: x if x > 0 else math.expm1(x)),
    ("elu", {"alpha": 0.5}, lambda x: x if x > 0 else 0.5 * math.expm1(x)),
    ("celu", {"alpha": 0.5}, lambda x: x if x > 0 else 0.5 * math.expm1(x / 0.5)),
    ("selu", {}, lambda x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * math.expm1(x))),
    ("softplus", {}, log1p_exp),
    ("softplus", {"beta": 2.0}, lambda x: log1p_exp(2 * x) / 2),
    ("softplus", {"threshold": 1.0}, lambda x: x if x > 1 else log1p_exp(x)),
    ("gelu", {}, lambda x: x * normal_distribution(x)),
    ("gelu", {"approximate": "tanh"}, tanh_gelu),
    ("silu", {}, lambda x: x / (1 + math.exp(-x))),
    ("hardswish", {}, lambda x: x * min(max(x + 3, 0), 6) / 6),
    ("mish", {}, lambda x: x * math.tanh(log1p_exp(x))),
    ("tanh", {}, math.tanh),
    ("sigmoid", {}, lambda x: 1 / (1 + math.exp(-x))),
    ("hardtanh", {}, lambda x: min(max(x, -1), 1)),
    ("hardtanh", {"low": -0.5, "high": 2.5}, lambda x: min(max(x, -0.5), 2.5)),
    ("softsign", {}, lambda x: x / (1 + abs(x))),
    ("identity", {}, lambda x: x),
]


@pytest.mark.parametrize(("name", "parameters", "formula"), FORMULAS)
def test_values_are_those_of_the_formula(
    name: str, parameters: dict[str, Any], formula: Callable[[float], float]
) -> None:
    module = activation(name, **parameters).build().double()
    x = torch.tensor(POINTS, dtype=torch.float64)
    expected = torch.tensor([formula(point) for point in POINTS], dtype=torch.float64)
    torch.testing.assert_close(module(x), expected, rtol=1e-9, atol=1e-9)


def test_every_activation_has_a_formula_here() -> None:
    assert {name for name, _, _ in FORMULAS} == set(own_names())


@pytest.mark.parametrize("name", own_names())
def test_input_is_left_as_it_is_and_its_shape_kept(name: str) -> None:
    x = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    before = x.clone()
    y = activation(name).build()(x)
    assert y.shape == x.shape
    assert torch.equal(x, before)


@pytest.mark.parametrize("name", own_names())
def test_gradient_penalties_can_differentiate_twice(name: str) -> None:
    module = activation(name).build().double()
    x = torch.linspace(-3.3, 3.1, 8, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(module, x)
    assert torch.autograd.gradgradcheck(module, x)


@pytest.mark.parametrize("name", own_names())
def test_gain_is_one_torch_knows(name: str) -> None:
    assert torch.nn.init.calculate_gain(*activation(name).init_gain) > 0


def test_gain_follows_the_slope() -> None:
    gains = [
        torch.nn.init.calculate_gain(*activation("leaky_relu", negative_slope=slope).init_gain)
        for slope in (0.0, 0.2, 1.0)
    ]
    assert gains == pytest.approx([math.sqrt(2), math.sqrt(2 / 1.04), 1.0])


def test_slope_of_prelu_is_learned() -> None:
    (slope,) = activation("prelu").build().parameters()
    assert slope.requires_grad
    assert slope.shape == (1,)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("leaky_relu", {"negative_slop": 0.1}, "did you mean 'negative_slope'"),
        ("leaky_relu", {"negative_slope": -1.0}, "greater than or equal to 0"),
        ("elu", {"alpha": 0.0}, "greater than 0"),
        ("celu", {"alpha": 1e-300}, "greater than or equal to 0.000001"),
        ("gelu", {"approximate": "erf"}, "'none' or 'tanh'"),
        ("hardtanh", {"low": 1.0, "high": 1.0}, "'low' must be less than 'high'"),
        ("leaky_rleu", {}, "did you mean 'leaky_relu'"),
    ],
)
def test_mistakes_are_refused_with_advice(
    name: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        activation(name, **parameters)


def test_readme_lists_all_names_and_its_specs_are_valid() -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    listed = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert listed == {*own_names(), *own_names("normalization")}
    (block,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    for network in json.loads(block).values():
        TypeAdapter(Activation).validate_python(network["activation"])


def test_plugin_is_imported_without_torch_and_matplotlib() -> None:
    code = (
        "import sys, ganzoo_activations.plugin as plugin;"
        "list(plugin.ganzoo_components()), list(plugin.ganzoo_commands());"
        "sys.exit(bool({'torch', 'matplotlib'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
