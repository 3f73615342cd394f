"""Fixtures for tests of the core and of plugins; a ``conftest.py`` imports those that its tests use."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from ganzoo.cli import main
from ganzoo.components import registry
from ganzoo.plugins import Plugins, Selection


@pytest.fixture(scope="session", autouse=True)
def cache_directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache for the whole session, so that tests leave the user's alone and decode a set once."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANZOO_CACHE", str(folder))
        patch.setenv("GANZOO_DATA", str(folder / "data"))
        yield folder


Install = Callable[..., Path]
"""``(name, source, *, version, module, entry_points) -> folder``: see ``install``."""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a distribution for one test: a module and its metadata, in a folder on the path.

    Its entry point is what a package manager would have written, so it is found and imported as any
    other plugin is.
    """
    before = set(sys.modules)

    def install(
        name: str,
        source: str,
        *,
        version: str = "1.0",
        entry_points: dict[str, str] | None = None,
    ) -> Path:
        module = name.lower().replace("-", "_")
        folder = tmp_path / f"site-{name}-{version}"
        metadata = folder / f"{module}-{version}.dist-info"
        metadata.mkdir(parents=True)
        (folder / f"{module}.py").write_text(dedent(source), encoding="utf-8")
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8"
        )
        points = {name: module} if entry_points is None else entry_points
        lines = ["[ganzoo]", *(f"{key} = {value}" for key, value in points.items())]
        (metadata / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        monkeypatch.syspath_prepend(folder)
        return folder

    yield install
    for module in set(sys.modules) - before:
        file = getattr(sys.modules[module], "__file__", None)
        if file is not None and Path(file).is_relative_to(tmp_path):
            del sys.modules[module]
    importlib.invalidate_caches()


Load = Callable[..., Plugins]
"""``(**selection) -> Plugins``: see ``load_plugins``."""


@pytest.fixture
def load_plugins() -> Iterator[Load]:
    """Load the plugins that are installed now; their registry is the active one for the test."""
    opened = []

    def load(selection: Selection | None = None) -> Plugins:
        plugins = Plugins(selection)
        plugins.load_core()
        plugins.load_installed()
        plugins.load_hints()
        active = registry.using(plugins.registry)
        active.__enter__()
        opened.append(active)
        return plugins

    yield load
    for active in reversed(opened):
        active.__exit__(None, None, None)


@dataclass(frozen=True)
class Result:
    """What a call of the program came to."""

    code: int | None
    out: str
    err: str


Program = Callable[..., Result]


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    """Call the program with some arguments; it always exits."""

    def call(*arguments: object) -> Result:
        with pytest.raises(SystemExit) as stop:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert isinstance(stop.value.code, int)
        return Result(stop.value.code, out, err)

    return call
