"""The local plugins that a spec names: loaded before it is validated, since it may use them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema

from ganzoo.components import SpecModel
from ganzoo.errors import PluginError, Problem, SpecError, UsageError
from ganzoo.plugins import LocalPlugin, installed, read_local, trust, trusted_copy
from ganzoo.utils.consent import consents
from ganzoo.utils.files import expanded


class PluginFile(SpecModel):
    """A local plugin; a path alone stands for one with any content."""

    path: str = Field(
        min_length=1,
        description="A Python file, or a folder with an __init__.py. Relative paths are relative to the"
        " spec.",
    )
    sha256: str | None = Field(
        default=None, description="Hash of its content, which a run records. Null: any content."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_path(cls, data: Any) -> Any:
        return {"path": data} if isinstance(data, str) else data

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe both forms."""
        return {"anyOf": [{"type": "string", "minLength": 1}, handler(schema)]}


def load_local_plugins(
    data: Mapping[str, Any],
    folder: Path,
    source: str | None = None,
    *,
    foreign: bool = False,
) -> dict[str, Any]:
    """Load the local plugins that a spec names.

    Args:
        data: the spec, plain data, not validated.
        folder: what relative paths are relative to.
        source: the file or recipe it comes from, for messages.
        foreign: whether the plugins are the copies in a run directory, which anyone may have made: they
            are loaded only if they are trusted.

    Returns:
        The spec, with absolute paths of plugins and hashes of their content.

    Raises:
        SpecError: a plugin cannot be read or loaded, or is not what was recorded.
        UsageError: a plugin is not trusted.
    """
    given = data.get("plugins", [])
    if not isinstance(given, list | tuple):
        return dict(data)  # and it will be refused
    found: dict[int, LocalPlugin] = {}
    for index, each in enumerate(given):
        wanted = {"path": each} if isinstance(each, str) else each
        if isinstance(wanted, Mapping) and isinstance(wanted.get("path"), str):
            path = folder / expanded(wanted["path"])
            with _named(f"plugins.{index}", wanted["path"], source):
                if not os.path.lexists(path):  # pathlib refuses long names
                    raise PluginError(f"it is not a file in {path.parent.resolve()}")
                found[index] = _read(path, wanted.get("sha256"))
    if foreign:
        _ask_for_trust(list(found.values()), source)
    for index, plugin in found.items():
        with _named(f"plugins.{index}", str(plugin.path), source):
            installed().load_local(plugin, trust(plugin) if foreign else plugin.path)
    written = [
        {"path": str(found[index].path), "sha256": found[index].sha256} if index in found else each
        for index, each in enumerate(given)
    ]
    return {**data, "plugins": written} if written else dict(data)


def with_plugins_of_the_program(data: Mapping[str, Any]) -> dict[str, Any]:
    """Add the plugins that were loaded by ``--plugin`` to those that a spec names."""
    given = data.get("plugins", [])
    known = [each.get("sha256") for each in given if isinstance(each, Mapping)]
    local = installed().local
    asked_for = [local[name] for name in installed().asked_for if local[name].sha256 not in known]
    more = [{"path": str(plugin.path), "sha256": plugin.sha256} for plugin in asked_for]
    return {**data, "plugins": [*given, *more]} if more else dict(data)


def copies_of(plugins: tuple[PluginFile, ...]) -> tuple[tuple[PluginFile, ...], list[LocalPlugin]]:
    """Return the local plugins of a new run as its spec names the copies, and their content.

    The user has run them, and so trusts them: the run can be used on this machine without a question.
    """
    copies, contents = [], []
    for index, each in enumerate(plugins):
        with _named(f"plugins.{index}", each.path, None):
            loaded = (known for known in installed().local.values() if known.sha256 == each.sha256)
            plugin = next(loaded, None)  # whose file may have been edited or removed since
            if plugin is None:
                plugin = _read(Path(each.path), each.sha256)
                installed().load_local(plugin, plugin.path)
        trust(plugin)
        copies.append(PluginFile(path=copy_path(plugin), sha256=plugin.sha256))
        contents.append(plugin)
    return tuple(copies), contents


def copy_path(plugin: LocalPlugin) -> str:
    """Return where the copy of a plugin is in a run directory."""
    return f"plugins/{plugin.name}/{plugin.path.name}"


@contextmanager
def _named(place: str, path: str, source: str | None) -> Iterator[None]:
    """Turn an error of a plugin into one of the place in the spec that names it."""
    try:
        yield
    except PluginError as error:
        raise SpecError([Problem(place, f"{path}: {error}")], source) from error.__cause__


def _read(path: Path, sha256: object) -> LocalPlugin:
    plugin = read_local(path)
    if isinstance(sha256, str) and sha256 != plugin.sha256:
        raise PluginError(
            f"its content has changed: its hash is {plugin.sha256[:16]}…, and {sha256[:16]}… was"
            " recorded; put it back, or remove 'sha256' from a spec of your own"
        )
    return plugin


def _ask_for_trust(plugins: list[LocalPlugin], source: str | None) -> None:
    loaded = {each.sha256 for each in installed().local.values()}
    new = [each for each in plugins if each.sha256 not in loaded and trusted_copy(each) is None]
    if not new:
        return
    names = ", ".join(f"{each.path} (sha256 {each.sha256[:16]}…)" for each in new)
    what = f"this run has code of its own that was not trusted on this machine yet: {names}"
    if not consents(f"{what}. Run it?"):
        where = "" if source is None else f"{source}: "
        raise UsageError(
            f"{where}{what}; read it, and if it is safe to run, add --trust (in Python: trust=True)"
        )
