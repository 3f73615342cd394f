"""Errors can name the package that brings a component which is not installed."""

import pytest
from known_components import FILE, known_components

from ganzoo.components.registry import using
from ganzoo.errors import SpecError
from ganzoo.plugins import Plugins
from ganzoo.spec import parse_spec


def test_the_list_of_the_repositorys_components_is_up_to_date():
    assert FILE.read_text("utf-8") == known_components(), (
        "ganzoo/known_components.json is out of date: run 'uv run python tools/known_components.py'"
    )


def test_a_spec_is_told_which_package_to_install():
    core_only = Plugins()
    core_only.load_core()
    core_only.load_hints()
    spec = {"dataset": "mnist-5k", "generator": "dcgan", "discriminator": "dcgan"}
    with using(core_only.registry), pytest.raises(SpecError) as caught:
        parse_spec(spec)
    problems = {problem.path: problem.message for problem in caught.value.problems}
    assert "ganzoo-digits" in problems["dataset"]
    assert "ganzoo-dcgan" in problems["generator"]
