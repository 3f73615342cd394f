"""Model folders: a run as it is passed on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from ganzoo_export.folder import write_folder

import ganzoo
from ganzoo import Run
from ganzoo.errors import RunError


@pytest.fixture(scope="module")
def folder(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run as a model folder, on what is as good as another machine."""
    made = write_folder(run, tmp_path_factory.mktemp("here") / "tiny")
    return Path(shutil.copytree(made, tmp_path_factory.mktemp("there") / "tiny"))


def test_a_folder_is_sampled_as_the_run_is(run: Run, folder: Path) -> None:
    opened = ganzoo.open_run(folder)
    assert torch.equal(opened.sample(6, seed=9), run.sample(6, seed=9))
    assert opened.class_names == run.class_names
    z, classes = run.latents(2), torch.tensor([0, 1])
    assert torch.equal(opened.generator()(z, classes), run.generator()(z, classes))


def test_a_folder_needs_no_data(program: Any, folder: Path, data: Path, tmp_path: Path) -> None:
    assert json.loads((folder / "spec.json").read_text())["dataset"]["path"] == data.name
    result = program("sample", folder, "-n", 3, "-o", tmp_path / "three.npy")
    assert (result.code, result.err) == (0, "")


def test_a_folder_names_no_place_of_the_machine_it_was_made_on(folder: Path, data: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            assert str(data.parent).encode() not in path.read_bytes(), path


def test_the_card_has_scores_command_data_and_seed(folder: Path) -> None:
    card = (folder / "README.md").read_text(encoding="utf-8")
    report = json.loads((folder / "evaluation" / "step-00000004.json").read_text())
    (value,) = report["values"]
    assert f"| `fd@pixels` | {value['mean']:.4g} |" in card
    assert "| Seed | 3 |" in card
    assert "| Data | `arrays`, split `train` |" in card
    assert "| Licence of the data | not known |" in card
    assert "| To train it again | `ganzoo run spec.json` |" in card
    assert (folder / "samples.png").is_file()


def test_only_reports_on_these_weights_come_along(folder: Path) -> None:
    assert [each.name for each in (folder / "evaluation").iterdir()] == ["step-00000004.json"]


def test_a_folder_that_is_not_empty_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="exists already and is not an empty folder"):
        write_folder(run, tmp_path / "mine")
    assert [each.name for each in tmp_path.rglob("*")] == ["mine", "notes.txt"]


def test_a_damaged_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    made = Path(shutil.copytree(folder, tmp_path / "damaged"))
    weights = made / "generator.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(RunError, match="is damaged"):
        ganzoo.open_run(made).sample(1)


def test_the_command_writes_a_folder(program: Any, run: Run, tmp_path: Path) -> None:
    result = program("export", run.path, "-o", tmp_path / "model")
    assert (result.code, result.out.strip()) == (0, str(tmp_path / "model"))
    assert (tmp_path / "model" / "generator.safetensors").is_file()


def test_resuming_a_folder_changes_nothing(program: Any, folder: Path) -> None:
    before = (folder / "generator.safetensors").read_bytes()
    refused = program("resume", folder, "-q")
    assert refused.code == 2
    assert "holds a trained generator and no run to resume" in refused.err
    assert (folder / "generator.safetensors").read_bytes() == before
