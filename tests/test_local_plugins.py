"""Local plugins that a spec names: copied into the run, and run from there only if they are trusted."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import PathFinder
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import torch

import ganzoo
from ganzoo.cli import main
from ganzoo.components import registry
from ganzoo.errors import PluginError, RunError, SpecError, UsageError
from ganzoo.plugins import manager, read_local
from ganzoo.spec.schema import run_spec_schema

PLUGIN = """
    from typing import Literal
    from ganzoo import hookimpl
    from ganzoo.components import Activation
    from {helper} import SLOPE

    class Bent(Activation):
        \"\"\"Bent at zero.\"\"\"
        type: Literal["bent"] = "bent"

        def build(self):
            import torch
            return torch.nn.LeakyReLU(SLOPE)

    @hookimpl
    def ganzoo_components():
        return [Bent]
"""

SPEC: dict[str, Any] = {
    "plugins": ["./my_bent.py"],
    "name": "bent",
    "dataset": {"type": "mnist-5k", "split": "test"},
    "latent": {"type": "normal", "dim": 4},
    "generator": {"type": "mlp", "hidden": [8], "activation": "bent"},
    "discriminator": {"type": "mlp", "hidden": [8]},
    "training": {"duration": "2 steps", "batch_size": 8},
    "output": {"samples": 4},
    "device": "cpu",
}

Anew = Callable[[], None]


@pytest.fixture
def anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Anew]:
    """Go on as a new process would, without local plugins; trusted code is kept with the test."""
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("GANZOO_PLUGIN_FILES", "")
    monkeypatch.setattr(sys, "path", list(sys.path))
    before, cached = set(sys.modules), list(sys.path)

    def start() -> None:
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
                del sys.modules[name]
        sys.path[:] = cached
        manager.installed.cache_clear()
        monkeypatch.setattr(registry, "_active", None)

    start()
    yield start
    start()


@pytest.fixture
def spec(tmp_path: Path, anew: Anew) -> Path:
    """Return a spec file beside a plugin and a neighbour that the plugin imports."""
    del anew
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "my_bent.py").write_text(dedent(PLUGIN.format(helper="my_slope")), "utf-8")
    (folder / "my_slope.py").write_text("SLOPE = 0.1\n", "utf-8")
    (folder / "unrelated.py").write_text("", "utf-8")
    path = folder / "spec.json"
    path.write_text(json.dumps(SPEC), "utf-8")
    return path


def call(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as stop:
        main([str(each) for each in arguments])
    return stop.value.code


def test_a_run_keeps_its_plugins_and_needs_neither_flag_nor_original(
    spec: Path, tmp_path: Path, anew: Anew
) -> None:
    run = ganzoo.run(spec, output=tmp_path / "run")
    samples = run.sample(3)
    copied = tmp_path / "run" / "plugins" / "my_bent"
    assert sorted(each.name for each in copied.iterdir()) == ["my_bent.py", "my_slope.py"]
    (written,) = json.loads(run.directory.spec_path.read_text("utf-8"))["plugins"]
    assert written["path"] == "plugins/my_bent/my_bent.py"
    assert len(written["sha256"]) == 64

    shutil.rmtree(spec.parent)
    moved = tmp_path / "moved"
    run.path.rename(moved)
    anew()
    assert torch.equal(ganzoo.open_run(moved).sample(3), samples)
    assert not (moved / "plugins" / "my_bent" / "__pycache__").exists()
    anew()
    assert ganzoo.resume(moved, overrides={"training.duration": "3 steps"}).metrics()
    anew()
    branched = ganzoo.branch(
        moved, overrides={"training.duration": "5 steps"}, output=tmp_path / "branched"
    )
    assert (branched.path / "plugins" / "my_bent" / "my_slope.py").is_file()
    anew()
    again = ganzoo.run(moved / "spec.json", output=tmp_path / "again")
    assert again.spec.plugins == ganzoo.open_run(moved).spec.plugins


def test_code_in_a_run_of_someone_else_is_not_run_unless_it_is_trusted(
    spec: Path, tmp_path: Path, anew: Anew, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ganzoo.run(spec, output=tmp_path / "run")
    shutil.rmtree(tmp_path / "data")  # as on the machine of another user
    path = run.directory.path
    message = (
        r"this run has code of its own that was not trusted.*my_bent\.py \(sha256 [0-9a-f]{16}"
    )
    for attempt in (
        lambda: ganzoo.open_run(path).sample(1),
        lambda: ganzoo.resume(path),
        lambda: ganzoo.branch(path),
        lambda: ganzoo.load_spec(path / "spec.json"),
    ):
        anew()
        with pytest.raises(UsageError, match=message):
            attempt()
        assert "my_bent" not in sys.modules
    assert call("sample", path, "-o", tmp_path / "a.png") == 2
    assert "add --trust (in Python: trust=True)" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()

    assert call("sample", path, "-o", tmp_path / "a.png", "--trust") == 0
    anew()
    assert ganzoo.open_run(path).sample(1).shape[0] == 1  # it is trusted from then on
    shutil.rmtree(tmp_path / "data")
    anew()
    assert ganzoo.open_run(path, trust=True).sample(1).shape[0] == 1


@pytest.mark.parametrize("change", ["edited", "added", "not recorded"])
def test_a_copy_that_is_not_what_was_recorded_is_not_run(
    spec: Path, tmp_path: Path, anew: Anew, change: str
) -> None:
    run = ganzoo.run(spec, output=tmp_path / "run")
    copied = run.path / "plugins" / "my_bent"
    if change == "added":  # a module that only the neighbour imports
        (copied / "my_slope.py").write_text("import evil\nSLOPE = 0.1\n", "utf-8")
        (copied / "evil.py").write_text("raise SystemExit('evil')", "utf-8")
    else:
        (copied / "my_slope.py").write_text("raise SystemExit('evil')", "utf-8")
    if change == "not recorded":
        data = json.loads(run.directory.spec_path.read_text("utf-8"))
        data["plugins"] = ["plugins/my_bent/my_bent.py"]
        run.directory.spec_path.write_text(json.dumps(data), "utf-8")
    anew()
    with pytest.raises(UsageError, match=r"not trusted|its content has changed"):
        ganzoo.open_run(run.path).sample(1)
    if change != "not recorded":
        with pytest.raises(RunError, match=r"spec\.json: plugins\.0: .*its content has changed"):
            ganzoo.open_run(run.path, trust=True).sample(1)


def test_compiled_code_that_came_with_a_run_is_not_used(
    spec: Path, tmp_path: Path, anew: Anew
) -> None:
    run = ganzoo.run(spec, output=tmp_path / "run")
    cache = run.path / "plugins" / "my_bent" / "__pycache__"
    cache.mkdir()
    (cache / f"my_slope.{sys.implementation.cache_tag}.pyc").write_bytes(b"evil")
    anew()
    assert ganzoo.open_run(run.path).sample(1).shape[0] == 1
    loaded = Path(str(sys.modules["my_slope"].__file__))
    assert loaded.is_relative_to(tmp_path / "data" / "plugins")


def test_a_plugin_given_on_the_command_line_is_recorded_in_the_same_way(
    spec: Path, tmp_path: Path, anew: Anew, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = tmp_path / "plain.json"
    plain.write_text(json.dumps({**SPEC, "plugins": []}), "utf-8")
    run = tmp_path / "run"
    plugin = spec.parent / "my_bent.py"
    assert call("--plugin", plugin, "run", plain, "-q", "-o", run) == 0, capsys.readouterr().err
    shutil.rmtree(spec.parent)
    anew()
    import os

    os.environ["GANZOO_PLUGIN_FILES"] = ""
    assert call("sample", run, "-o", tmp_path / "a.png") == 0, capsys.readouterr().err


def test_a_folder_is_a_plugin_and_an_edited_one_replaces_it(tmp_path: Path, anew: Anew) -> None:
    del anew
    package = tmp_path / "my_package"
    package.mkdir()
    (package / "slope.py").write_text("SLOPE = 0.1\n", "utf-8")
    (package / "__init__.py").write_text(dedent(PLUGIN.format(helper=".slope")), "utf-8")
    data = {**SPEC, "plugins": [str(package)]}
    first = ganzoo.load_spec(data)
    assert first.algorithm.generator.activation.build().negative_slope == 0.1
    assert ganzoo.load_spec(data) == first
    (package / "slope.py").write_text("SLOPE = 0.25\n", "utf-8")
    second = ganzoo.load_spec(data)
    assert second.algorithm.generator.activation.build().negative_slope == 0.25
    assert first.to_json()["generator"]["activation"] == {"type": "bent"}
    run = ganzoo.run(second, output=tmp_path / "run")
    assert (run.path / "plugins" / "my_package" / "my_package" / "slope.py").is_file()


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        ("none.py", r"plugins\.0: none\.py: it is not a file in .*mine$"),
        ("~nobody-1/a.py", r"plugins\.0: ~nobody-1/a\.py: it is not a file in .*~nobody-1$"),
        ("a" * 300, r"plugins\.0: aaa.*: it is not a file in .*mine$"),
        ("spec.json", r"plugins\.0: spec\.json: it is not a Python file"),
        (".", r"plugins\.0: \.: it is a folder without an __init__\.py"),
        ("broken.py", r"plugins\.0: .*broken\.py: OSError: oops"),
        (5, r"plugins\.0: expected an object with fields"),
        (
            {"path": "my_bent.py", "sha256": "0"},
            r"plugins\.0: my_bent\.py: its content has changed",
        ),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_named_by_its_place(
    spec: Path, plugin: Any, message: str
) -> None:
    (spec.parent / "broken.py").write_text("raise OSError('oops')", "utf-8")
    spec.write_text(json.dumps({**SPEC, "plugins": [plugin]}), "utf-8")
    with pytest.raises(SpecError, match=message):
        ganzoo.load_spec(spec)


def test_the_schema_takes_a_path_or_a_path_with_a_hash() -> None:
    import jsonschema

    schema = run_spec_schema()
    plain = {**SPEC, "generator": "mlp"}
    for plugin in ("mine.py", {"path": "mine.py"}, {"path": "mine.py", "sha256": "ab"}):
        jsonschema.validate({**plain, "plugins": [plugin]}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**plain, "plugins": [5]}, schema)


@pytest.mark.parametrize("kept", ["environment.json", "generator.safetensors", "metrics.jsonl"])
def test_a_spec_is_that_of_a_run_whatever_is_left_of_the_run(
    spec: Path, tmp_path: Path, anew: Anew, kept: str
) -> None:
    run = ganzoo.run(spec, output=tmp_path / "run")
    part = tmp_path / "part"
    part.mkdir()
    shutil.copytree(run.path / "plugins", part / "plugins")
    for name in ("spec.json", kept):
        shutil.copy(run.path / name, part)
    shutil.rmtree(tmp_path / "data")  # as on the machine of another user
    anew()
    with pytest.raises(UsageError, match="code of its own that was not trusted"):
        ganzoo.load_spec(part / "spec.json")
    assert "my_bent" not in sys.modules
    assert call("doctor", part / "spec.json", "-q", "--trust") == 0


def test_trust_holds_for_a_run_that_weights_are_taken_from(
    spec: Path, tmp_path: Path, anew: Anew
) -> None:
    run = ganzoo.run(spec, output=tmp_path / "run")
    shutil.rmtree(tmp_path / "data")  # as on the machine of another user
    anew()
    plain = {**SPEC, "plugins": [], "generator": {"type": "mlp", "hidden": [8]}}
    plain["initialize_from"] = {"run": str(run.path), "checkpoint": "best"}
    with pytest.raises(UsageError, match="code of its own that was not trusted"):
        ganzoo.run(plain, output=tmp_path / "refused")
    with pytest.raises(RunError, match="has no best checkpoint"):
        ganzoo.run(plain, output=tmp_path / "taken", trust=True)


def test_the_spec_of_a_run_is_run_again_from_python(spec: Path, tmp_path: Path) -> None:
    run = ganzoo.run(spec, output=tmp_path / "run")
    shutil.rmtree(spec.parent)
    again = ganzoo.run(ganzoo.open_run(run.path).spec, output=tmp_path / "again")
    assert again.spec.plugins == run.spec.plugins


def test_plugins_whose_neighbours_have_one_name_are_not_mixed_up(
    spec: Path, tmp_path: Path
) -> None:
    ganzoo.load_spec(spec)
    other = tmp_path / "other"
    other.mkdir()
    text = (spec.parent / "my_bent.py").read_text("utf-8").replace("bent", "curved")
    (other / "my_curved.py").write_text(text, "utf-8")
    (other / "my_slope.py").write_text("SLOPE = 0.9\n", "utf-8")
    (other / "spec.json").write_text(json.dumps({**SPEC, "plugins": ["my_curved.py"]}), "utf-8")
    message = r"plugins\.0: .*another module is called 'my_slope'; rename my_slope\.py"
    with pytest.raises(SpecError, match=message):
        ganzoo.load_spec(other / "spec.json")
    shutil.copy(spec.parent / "my_slope.py", other)
    assert ganzoo.load_spec(other / "spec.json").plugins


def test_new_processes_import_the_copy_of_a_run_and_not_a_newer_original(
    spec: Path, tmp_path: Path, anew: Anew
) -> None:
    """Worker processes that are spawned get the path of this one."""
    run = ganzoo.run(spec, output=tmp_path / "run")
    (spec.parent / "my_slope.py").write_text("SLOPE = 0.7\n", "utf-8")
    anew()
    sys.path.insert(0, str(spec.parent))
    assert ganzoo.open_run(run.path).spec
    for name in ("my_bent", "my_slope"):
        found = PathFinder.find_spec(name)
        assert found is not None
        assert str(found.origin).startswith(str(tmp_path / "data"))
    assert ganzoo.load_spec(spec), "the original can be used again"
    found = PathFinder.find_spec("my_slope")
    assert found is not None
    assert found.origin == str(spec.parent / "my_slope.py")


def test_a_plugin_that_is_too_large_is_not_read_whole(tmp_path: Path) -> None:
    with (tmp_path / "large.py").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(PluginError, match="has more than 16 MiB"):
        read_local(tmp_path / "large.py")
