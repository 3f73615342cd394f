"""Durations of training, written as people say them: ``"101 epochs"``, ``"200k images"``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

Unit = Literal["epochs", "steps", "images"]

_PATTERN = r"^\s*(\d+(?:\.\d+)?)\s*([kM]?)\s*(epochs?|steps?|images?)\s*$"
_FACTORS = {"": 1, "k": 1_000, "M": 1_000_000}
_UNITS: dict[str, Unit] = {"e": "epochs", "s": "steps", "i": "images"}
_EXAMPLES: Final = '"20 epochs", "3000 steps" or "200k images"'

MOST_STEPS: Final = 10**15
"""Longer durations count as this many steps, which float64 still tells from one more."""


@dataclass(frozen=True)
class Duration:
    """A duration in epochs, generator steps or real images shown.

    Attributes:
        amount: number of units; positive, and an integer unless the unit is epochs.
        unit: ``epochs``, ``steps`` or ``images``.
    """

    amount: float
    unit: Unit

    def __post_init__(self) -> None:
        """Raise ValueError where the amount is invalid."""
        if not (self.amount > 0 and math.isfinite(self.amount)):
            raise ValueError("a duration must be positive and finite")
        if self.unit != "epochs" and not float(self.amount).is_integer():
            raise ValueError(f"the number of {self.unit} must be a whole number")

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Parse a string such as ``"3000 steps"``.

        Raises:
            ValueError: it is not a positive number with a unit.
        """
        match = re.match(_PATTERN, text)
        if match is None:
            raise ValueError(f"expected a duration such as {_EXAMPLES}")
        number, factor, unit = match.groups()
        # Decimal, since 1.001 * 1000 is not a whole number in binary.
        return cls(float(Decimal(number) * _FACTORS[factor]), _UNITS[unit[0]])

    def __str__(self) -> str:
        unit = self.unit.removesuffix("s") if self.amount == 1 else self.unit
        return f"{Decimal(repr(float(self.amount))).normalize():f} {unit}"

    def steps(self, images_per_step: float, steps_per_epoch: float) -> int:
        """Return this duration in whole steps, at least 1.

        ``images_per_step`` is the average number of real images shown per step, ``steps_per_epoch`` the
        number of steps in which the data set is shown once; each may be a fraction.
        """
        if self.unit == "steps":
            steps = self.amount
        elif self.unit == "images":
            steps = self.amount / images_per_step
        else:
            steps = self.amount * steps_per_epoch
        steps = min(steps, MOST_STEPS)
        return max(1, math.ceil(steps) if self.unit == "images" else round(steps))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Accept and serialize the string form."""
        del source, handler
        as_string = core_schema.to_string_ser_schema()
        return core_schema.no_info_plain_validator_function(cls._validate, serialization=as_string)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe the string form."""
        del schema, handler
        examples = ["20 epochs", "3000 steps", "200k images"]
        return {"type": "string", "pattern": _PATTERN, "examples": examples}

    @classmethod
    def _validate(cls, value: Any) -> Duration:
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise PydanticCustomError("duration", f"expected a string such as {_EXAMPLES}")
        try:
            return cls.parse(value)
        except ValueError as error:
            raise PydanticCustomError("duration", "{reason}", {"reason": str(error)}) from None
