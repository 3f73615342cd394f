"""What every component is: a frozen pydantic model that a spec can name.

The families build on this; a plugin subclasses a family, not these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NoReturn

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from ganzoo.components import registry
from ganzoo.errors import did_you_mean, in_a_line

FAMILY_KEY = "x-ganzoo-family"
"""In the JSON Schema of a single model, stands where any member of a family may stand."""

LARGEST_FLOAT = 3.4028234663852886e38
"""Numbers of a spec end where float32 does, in which networks compute."""

LARGEST_INT = 2**63 - 1
"""Integers of a spec end where those of torch and numpy do."""

DEEPEST = 64
"""Objects and lists of a spec that stand in each other, at most."""


class SpecModel(BaseModel):
    """Base of all parts of a spec: frozen, strictly typed, and unknown keys are refused by name."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        validate_default=True,
        use_attribute_docstrings=False,
        allow_inf_nan=False,
        defer_build=True,  # of validators: a command needs those of few components
    )

    @model_validator(mode="before")
    @classmethod
    def _prepared(cls, data: Any) -> Any:
        """Refuse unknown keys before anything else, each with the nearest key that exists."""
        if not isinstance(data, Mapping):
            return data
        cls._refuse_extremes(data)
        data = cls._prepare(data)
        known = [field.alias or name for name, field in cls.model_fields.items()]
        unknown = [key for key in data if key not in known]
        if unknown:
            cls._refuse_unknown(data, unknown, known, cls._hint)
        return data

    @classmethod
    def _refuse_extremes(cls, data: Mapping[str, Any]) -> None:
        """Refuse what no field of any model can hold, wherever it stands in the data."""
        found = [
            InitErrorDetails(
                type=PydanticCustomError("refused", "{reason}", {"reason": reason}),
                loc=place,
                input=None,
            )
            for place, reason in extremes(data)
        ]
        if found:
            raise ValidationError.from_exception_data(cls.__name__, found)

    @classmethod
    def _prepare(cls, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what is to be validated; a model whose fields are not its keys overrides this."""
        return data

    @classmethod
    def _hint(cls, key: str) -> str | None:
        """Return what is wrong with an unknown key in particular, or None where nothing is known."""
        del key
        return None

    @classmethod
    def _refuse_unknown(
        cls,
        data: Mapping[str, Any],
        unknown: Sequence[Any],
        known: Sequence[str],
        hint: Callable[[str], str | None],
    ) -> NoReturn:
        """Refuse keys by name, each with a hint or with the nearest key that exists."""
        choices = ", ".join(key for key in known if key not in {"type", "$schema"})
        problems = []
        for key in unknown:
            suggestion = did_you_mean(str(key), known)
            reason = hint(str(key)) or f"unknown key{suggestion} (known: {choices})"
            error = PydanticCustomError("unknown_key", "{reason}", {"reason": reason})
            problems.append(InitErrorDetails(type=error, loc=(str(key),), input=data[key]))
        raise ValidationError.from_exception_data(cls.__name__, problems)

    @classmethod
    def _refusal(cls, key: str, reason: str) -> ValidationError:
        """Return an error that refuses one key, for the given reason."""
        error = PydanticCustomError("refused", "{reason}", {"reason": reason})
        details = InitErrorDetails(type=error, loc=(key,), input=None)
        return ValidationError.from_exception_data(cls.__name__, [details])


def extremes(
    value: Any, place: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield what plain data may not hold, by its place: extreme numbers, odd characters, deep nests."""
    if isinstance(value, bool):
        return
    if isinstance(value, int) and abs(value) > LARGEST_INT:
        yield place, f"must be an integer between -{LARGEST_INT} and {LARGEST_INT}"
    elif isinstance(value, float) and LARGEST_FLOAT < abs(value) < math.inf:
        yield place, f"must be a number between -{LARGEST_FLOAT:.3g} and {LARGEST_FLOAT:.3g}"
    elif isinstance(value, str):
        if reason := _odd_character(value):
            yield place, reason
    elif isinstance(value, Mapping | list | tuple):
        if len(place) >= DEEPEST:
            yield place[:1], f"is nested too deeply, beyond {DEEPEST} levels"
            return
        pairs = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, item in pairs:
            named = isinstance(value, Mapping)
            reason = _odd_character(key) if isinstance(key, str) else None
            if named and not isinstance(key, str):
                reason = f"has a key that is not a string but {type(key).__name__}"
            if reason is None:
                yield from extremes(item, (*place, key))
            else:
                yield place, reason


def _odd_character(text: str) -> str | None:
    """Return why a string cannot be written to a file or used as a name, or None."""
    odd = next((each for each in text if each == "\0" or "\ud800" <= each <= "\udfff"), None)
    return None if odd is None else f"holds {ascii(odd)[1:-1]}, which is not a character of text"


class Component(SpecModel):
    """Base of all families. Subclass a family, not this."""

    family: ClassVar[str]
    """Name of the family, as ``ganzoo list`` shows it."""

    paper: ClassVar[str | None] = None
    """Where the component comes from: authors, title, year, and an arXiv number where there is one."""

    _shorthand: ClassVar[str] = "a name"
    """What a spec may say for short, in words."""

    type: str

    @classmethod
    def spelling_of(cls, name: str) -> str | None:
        """Return how a spec writes what this component provides by another name, or None."""
        del name
        return None

    @classmethod
    def is_family(cls) -> bool:
        """Say whether this class is a family (an abstract base) and not a member of one."""
        return "family" in cls.__dict__

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate a family through the registry, and a member as the model it is."""
        if not cls.is_family():
            return handler(source)
        return core_schema.no_info_plain_validator_function(
            cls._resolve,
            serialization=core_schema.plain_serializer_function_ser_schema(_dump),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Mark where a family stands; ``ganzoo.spec.schema`` puts the installed members there."""
        return {FAMILY_KEY: cls.family} if cls.is_family() else handler(schema)

    @classmethod
    def _resolve(cls, value: Any) -> Component:
        """Turn what a spec says into a member of this family."""
        if isinstance(value, cls):
            return value
        value = cls._from_shorthand(value)
        if not isinstance(value, Mapping) or not isinstance(value.get("type"), str):
            names = registry.active().names(cls.family)
            raise PydanticCustomError(
                "component",
                "expected {shorthand}, or an object with that name as its 'type' (installed: {names})",
                {"shorthand": cls._shorthand, "names": ", ".join(names) or "none"},
            )
        try:
            entry = registry.active().find(cls.family, value["type"])
        except LookupError as error:
            raise PydanticCustomError("component", "{reason}", {"reason": str(error)}) from None
        member: type[Component] = entry.component
        try:
            component = member.model_validate({**value, "type": entry.name})
            component.model_dump(mode="json")  # a spec that cannot be written cannot be run
        except ValidationError:
            raise
        except Exception as error:
            # A class that pydantic can do nothing with is noticed only when it is first used.
            fault = f"{entry.provider} is at fault: its {cls.family} {entry.name!r} cannot be used:"
            raise PydanticCustomError(
                "component", "{reason}", {"reason": f"{fault} {in_a_line(error)}"}
            ) from error
        return component

    @classmethod
    def _from_shorthand(cls, value: Any) -> Any:
        """Expand what a spec may say for short; a bare name always stands for its defaults."""
        return {"type": value} if isinstance(value, str) else value

    def to_shorthand(self) -> Any | None:
        """Return the plain value a spec may write instead, or None where there is none."""
        return None


def _dump(component: Component) -> Any:
    """Serialize a member so that the active registry finds the same one again."""
    shorthand = component.to_shorthand()
    if shorthand is not None:
        return shorthand
    return {
        **component.model_dump(mode="json", by_alias=True),
        "type": registry.active().name_of(type(component)),
    }


def component_field(name: str, /, *, description: str, **parameters: Any) -> Any:
    """Declare a field whose type is a family, with the default given by name and parameters.

    The name is looked up when the spec is validated, so that a package can default to a component of
    another package without importing it.
    """
    return Field(default={"type": name, **parameters}, description=description)
