"""New plugins: whole packages, rendered from the templates in ``templates``.

``base`` has a template for each file of a package; in paths, PACKAGE stands for the import package and
NAME for the short name. ``kinds`` has a file for each family of components, with a small working member
of it: ``about``, the first line of its docstring; ``recipe``, the keys of a spec that use it (or only an
``example`` of such keys, where no algorithm of ganzoo can train it); and macros for the modules
``components``, ``implementation`` (where there is any) and ``tests``. ``Blueprint.variables`` are the
variables of all templates.
"""

from __future__ import annotations

import datetime
import json
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit
from urllib.request import url2pathname

import jinja2

from ganzoo import components
from ganzoo.components import FAMILIES
from ganzoo.errors import UsageError, did_you_mean
from ganzoo.plugins import installed, known_packages

PREFIX = "ganzoo-"

TEMPLATES = Path(__file__).with_name("templates")

LONGEST = 24
"""Most characters of a short name: with more, lines of some templates would be too long."""

# Windows has no files of these names, whatever the ending, and the recipe's would be one.
DEVICES = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]")


@dataclass(frozen=True)
class Blueprint:
    """A plugin to create.

    Attributes:
        name: its short name, in lower case with hyphens, such as ``soft-hinge``; at most 24
            characters.
        kind: the family of its component.
    """

    name: str
    kind: str

    @classmethod
    def of(cls, name: str, kind: str) -> Blueprint:
        """Return a blueprint whose names are free.

        ``name`` is as a person writes it: with or without ``ganzoo-``, in any case, with any of ``-_.``
        between words; ``kind`` is the name of a family.

        Raises:
            UsageError: the name is not valid, is too long or is taken, or the family is unknown.
        """
        families = [family.family for family in FAMILIES]
        if kind not in families:
            known = f"{did_you_mean(kind, families)} (available: {', '.join(families)})"
            raise UsageError(f"no kind of component is called {kind!r}{known}")
        short = re.sub(r"[-_.]+", "-", name.lower()).removeprefix(PREFIX)
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", short):
            raise UsageError(
                f"{name!r} is not a valid name of a plugin: start with a letter, then use letters and"
                " digits, with hyphens between words"
            )
        if len(short) > LONGEST:
            count = f"it has {len(short)} characters; choose one of at most {LONGEST}"
            raise UsageError(f"{short!r} is too long for the name of a plugin: {count}")
        blueprint = cls(short, kind)
        if taken := blueprint._conflict():
            raise UsageError(f"{taken}; choose another name")
        return blueprint

    @property
    def distribution(self) -> str:
        """Name of the distribution and of its entry point."""
        return f"{PREFIX}{self.name}"

    @property
    def package(self) -> str:
        """Name of the import package."""
        return self.distribution.replace("-", "_")

    @property
    def type(self) -> str:
        """Name of the component in specs."""
        return self.name.replace("-", "_")

    @property
    def component_class(self) -> str:
        """Name of the component's class."""
        base = next(family for family in FAMILIES if family.family == self.kind)
        return "".join(word.capitalize() for word in self.name.split("-")) + base.__name__

    def variables(self) -> dict[str, object]:
        """Return the variables of templates."""
        words = self.kind.replace("_", " ")
        article = "An" if words[0] in "aeiou" else "A"
        return {
            "class": self.component_class,
            "clones": clones(),
            "distribution": self.distribution,
            "devkit_version": metadata.version("ganzoo-devkit"),
            "ganzoo_version": metadata.version("ganzoo"),
            "kind": self.kind,
            "kind_words": words,
            "name": self.name,
            "package": self.package,
            "summary": f"{article} {words} for ganzoo.",
            "type": self.type,
            "year": datetime.datetime.now(tz=datetime.UTC).year,
        }

    def files(self) -> dict[PurePosixPath, str]:
        """Return the text of each file by its path in the package's folder."""
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            undefined=jinja2.StrictUndefined,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,  # it is not HTML
        )
        environment.filters["json"] = json.dumps
        variables = self.variables()
        texts = {}
        for path in environment.list_templates(filter_func=lambda path: path.startswith("base/")):
            text = environment.get_template(path).render(variables)
            place = path.removeprefix("base/").removesuffix(".jinja")
            place = place.replace("PACKAGE", self.package).replace("NAME", self.name)
            if text or place.endswith("py.typed"):
                texts[PurePosixPath(place)] = text
        return texts

    def write(self, folder: Path) -> None:
        """Write the package to a folder that is empty or is created.

        Raises:
            UsageError: the folder is not empty, or cannot be created.
        """
        if folder.is_dir() and any(folder.iterdir()):
            raise UsageError(f"{folder}: is not empty; name another folder")
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder}: is a file; name a folder")
        parent = folder.parent
        if not parent.is_dir():
            raise UsageError(f"{folder}: the folder {parent} does not exist; create it first")
        texts = self.files()
        try:
            for path, text in texts.items():
                file = folder / path
                file.parent.mkdir(parents=True, exist_ok=True)
                with file.open("x", encoding="utf-8", newline="\n") as opened:
                    opened.write(text)
        except OSError as error:
            raise UsageError(f"{error.filename}: cannot be written: {error.strerror}") from None

    def _conflict(self) -> str | None:
        """Return why one of its names cannot be used, or None."""
        if DEVICES.fullmatch(self.name):
            return (
                f"{self.name!r} is not a valid name of a plugin: Windows reserves it for a device"
            )
        component = f"the {self.kind} {self.type!r}"
        if self.component_class in components.__all__:  # it would hide what its module imports
            own = f"{self.component_class}, which ganzoo.components already defines"
            return f"the class of {component} would be {own}"
        others, plugins = known_packages(), installed()
        if self.distribution in {*others, *(record.name for record in plugins.records)}:
            return f"{self.distribution} is already a plugin"
        entries = plugins.registry.entries(self.kind)
        providers = [entry.provider.name for entry in entries if entry.name == self.type]
        providers += [name for name in others if self.type in others[name].get(self.kind, [])]
        if providers:
            return f"{component} is already provided by {providers[0]}"
        recipes = plugins.recipes.get(self.name)
        if recipes:  # two recipes of one name: neither could be run by it any more
            return f"the recipe {self.name!r} is already provided by {recipes[0].provider.name}"
        return None


def clones() -> dict[str, str]:
    """Return the folders that ganzoo and this package are installed from; one from an index has none.

    A new plugin is developed with the same ones, which need not be published.
    """
    folders = {name: _source(name) for name in ("ganzoo", "ganzoo-devkit")}
    return {name: folder.as_posix() for name, folder in folders.items() if folder is not None}


def _source(distribution: str) -> Path | None:
    """Return the folder that a distribution is installed from, or None where it is not."""
    text = metadata.distribution(distribution).read_text("direct_url.json")
    url = None if text is None else urlsplit(json.loads(text)["url"])
    if url is None or url.scheme != "file":
        return None
    folder = Path(url2pathname(url.path))
    return folder if folder.is_dir() else None
