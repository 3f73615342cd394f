"""The command ``ganzoo plot activations``."""

from __future__ import annotations

import json
import math
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from ganzoo.cli.output import write
from ganzoo.components import Activation
from ganzoo.errors import Problem, SpecError, UsageError

REFERENCE = ("relu", "leaky_relu,negative_slope=0.01", "elu", "softplus")
FORMATS = (".png", ".pdf", ".svg")


@click.command("activations")
@click.argument("names", nargs=-1)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("activations.png"),
    show_default=True,
    help="File to write: a .png, .pdf or .svg that does not exist yet.",
)
@click.option(
    "--range",
    "limits",
    type=(float, float),
    default=(-5.0, 5.0),
    show_default=True,
    metavar="LOW HIGH",
    help="Range of the input.",
)
def plot_activations(names: tuple[str, ...], output: Path, limits: tuple[float, float]) -> None:
    """Draw activations and their derivatives.

    Each of NAMES is an installed activation, with parameters after commas where they differ from
    the defaults: NAME,PARAMETER=VALUE,... Without any, relu, leaky_relu,negative_slope=0.01, elu
    and softplus are drawn.

    \b
    Examples:
      ganzoo plot activations
      ganzoo plot activations relu gelu silu mish -o smooth.png
      ganzoo plot activations elu elu,alpha=0.5 --range -3 3 -o elu.svg
      ganzoo plot activations gelu gelu,approximate=tanh
    """  # noqa: D301 - click wants the character that \b stands for
    low, high = limits
    if not -math.inf < low < high < math.inf:
        raise UsageError(f"--range needs two numbers, LOW less than HIGH, not {low:g} {high:g}")
    if output.suffix.lower() not in FORMATS:
        raise UsageError(f"{output}: the name must end in {', '.join(FORMATS)}")
    if output.exists():
        raise UsageError(f"{output} exists already; choose another name with --output")
    activations = {_label(name): parse_activation(name) for name in names or REFERENCE}

    from ganzoo_activations import plot

    image = BytesIO()
    figure = plot.plot_activations(activations, low, high)
    figure.savefig(image, format=output.suffix[1:].lower())
    try:
        with output.open("xb") as file:
            file.write(image.getbuffer())
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error.strerror}") from None
    write(output)


def parse_activation(text: str) -> Activation:
    """Read an activation as the command line has it: ``name`` or ``name,parameter=value,…``.

    Values are JSON, or else text. A comma separates only where ``parameter=`` follows, so that
    lists may be values.

    Raises:
        SpecError: no such activation is installed, or it has no such parameter or value.
    """
    name, *assignments = _parts(text)
    data: dict[str, Any] = {"type": name}
    for assignment in assignments:
        parameter, _, value = assignment.partition("=")
        if parameter in data:
            raise SpecError([Problem(parameter, "is given twice")], text)
        data[parameter] = _json_or_text(value)
    try:
        return TypeAdapter(Activation).validate_python(data)
    except ValidationError as error:
        problems = [
            Problem(".".join(map(str, line["loc"])), line["msg"][:1].lower() + line["msg"][1:])
            for line in error.errors(include_url=False)
        ]
        raise SpecError(problems, text) from None


def _label(text: str) -> str:
    """Write ``name,parameter=value`` for people: ``name (parameter=value)``."""
    name, *assignments = _parts(text)
    return f"{name} ({', '.join(assignments)})" if assignments else name


def _parts(text: str) -> list[str]:
    return re.split(r",(?=\w+=)", text)


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value
