"""One run of ganzoo as a run of MLflow."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read when MLflow is imported

from mlflow.entities import Metric, Param
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from ganzoo.runs import RunDirectory
from ganzoo.utils.files import write_atomically

EXPERIMENT = "ganzoo"

LONGEST = 500
"""Characters of a parameter's value; what is longer is in the artifact ``spec.json``."""

AT_ONCE = 100
"""Parameters that MLflow takes in one request."""

NO_PARAMETERS = {"name", "description", "requires", "output", "device"}
"""Parts of a spec that say nothing of what is trained."""


class TrackedRun:
    """Logs to MLflow, and goes on with the run of MLflow that a resumed run began.

    Args:
        run: the run directory. ``mlflow.json`` in it holds where the run of MLflow is.
    """

    def __init__(self, run: RunDirectory) -> None:
        place = run.path / "mlflow.json"
        known: dict[str, str] = json.loads(place.read_text("utf-8")) if place.exists() else {}
        store = known.get("store") or _store(run)
        if store.startswith(
            "file:"
        ):  # slow to be allowed, quick to make, and enough for one person
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        self._client = MlflowClient(store)
        self._known: dict[str, set[int]] = {}
        if known:
            self._id = known["run"]
            self._client.update_run(self._id, status="RUNNING")
            logged = self._client.get_run(self._id).data.metrics
            for name in logged:
                history = self._client.get_metric_history(self._id, name)
                self._known[name] = {each.step for each in history}
            return
        spec = run.spec.to_json()
        tags = {"mlflow.source.name": "ganzoo", "ganzoo.run": str(run.path.absolute())}
        created = self._client.create_run(self._experiment(), run_name=run.path.name, tags=tags)
        self._id = created.info.run_id
        parameters = [Param(name, value[:LONGEST]) for name, value in _parameters(spec)]
        for begin in range(0, len(parameters), AT_ONCE):
            self._client.log_batch(self._id, params=parameters[begin : begin + AT_ONCE])
        self._client.log_text(self._id, json.dumps(spec, indent=2), "spec.json")
        write_atomically(place, json.dumps({"store": store, "run": self._id}) + "\n")

    def _experiment(self) -> str:
        """Return the experiment of all runs, made where there is none."""
        found = self._client.get_experiment_by_name(EXPERIMENT)
        if found is None:
            try:
                return str(self._client.create_experiment(EXPERIMENT))
            except MlflowException:  # another run has just made it
                found = self._client.get_experiment_by_name(EXPERIMENT)
        assert found is not None
        return str(found.experiment_id)

    def log(self, numbers: Mapping[str, float], step: int) -> None:
        """Log numbers, save those of steps that were taken before a run was resumed."""
        now = int(time.time() * 1000)
        new = {name.replace("@", ":"): number for name, number in numbers.items()}
        metrics = [
            Metric(name, float(number), now, step)
            for name, number in new.items()
            if step not in self._known.get(name, ())
        ]
        self._client.log_batch(self._id, metrics=metrics)

    def add_grid(self, path: Path, step: int) -> None:
        """Log a grid of samples; one that is there already is the same."""
        del step
        self._client.log_artifact(self._id, str(path), "samples")

    def close(self, *, completed: bool) -> None:
        """Say how the run ended."""
        self._client.set_terminated(self._id, "FINISHED" if completed else "KILLED")


def _store(run: RunDirectory) -> str:
    """Return where MLflow keeps runs: as its own variable says, else beside the run directory."""
    chosen = os.environ.get("MLFLOW_TRACKING_URI")
    return chosen or (run.path.absolute().parent / "mlruns").as_uri()


def _parameters(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield the fields of a spec by their dotted paths; what is null is left out."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if path or key not in NO_PARAMETERS:
                yield from _parameters(each, (*path, key))
    elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        for number, each in enumerate(value):
            yield from _parameters(each, (*path, str(number)))
    elif value is not None:
        yield ".".join(path), value if isinstance(value, str) else json.dumps(value)
