"""What the documents show is true: specs are valid, code compiles, commands and files exist."""

import ast
import importlib
import json
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
from ganzoo_studies.plan import Study, points_of
from generate.documents import PAGES
from generate.documents import document as page_of

from ganzoo.cli.app import program
from ganzoo.data.torchvision_table import SETS
from ganzoo.errors import SpecError
from ganzoo.plugins import installed
from ganzoo.runs.checkpoints import FORMAT as CHECKPOINT_FORMAT
from ganzoo.runs.report import FORMAT as REPORT_FORMAT
from ganzoo.spec import parse_spec

ROOT = Path(__file__).parents[2]

BASE = {
    "dataset": "mnist-5k",
    "generator": {"type": "dcgan"},
    "discriminator": {"type": "dcgan", "normalization": "none"},
}
"""What a fragment of a spec is laid over."""

NOT_INSTALLED = {"exponential", "pix2pix", "sphere"}
"""Components and recipes that documents make themselves, tested in test_plugins_shown.py."""

GENERATED = ("reference/", "../reference/", "components/", "directory.md", *PAGES.values())
"""Where pages of the site are that are made, and no files."""


def test_specs_are_valid(json_block):
    data = json.loads(json_block.text)
    if "variants" in data:
        points_of(Study(**data))
    elif not any(f'"{name}"' in json_block.text for name in NOT_INSTALLED):
        parse_spec(data if json_block.title else {**BASE, **data})


def test_python_compiles(python_block):
    ast.parse(python_block.text)


def test_toml_can_be_read(toml_block):
    tomllib.loads(toml_block.text)


def test_commands_and_their_options_exist(shell_block):
    for line in shell_block.text.splitlines():
        for part in line.split("&&"):
            words = shlex.split(part.removeprefix("uv run "))
            if words and words[0] == "ganzoo":
                _check_command(words[1:])


def _check_command(words: list[str]) -> None:
    context = click.Context(program())
    command: click.Command = context.command
    while words and words[0] in {"--plugin", "--disable-plugin"}:
        words = words[2:]
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        assert found is not None, words
        command, words = found, words[1:]
    options = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    used = [word for word in words if re.match(r"--?[a-z]", word)]
    assert set(used) <= {*options, "-h", "--help"}


def test_recipes_that_are_run_are_installed(shell_block):
    for name in re.findall(r"ganzoo (?:run|init) (\w[\w-]*)(?:\s|$)", shell_block.text):
        assert name in {*installed().recipes, *NOT_INSTALLED}


def test_links_lead_to_files(document):
    text = document.read_text("utf-8")
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)", text):
        made = target.startswith(GENERATED) and "docs" in document.parts
        if not made:  # the strict build of the site checks links to generated pages
            assert (document.parent / target).is_file(), target


@pytest.mark.parametrize("name", PAGES)
def test_pages_of_the_site_made_of_documents_link_within_the_site(name):
    assert "](docs/" not in page_of(name)
    assert "](CHANGELOG.md" not in page_of(name)


def test_the_readme_says_what_a_mistake_looks_like():
    text = (ROOT / "README.md").read_text("utf-8")
    shown = re.search(r"^error: hinge.json: (.*)$", text, re.MULTILINE)
    spec = re.search(r"title=\"hinge.json\"\n(.*?)```", text, re.DOTALL)
    assert shown
    assert spec
    with pytest.raises(SpecError) as caught:
        parse_spec(json.loads(spec[1].replace('"alpha"', '"alhpa"')))
    assert str(caught.value) == shown[1]


def test_the_page_on_data_names_every_set_of_torchvision():
    text = " ".join((ROOT / "docs" / "data.md").read_text("utf-8").split())
    names = f"{', '.join([*SETS][:-1])} and {[*SETS][-1]} are known by name"
    assert names in text


def test_the_example_of_arrays_makes_a_data_set(tmp_path, monkeypatch):
    text = (ROOT / "docs" / "data.md").read_text("utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert code
    monkeypatch.chdir(tmp_path)
    exec(code[1], {})
    spec = parse_spec({**BASE, "dataset": {"type": "arrays", "path": "cells.npz"}})
    info = spec.check()
    assert info.sample_shape == (3, 32, 32)
    assert info.classes is not None
    assert info.classes.names == ("healthy", "infected")
    assert set(info.splits) == {"train", "test"}


def test_names_whose_stability_is_promised_exist():
    text = (ROOT / "docs" / "stability.md").read_text("utf-8")
    modules = set(re.findall(r"`(ganzoo(?:_[a-z]+)?(?:\.[a-z_]+)?)`", text))
    assert modules >= {"ganzoo", "ganzoo.components", "ganzoo.hookspecs", "ganzoo_devkit.testing"}
    for name in modules:
        importlib.import_module(name)
    assert f"`{REPORT_FORMAT}`" in text
    assert f"`{CHECKPOINT_FORMAT}`" in text


def test_the_layers_drawn_are_those_that_are_checked():
    checked = re.findall(
        r"^    ganzoo\.([a-z]\w*)", (ROOT / ".importlinter").read_text("utf-8"), re.M
    )
    layers = checked[: checked.index("errors") + 1]
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    drawn = re.findall(r"^  │ (\w+)(?:/|\.py) ", text, re.MULTILINE)
    assert drawn == ["cli", *layers[1:]]
