"""Families of components: what a spec may say where one of them stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar, Literal, get_args

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from ganzoo.components import (
    FAMILIES,
    Activation,
    Component,
    Condition,
    ConditionKind,
    Generator,
    Latent,
    Normalization,
    Schedule,
    SpecModel,
    component_field,
    registry,
)
from ganzoo.components.registry import Entry, Provider, Registry
from ganzoo.plugins import installed
from ganzoo.spec import EMA, Output, RunSpec, Training

MINE = Provider("ganzoo-mine", "1.0")
YOURS = Provider("ganzoo-yours", "2.0")


class Leaky(Activation):
    """A function with a parameter."""

    type: Literal["leaky"] = "leaky"
    slope: float = Field(default=0.1, ge=0, description="Slope.")

    def build(self) -> Any:
        return self.slope


class OtherLeaky(Activation):
    """Another function of that name."""

    type: Literal["leaky"] = "leaky"
    slope: int = Field(default=7, description="Slope.")

    def build(self) -> Any:
        return self.slope


class Steep(Activation):
    """A function with a parameter that has no default."""

    type: Literal["steep"] = "steep"
    slope: float = Field(description="Slope.")

    def build(self) -> Any:
        return self.slope


class Net(Generator):
    """A network of functions."""

    type: Literal["net"] = "net"
    activation: Activation = component_field("leaky", slope=0.2, description="Function.")
    others: Annotated[tuple[Activation, ...], Field(strict=False)] = Field(
        default=(), description="More functions."
    )
    inner: Generator | None = Field(default=None, description="A network in the network.")

    def build(
        self, latent_dim: int, sample_shape: tuple[int, ...], condition: Condition | None
    ) -> Any:
        raise NotImplementedError


class Conditional(Net):
    """A network that can be told the classes."""

    accepts: ClassVar[frozenset[ConditionKind]] = frozenset({"classes"})
    type: Literal["conditional"] = "conditional"  # type: ignore[assignment] # another literal


class Fixed(Schedule):
    """The constant schedule of this small world."""

    type: Literal["constant"] = "constant"
    value: float = Field(description="Number.")

    def to_shorthand(self) -> float:
        return self.value

    def values(self) -> Iterator[float]:
        yield self.value

    def build(self) -> Callable[[float], float]:
        return lambda _: self.value


def world(*offers: tuple[type[Component], Provider]) -> Registry:
    """A registry of a few components."""
    known = Registry()
    for component, provider in offers:
        name = component.model_fields["type"].default
        known.add(Entry(component.family, name, component, provider))
    return known


@pytest.fixture(autouse=True)
def small_world() -> Iterator[Registry]:
    members = (Leaky, Steep, Net, Conditional, Fixed)
    with registry.using(world(*((each, MINE) for each in members))) as known:
        yield known


def validate(family: type[Component], value: Any) -> Any:
    return TypeAdapter(family).validate_python(value)


def problems(family: type[Component], value: Any) -> dict[str, str]:
    """Validate what is not valid, and return what is said of it, by path."""
    with pytest.raises(ValidationError) as raised:
        validate(family, value)
    return {".".join(map(str, line["loc"])): line["msg"] for line in raised.value.errors()}


# What may stand where a family stands.


@pytest.mark.parametrize(
    "value",
    ["leaky", {"type": "leaky"}, "ganzoo-mine:leaky", {"type": "leaky", "slope": 0.1}, Leaky()],
)
def test_a_member_is_given_by_its_name_by_an_object_or_as_it_is(value: Any) -> None:
    assert validate(Activation, value) == Leaky(slope=0.1)


@pytest.mark.parametrize("value", [None, 5, True, [], ["leaky"], {}, {"type": 3}, {"slope": 0.1}])
def test_anything_else_is_refused_with_the_names_there_are(value: Any) -> None:
    assert problems(Activation, value) == {
        "": "expected a name, or an object with that name as its 'type' (installed: leaky, steep)"
    }


def test_a_member_of_another_family_is_refused() -> None:
    assert "expected a name" in problems(Activation, Fixed(value=1))[""]
    assert "no activation is called 'net'" in problems(Activation, "net")[""]


def test_a_family_without_members_says_so() -> None:
    assert problems(Latent, 1)[""].endswith("(installed: none)")
    assert problems(Latent, "normal")[""] == "no latent is called 'normal' (installed: none)"


def test_errors_keep_their_path_through_nested_families_and_lists() -> None:
    found = problems(
        Generator,
        {
            "type": "net",
            "activation": {"type": "leaky", "slope": -1},
            "others": ["leaky", {"type": "leaky", "slope": "x"}, "leeky"],
            "inner": {"type": "net", "activation": {"type": "steep"}},
        },
    )
    assert set(found) == {
        "activation.slope",
        "others.1.slope",
        "others.2",
        "inner.activation.slope",
    }
    assert "did you mean 'leaky'?" in found["others.2"]


def test_unknown_keys_are_refused_each_with_the_nearest_that_exists() -> None:
    assert problems(Activation, {"type": "leaky", "slop": 1, "x": 2}) == {
        "slop": "unknown key; did you mean 'slope'? (known: slope)",
        "x": "unknown key (known: slope)",
    }


@pytest.mark.parametrize("slope", ["0.1", True, None, float("nan"), float("inf"), [0.1]])
def test_numbers_must_be_numbers_and_finite(slope: Any) -> None:
    assert list(problems(Activation, {"type": "leaky", "slope": slope})) == ["slope"]


def test_components_are_frozen() -> None:
    leaky = Leaky()
    with pytest.raises(ValidationError, match="frozen"):
        leaky.slope = 0.5  # type: ignore[misc] # that is the point
    assert hash(leaky) == hash(Leaky(slope=0.1))


# Defaults that are named, not imported.


def test_a_default_is_looked_up_by_its_name() -> None:
    assert validate(Generator, "net").activation == Leaky(slope=0.2)


def test_a_default_of_a_package_that_is_missing_names_the_package() -> None:
    known = world((Net, MINE))
    known.add_hint("activation", "leaky", "ganzoo-functions")
    with registry.using(known):
        assert problems(Generator, "net") == {
            "activation": "'leaky' comes with the package ganzoo-functions, which is not installed"
        }
        known.add(Entry("activation", "steep", Steep, YOURS))
        chosen = validate(Generator, {"type": "net", "activation": {"type": "steep", "slope": 1}})
    assert chosen.activation == Steep(slope=1.0)


# Two packages with the same name.


def test_a_name_of_two_packages_is_refused_only_where_it_is_used() -> None:
    with registry.using(world((Leaky, MINE), (OtherLeaky, YOURS), (Steep, MINE), (Net, MINE))):
        assert validate(Activation, {"type": "steep", "slope": 2}) == Steep(slope=2.0)
        for used in (
            problems(Activation, "leaky")[""],
            problems(Generator, "net")["activation"],
        ):
            assert used == (
                "'leaky' comes from ganzoo-mine 1.0 and ganzoo-yours 2.0;"
                " write 'ganzoo-mine:leaky' or 'ganzoo-yours:leaky'"
            )


def test_qualified_names_come_back_when_a_member_is_written_and_read() -> None:
    family = TypeAdapter(Activation)
    with registry.using(world((Leaky, MINE), (OtherLeaky, YOURS))):
        mine = family.validate_python({"type": "ganzoo-mine:leaky", "slope": 0.5})
        yours = family.validate_python("ganzoo-yours:leaky")
        assert (type(mine), type(yours)) == (Leaky, OtherLeaky)
        assert family.dump_python(mine) == {"type": "ganzoo-mine:leaky", "slope": 0.5}
        for each in (mine, yours):
            assert family.validate_json(family.dump_json(each)) == each
    assert family.dump_python(Leaky()) == {"type": "leaky", "slope": 0.1}


# Numbers as schedules.


@pytest.mark.parametrize("number", [0.25, 3, 0, -1.5])
def test_a_number_is_the_constant_schedule_and_is_written_as_a_number(number: float) -> None:
    schedule = validate(Schedule, number)
    assert schedule == Fixed(value=number)
    assert TypeAdapter(Schedule).dump_python(schedule) == number
    assert validate(Schedule, {"type": "constant", "value": number}) == schedule


def test_a_number_that_is_none_is_refused_where_it_stands() -> None:
    assert problems(Schedule, "2e-4") == {"": 'must be a number, not the string "2e-4"'}
    assert list(problems(Schedule, float("nan"))) == ["value"]
    assert problems(Schedule, True) == {
        "": "expected a number, a name, or an object with that name as its 'type'"
        " (installed: constant)"
    }


# Networks and classes.


def test_networks_that_cannot_use_classes_refuse_to_be_conditional() -> None:
    assert problems(Generator, {"type": "net", "conditional": True}) == {
        "": "'net' cannot be conditional; leave 'conditional' false or choose another network"
    }
    assert validate(Generator, {"type": "conditional", "conditional": True}).conditional is True


def test_networks_and_normalizations_serve_everything_unless_they_say_otherwise() -> None:
    Net().check((3, 17, 5), None)

    class Plain(Normalization):
        """A layer."""

        type: Literal["plain"] = "plain"

        def build(self, channels: int, dimensions: int) -> Any:
            raise NotImplementedError

    Plain().check(7, 0)


def test_latents_cannot_be_truncated_unless_they_say_how() -> None:
    class Odd(Latent):
        """A distribution."""

        type: Literal["odd"] = "odd"

        def build(self) -> Any:
            raise NotImplementedError

    with pytest.raises(ValueError, match=r"latents of type 'odd' cannot be truncated by 0\.5"):
        Odd().truncated(0.5)


# What all that is installed holds to.

INSTALLED = list(installed().registry.entries())
MODELS: list[type[SpecModel]] = [
    RunSpec,
    Training,
    Output,
    EMA,
    *(entry.component for entry in INSTALLED),
]


def test_each_family_has_a_name_of_its_own_and_is_listed() -> None:
    names = [family.family for family in FAMILIES]
    assert len(set(names)) == len(names)
    assert {entry.family for entry in INSTALLED} <= set(names)
    assert all(family.is_family() for family in FAMILIES)
    assert set(Component.__subclasses__()) - {Generator.__base__} <= set(FAMILIES)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_is_described_in_a_sentence(model: type[SpecModel]) -> None:
    for name, field in model.model_fields.items():
        if name != "type":
            assert field.description, f"{model.__name__}.{name} has no description"
            assert field.description.endswith("."), f"{model.__name__}.{name} is no sentence"


@pytest.mark.parametrize("entry", INSTALLED, ids=lambda entry: entry.qualified_name)
def test_every_component_is_described_in_a_line_and_cites_where_it_comes_from(entry: Entry) -> None:
    documented = entry.component.__dict__.get("__doc__") or ""
    first, _, rest = documented.strip().partition("\n")
    assert first.endswith((".", "?")), f"{entry.component.__name__}: {first!r} is no sentence"
    assert not rest or rest.startswith("\n")
    assert entry.component.paper is None or any(
        character.isdigit() for character in entry.component.paper
    )


@pytest.mark.parametrize("entry", INSTALLED, ids=lambda entry: entry.qualified_name)
def test_the_type_of_every_component_is_a_literal_of_its_name(entry: Entry) -> None:
    assert get_args(entry.component.model_fields["type"].annotation) == (entry.name,)


@pytest.mark.parametrize(
    "entry",
    [
        entry
        for entry in INSTALLED
        if not any(field.is_required() for field in entry.component.model_fields.values())
        and entry.name not in {"paired", "unpaired"}  # one of two pairs of paths is needed
    ],
    ids=lambda entry: entry.qualified_name,
)
def test_every_component_that_needs_nothing_is_written_and_read_again(entry: Entry) -> None:
    family = TypeAdapter(next(each for each in FAMILIES if each.family == entry.family))
    with registry.using(installed().registry):
        member = family.validate_python(entry.name)
        assert isinstance(member, entry.component)
        assert family.validate_json(family.dump_json(member)) == member
