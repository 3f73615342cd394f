"""A component of any family that is broken in the way specs write it is caught by one check."""

from __future__ import annotations

from typing import Any, Literal

import pytest
import torch
from pydantic import ConfigDict, Field, field_serializer, model_validator
from torch import nn

from ganzoo.components import Activation


class Good(Activation):
    """Nothing is wrong."""

    type: Literal["good"] = "good"

    def build(self) -> nn.Module:
        return nn.Tanh()


class BadName(Good):
    """Its name has a space."""

    type: Literal["Bad Name"] = "Bad Name"  # type: ignore[assignment]


class NotLiteral(Good):
    """Its name is any text."""

    type: str = "any"  # type: ignore[assignment]


class Undocumented(Good):
    type: Literal["undocumented"] = "undocumented"  # type: ignore[assignment]


class Undescribed(Good):
    """One of its fields has no description."""

    type: Literal["undescribed"] = "undescribed"  # type: ignore[assignment]
    slope: float = 0.2


class Percent(Good):
    """What it writes is not what it reads."""

    type: Literal["percent"] = "percent"  # type: ignore[assignment]
    share: float = Field(default=0.5, description="A share.")

    @field_serializer("share")
    def _write(self, share: float) -> float:
        return 100 * share


class WrongSchema(Good):
    """Its JSON Schema asks for a text where it writes a number."""

    type: Literal["wrong-schema"] = "wrong-schema"  # type: ignore[assignment]
    share: float = Field(default=0.5, description="A share.", json_schema_extra={"type": "string"})


class Swallowing(Good):
    """Unknown keys are dropped."""

    type: Literal["swallowing"] = "swallowing"  # type: ignore[assignment]

    @model_validator(mode="before")
    @classmethod
    def _drop(cls, data: Any) -> Any:
        return {key: value for key, value in data.items() if key in cls.model_fields}


class Mutable(Good):
    """Its fields can be assigned."""

    model_config = ConfigDict(frozen=False)
    type: Literal["mutable"] = "mutable"  # type: ignore[assignment]


BROKEN = [
    (BadName(), "name", "the name is 'Bad Name'; it must be small letters"),
    (NotLiteral(), "name", "must be a Literal of one name"),
    (Undocumented(), "descriptions", "Undocumented has no docstring"),
    (Undescribed(), "descriptions", "slope has no description"),
    (Percent(), "json", "is read as Percent("),
    (WrongSchema(), "json", "the JSON Schema refuses"),
    (Swallowing(), "strict", "'no_such_parameter' is accepted"),
    (Mutable(), "strict", "keep the model frozen"),
]


@pytest.mark.parametrize(
    ("component", "check", "sentence"), BROKEN, ids=[type(each[0]).__name__ for each in BROKEN]
)
def test_it_fails_that_check_and_no_other(findings, component, check, sentence):
    found = findings(component, check)
    assert list(found) == [check]
    assert sentence in found[check]
    assert found[check].startswith(f"activation {component.type!r}, {check}: ")
    assert "\n" not in found[check]


def test_a_component_that_is_as_it_should_be_passes_all(findings):
    assert findings(Good(), "training") == {}
    assert torch.is_tensor(Good().build()(torch.zeros(1)))
