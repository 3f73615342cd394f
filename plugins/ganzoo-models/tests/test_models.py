"""The models that come with the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ganzoo_models.plugin import MODELS, model_names

import ganzoo
from ganzoo.errors import RunError


@pytest.mark.parametrize("name", model_names())
def test_a_model_is_sampled_by_its_name(name: str) -> None:
    run = ganzoo.open_run(f"model:{name}")
    samples = run.sample(8)
    assert samples.shape == (8, *run.info.sample_shape)
    assert samples.isfinite().all()


@pytest.mark.parametrize("name", model_names())
def test_a_model_is_small_and_has_a_card(name: str) -> None:
    files = [path for path in (MODELS / name).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 3 * 2**20
    assert {path.suffix for path in files} <= {".json", ".safetensors", ".png", ".md"}
    card = (MODELS / name / "README.md").read_text(encoding="utf-8")
    assert "## Scores" in card
    assert "`ganzoo run spec.json`" in card


def test_the_points_of_the_ring_are_on_it() -> None:
    points = ganzoo.open_run("model:ring").sample(512).numpy()
    radii = np.linalg.norm(points, axis=1)
    assert np.mean(np.abs(radii - np.median(radii)) < 0.1 * np.median(radii)) > 0.95


def test_the_command_lists_models_with_scores(program: Any) -> None:
    listed = program("models")
    assert (listed.code, listed.err) == (0, "")
    assert all(f"model:{name}" in listed.out for name in model_names())
    found = {each["name"]: each for each in json.loads(program("models", "--json").out)}
    assert found["ring"]["scores"]["modes"] == 8
    assert found["ring"]["description"]


def test_the_program_samples_a_model(program: Any, tmp_path: Path) -> None:
    path = tmp_path / "points.npy"
    assert program("sample", "model:grid", "-n", 5, "-o", path).code == 0
    assert np.load(path).shape == (5, 2)


def test_a_name_that_is_not_a_model_is_an_error() -> None:
    with pytest.raises(
        RunError, match=r"model:rnig: no model has this name; did you mean 'ring'\?"
    ):
        ganzoo.open_run("model:rnig")
    with pytest.raises(RunError, match="other:ring: does not exist"):
        ganzoo.open_run("other:ring")


def test_evaluating_a_model_leaves_the_package_as_it_is(program: Any) -> None:
    folder = MODELS / "ring"
    before = sorted(folder.rglob("*"))
    scores = program("models").out
    asked = ("--metrics", "fd", "-n", 64, "--seeds", 0)
    assert program("evaluate", "model:ring", *asked).code == 0
    assert program("models").out == scores
    assert [each for each in sorted(folder.rglob("*")) if each.name != ".lock"] == before
