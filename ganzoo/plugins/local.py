"""Local plugins: a Python file, or a folder with an ``__init__.py``, that is not installed.

A run has copies of those it was made with. A copy may come from anyone, so nothing in a run directory is
ever imported: content that the user trusts is kept in a folder of the user's own, named by its hash, and
imported from there.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType

from ganzoo.errors import PluginError

LARGEST = 16 * 2**20
"""Bytes that a local plugin may have; a folder with more was probably not meant."""


@dataclass(frozen=True)
class LocalPlugin:
    """The content of a local plugin.

    Attributes:
        path: its file or folder.
        files: the content of all its files, by their paths relative to the folder that ``path`` is in.
    """

    path: Path
    files: Mapping[str, bytes]

    @property
    def name(self) -> str:
        """Its name: that of the file without its ending, or of the folder."""
        return self.path.stem if self.path.suffix == ".py" else self.path.name

    @property
    def main(self) -> str:
        """The file that is imported, relative to the folder that ``path`` is in."""
        return self.path.name if self.path.suffix == ".py" else f"{self.path.name}/__init__.py"

    @cached_property
    def sha256(self) -> str:
        """The hash of its files, with their paths."""
        digest = hashlib.sha256()
        for path, content in sorted(self.files.items()):
            digest.update(f"{path}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()

    def write(self, folder: Path) -> Path:
        """Write a copy to a folder, and return the path of its file or folder there."""
        for path, content in self.files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return folder / self.path.name


def read_local(path: Path) -> LocalPlugin:
    """Read a local plugin: a folder whole, or a file with those of its neighbours that it imports.

    Raises:
        PluginError: it is not a Python file or a folder with an ``__init__.py``, or it is too large.
    """
    path = path.resolve()
    try:
        files = dict(_package(path) if path.is_dir() else _module(path))
    except OSError as error:
        raise PluginError(f"cannot be read: {error.strerror}") from None
    if sum(map(len, files.values())) > LARGEST:
        raise PluginError(f"has more than {LARGEST >> 20} MiB; keep other files out of its folder")
    root = path.parent
    named = {file.relative_to(root).as_posix(): content for file, content in files.items()}
    return LocalPlugin(path, named)


def _package(folder: Path) -> Iterator[tuple[Path, bytes]]:
    if not (folder / "__init__.py").is_file():
        raise PluginError("it is a folder without an __init__.py")
    size = 0
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if file.is_file() and not hidden and size <= LARGEST:
            content = _read(file)
            size += len(content)
            yield file, content


def _read(file: Path) -> bytes:
    """Return the content of a file; of one that is too large, as much as shows that it is."""
    with file.open("rb") as opened:
        return opened.read(LARGEST + 1)


def _module(file: Path) -> Iterator[tuple[Path, bytes]]:
    if not file.is_file():
        raise PluginError("it is not a file")
    if file.suffix != ".py":
        raise PluginError("it is not a Python file: its name must end in .py")
    waiting, seen = [file], set[Path]()
    while waiting:
        each = waiting.pop()
        if each in seen:
            continue
        seen.add(each)
        found = list(_package(each)) if each.is_dir() else [(each, _read(each))]
        yield from found
        for path, content in found:
            names = _imported(content) - sys.stdlib_module_names if path.suffix == ".py" else ()
            for name in sorted(names):
                module, package = file.with_name(f"{name}.py"), file.with_name(name)
                if (package / "__init__.py").is_file():
                    waiting.append(package)
                elif module.is_file():
                    waiting.append(module)


def _imported(source: bytes) -> set[str]:
    """Return the top-level names that a module imports; none if it cannot be parsed."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # importing it will say so
        return set()
    names = [
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    ]
    names += [
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and not node.level and node.module
    ]
    return {name.partition(".")[0] for name in names}


def trusted_folder() -> Path:
    """Return the folder of the content that the user trusts; it need not exist yet."""
    import platformdirs  # in commands that start at once this is seldom needed

    chosen = os.environ.get("GANZOO_DATA")
    data = Path(chosen).expanduser() if chosen else platformdirs.user_data_path("ganzoo")
    return data / "plugins"


def trusted_copy(plugin: LocalPlugin) -> Path | None:
    """Return where trusted content is kept, whole and unchanged, or None where it is not trusted."""
    path = trusted_folder() / plugin.sha256 / plugin.path.name
    try:
        return path if read_local(path).sha256 == plugin.sha256 else None
    except PluginError:
        return None


def trust(plugin: LocalPlugin) -> Path:
    """Trust content from now on, and return where it is kept.

    It is kept for this process alone where the user's folder cannot be written to.
    """
    kept = trusted_copy(plugin)
    if kept is not None:
        return kept
    folder = trusted_folder() / plugin.sha256
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():  # but it is damaged
            folder.replace(folder.with_name(f".{uuid.uuid4().hex}.damaged"))
        written = folder.with_name(f".{uuid.uuid4().hex}.tmp")
        plugin.write(written)
        written.replace(folder)
    except OSError:
        return plugin.write(Path(tempfile.mkdtemp(prefix="ganzoo-plugin-")))
    return folder / plugin.path.name


def import_local(plugin: LocalPlugin, path: Path) -> ModuleType:
    """Import a plugin from a path that has its content.

    Its folder is put on the path, so that it may import its neighbours and worker processes may import
    it: at the end, where it hides nothing, unless worker processes would then import another version.

    Raises:
        PluginError: another module has its name, or that of one of its neighbours.
    """
    for file, content in plugin.files.items():
        neighbour = sys.modules.get(_module_name(file))
        if file != plugin.main and neighbour is not None and _content(neighbour) != content:
            raise PluginError(f"another module is called {_module_name(file)!r}; rename {file}")
    name, root = plugin.name, path.parent
    main = root / plugin.main
    known = importlib.util.find_spec(name)
    if known is not None and known.origin != str(main):
        module = sys.modules.get(name)
        if module is not None and _content(module) == plugin.files[plugin.main]:
            return module  # the program has imported it already
        # A copy may stand beside a newer original, in the folder that Python was started in.
        if path == plugin.path or module is not None or name in sys.stdlib_module_names:
            raise PluginError(f"another module is called {name!r}; rename the file")
    search = [str(path)] if path.is_dir() else None
    found = importlib.util.spec_from_file_location(name, main, submodule_search_locations=search)
    if found is None or found.loader is None:
        raise PluginError(f"{main} cannot be imported")
    module = sys.modules[name] = importlib.util.module_from_spec(found)
    sys.path.insert(0, str(root))
    try:
        found.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.path.remove(str(root))
        sys.path.append(str(root))
    modules = [
        file for file in plugin.files if file.endswith(".py") and "." not in _module_name(file)
    ]
    if any(_origin(file) != str(root / file) for file in modules):
        sys.path.insert(0, sys.path.pop())
    return module


def _origin(file: str) -> str | None:
    """Return where a module would be imported from in a new process with this path."""
    found = PathFinder.find_spec(_module_name(file))
    return None if found is None else found.origin


def forget_modules(plugin: LocalPlugin) -> None:
    """Let the modules of a plugin be imported anew."""
    for path in plugin.files:
        name = _module_name(path)
        file = getattr(sys.modules.get(name), "__file__", None)
        if file and Path(file).as_posix().endswith(f"/{path}"):
            del sys.modules[name]
            root = str(Path(file).parents[path.count("/")])
            if path == plugin.main and root != str(plugin.path.parent) and root in sys.path:
                sys.path.remove(root)  # that of a copy, which may come before others


def _module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _content(module: ModuleType) -> bytes | None:
    try:
        return Path(module.__file__ or "").read_bytes()
    except OSError:
        return None
