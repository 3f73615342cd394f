"""ganzoo from Python."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganzoo
from ganzoo import api
from ganzoo.errors import GanzooWarning, RunError, SpecError, UsageError

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
        ({"labels": "ten"}, r"labels: no class is called 'ten' \(available: 0, 1, "),
        ({"n": -1}, "n: must be 0 or more, not -1"),
        ({"n": 10**13}, "n: 10,000,000,000,000 samples need .* generate fewer at a time"),
        ({"latents": np.full((2, 6), np.nan)}, "latents: must be finite numbers"),
        ({"n": 3, "labels": [1, 2]}, "expected 1 or 3"),
        ({"latents": torch.zeros(2, 5)}, r"expected shape \(n, 6\), not \(2, 5\)"),
    ],
)
def test_what_does_not_fit_the_generator_is_refused(
    conditional: ganzoo.Run, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(RunError, match=message):
        conditional.sample(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": "5"}, "n: expected an integer, not '5'"),
        ({"n": None}, "n: expected an integer, not None"),
        ({"n": 2.5}, r"n: expected an integer, not 2\.5"),
        ({"n": float("nan")}, "n: expected an integer, not nan"),
        ({"n": [2]}, r"n: expected an integer, not \[2\]"),
        ({"seed": "a"}, "seed: expected an integer, not 'a'"),
        ({"truncation": "a"}, "truncation: expected a number, not 'a'"),
        ({"labels": object()}, "labels: must be an array of numbers"),
        ({"latents": "abc"}, "latents: must be an array of numbers"),
    ],
)
def test_wrong_types_are_refused_in_a_sentence(
    conditional: ganzoo.Run, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(RunError, match=message):
        conditional.sample(**{"n": 2, **arguments})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda run: run.latents("5"), "n: expected an integer"),
        (lambda run: run.latents(-5), "n: must be 0 or more"),
        (lambda run: run.generator("gpu"), "device: must be auto, cpu, .* not 'gpu'"),
        (lambda run: run.generator(5), "device: must be auto, cpu, .* not '5'"),
        (lambda run: run.plot(per="day"), "per: must be step or epoch, not 'day'"),
        (lambda run: run.class_number("ten"), "labels: no class is called 'ten'"),
        (lambda run: ganzoo.run(5), "expected a spec as plain data, .* not 5"),
        (lambda run: ganzoo.load_spec(None), "expected a spec as plain data, .* not None"),
        (lambda run: ganzoo.run(run.spec, output=5), "output: expected a path, not 5"),
        (lambda run: ganzoo.run(run.spec, listeners=5), "listeners: expected a list of objects"),
        (lambda run: ganzoo.run(run.spec, overrides=5), "overrides: expected texts PATH=VALUE"),
        (lambda run: ganzoo.run(run.spec, overrides=[5]), "overrides: expected texts PATH=VALUE"),
        (lambda run: ganzoo.resume(5), "path: expected a path, not 5"),
        (lambda run: ganzoo.branch(None), "path: expected a path, not None"),
        (lambda run: ganzoo.branch(run.path, checkpoint=[]), "checkpoint: expected last, best or"),
        (lambda run: ganzoo.open_run(5), "path: expected a path, not 5"),
        (lambda run: ganzoo.open_run(run.path, None).sample(1), "checkpoint: expected last, best"),
        (lambda run: ganzoo.evaluate_images(5, "x"), "generated: expected a path, not 5"),
        (lambda run: ganzoo.evaluate_images("x", "x", size="a"), "size: "),
        (lambda run: run.evaluate(samples="a"), "samples: "),
        (lambda run: run.evaluate(metrics=5), "metrics"),
        (lambda run: run.evaluate(device=5), "device"),
        (lambda run: api.preflight("mlp-mnist"), "spec: expected a RunSpec"),
        (lambda run: api.check({}), "spec: expected a RunSpec"),
        (lambda run: api.find_recipe(5), "expected the name of a recipe, not 5"),
    ],
)
def test_public_functions_refuse_what_is_of_another_kind_in_a_sentence(
    conditional: ganzoo.Run, call: Callable[[Any], object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        call(conditional)


def test_a_run_that_cannot_be_written_to_can_be_used(plain: ganzoo.Run, tmp_path: Path) -> None:
    path = Path(shutil.copytree(plain.path, tmp_path / "run"))
    folders = [path, *(each for each in path.iterdir() if each.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        if os.access(path, os.W_OK):
            pytest.skip("this user may write everywhere")
        run = ganzoo.open_run(path)
        assert torch.equal(run.sample(2), plain.sample(2))
        options: dict[str, Any] = {"extractor": "pixels", "samples": 20, "seeds": 0}
        with pytest.warns(GanzooWarning, match="cannot be kept in the run directory"):
            assert run.evaluate(metrics="fd", **options).values
        with pytest.raises(OSError, match=r"\.lock"):
            ganzoo.resume(path, overrides={"training.duration": "5 steps"})
        assert ganzoo.branch(
            path, overrides={"training.duration": "5 steps"}, output=tmp_path / "branch"
        ).metrics()
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_numpy_and_names_of_classes_are_taken(conditional: ganzoo.Run) -> None:
    threes = conditional.sample(np.int64(2), seed=np.int64(5), labels=[3])
    assert torch.equal(conditional.sample(2, seed=5, labels=np.array(["3", "3"])), threes)
    assert torch.equal(conditional.sample(2, seed=5, labels="3"), threes)
    assert torch.equal(conditional.sample(2, seed=5, labels=3), threes)
    latents = conditional.latents(2, seed=5).numpy()
    assert torch.equal(conditional.sample(latents=latents, labels=np.array(3)), threes)


def test_one_metric_and_seeds_of_numpy_are_taken(plain: ganzoo.Run) -> None:
    options: dict[str, Any] = {"extractor": "random-conv", "samples": 20, "save": False}
    report = plain.evaluate(metrics="fd", seeds=np.array([1, 2]), **options)
    assert report.seeds == [1, 2]
    assert plain.evaluate(metrics={"type": "fd"}, seeds=1, **options).seeds == [1]


def test_losses_are_plotted(plain: ganzoo.Run) -> None:
    figure = plain.plot()
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "mean score of D"]


def test_the_card_says_what_was_trained_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    names = np.array(["<i>", "a|b", "\udcff*"])
    np.savez(
        tmp_path / "cells.npz",
        train_images=images,
        train_labels=np.arange(20) % 3,
        class_names=names,
    )
    dataset = {"type": "arrays", "path": str(tmp_path / "cells.npz")}
    run = ganzoo.run({**SPEC, "dataset": dataset}, output=tmp_path / "run")
    (row,) = (line for line in _card(run) if line.startswith("| Data set"))
    assert row == (
        f"| Data set | `arrays`, split `train`; `{tmp_path / 'cells.npz'}`;"
        " 20 samples of shape (3, 8, 8); 3 classes: &lt;i&gt;, a\\|b, \\\\udcff\\* |"
    )


def _card(run: ganzoo.Run) -> list[str]:
    return run.directory.readme_path.read_text("utf-8").splitlines()


def test_labels_for_an_unconditional_generator_are_refused(plain: ganzoo.Run) -> None:
    with pytest.raises(RunError, match="not told classes"):
        plain.sample(2, labels=[1])


def test_specs_come_from_files_recipes_and_data(tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(SPEC))
    assert ganzoo.load_spec(path) == ganzoo.load_spec(str(path)) == ganzoo.load_spec(SPEC)
    assert ganzoo.load_spec("digits").name == "digits"
    assert ganzoo.load_spec("ganzoo-digits:digits") == ganzoo.load_spec("digits")
    for overrides in (
        ["training.batch_size=4"],
        "training.batch_size=4",
        {"training.batch_size": 4},
        {"training": {"batch_size": np.int64(4)}},
    ):
        assert ganzoo.load_spec(SPEC, overrides=overrides).training.batch_size == 4
    assert ganzoo.load_spec({**SPEC, "seed": np.int64(3)}, overrides={"name": "5"}).name == "5"


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


def test_a_run_takes_changes(tmp_path: Path) -> None:
    spec = ganzoo.load_spec(SPEC)
    run = ganzoo.run(spec, overrides={"training.duration": "1 steps"}, output=tmp_path / "run")
    assert run.metrics()[-1]["step"] == 1
    longer = ganzoo.branch(
        run.path, overrides={"training.duration": "2 steps"}, output=tmp_path / "longer"
    )
    assert longer.metrics()[-1]["step"] == 2


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
