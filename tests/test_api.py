"""ganzoo from Python."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import ganzoo
from ganzoo.errors import RunError, SpecError

SPEC: dict[str, Any] = {
    "name": "tiny",
    "dataset": {"type": "mnist-5k", "split": "test"},
    "latent": {"type": "normal", "dim": 6},
    "generator": {"type": "mlp", "hidden": [16]},
    "discriminator": {"type": "mlp", "hidden": [16]},
    "training": {"duration": "3 steps", "batch_size": 8},
}


def trained(folder: Path, *, conditional: bool) -> ganzoo.Run:
    spec = {
        **SPEC,
        "generator": {**SPEC["generator"], "conditional": conditional},
        "discriminator": {**SPEC["discriminator"], "conditional": conditional},
    }
    return ganzoo.run(spec, output=folder / "run")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> ganzoo.Run:
    return trained(tmp_path_factory.mktemp("plain"), conditional=False)


@pytest.fixture(scope="module")
def conditional(tmp_path_factory: pytest.TempPathFactory) -> ganzoo.Run:
    return trained(tmp_path_factory.mktemp("conditional"), conditional=True)


def test_a_sample_depends_on_its_seed_and_index_alone(plain: ganzoo.Run) -> None:
    many = plain.sample(150, seed=3)
    assert many.shape == (150, 1, 28, 28)
    assert many.dtype == torch.float32
    assert many.abs().max() <= 1
    for count in (1, 64, 65):
        assert torch.equal(plain.sample(count, seed=3), many[:count])
    assert not torch.equal(plain.sample(5, seed=4), many[:5])
    assert torch.equal(plain.sample(latents=plain.latents(70, seed=3)), many[:70])
    assert plain.sample(0).shape == (0, 1, 28, 28)


def test_a_run_is_opened_without_its_data(
    plain: ganzoo.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        type(plain.spec.dataset), "info", lambda self: pytest.fail("the data set was asked for")
    )
    again = ganzoo.open_run(plain.path)
    assert torch.equal(again.sample(3), plain.sample(3))
    assert again.spec == plain.spec
    assert again.metrics()[-1]["step"] == 3
    z = torch.zeros(2, 6)
    assert torch.allclose(again.generator()(z, None), again.sample(latents=z), atol=1e-6)


def test_truncation_narrows_the_latents(plain: ganzoo.Run) -> None:
    assert plain.latents(500).abs().max() > 2
    assert plain.latents(500, truncation=0.5).abs().max() <= 0.5
    with pytest.raises(RunError, match="truncation: "):
        plain.latents(5, truncation=-1)


def test_classes_come_in_turn_or_as_asked_for(conditional: ganzoo.Run) -> None:
    z = torch.zeros(12, 6)
    in_turn = conditional.sample(latents=z)
    assert torch.equal(in_turn[0], in_turn[10])
    assert not torch.equal(in_turn[0], in_turn[1])
    threes = conditional.sample(latents=z, labels=[3])
    assert all(torch.equal(image, in_turn[3]) for image in threes)
    mixed = conditional.sample(latents=z[:2], labels=[7, 1])
    assert torch.equal(mixed, in_turn[[7, 1]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labels": [10]}, "classes from 0 to 9"),
        ({"n": 3, "labels": [1, 2]}, "expected 1 or 3"),
        ({"latents": torch.zeros(2, 5)}, r"expected shape \(n, 6\), not \(2, 5\)"),
    ],
)
def test_what_does_not_fit_the_generator_is_refused(
    conditional: ganzoo.Run, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(RunError, match=message):
        conditional.sample(**arguments)


def test_labels_for_an_unconditional_generator_are_refused(plain: ganzoo.Run) -> None:
    with pytest.raises(RunError, match="not told classes"):
        plain.sample(2, labels=[1])


def test_specs_come_from_files_recipes_and_data(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(SPEC))
    assert ganzoo.load_spec(path) == ganzoo.load_spec(str(path)) == ganzoo.load_spec(SPEC)
    assert ganzoo.load_spec("digits").name == "digits"
    assert ganzoo.load_spec("ganzoo-digits:digits") == ganzoo.load_spec("digits")
    assert ganzoo.load_spec(SPEC, overrides=["training.batch_size=4"]).training.batch_size == 4


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("digitz", "digitz: no such file or recipe; did you mean 'digits'?"),
        ("missing.json", "missing.json: cannot be read: No such file"),
        (Path("missing"), "missing: cannot be read: No such file"),
    ],
)
def test_a_source_that_is_not_there_is_named(source: str | Path, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        ganzoo.load_spec(source)


def test_a_directory_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is not a run directory: it has no spec\.json"):
        ganzoo.open_run(tmp_path)
    with pytest.raises(RunError, match="does not exist"):
        ganzoo.open_run(tmp_path / "none")


def test_weights_that_do_not_fit_the_spec(plain: ganzoo.Run, tmp_path: Path) -> None:
    import shutil

    copied = tmp_path / "copied"
    shutil.copytree(plain.path, copied)
    weights = copied / "generator.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(RunError, match=r"generator\.safetensors is damaged"):
        ganzoo.open_run(copied).sample(1)
    weights.unlink()
    with pytest.raises(RunError, match=r"has no generator\.safetensors yet"):
        ganzoo.open_run(copied).sample(1)
