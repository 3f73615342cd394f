"""``ganzoo plot activations`` and the library function behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from click.testing import CliRunner, Result
from ganzoo_activations.cli import parse_activation
from ganzoo_activations.cli import plot_activations as command
from ganzoo_activations.plot import plot_activations, value_and_derivative
from matplotlib.legend import Legend
from PIL import Image
from pydantic import Field, TypeAdapter

from ganzoo.components import Activation, registry
from ganzoo.components.registry import Entry, Provider, Registry
from ganzoo.errors import SpecError, UsageError
from ganzoo.plugins import installed


class Cubic(Activation):
    """x to the third, times a factor: an activation of somebody else's."""

    type: Literal["cubic"] = "cubic"
    factors: list[float] = Field(default=[1.0], description="Their product is the factor.")

    def build(self) -> torch.nn.Module:
        factor = torch.tensor(self.factors).prod().item()

        class Module(torch.nn.Module):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return factor * x**3

        return Module()


@pytest.fixture
def with_cubic() -> Iterator[None]:
    """Let a third party's activation be installed beside the others."""
    together = Registry()
    for entry in registry.active().entries():
        together.add(entry)
    together.add(Entry("activation", "cubic", Cubic, Provider("else", "1")))
    with registry.using(together):
        yield


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def legend_labels(figure: Any) -> list[str]:
    (legend,) = figure.legends
    assert isinstance(legend, Legend)
    return [text.get_text() for text in legend.get_texts()]


def test_derivative_of_softplus_is_the_logistic_function() -> None:
    x = torch.linspace(-4, 4, 9, dtype=torch.float64)
    softplus = TypeAdapter(Activation).validate_python("softplus")
    value, derivative = value_and_derivative(softplus, x)
    torch.testing.assert_close(value, torch.log(1 + torch.exp(x)))
    torch.testing.assert_close(derivative, 1 / (1 + torch.exp(-x)))


def test_figure_has_a_curve_in_both_panels_for_each_activation() -> None:
    chosen = {"first": parse_activation("relu"), "second": parse_activation("elu,alpha=0.5")}
    figure = plot_activations(chosen, -2.0, 3.0)
    values, derivatives = figure.axes
    assert legend_labels(figure) == ["first", "second"]
    for panel, at_low_end in ((values, 0.5 * (2.718281828**-2 - 1)), (derivatives, 0.0676676)):
        curves = [line for line in panel.lines if len(line.get_xdata()) > 2]
        assert [line.get_label() for line in curves] == ["first", "second"]
        assert (curves[1].get_xdata()[0], curves[1].get_xdata()[-1]) == (-2.0, 3.0)
        assert curves[1].get_ydata()[0] == pytest.approx(at_low_end)


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, -2.0), (0.0, float("inf"))])
def test_empty_and_endless_ranges_are_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="range"):
        plot_activations({"relu": parse_activation("relu")}, low, high)


def test_nothing_to_draw_is_refused() -> None:
    with pytest.raises(ValueError, match="no activation"):
        plot_activations({})


def test_command_draws_the_reference_plot(tmp_path: Path) -> None:
    output = tmp_path / "plot.png"
    result = invoke("-o", output)
    assert result.exit_code == 0, result.output
    assert result.output.strip() == str(output)
    with Image.open(output) as image:
        assert image.format == "PNG"
        assert image.width > image.height > 500


def test_svg_carries_the_labels_and_any_installed_activation(
    tmp_path: Path, with_cubic: None
) -> None:
    output = tmp_path / "plot.svg"
    result = invoke(
        "cubic,factors=[2, 3]", "gelu,approximate=tanh", "--range", "-1", "2", "-o", output
    )
    assert result.exit_code == 0, result.output
    text = output.read_text("utf-8")
    assert "cubic (factors=[2, 3])" in text
    assert "gelu (approximate=tanh)" in text


def test_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    output = tmp_path / "plot.png"
    output.write_text("mine")
    result = invoke("-o", output)
    assert isinstance(result.exception, UsageError)
    assert result.exception.exit_code == 2
    assert "exists already" in str(result.exception)
    assert output.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rleu"], "did you mean 'relu'"),
        (["elu,alpha=-1"], "elu,alpha=-1: alpha: input should be greater than 0"),
        (["elu,alhpa=1"], "did you mean 'alpha'"),
        (["elu,alpha=1,alpha=2"], "alpha: is given twice"),
        (["relu", "--range", "3", "3"], "LOW less than HIGH"),
        (["relu", "--range", "0", "inf"], "LOW less than HIGH"),
        (["relu", "-o", "plot.jpeg"], "must end in .png, .pdf, .svg"),
        (["relu", "-o", "no-such-folder/plot.png"], "cannot be written: No such file"),
    ],
)
def test_mistakes_are_one_sentence_each(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke(*arguments)
    assert isinstance(result.exception, UsageError)
    with pytest.raises(UsageError, match=message):
        raise result.exception
    assert not list(tmp_path.iterdir())


def test_parameters_are_read_as_json_or_text() -> None:
    assert parse_activation("leaky_relu,negative_slope=0.01").model_dump() == {
        "type": "leaky_relu",
        "negative_slope": 0.01,
    }
    assert parse_activation("ganzoo-activations:elu,alpha=2").model_dump()["alpha"] == 2.0
    with pytest.raises(SpecError):
        parse_activation("elu,alpha=wide")


def test_help_shows_examples_line_by_line() -> None:
    lines = invoke("--help").output.splitlines()
    assert "    ganzoo plot activations relu gelu silu mish -o smooth.png" in lines


def test_command_is_offered_to_the_program() -> None:
    offers = {offered.name: offered for _, offered in installed().commands}
    assert offers["plot activations"].target == "ganzoo_activations.cli:plot_activations"
