import copy
from typing import Literal

import pytest
from jsonschema import Draft202012Validator
from pydantic import Field

from ganzoo.components import Activation, registry
from ganzoo.components.registry import Entry, Provider, Registry
from ganzoo.plugins import installed
from ganzoo.spec import parse_spec
from ganzoo.spec.schema import run_spec_schema

SPEC = {"dataset": "mnist-5k", "generator": "mlp", "discriminator": "mlp"}
RECIPES = [recipe for rivals in installed().recipes.values() for recipe in rivals]


@pytest.fixture(scope="module")
def validator():
    schema = run_spec_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def subschemas(schema, path="$"):
    """Yield each schema that has properties, with its path."""
    if isinstance(schema, dict):
        asks = path.endswith(".if")  # which algorithm it is
        if isinstance(schema.get("properties"), dict) and not asks:
            yield path, schema
        for key, value in schema.items():
            yield from subschemas(value, f"{path}.{key}")
    elif isinstance(schema, list):
        for index, value in enumerate(schema):
            yield from subschemas(value, f"{path}[{index}]")


def test_every_field_is_described(validator):
    schema = validator.schema
    missing = []
    for path, part in subschemas(schema):
        for name, field in part["properties"].items():
            target = schema["$defs"].get(field.get("$ref", "").rpartition("/")[2], {})
            if not (field.get("description") or target.get("description")):
                missing.append(f"{path}.{name}")
    assert missing == []


def test_no_mark_and_no_dangling_reference_is_left(validator):
    def references(node):
        if isinstance(node, dict):
            assert "x-ganzoo-family" not in node
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for value in node.values():
                yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    defined = {f"#/$defs/{name}" for name in validator.schema["$defs"]}
    assert set(references(validator.schema)) <= defined


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_recipes_are_valid(validator, recipe):
    validator.validate(recipe.read())


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_resolved_recipes_are_valid(validator, recipe):
    validator.validate(parse_spec(recipe.read()).to_json())


def test_a_bare_name_a_number_and_nested_schedules_are_accepted(validator):
    warm = {
        "type": "warmup",
        "then": {"type": "sequence", "at": [0.5], "parts": [1e-3, {"type": "cosine", "start": 1}]},
    }
    optimizer = {"type": "ganzoo:adam", "lr": warm, "weight_decay": 0.1}
    changes = {"training": {"ema": None}, "generator_optimizer": optimizer}
    spec = {**SPEC, "$schema": "./ganzoo.spec.schema.json", **changes}
    validator.validate(spec)
    parse_spec(spec)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"sead": 1}, "$"),
        ({"seed": -1}, "$.seed"),
        ({"training": {"batch_size": "64"}}, "$.training.batch_size"),
        ({"training": {"batchsize": 64}}, "$.training"),
        ({"training": {"duration": "20 epoch s"}}, "$.training.duration"),
        ({"generator": {"type": "mlp", "hidden": ["8"]}}, "$.generator.hidden[0]"),
        ({"latent": "nromal"}, "$.latent"),
        ({"generator": None}, "$.generator"),
        (
            {"generator_optimizer": {"type": "adam", "lr": {"type": "warmup", "then": "x"}}},
            "$.generator_optimizer.lr.then",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_found_at_its_place(validator, change, path):
    errors = [deepest(error) for error in validator.iter_errors({**SPEC, **change})]
    assert [error.json_path for error in errors] == [path]


def deepest(error):
    """Return the complaint that lies deepest in the member of a family that the value names."""
    other_members = {
        each.relative_schema_path[0] for each in error.context if list(each.path) == ["type"]
    }
    meant = [each for each in error.context if each.relative_schema_path[0] not in other_members]
    return max([error, *map(deepest, meant)], key=lambda each: len(each.absolute_path))


def test_a_component_that_needs_parameters_has_no_bare_name(validator):
    assert not validator.is_valid({**SPEC, "generator_optimizer": {"type": "adam", "lr": "linear"}})


class Twin(Activation):
    """An activation under a name that another provider has too."""

    type: Literal["relu"] = "relu"

    def build(self):
        raise NotImplementedError


def test_an_ambiguous_name_is_accepted_in_its_qualified_form_only():
    twins = Registry()
    for entry in registry.active().entries():
        twins.add(entry)
    twins.add(Entry("activation", "relu", Twin, Provider("ganzoo-twin", "1.0")))
    with registry.using(twins):
        names = run_spec_schema()["$defs"]
    assert names["activation.ganzoo-twin:relu"]["properties"]["type"]["enum"] == [
        "ganzoo-twin:relu"
    ]
    bare = names["activation"]["oneOf"][-1]["enum"]
    assert {"ganzoo-twin:relu", "ganzoo-activations:relu"} <= set(bare)
    assert "relu" not in bare


def test_the_schema_is_made_afresh_each_time(validator):
    schema = run_spec_schema()
    assert schema == validator.schema
    copy.deepcopy(schema)["$defs"].clear()
    assert run_spec_schema()["$defs"]


class Wobble(Activation):
    """An activation of a third party's package."""

    type: Literal["wobble"] = "wobble"
    depth: float = Field(default=1.0, gt=0, description="How far it goes.")

    def build(self):
        raise AssertionError("a schema builds nothing")


def test_components_of_third_parties_are_part_of_the_schema():
    with_wobble = Registry()
    for entry in registry.active().entries():
        with_wobble.add(entry)
    with_wobble.add(Entry("activation", "wobble", Wobble, Provider("ganzoo-wobble", "1.0")))
    with registry.using(with_wobble):
        judge = Draft202012Validator(run_spec_schema())

    def spec(activation):
        return {**SPEC, "generator": {"type": "mlp", "activation": activation}}

    assert judge.is_valid(spec("wobble"))
    assert judge.is_valid(spec({"type": "wobble", "depth": 2.5}))
    for wrong in ({"type": "wobble", "depth": -1}, {"type": "wobble", "depth": "deep"}):
        (error,) = map(deepest, judge.iter_errors(spec(wrong)))
        assert error.json_path == "$.generator.activation.depth"
    (error,) = map(deepest, judge.iter_errors(spec({"type": "wobble", "dept": 1})))
    assert error.json_path == "$.generator.activation"
