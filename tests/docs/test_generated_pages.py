"""Generated pages leave nothing out."""

import json
import re
from pathlib import Path

import pytest
from generate.commands import commands_page
from generate.components import anchor, family_page, overview_page
from generate.directory import FILE, KINDS, directory_page, own_plugins, third_party
from generate.errors import errors_page
from generate.fields import type_words
from generate.markdown import code, paragraphs, prose, table
from generate.recipes import recipes_page
from generate.spec import sections, spec_page

from ganzoo import errors
from ganzoo.cli.app import COMMANDS
from ganzoo.components import FAMILIES
from ganzoo.components.registry import active
from ganzoo.plugins import installed

ROOT = Path(__file__).parents[2]


def test_every_component_is_in_the_catalogue():
    overview = overview_page()
    for entry in active().entries():
        assert f"({entry.family}.md#{anchor(entry)})" in overview


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.family)
def test_every_field_of_every_component_is_on_its_familys_page(family):
    text = family_page(family)
    for entry in active().entries(family.family):
        section = text.partition(f"{{ #{anchor(entry)} }}")[2].partition("\n## ")[0]
        assert f"From `{entry.provider.name}`" in section
        for name, field in entry.component.model_fields.items():
            if name != "type":
                assert f"| `{name}` |" in section
                assert prose(field.description) in section
        if entry.component.paper is not None:
            assert prose(entry.component.paper) in section


def test_every_field_of_a_spec_is_on_its_page():
    text = spec_page()
    for path, model in sections():
        for name, field in model.model_fields.items():
            key = field.alias or name
            row = f"| `{key}`{{ #{path or 'run'}.{key.lstrip('$')} }} |"
            assert row in text
            assert prose(field.description) in text


def test_every_section_of_a_spec_is_found():
    assert [path for path, _ in sections()] == [
        "",
        "plugins",
        "training",
        "training.ema",
        "initialize_from",
        "evaluation",
        "output",
    ]


def test_every_recipe_is_on_its_page_with_its_spec():
    text = recipes_page()
    for name, recipes in installed().recipes.items():
        assert f"ganzoo run {name}\n" in text
        for recipe in recipes:
            assert f'"name": "{recipe.read()["name"]}"' in text


def test_every_command_is_on_its_page_with_its_options():
    text = commands_page()
    names = [*COMMANDS, *(command for _, command in installed().commands)]
    for command in names:
        assert f"Usage: ganzoo {command.name} " in text
        assert prose(command.help) in text
    assert "--set PATH=VALUE" in text


def test_every_error_is_on_its_page():
    text = errors_page()
    for name in ("GanzooError", "SpecError", "Interrupted", "PluginWarning"):
        assert hasattr(errors, name)
        assert f"::: ganzoo.errors.{name}\n" in text


def test_every_plugin_of_the_repository_is_in_the_directory():
    text = directory_page()
    folders = [path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml")]
    assert [record.name for record in own_plugins()] == sorted(folders)
    for name in folders:
        assert f"| `{name}` | " in text
    tracker = text.partition("| `ganzoo-tensorboard` |")[2].partition("\n")[0]
    assert tracker.endswith("| listener |")


def test_plugins_of_other_people_are_listed_as_the_page_asks():
    asked = re.search(r"```toml\n(.*?)```", directory_page(), re.DOTALL)
    assert asked
    (listed,) = third_party(asked[1])
    assert listed.name == "ganzoo-example"
    commented = FILE.read_text("utf-8")
    assert "ganzoo-example" in commented
    for each in third_party(commented):
        assert f"[{each.name}]({each.url})" in directory_page()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "Sphere"}, "name\n"),
        ({"name": "ganzoo-dcgan"}, "ganzoo-dcgan: comes with ganzoo"),
        ({"summary": "No full stop"}, "summary\n"),
        ({"url": "sphere.example"}, "url\n"),
        ({"kinds": ["latents"]}, "no kind is called 'latents'; did you mean 'latent'?"),
        ({"kinds": []}, "kinds\n"),
        ({"author": ""}, "author\n"),
        ({"stars": 5}, "stars\n"),
    ],
)
def test_what_is_wrong_with_a_listed_plugin_is_said(change, reason):
    listed = {
        "name": "ganzoo-sphere",
        "summary": "Latents on a sphere.",
        "url": "https://example.org/ganzoo-sphere",
        "kinds": ["latent", "recipe"],
        "author": "Someone",
    }
    assert third_party(_toml(listed))
    with pytest.raises(ValueError, match=re.escape(reason)):
        third_party(_toml({**listed, **change}))


def test_listed_plugins_are_sorted_and_there_once():
    names = ["ganzoo-b", "ganzoo-a"]
    entry = {"summary": "One.", "url": "https://example.org", "kinds": [*KINDS], "author": "A"}
    for order in (names, ["ganzoo-a", "ganzoo-a"]):
        with pytest.raises(ValueError, match="sorted by name, each of them listed once"):
            third_party("".join(_toml({"name": name, **entry}) for name in order))
    listed = third_party("".join(_toml({"name": name, **entry}) for name in sorted(names)))
    assert [each.name for each in listed] == ["ganzoo-a", "ganzoo-b"]


def _toml(entry):
    lines = [f"{key} = {json.dumps(value)}" for key, value in entry.items()]
    return "\n".join(["[[plugin]]", *lines, ""])


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1}, "integer >= 1"),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, "number > 0, <= 1"),
        ({"enum": ["a", "b"]}, '`"a"` or `"b"`'),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string or `null`"),
        ({"$ref": "#/$defs/loss"}, "[loss](up/loss.md)"),
        ({"type": "array", "items": {"type": "integer"}}, "list, each integer"),
        ({"type": "array", "prefixItems": [{"type": "number"}] * 2}, "list of 2: each number"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "object of string"),
    ],
)
def test_types_are_said_in_words(schema, words):
    assert type_words(schema, "up/") == words


def test_prose_keeps_what_markdown_would_take_for_itself():
    assert prose("<name> x * y | z") == r"&lt;name> x \* y \| z"
    assert prose("as ``a * b``, arXiv:1406.2661") == (
        "as ``a * b``, [arXiv:1406.2661](https://arxiv.org/abs/1406.2661)"
    )


def test_code_in_a_table_does_not_end_its_cell():
    row = table(("a",), [(code("x | y"),)]).splitlines()[-1]
    assert row.count("|") == 2


def test_paragraphs_are_filled():
    assert paragraphs("One\ntwo.\n\nThree.\n") == ["One two.", "Three."]
