"""A run directory: what is in it, how it is written and read. Nothing here imports torch.

runs/<name>-<n>/
  spec.json               the resolved spec; it loads as it is
  plugins/                copies of the local plugins that it names, if any
  environment.json        versions, providers of components, device, seeds, git commit
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
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ganzoo.errors import RunError, SpecError
from ganzoo.plugins import LocalPlugin
from ganzoo.spec import RunSpec, load_local_plugins, parse_spec, read_spec_file, upgraded
from ganzoo.utils.files import write_atomically


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

    def __init__(self, path: Path, *, trust: bool = False) -> None:
        self.path = path
        self.trust = trust  # whether local plugins in it are run without a question
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
            for part in (
                run.samples_directory,
                run.checkpoints_directory,
                run.evaluation_directory,
            ):
                part.mkdir()
            for plugin in plugins:
                plugin.write(run.path / "plugins" / plugin.name)
        except OSError as error:
            raise RunError(f"{error.filename}: cannot be made: {error.strerror}") from None
        write_atomically(run.spec_path, json.dumps(spec.to_json(), indent=2) + "\n")
        return run

    @staticmethod
    def refuse_existing(path: Path | None) -> None:
        """Raise ``RunError`` if a directory to be made exists."""
        if path is not None and path.exists():
            raise _exists(path)

    @classmethod
    def open(cls, path: str | Path, *, trust: bool = False) -> RunDirectory:
        """Open a run directory that exists; raise ``RunError`` if it does not, or has no spec."""
        run = cls(Path(path), trust=trust)
        if not run.path.exists():
            raise RunError(f"{path}: does not exist")
        if not run.spec_path.is_file():
            raise RunError(f"{path}: is not a run directory: it has no spec.json")
        return run

    @cached_property
    def spec(self) -> RunSpec:
        """The run's spec; ``RunError`` if a person changed it to something that is not valid."""
        source = str(self.spec_path)
        try:
            data = upgraded(read_spec_file(self.spec_path))
            load_local_plugins(data, self.path, source, foreign=True, trusted=self.trust)
            return parse_spec(data, source)
        except SpecError as error:
            raise RunError(f"{error}{self._local_plugins()}") from None

    def _local_plugins(self) -> str:
        """Return what to say of the local plugin files that the run was made with, if any."""
        try:
            providers = self.environment()["providers"].values()
            names = {each["name"] for each in providers if each["version"] == "local"}
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return ""
        files = " ".join(f"--plugin {name}.py" for name in sorted(names))
        return f" (the run was made with a local plugin: give {files})" if files else ""

    def sample_grid_path(self, step: int) -> Path:
        """Return where the grid of a step is; names sort by step."""
        return self.samples_directory / f"step-{step:08d}.png"

    def sample_grids(self) -> list[Path]:
        """Return all grids of generated samples, oldest first."""
        return sorted(self.samples_directory.glob("step-*.png"))

    def checkpoint_path(self, step: int) -> Path:
        """Return where the checkpoint of a step is; names sort by step."""
        return self.checkpoints_directory / f"step-{step:08d}.safetensors"

    def checkpoints(self) -> list[Path]:
        """Return all checkpoints, newest first."""
        return sorted(self.checkpoints_directory.glob("step-*.safetensors"), reverse=True)

    def checkpoint_steps(self) -> list[int]:
        """Return the steps whose checkpoints are kept, newest first."""
        return [_step_of(path) for path in self.checkpoints()]

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
        return self.evaluation_directory / f"step-{step:08d}.json"

    def training_reports(self) -> dict[int, Path]:
        """Return the reports of evaluations during training by step, oldest first."""
        paths = sorted(self.evaluation_directory.glob("step-*.json"))
        return {_step_of(path): path for path in paths}

    def reports(self) -> list[Path]:
        """Return the reports of evaluations after training, oldest first."""
        found = self.evaluation_directory.glob("report-*.json")
        return sorted(found, key=lambda path: (len(path.name), path.name))

    def add_report(self, text: str) -> Path:
        """Write a report under the next number, and return where it is."""
        self.evaluation_directory.mkdir(exist_ok=True)  # runs of older versions have none
        with FileLock(self.evaluation_directory / ".lock"):  # two evaluations may end together
            number = max((_step_of(path) for path in self.reports()), default=0) + 1
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
        if not self.metrics_path.exists():
            return
        with self.metrics_path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith("\n"):
                    return  # a kill cut it off
                try:
                    yield json.loads(line)
                except ValueError:
                    raise RunError(f"{self.metrics_path}: line {number} is not JSON") from None

    def append_metrics(self, numbers: Mapping[str, Any]) -> None:
        """Add a line to metrics.jsonl."""
        with self.metrics_path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(numbers) + "\n")

    def forget_after(self, step: int) -> None:
        """Remove lines, grids and reports later than a step; a resumed run writes them again."""
        if self.metrics_path.exists():
            kept = [line for line in self._metric_lines() if line["step"] <= step]
            text = "".join(json.dumps(line) + "\n" for line in kept)
            write_atomically(self.metrics_path, text)
        for path in self.sample_grids():
            if path > self.sample_grid_path(step):
                path.unlink()
        for made_at, path in self.training_reports().items():
            if made_at > step:
                path.unlink()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Raise ``RunError`` if another process trains in the same directory; keep others from it."""
        try:
            held = FileLock(self.path / ".lock").acquire(timeout=0)
        except Timeout:
            raise RunError(f"{self.path}: another process is training this run") from None
        with held:
            yield

    def write_environment(
        self, device: str, origin: Mapping[str, Any], data: Mapping[str, Any] | None = None
    ) -> None:
        """Write the software, the machine, the device in words, and where initial weights are from.

        ``data`` has the number of samples trained on, their shape, and the names of their classes.
        """
        spec = self.spec
        packages = ["ganzoo", "torch", "torchvision", "numpy", "pydantic", "safetensors"]
        environment = {
            "command": sys.argv,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "processors": os.cpu_count(),
            "device": device,
            "seed": spec.seed,
            "versions": {name: metadata.version(name) for name in packages},
            "providers": {
                path: {"name": each.name, "version": each.version}
                for path, each in spec.providers().items()
            },
            "git_commit": _git_commit(),
            **({"origin": dict(origin)} if origin else {}),
            **({"data": dict(data)} if data else {}),
        }
        write_atomically(self.environment_path, json.dumps(environment, indent=2) + "\n")

    def lengthen(self, spec: RunSpec, step: int) -> None:
        """Give a run that has taken some steps a longer duration, and keep a record of the change."""
        before, after = str(self.spec.training.duration), str(spec.training.duration)
        environment = self.environment()
        change = {"step": step, "from": before, "to": after}
        environment["durations"] = [*environment.get("durations", []), change]
        write_atomically(self.environment_path, json.dumps(environment, indent=2) + "\n")
        write_atomically(self.spec_path, json.dumps(spec.to_json(), indent=2) + "\n")
        self.spec = spec

    def earlier_durations(self) -> set[str]:
        """Return the durations that the run had before it was made longer."""
        return {change["from"] for change in self.environment().get("durations", [])}

    def origin(self) -> dict[str, Any]:
        """Return the run that weights were taken from and what was taken; empty if none were."""
        try:
            origin: dict[str, Any] = self.environment().get("origin", {})
        except (OSError, ValueError):  # a run that is just being created, or damaged
            return {}
        return origin

    def environment(self) -> dict[str, Any]:
        """Return what the run was made with."""
        data: dict[str, Any] = json.loads(self.environment_path.read_text(encoding="utf-8"))
        return data


def _step_of(path: Path) -> int:
    """Return the number at the end of a name such as step-00000500.json."""
    return int(path.stem.rpartition("-")[2])


def _exists(path: Path) -> RunError:
    return RunError(f"{path}: exists already; runs are never overwritten, name another")


def _make_directory(spec: RunSpec, path: Path | None) -> Path:
    parent = Path(spec.output.directory) if path is None else path.parent
    parent.mkdir(parents=True, exist_ok=True)
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


def _git_commit() -> str | None:
    """Return the commit of the working directory, with ``+changes`` where files differ from it."""
    command = ["git", "describe", "--always", "--exclude=*", "--abbrev=40", "--dirty=+changes"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
