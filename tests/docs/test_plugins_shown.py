"""The plugins that the documents show work: they are installed here as a reader would."""

import importlib
import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from ganzoo_devkit.testing import checks_of, registered
from PIL import Image

import ganzoo
from ganzoo.components.registry import using
from ganzoo.plugins import Plugins
from ganzoo.spec import parse_spec

ROOT = Path(__file__).parents[2]


def test_the_readmes_plugin_brings_a_schedule(tmp_path, monkeypatch, files_shown):
    files = files_shown("README.md")
    (tmp_path / "ganzoo_exponential.py").write_text(files["ganzoo_exponential.py"], "utf-8")
    about = tmp_path / "ganzoo_exponential-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Name: ganzoo-exponential\nVersion: 1\n", "utf-8")
    entry = files["pyproject.toml"].replace("[project.entry-points.ganzoo]", "[ganzoo]")
    (about / "entry_points.txt").write_text(entry.replace('"', ""), "utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    plugins = Plugins()
    plugins.load_core()
    plugins.load_installed()

    text = (ROOT / "README.md").read_text("utf-8")
    fragment = re.search(r"```json\n([^`]*\"exponential\".*?)```", text, re.DOTALL)
    assert fragment
    networks = {"dataset": "mnist-5k", "generator": "mlp", "discriminator": "mlp"}
    with using(plugins.registry):
        spec = parse_spec({**networks, **json.loads(fragment[1])})
    rate = spec.algorithm.generator_optimizer.lr.build()
    assert [rate(0.0), rate(0.5), rate(1.0)] == [1e-3, 1e-4, 1e-5]


def test_the_tutorials_plugin_builds_installs_and_passes_its_own_tests(tmp_path, files_shown):
    for name, text in files_shown("docs/plugins.md").items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    left_over = tmp_path / "runs" / "sphere-1" / "spec.json"
    left_over.parent.mkdir(parents=True)
    left_over.write_text("{}", "utf-8")
    _call("-m", "hatchling", "build", cwd=tmp_path)
    (source,) = (tmp_path / "dist").glob("*.tar.gz")
    with tarfile.open(source) as packed:
        published = {name.split("/")[1] for name in packed.getnames()}
    assert published == {"PKG-INFO", "README.md", "pyproject.toml", "src", "tests"}
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)

    environment = {**os.environ, "PYTHONPATH": str(site), "GANZOO_STRICT_PLUGINS": "1"}
    tests = tmp_path / "tests"
    tested = _call("-m", "pytest", "-v", str(tests), cwd=tests, environment=environment)
    assert "test_conformance[latent-sphere-draws] PASSED" in tested
    assert "test_conformance[recipe-sphere-valid] PASSED" in tested
    assert "SKIPPED" not in tested
    changed = ("run", "digits", "--dry-run", "-q", "--set", "latent.type=sphere")
    resolved = json.loads(_call("-m", "ganzoo", *changed, cwd=tests, environment=environment))
    assert resolved["latent"] == {"type": "sphere", "dim": 64, "radius": None}
    short = ("run", "sphere", "--set", "training.duration=2 steps", "--device", "cpu")
    run = tests / _call("-m", "ganzoo", *short, cwd=tests, environment=environment).strip()
    assert (run / "generator.safetensors").is_file()

    shown = ("plugins", "show", "ganzoo-sphere")
    described = _call("-m", "ganzoo", *shown, cwd=tests, environment=environment)
    text = (ROOT / "docs" / "plugins.md").read_text("utf-8")
    assert f"```text\n{_without_time(described)}```" in _without_time(text)


def _without_time(text):
    return re.sub(r"^(loaded in +)[\d.]+ s$", r"\1? s", text, flags=re.MULTILINE)


def test_the_loss_of_the_local_file_conforms(tmp_path, files_shown):
    file = tmp_path / "soft_hinge.py"
    file.write_text(files_shown("docs/plugins.md")[file.name], "utf-8")
    plugins = Plugins()
    plugins.load_core()
    plugins.load_installed()
    plugins.load_file(file)
    with using(plugins.registry):
        spec = parse_spec(
            {"dataset": "ring", "generator": "mlp", "discriminator": "mlp", "loss": "soft_hinge"}
        )
        for check in checks_of(type(spec.algorithm.loss)):
            check(spec.algorithm.loss)


def test_the_metric_and_the_extractor_shown_measure_images(tmp_path, monkeypatch, files_shown):
    files = files_shown("docs/plugins.md")
    for name in ("brightness.py", "mean_shift.py"):
        (tmp_path / name).write_text(files[name], "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    extractor = importlib.import_module("brightness").Brightness
    metric = importlib.import_module("mean_shift").MeanShift
    for name, brightness in (("dark", 0), ("bright", 51)):
        np.save(tmp_path / f"{name}.npy", np.full((20, 8, 8), brightness, np.uint8))

    with registered(extractor, metric):
        report = ganzoo.evaluate_images(
            tmp_path / "bright.npy",
            tmp_path / "dark.npy",
            metrics=["mean_shift"],
            extractor="brightness",
            device="cpu",
        )
        for component in (extractor(), metric()):
            for check in checks_of(type(component)):
                check(component)
    (value,) = report.values
    assert value.name == "mean_shift@brightness"
    assert value.mean == pytest.approx(0.2)
    assert value.baseline is not None
    assert value.baseline.value == 0


def test_the_algorithm_shown_trains_resumes_and_translates(tmp_path, monkeypatch, files_shown):
    files = files_shown("docs/algorithms.md")
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 16, 3), dtype=np.uint8)
    for folder, images in zip(("edges", "photos"), pixels, strict=True):
        (tmp_path / folder).mkdir()
        for index, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / folder / f"{index}.png")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    changes = {
        "dataset.size": 16,
        "training.batch_size": 8,
        "training.accumulation": 2,
        "training.duration": "4 steps",
        "output.checkpoint_every": "2 steps",
        "device": "cpu",
    }
    plugins = Plugins()
    plugins.load_core()
    plugins.load_installed()
    plugins.load_file(tmp_path / "pix2pix.py")
    try:
        with using(plugins.registry):
            overrides = [f"{path}={json.dumps(value)}" for path, value in changes.items()]
            run = ganzoo.run(ganzoo.load_spec("pix2pix.json", overrides=overrides))
            last = run.directory.checkpoint_path(4)
            whole = last.read_bytes()
            last.unlink()
            ganzoo.resume(run.path)
            assert last.read_bytes() == whole
            assert run.sample(2).shape == (2, 3, 16, 16)
            for check in checks_of(type(run.spec.algorithm)):
                check(run.spec.algorithm)
    finally:
        for name in files:
            sys.modules.pop(name.partition(".")[0], None)


def _call(*arguments, cwd, environment=None):
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
