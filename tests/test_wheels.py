"""The packages as users get them: built, installed afresh, and run outside the repository."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from environments import Environment, others

ROOT = Path(__file__).parents[1]
FOLDERS = [ROOT, *sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))]


@dataclass(frozen=True)
class Package:
    """A folder with a ``pyproject.toml``."""

    folder: Path

    @cached_property
    def project(self) -> dict[str, Any]:
        text = (self.folder / "pyproject.toml").read_text(encoding="utf-8")
        data: dict[str, Any] = tomllib.loads(text)["project"]
        return data

    @property
    def name(self) -> str:
        return str(self.project["name"])

    @property
    def module(self) -> str:
        return self.name.replace("-", "_")

    @property
    def parent(self) -> Path:
        """The folder that the import package lies in."""
        return self.folder if self.folder == ROOT else self.folder / "src"

    def files(self) -> set[str]:
        """Return all files of the import package, as a wheel should name them."""
        return {
            path.relative_to(self.parent).as_posix()
            for path in (self.parent / self.module).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }


@dataclass(frozen=True)
class Wheel:
    """A built wheel."""

    path: Path

    @cached_property
    def files(self) -> set[str]:
        with zipfile.ZipFile(self.path) as archive:
            return {name for name in archive.namelist() if not name.endswith("/")}

    def read(self, name: str) -> str:
        """Return a file of the ``dist-info`` folder."""
        (found,) = [each for each in self.files if PurePosixPath(each).match(f"*.dist-info/{name}")]
        with zipfile.ZipFile(self.path) as archive:
            return archive.read(found).decode()

    def metadata(self) -> Message:
        return Parser().parsestr(self.read("METADATA"))


PACKAGES = [Package(folder) for folder in FOLDERS]
PLUGINS = PACKAGES[1:]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Wheel]:
    """All packages of the repository, built by the backend they name."""
    built = {}
    for package in PACKAGES:
        folder = tmp_path_factory.mktemp(package.module)
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
            cwd=package.folder,
            check=True,
            capture_output=True,
        )
        (path,) = folder.glob("*.whl")
        built[package.name] = Wheel(path)
    return built


@pytest.fixture(scope="module")
def fresh(wheels: dict[str, Wheel], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheels in it.

    What others wrote is not installed again: a path file lets the development environment's
    packages be seen, behind the fresh ones. Path files over there are not read by that, so the
    repository's packages, which are installed there in editable form, stay out of sight.
    """
    environment = Environment.create(tmp_path_factory.mktemp("outside"))
    environment.install(*(wheel.path for wheel in wheels.values()))
    environment.add_path_file("\n".join(others()))
    return environment


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_wheel_holds_the_package_whole_and_nothing_else(
    package: Package, wheels: dict[str, Wheel]
) -> None:
    """So its recipes, its data files and its ``py.typed`` too."""
    files = {name for name in wheels[package.name].files if ".dist-info/" not in name}
    assert files == package.files()
    assert f"{package.module}/py.typed" in files


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_wheel_says_what_it_is_and_under_which_licence(
    package: Package, wheels: dict[str, Wheel]
) -> None:
    wheel = wheels[package.name]
    about = wheel.metadata()
    assert about["Name"] == package.name
    assert about["Summary"].endswith(".")
    assert about["License-Expression"] == "MIT"
    assert about["Requires-Python"] == ">=3.11"
    assert wheel.read("licenses/LICENSE") == (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert about.get_payload() == (package.folder / "README.md").read_text(encoding="utf-8")
    if package in PLUGINS:
        assert any(each.startswith("ganzoo>=") for each in about.get_all("Requires-Dist", []))


@pytest.mark.parametrize("package", PLUGINS, ids=lambda package: package.name)
def test_a_plugin_has_one_name_everywhere(package: Package, wheels: dict[str, Wheel]) -> None:
    assert package.folder.name == package.name
    assert wheels[package.name].read("entry_points.txt").split() == (
        f"[ganzoo] {package.name} = {package.module}.plugin".split()
    )


def test_no_plugin_requires_a_version_of_another_that_is_not_here() -> None:
    versions = {package.name: package.project["version"] for package in PACKAGES}
    for package in PACKAGES:
        for requirement in package.project["dependencies"]:
            name, _, version = requirement.partition(">=")
            if name in versions:
                assert versions[name].startswith(version), requirement


def test_installed_packages_are_found_where_they_were_installed(fresh: Environment) -> None:
    names = [package.module for package in PACKAGES]
    code = (
        "import importlib.util, json\n"
        "from importlib import metadata\n"
        "from ganzoo.plugins import installed\n"
        f"files = [importlib.util.find_spec(name).origin for name in {names!r}]\n"
        f"files += [str(metadata.distribution(name)._path) for name in {names!r}]\n"
        "records = {each.name: each.status for each in installed().records}\n"
        "print(json.dumps([files, records]))"
    )
    files, records = json.loads(fresh.call(fresh.python, "-c", code))
    for file in files:
        assert Path(file).resolve().is_relative_to(fresh.site_packages.resolve())
    assert records.items() >= {package.name: "active" for package in PACKAGES}.items()


def test_a_recipe_runs_from_the_installed_program(fresh: Environment) -> None:
    """Two steps, and all that a run leaves behind is there."""
    settings = {
        "training.duration": "2 steps",
        "training.batch_size": 8,
        "generator.channels": 8,
        "discriminator.channels": 8,
        "output.samples": 10,
        "device": "cpu",
    }
    changes = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    out = fresh.call(fresh.scripts / "ganzoo", "run", "digits", *changes)
    run = fresh.folder / out.strip()
    assert run == fresh.folder / "runs" / "digits-1"
    made = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    assert made >= {
        "spec.json",
        "environment.json",
        "metrics.jsonl",
        "generator.safetensors",
        "checkpoints/step-00000002.safetensors",
        "samples/real.png",
        "samples/step-00000002.png",
    }
    environment = json.loads((run / "environment.json").read_text(encoding="utf-8"))
    assert environment["providers"]["dataset"]["name"] == "ganzoo-digits"
    last = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1]
    assert json.loads(last)["step"] == 2
