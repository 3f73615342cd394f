"""Names of components and who provides them."""

from __future__ import annotations

import pytest

from ganzoo.components import registry
from ganzoo.components.registry import (
    AmbiguousNameError,
    Entry,
    Provider,
    Registry,
    UnknownNameError,
)

MINE = Provider("ganzoo-mine", "1.0")
YOURS = Provider("ganzoo-yours", "2.0")


def offer(known: Registry, name: str, provider: Provider, family: str = "fruit") -> Entry:
    """Add an entry with a component class of its own."""
    entry = Entry(family, name, type(name.title(), (), {}), provider)
    known.add(entry)
    return entry


def test_a_name_finds_its_component_by_its_short_and_by_its_qualified_form() -> None:
    known = Registry()
    apple = offer(known, "apple", MINE)
    assert known.find("fruit", "apple") is apple
    assert known.find("fruit", "ganzoo-mine:apple") is apple
    assert apple.qualified_name == "ganzoo-mine:apple"


def test_families_are_apart() -> None:
    known = Registry()
    fruit, colour = offer(known, "orange", MINE), offer(known, "orange", YOURS, "colour")
    assert known.find("fruit", "orange") is fruit
    assert known.find("colour", "orange") is colour
    assert [entry.family for entry in known.entries()] == ["colour", "fruit"]


def test_entries_and_names_come_in_order() -> None:
    known = Registry()
    for name in ("pear", "apple", "fig"):
        offer(known, name, MINE)
    assert [entry.name for entry in known.entries("fruit")] == ["apple", "fig", "pear"]
    assert known.names("fruit") == ["apple", "fig", "pear"]
    assert known.names("tool") == []


def test_an_unknown_name_is_answered_with_the_nearest_and_with_all() -> None:
    known = Registry()
    offer(known, "apple", MINE)
    offer(known, "pear", MINE)
    with pytest.raises(UnknownNameError) as raised:
        known.find("fruit", "aple")
    assert str(raised.value) == (
        "no fruit is called 'aple'; did you mean 'apple'? (installed: apple, pear)"
    )
    with pytest.raises(UnknownNameError, match=r"^no tool is called 'saw' \(installed: none\)$"):
        known.find("tool", "saw")


def test_two_providers_make_a_name_ambiguous_and_qualified_names_settle_it() -> None:
    known = Registry()
    mine, yours = offer(known, "apple", MINE), offer(known, "apple", YOURS)
    pear = offer(known, "pear", MINE)
    with pytest.raises(AmbiguousNameError) as raised:
        known.find("fruit", "apple")
    assert str(raised.value) == (
        "'apple' comes from ganzoo-mine 1.0 and ganzoo-yours 2.0;"
        " write 'ganzoo-mine:apple' or 'ganzoo-yours:apple'"
    )
    assert known.find("fruit", "ganzoo-mine:apple") is mine
    assert known.find("fruit", "ganzoo-yours:apple") is yours
    assert known.find("fruit", "pear") is pear
    assert known.names("fruit") == ["ganzoo-mine:apple", "ganzoo-yours:apple", "pear"]
    for entry in (mine, yours, pear):
        assert known.find("fruit", known.name_of(entry.component)) is entry


def test_a_qualified_name_of_another_distribution_is_unknown() -> None:
    known = Registry()
    offer(known, "apple", MINE)
    with pytest.raises(UnknownNameError, match="no fruit is called 'ganzoo-yours:apple'; did you"):
        known.find("fruit", "ganzoo-yours:apple")


def test_a_name_of_a_package_that_is_not_there_names_the_package() -> None:
    known = Registry()
    known.add_hint("fruit", "kiwi", "ganzoo-far")
    known.add_hint("fruit", "fig", "ganzoo-off", "is disabled")
    with pytest.raises(UnknownNameError) as raised:
        known.find("fruit", "kiwi")
    assert str(raised.value) == ("'kiwi' comes with the package ganzoo-far, which is not installed")
    with pytest.raises(UnknownNameError, match="package ganzoo-off, which is disabled"):
        known.find("fruit", "ganzoo-off:fig")
    with pytest.raises(UnknownNameError, match="no fruit is called 'ganzoo-other:kiwi'"):
        known.find("fruit", "ganzoo-other:kiwi")
    with pytest.raises(UnknownNameError, match="no colour is called 'kiwi'"):
        known.find("colour", "kiwi")


def test_what_is_installed_comes_before_what_is_known_elsewhere() -> None:
    known = Registry()
    known.add_hint("fruit", "apple", "ganzoo-far")
    apple = offer(known, "apple", MINE)
    assert known.find("fruit", "apple") is apple


def test_a_component_knows_its_entry() -> None:
    known = Registry()
    apple = offer(known, "apple", MINE)
    assert known.entry_of(apple.component) is apple
    assert known.entry_of(int) is None


def test_another_registry_is_active_only_inside_the_block() -> None:
    def fail_inside() -> None:
        with registry.using(known):
            assert registry.active() is known
            raise ZeroDivisionError

    outside, known = registry.active(), Registry()
    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert registry.active() is outside
