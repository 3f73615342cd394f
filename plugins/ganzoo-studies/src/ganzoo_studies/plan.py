"""What a study is: a spec, its variants and seeds; and the runs that these come to."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from pydantic import Field, field_validator, model_validator

from ganzoo import RunSpec, load_spec
from ganzoo.components import SpecModel
from ganzoo.errors import Problem, SpecError
from ganzoo.spec import read_spec_file
from ganzoo.spec.reading import validated

MOST_RUNS: Final = 10_000


class Study(SpecModel):
    """A study as its JSON file states it."""

    name: str = Field(min_length=1, max_length=100, description="Name of its folder.")
    description: str = Field(default="", description="The question, in Markdown.")
    spec: str | dict[str, Any] = Field(
        description="What is trained: a recipe, a JSON file (relative to the study's) or a spec."
    )
    set: dict[str, Any] = Field(
        default_factory=dict, description="Fields changed in all runs: paths and values."
    )
    variants: dict[str, dict[str, Any]] = Field(
        default_factory=dict,
        description="Fields changed together, by the variant's name. The first is what the others are"
        " compared with.",
    )
    vary: dict[str, list[Any]] = Field(
        default_factory=dict, description="Values of fields, by path: every combination is trained."
    )
    seeds: int | list[int] = Field(
        default=3, description="Seeds of each variant: how many, from 0, or a list."
    )
    quantities: list[str] = Field(
        default_factory=list, description="Numbers to show, such as fd@lenet-mnist; by default all."
    )
    targets: dict[str, float] = Field(
        default_factory=dict,
        description="Values of quantities; the table says how long each run took to reach them.",
    )

    @field_validator("name")
    @classmethod
    def _is_a_folder(cls, name: str) -> str:
        if slug(name) != name:
            raise ValueError("expected letters, digits, dots, dashes and underscores")
        return name

    @field_validator("seeds")
    @classmethod
    def _has_seeds(cls, seeds: int | list[int]) -> int | list[int]:
        numbers = range(seeds) if isinstance(seeds, int) else seeds
        if not numbers or len(set(numbers)) < len(numbers) or min(numbers) < 0:
            raise ValueError("expected one or more different seeds, 0 or higher")
        return seeds

    @model_validator(mode="after")
    def _varies_fields(self) -> Self:
        for path, values in self.vary.items():
            if not values:
                raise ValueError(f"vary: {path}: expected one or more values")
        changed = [("set", self.set), ("vary", self.vary)]
        changed += [("variants", each) for each in self.variants.values()]
        for where, changes in changed:
            if reserved := {"name", "seed"} & changes.keys():
                names = " and ".join(sorted(reserved))
                raise ValueError(f"{where}: leave out {names}: the study's own 'seeds' are trained")
        return self

    def all_seeds(self) -> list[int]:
        """Return the seeds of each variant."""
        return list(range(self.seeds)) if isinstance(self.seeds, int) else self.seeds

    def all_variants(self) -> dict[str, dict[str, Any]]:
        """Return the fields that each variant changes, by title: named ones times combinations."""
        named = self.variants or {"": {}}
        short = _short_names(self.vary)
        found: dict[str, dict[str, Any]] = {}
        for (title, changes), values in itertools.product(
            named.items(), itertools.product(*self.vary.values())
        ):
            combination = dict(zip(self.vary, values, strict=True))
            parts = [f"{short[path]}={_brief(value)}" for path, value in combination.items()]
            words = " ".join(filter(None, [title, *parts])) or self.name
            if words in found:
                raise SpecError([Problem("vary", f"two variants are called {words!r}")])
            found[words] = {**changes, **combination}
        return found


@dataclass(frozen=True)
class Point:
    """One run of a study.

    Attributes:
        variant: title of its variant.
        seed: its seed.
        spec: what is trained.
    """

    variant: str
    seed: int
    spec: RunSpec

    @property
    def name(self) -> str:
        """The name of the run and of its directory."""
        return self.spec.name


def read_study(path: Path) -> Study:
    """Read a study from a JSON file.

    Raises:
        SpecError: it cannot be read or is not valid; says where and why.
    """
    data = read_spec_file(path)
    base = data.get("spec")
    if isinstance(base, str) and (path.parent / base).is_file():
        data["spec"] = str((path.parent / base).resolve())
    return validated(Study, {"name": slug(path.stem), **data}, str(path))


def points_of(study: Study) -> list[Point]:
    """Return the runs of a study, with specs that are checked, seed by seed.

    Raises:
        SpecError: a variant gives no valid spec; names the variant.
    """
    return list(_points(study))


def _points(study: Study) -> Iterator[Point]:
    load_spec(study.spec)  # what is wrong with it is no variant's fault
    variants, seeds = study.all_variants(), study.all_seeds()
    if len(variants) * len(seeds) > MOST_RUNS:
        raise SpecError([Problem("vary", f"these are more than {MOST_RUNS:,} runs")])
    names = {title: slug(title) for title in variants}
    if len(set(names.values())) < len(names):
        names = {title: f"{slug(title)}-{place}" for place, title in enumerate(variants, 1)}
    for seed, (title, changes) in itertools.product(seeds, variants.items()):
        name = f"{names[title]}-seed{seed}"
        yield Point(title, seed, _spec_of(study, title, {**study.set, **changes}, name, seed))


def _spec_of(study: Study, title: str, changes: Mapping[str, Any], name: str, seed: int) -> RunSpec:
    try:
        spec = load_spec(study.spec, overrides={**changes, "name": name, "seed": seed})
        spec.check()
    except SpecError as error:
        raise SpecError(error.problems, f"{study.name}: variant {title!r}") from None
    return spec.with_absolute_paths()


def slug(text: str) -> str:
    """Return a text as the name of a folder and of a run."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:80] or "study"


def _short_names(paths: Mapping[str, Any]) -> dict[str, str]:
    """Return the last words of paths, as many as tell them apart."""
    return {
        path: next(
            tail
            for words in range(1, path.count(".") + 2)
            if sum(each.endswith(tail := ".".join(path.split(".")[-words:])) for each in paths) == 1
            or words > path.count(".")
        )
        for path in paths
    }


def _brief(value: Any) -> str:
    if isinstance(value, dict) and "type" in value:
        rest = [f"{key}={_brief(each)}" for key, each in value.items() if key != "type"]
        return f"{value['type']}({', '.join(rest)})" if rest else str(value["type"])
    return value if isinstance(value, str) else json.dumps(value)
