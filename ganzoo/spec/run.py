"""RunSpec, the whole of a spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from ganzoo.components import (
    Algorithm,
    Callback,
    CallbackSetting,
    Component,
    Dataset,
    DatasetInfo,
    Images,
    Schedule,
    SpecModel,
    component_field,
)
from ganzoo.components.registry import Provider, active
from ganzoo.errors import DataError, Problem, SpecError
from ganzoo.spec.local import PluginFile
from ganzoo.spec.sections import DEVICE_PATTERN, Evaluation, Output, Training, no_split, reported

DEFAULT_ALGORITHM = "gan"


class InitializeFrom(SpecModel):
    """Weights of another run to start from; everything else starts anew."""

    run: str = Field(description="Run directory whose weights are taken.")
    networks: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = Field(
        default=None,
        description="Names of the networks that are taken, such as generator. Null: all that both runs"
        " have.",
    )
    checkpoint: Literal["last", "best"] | Annotated[int, Field(ge=0)] = Field(
        default="last", description="Which checkpoint: last, best or a step."
    )


class RunSpec(SpecModel):
    """One run: everything that decides what is trained, how, and what is written.

    The fields of the algorithm stand beside these, on the same level.
    """

    schema_: str | None = Field(
        default=None,
        alias="$schema",
        description="Address of a JSON Schema, for editors; not used.",
    )
    name: str = Field(
        default="run",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        max_length=80,
        description="Name of the run; its directory is called <name>-<n>.",
    )
    description: str = Field(default="", description="What this run is, for people.")
    seed: int = Field(
        default=0, ge=0, lt=2**31, description="Seed of weights, data order and latents."
    )
    requires: dict[str, str] = Field(
        default_factory=dict,
        description="Versions this spec needs, as distribution: specifier, such as"
        ' {"ganzoo-dcgan": ">=0.2"}.',
    )
    plugins: Annotated[tuple[PluginFile, ...], Field(strict=False)] = Field(
        default=(),
        description="Local plugins that are loaded first, as paths relative to the spec: Python files,"
        " or folders with an __init__.py.",
    )
    dataset: Dataset = Field(description="The samples to learn from.")
    algorithm: Algorithm = component_field(
        DEFAULT_ALGORITHM,
        description="Which networks there are and how they are trained; decides which keys stand beside"
        " this one.",
    )
    training: Training = Field(
        default_factory=Training, description="How the networks are trained."
    )
    initialize_from: InitializeFrom | None = Field(
        default=None, description="Weights of another run to start from. Null: fresh weights."
    )
    callbacks: Annotated[tuple[Callback, ...], Field(strict=False)] = Field(
        default=(), description="What acts on the run while it is trained, in this order."
    )
    watchdog: Callback | None = component_field(
        "watchdog",
        description="What watches the training and names what goes wrong in it. Null: nothing does.",
    )
    evaluation: Evaluation | None = Field(
        default=None,
        description="How good the samples are, measured during training. Null: not measured.",
    )
    output: Output = Field(default_factory=Output, description="What a run writes, and how often.")
    device: str = Field(
        default="auto",
        pattern=DEVICE_PATTERN,
        description="Where to train: auto, cpu, cuda, cuda:1, mps. Auto takes the first available of"
        " cuda, mps and cpu.",
    )

    @classmethod
    def _prepare(cls, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """Put the keys of the algorithm, which a spec has on its own level, into the algorithm."""
        chosen = data.get("algorithm", DEFAULT_ALGORITHM)
        own = {key: value for key, value in data.items() if key not in cls._own_fields()}
        if isinstance(chosen, Algorithm):
            if own:
                reason = f"is given whole, so {next(iter(own))!r} is part of it"
                raise cls._refusal("algorithm", reason)
            return data
        if isinstance(chosen, Mapping):
            inner = [str(key) for key in chosen if key != "type"]
            if inner:
                raise cls._refusal("algorithm", f"write {inner[0]!r} beside 'algorithm', not in it")
            chosen = chosen.get("type")
        known = algorithm_fields(chosen)
        if known is None:  # the algorithm itself is refused, with the reason
            return {key: value for key, value in data.items() if key not in own}
        clash = sorted(known.keys() & cls._own_fields())
        if clash:
            reason = (
                f"{chosen!r} declares {clash[0]!r}, a key of every spec; its plugin is at fault"
            )
            raise cls._refusal("algorithm", reason)
        unknown = [key for key in own if key not in known]
        if unknown:
            everything = [*cls._own_fields(), *known]
            cls._refuse_unknown(
                data, unknown, everything, lambda key: _another_algorithms(key, str(chosen))
            )
        common = {key: value for key, value in data.items() if key not in own}
        return {**common, "algorithm": {"type": chosen, **own}}

    @classmethod
    def _own_fields(cls) -> dict[str, FieldInfo]:
        return {field.alias or name: field for name, field in cls.model_fields.items()}

    @classmethod
    def fields_of(cls, data: Mapping[str, Any]) -> dict[str, FieldInfo]:
        """Return the fields a spec with this algorithm may have, by the names it uses."""
        chosen = data.get("algorithm", DEFAULT_ALGORITHM)
        chosen = chosen.get("type") if isinstance(chosen, Mapping) else chosen
        return {**cls._own_fields(), **(algorithm_fields(chosen) or {})}

    @field_validator("requires")
    @classmethod
    def _check_requires(cls, requires: dict[str, str]) -> dict[str, str]:
        if not requires:
            return requires
        from packaging.specifiers import InvalidSpecifier, SpecifierSet  # seldom needed

        reasons = []
        for name, specifier in requires.items():
            try:
                wanted = SpecifierSet(specifier)
                version = metadata.version(name)
            except InvalidSpecifier:
                reasons.append(
                    f'{name}: {specifier!r} is not a version specifier; write such as ">=0.1"'
                )
            except metadata.PackageNotFoundError:
                reasons.append(f"{name} {specifier} is not installed")
            else:
                if not wanted.contains(version, prereleases=True):
                    reasons.append(
                        f"{name} {version} is installed, but this spec needs {specifier}"
                    )
        if reasons:
            raise PydanticCustomError("requires", "{reason}", {"reason": "; ".join(reasons)})
        return requires

    def check(self) -> DatasetInfo:
        """Check that data set, algorithm and evaluation fit together, without building anything.

        Returns:
            The description of the data set.

        Raises:
            SpecError: a part cannot work with the samples, or the set has no such split.
            ganzoo.errors.DataError: files the data set needs are missing or unreadable.
        """
        with self.naming_dataset():
            info = self.dataset.info()
        problems = []
        if self.dataset.split not in info.splits:
            problems.append(Problem("dataset.split", no_split(self.dataset.split, info)))
        if self.dataset.horizontal_flip and not isinstance(info.samples, Images):
            problems.append(Problem("dataset.horizontal_flip", "only images can be mirrored"))
        for name in sorted(self.algorithm.unused):
            if getattr(self.training, name) != Training.model_fields[name].get_default(
                call_default_factory=True
            ):
                reason = f"algorithm {self.algorithm.type!r} does not use it; leave it out"
                problems.append(Problem(f"training.{name}", reason))
        problems += self.algorithm.check(info, self.training)
        if self.evaluation is not None:
            problems += self.evaluation.problems(info)
        if not problems:  # callbacks refer to what is measured and updated
            setting = self.callback_setting(info)
            for path, callback in self.acting.items():
                try:
                    callback.check(setting)
                except ValueError as error:
                    problems.append(Problem(path, str(error)))
        if problems:
            raise SpecError(problems)
        return info

    @contextmanager
    def naming_dataset(self) -> Iterator[None]:
        """Say, of an error about the data in a ``with`` block, which field of the spec it is about."""
        try:
            yield
        except DataError as error:
            if str(error).startswith("dataset"):
                raise
            raise DataError(f"dataset: {error}") from None
        except MemoryError:
            raise DataError("dataset: its samples need more memory than this machine has") from None
        except OSError as error:
            raise DataError(f"dataset: {error.strerror or error}") from None

    @property
    def acting(self) -> dict[str, Callback]:
        """All callbacks by their path, in the order in which they act: the watchdog is the last."""
        found = {f"callbacks.{index}": each for index, each in enumerate(self.callbacks)}
        return found if self.watchdog is None else {**found, "watchdog": self.watchdog}

    def callback_setting(self, info: DatasetInfo) -> CallbackSetting:
        """Return what callbacks are checked and built with."""
        quantities: dict[str, Literal["lower", "higher"] | None] = {}
        if self.evaluation is not None:
            extractor = self.evaluation.extractor_for(info)
            for metric in self.evaluation.metrics:
                quantities |= {name: each.better for name, each in reported(metric, extractor)}
        return CallbackSetting(quantities, self.algorithm.optimizers, self.algorithm.logged)

    def with_absolute_paths(self) -> Self:
        """Return the same run with paths that hold in any working directory."""
        changes: dict[str, Any] = {"dataset": self.dataset.with_absolute_paths()}
        if self.evaluation is not None:
            changes["evaluation"] = self.evaluation.with_absolute_paths()
        if self.initialize_from is not None:
            run = str(Path(self.initialize_from.run).absolute())
            changes["initialize_from"] = self.initialize_from.model_copy(update={"run": run})
        return self.model_copy(update=changes)

    def to_json(self) -> dict[str, Any]:
        """Return the resolved spec, every default written out; it loads as it is."""
        data = self.model_dump(mode="json", by_alias=True, exclude={"schema_"})
        flat: dict[str, Any] = {}
        for key, value in data.items():
            if key == "algorithm":
                flat |= {"algorithm": value.pop("type"), **value}
            else:
                flat[key] = value
        return flat

    def components(self) -> dict[str, Component]:
        """Return all components of this spec by their path in it."""
        found = dict(_components(self, ""))
        return {path.removeprefix("algorithm."): component for path, component in found.items()}

    def schedules(self) -> dict[str, Schedule]:
        """Return the schedules of this spec that are not constant, by their path in it."""
        return {
            path: part
            for path, part in self.components().items()
            if isinstance(part, Schedule) and part.type != "constant"
        }

    def providers(self) -> dict[str, Provider]:
        """Return where each component of this spec comes from, by its path in the spec."""
        entries = {path: active().entry_of(type(each)) for path, each in self.components().items()}
        return {path: entry.provider for path, entry in entries.items() if entry is not None}


def algorithm_fields(name: Any) -> dict[str, FieldInfo] | None:
    """Return the fields of an algorithm by its name, or None where none has that name."""
    if not isinstance(name, str):
        return None
    try:
        model = active().find("algorithm", name).component
    except LookupError:
        return None
    fields = {field.alias or key: field for key, field in model.model_fields.items()}
    del fields["type"]
    return fields


def _another_algorithms(key: str, chosen: str) -> str | None:
    """Return whose key it is, where another algorithm that is installed has it."""
    for name in (DEFAULT_ALGORITHM, *active().names("algorithm")):
        if key in (algorithm_fields(name) or {}):
            return f"is a key of algorithm {name!r}, and this run's algorithm is {chosen!r}"
    return None


def _components(value: Any, path: str) -> list[tuple[str, Component]]:
    found: list[tuple[str, Component]] = []
    if isinstance(value, Component):
        found.append((path, value))
    if isinstance(value, SpecModel):
        for name in type(value).model_fields:
            found += _components(getattr(value, name), f"{path}.{name}" if path else name)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, item in enumerate(value):
            found += _components(item, f"{path}.{index}")
    return found
