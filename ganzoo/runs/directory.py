"""A run directory: what is in it, how it is written and read. Nothing here imports torch.

runs/<name>-<n>/
  spec.json               the resolved spec; it loads as it is
  plugins/                copies of the local plugins that it names, if any
  environment.json        versions, providers of components, device, seeds, git commit; each resumption
  metrics.jsonl           one JSON object a line
  samples/                grids of samples from latents fixed for the run
  checkpoints/            the states a run can be resumed from
  generator.safetensors   the generator that samples are made from
  evaluation/             reports: step-*.json of training, report-*.json of ganzoo evaluate
  losses.png, evaluation.png, README.md   written at the end
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from ganzoo.components.registry import Provider
from ganzoo.errors import GanzooWarning, RunError, SpecError
from ganzoo.plugins import LocalPlugin
from ganzoo.runs.metrics import lines_until, mark_of, parsed_line
from ganzoo.spec import RunSpec, load_local_plugins, parse_spec, read_spec_file, upgraded
from ganzoo.utils.files import (
    append_line,
    naming,
    put_aside,
    refuse_links,
    refuse_pipes,
    remove_leftovers,
    write_atomically,
)
from ganzoo.utils.git import commit_of


class RunDirectory:
    """The files of one run.

    Attributes:
        path: the directory.
        spec_path: the resolved spec.
        environment_path: what the run was made with.
        metrics_path: numbers logged, one JSON object a line.
        generator_path: weights of the generator that samples are made from.
        losses_path: plot of the losses.
        evaluation_plot_path: plot of what was measured during training.
        readme_path: the model card.
        samples_directory: grids of samples.
        checkpoints_directory: states to resume from.
        evaluation_directory: reports of evaluations.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spec_path = path / "spec.json"
        self.environment_path = path / "environment.json"
        self.metrics_path = path / "metrics.jsonl"
        self.generator_path = path / "generator.safetensors"
        self.losses_path = path / "losses.png"
        self.evaluation_plot_path = path / "evaluation.png"
        self.readme_path = path / "README.md"
        self.samples_directory = path / "samples"
        self.checkpoints_directory = path / "checkpoints"
        self.evaluation_directory = path / "evaluation"
        self._lock_path = path / ".lock"
        self._folders = (
            self.samples_directory,
            self.checkpoints_directory,
            self.evaluation_directory,
        )

    @classmethod
    def create(
        cls, spec: RunSpec, path: Path | None = None, plugins: Sequence[LocalPlugin] = ()
    ) -> RunDirectory:
        """Make a new run directory and write the resolved spec to it, with copies of local plugins.

        Without a path it is ``<output.directory>/<name>-<n>``, n being above all numbers taken.

        Raises:
            RunError: the directory exists already, or cannot be made.
        """
        try:
            run = cls(_make_directory(spec, path))
            for folder in run._folders:
                folder.mkdir()
            for plugin in plugins:
                plugin.write(run.path / "plugins" / plugin.name)
        except OSError as error:
            raise RunError(f"{error.filename}: cannot be made: {error.strerror}") from None
        run.write_spec(spec)
        return run

    @staticmethod
    def has_spec(path: Path) -> bool:
        """Return whether a file is the spec of a run, of which not all may have been copied."""
        run = RunDirectory(path.parent)
        others = (run.environment_path, run.generator_path, run.metrics_path)
        return path.name == run.spec_path.name and any(
            each.exists() for each in (*others, run.checkpoints_directory)
        )

    @staticmethod
    def refuse_existing(path: Path | None) -> None:
        """Raise ``RunError`` if a directory to be made exists."""
        if path is not None and path.exists():
            raise _exists(path)

    @classmethod
    def open(cls, path: str | Path) -> RunDirectory:
        """Open a run directory that exists; raise ``RunError`` if it does not, or has no spec."""
        run = cls(Path(path))
        if not run.path.exists():
            raise RunError(f"{path}: does not exist")
        if not run.spec_path.is_file():
            raise RunError(f"{path}: is not a run directory: it has no spec.json")
        refuse_pipes(run.path, *run._folders)
        return run

    @cached_property
    def spec(self) -> RunSpec:
        """The run's spec; ``RunError`` if a person changed it to something that is not valid."""
        return self.parsed_spec(read_spec_file(self.spec_path), self.spec_path)

    def parsed_spec(self, data: Mapping[str, Any], source: Path) -> RunSpec:
        """Return a resolved spec from a file of this run.

        Raises:
            RunError: it is not valid; names the plugins it was made with that are missing.
        """
        try:
            data = upgraded(data)
            load_local_plugins(data, self.path, str(source), foreign=True)
            return parse_spec(data, str(source))
        except SpecError as error:
            raise RunError(f"{error}{self._missing_plugins()}") from None

    def write_spec(self, spec: RunSpec) -> None:
        """Write the resolved spec."""
        write_atomically(self.spec_path, json.dumps(spec.to_json(), indent=2) + "\n")
        self.spec = spec

    def _missing_plugins(self) -> str:
        """Return what to say of the plugins that the run was made with and that are not there."""
        used = self.providers()
        files = sorted({each.name for each in used.values() if each.version == "local"})
        missing = [
            f"{path} came from {each}, which is not installed"
            for path, each in used.items()
            if each.version != "local" and not _is_installed(each.name)
        ]
        if files and not (self.path / "plugins").is_dir():  # as runs of ganzoo 0.2
            given = " ".join(f"--plugin {name}.py" for name in files)
            missing.append(f"the run was made with a local plugin: give {given}")
        return f" ({'; '.join(missing)})" if missing else ""

    def sample_grid_path(self, step: int) -> Path:
        """Return where the grid of a step is; names sort by step."""
        return self.samples_directory / f"{step_name(step)}.png"

    def sample_grids(self) -> list[Path]:
        """Return all grids of generated samples, oldest first."""
        return _numbered(self.samples_directory, "step", "png")

    def checkpoint_path(self, step: int) -> Path:
        """Return where the checkpoint of a step is; names sort by step."""
        return self.checkpoints_directory / f"{step_name(step)}.safetensors"

    def checkpoints(self) -> list[Path]:
        """Return all checkpoints, newest first."""
        return _numbered(self.checkpoints_directory, "step", "safetensors")[::-1]

    def checkpoint_steps(self) -> list[int]:
        """Return the steps whose checkpoints are kept, newest first."""
        return [_number_of(path) for path in self.checkpoints()]

    def kept_step(self, step: int | None) -> int:
        """Return a step whose checkpoint is kept: the one asked for, or the newest.

        Raises:
            RunError: it is not kept, or none is.
        """
        kept = self.checkpoint_steps()
        found = next((each for each in kept if step in {None, each}), None)
        if found is None:
            known = ", ".join(map(str, sorted(kept))) or "none"
            which = "any step" if step is None else f"step {step}"
            raise RunError(f"{self.path}: has no checkpoint of {which} (available: {known})")
        return found

    def training_report_path(self, step: int) -> Path:
        """Return where the report of an evaluation during training is; names sort by step."""
        return self.evaluation_directory / f"{step_name(step)}.json"

    def training_reports(self) -> dict[int, Path]:
        """Return the reports of evaluations during training by step, oldest first."""
        paths = _numbered(self.evaluation_directory, "step", "json")
        return {_number_of(path): path for path in paths}

    def reports(self) -> list[Path]:
        """Return the reports of evaluations after training, oldest first."""
        return _numbered(self.evaluation_directory, "report", "json")

    def add_report(self, text: str) -> Path:
        """Write a report under the next number, and return where it is."""
        lock = self.evaluation_directory / ".lock"
        refuse_links(self.evaluation_directory, lock)
        self.evaluation_directory.mkdir(exist_ok=True)  # runs of older versions have none
        from filelock import FileLock  # takes longer to import than the rest

        with FileLock(lock):  # two evaluations may end together
            number = max(map(_number_of, self.reports()), default=0) + 1
            path = self.evaluation_directory / f"report-{number}.json"
            write_atomically(path, text)
        return path

    def metrics(self) -> list[dict[str, Any]]:
        """Return the numbers in metrics.jsonl, one dictionary a line."""
        return [line for line in self._metric_lines() if "action" not in line]

    def actions(self) -> list[dict[str, Any]]:
        """Return what callbacks did: ``step``, ``callback``, ``action``, ``reason`` and details."""
        return [line for line in self._metric_lines() if "action" in line]

    def _metric_lines(self) -> Iterator[dict[str, Any]]:
        for number, line in enumerate(self._raw_metrics().splitlines(keepends=True), 1):
            if not line.endswith(b"\n"):
                return  # a kill cut it off
            parsed = parsed_line(line)
            if parsed is None:
                raise RunError(
                    f"{self.metrics_path}: line {number} is not JSON that a run logs; delete it, or"
                    f" let 'ganzoo resume {self.path}' repair the file"
                )
            yield parsed

    def _raw_metrics(self) -> bytes:
        return self.metrics_path.read_bytes() if self.metrics_path.exists() else b""

    def append_metrics(self, numbers: Mapping[str, Any]) -> None:
        """Add a line to metrics.jsonl."""
        append_line(self.metrics_path, json.dumps(numbers))

    def log_mark(self) -> dict[str, Any]:
        """Return what a checkpoint knows metrics.jsonl by."""
        return mark_of(self._raw_metrics())

    def forget_after(self, step: int, mark: Mapping[str, Any] | None = None) -> None:
        """Remove lines, grids and reports later than a step; a resumed run writes them again.

        Lines before it that are damaged, missing or added are warned of, and the file is put aside.
        ``mark`` is what ``log_mark`` returned at the step, or None where that is not known.
        """
        if mark is not None and mark["lines"]:
            self.metrics_path.touch()  # a file that is missing is one that was cut
        if self.metrics_path.exists():
            write_atomically(self.metrics_path, lines_until(self.metrics_path, step, mark))
        for path in self.sample_grids():
            if _number_of(path) > step:
                path.unlink()
        for made_at, path in self.training_reports().items():
            if made_at > step:
                path.unlink()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training in the directory, and make it ready for this one.

        Raises:
            RunError: another process trains the run, or a part of it is a link to somewhere else.
        """
        from filelock import FileLock, Timeout

        refuse_links(self.metrics_path, self._lock_path, *self._folders)
        try:
            with naming(self._lock_path):
                held = FileLock(self._lock_path).acquire(timeout=0)
        except Timeout:
            raise RunError(f"{self.path}: another process is training this run") from None
        with held:
            for folder in self._folders:
                folder.mkdir(exist_ok=True)
            remove_leftovers(self.path, *self._folders)
            yield

    def write_environment(
        self,
        device: str,
        origin: Mapping[str, Any],
        data: Mapping[str, Any] | None = None,
        *,
        threads: int | None = None,
    ) -> None:
        """Write the software, the machine, the device in words, and where initial weights are from.

        ``data`` has the number of samples trained on, their shape, and the names of their classes.
        """
        environment = {
            **self._session(device, threads),
            "seed": self.spec.seed,
            **({"origin": dict(origin)} if origin else {}),
            **({"data": dict(data)} if data else {}),
        }
        self._write_environment(environment)

    def add_session(self, device: str, step: int, *, threads: int | None = None) -> None:
        """Record that the run is resumed at a step, with what and where."""
        environment = self.environment()
        if not environment:
            if self.environment_path.exists():
                put_aside(self.environment_path)
            self.write_environment(device, {}, threads=threads)
            return
        sessions = environment.get("sessions")
        before = sessions if isinstance(sessions, list) else []
        session = {"step": step, **self._session(device, threads)}
        self._write_environment({**environment, "sessions": [*before, session]})

    def _session(self, device: str, threads: int | None) -> dict[str, Any]:
        packages = ["ganzoo", "torch", "torchvision", "numpy", "pydantic", "safetensors"]
        return {
            "command": sys.argv,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "processors": os.cpu_count(),
            "device": device,
            "threads": threads,
            "versions": {name: metadata.version(name) for name in packages},
            "providers": {
                path: {"name": each.name, "version": each.version}
                for path, each in self.spec.providers().items()
            },
            "git_commit": commit_of(Path()),
        }

    def _write_environment(self, environment: Mapping[str, Any]) -> None:
        write_atomically(self.environment_path, json.dumps(environment, indent=2) + "\n")

    def lengthen(self, spec: RunSpec, step: int) -> None:
        """Give a run that has taken some steps a longer duration, and keep a record of the change."""
        before, after = str(self.spec.training.duration), str(spec.training.duration)
        environment = self.environment()
        change = {"step": step, "from": before, "to": after}
        environment["durations"] = [*environment.get("durations", []), change]
        self._write_environment(environment)
        self.write_spec(spec)

    def earlier_durations(self) -> set[str]:
        """Return the durations that the run had before it was made longer."""
        return {change["from"] for change in self.environment().get("durations", [])}

    def origin(self) -> dict[str, Any]:
        """Return the run that weights were taken from and what was taken; empty if none were."""
        origin = self.environment().get("origin")
        parts = {"run": str, "step": int, "kind": str, "kept": dict, "new": list}
        if not isinstance(origin, dict):
            return {}
        return origin if all(isinstance(origin.get(k), v) for k, v in parts.items()) else {}

    def environment(self) -> dict[str, Any]:
        """Return what the run was made with; empty where the file is missing or damaged."""
        if not self.environment_path.is_file():  # never wait for a pipe
            return {}
        try:
            data = json.loads(self.environment_path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return {}
        return data if isinstance(data, dict) else {}

    def providers(self) -> dict[str, Provider]:
        """Return where components came from, by their path in the spec, when the run last began."""
        environment = self.environment()
        found: dict[str, Provider] = {}
        sessions = environment.get("sessions")
        for session in [environment, *(sessions if isinstance(sessions, list) else [])]:
            if isinstance(session, dict) and isinstance(session.get("providers"), dict):
                for path, each in session["providers"].items():
                    if isinstance(each, dict) and {"name", "version"} <= each.keys():
                        found[path] = Provider(str(each["name"]), str(each["version"]))
        return found

    def warn_of_other_plugins(self, *ignored: str) -> None:
        """Warn of plugins whose version is not the one that the run was trained with.

        Components in the ``ignored`` sections of the spec do not count.
        """
        now = self.spec.providers()
        changed = {
            f"{before}, but {now[path].version} is installed"
            for path, before in self.providers().items()
            if path in now
            and path.partition(".")[0] not in ignored
            and before.name == now[path].name != "ganzoo"
            and before.version != now[path].version
        }
        if changed:
            what = "; ".join(sorted(changed))
            warnings.warn(
                f"{self.path.name} was trained with {what}: results may differ",
                GanzooWarning,
                stacklevel=3,
            )


def step_name(step: int) -> str:
    """Return the name, without its ending, of a file that belongs to a step."""
    return f"step-{step:08d}"


def _number_of(path: Path) -> int:
    """Return the number at the end of a name such as step-00000500.json."""
    return int(path.stem.rpartition("-")[2])


def _numbered(folder: Path, kind: str, ending: str) -> list[Path]:
    """Return the files with a number in their name, by that; others in the folder are somebody's."""
    name = re.compile(rf"{kind}-[0-9]+\.{ending}")
    found = [path for path in folder.glob(f"{kind}-*") if name.fullmatch(path.name)]
    return sorted(found, key=_number_of)


def _is_installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except (metadata.PackageNotFoundError, ValueError):
        return False
    return True


def _exists(path: Path) -> RunError:
    return RunError(f"{path}: exists already; runs are never overwritten, name another")


def _make_directory(spec: RunSpec, path: Path | None) -> Path:
    try:
        parent = Path(spec.output.directory).expanduser() if path is None else path.parent
        parent.mkdir(parents=True, exist_ok=True)
    except (ValueError, RuntimeError) as error:  # a NUL; no home
        where = json.dumps(spec.output.directory if path is None else str(path))
        raise RunError(f"output.directory: {where} cannot be made: {error}") from None
    prefix = f"{spec.name}-"
    taken = [each.name.removeprefix(prefix) for each in parent.glob(f"{prefix}*")]
    number = max((int(each) for each in taken if each.isdecimal()), default=0) + 1
    while True:  # another process may take the number between the look and the making
        made = path or parent / f"{prefix}{number}"
        try:
            made.mkdir()
        except FileExistsError:
            if path is not None:
                raise _exists(path) from None
            number += 1
        else:
            return made
