"""A model folder: what is left of a run when it is passed on.

It is a run directory without checkpoints and logs, so whatever opens a run opens it::

    spec.json               the spec; the data set's path is reduced to its name
    environment.json        versions, providers of components, device, seed, command
    generator.safetensors   the weights
    evaluation/             reports on these weights
    plugins/                copies of the local plugins that the spec names, if any
    samples.png             some samples
    README.md               the model card
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from ganzoo.errors import RunError
from ganzoo.opened import Run
from ganzoo.runs import RunDirectory
from ganzoo.runs.generator import LoadedSampler, load_sampler
from ganzoo.runs.history import checkpoint_step
from ganzoo.runs.report import Report, read_report
from ganzoo.spec import RunSpec, read_spec_file
from ganzoo.utils.files import write_atomically
from ganzoo.utils.tensors import to_safetensors
from ganzoo_export.card import model_card

SAMPLES = 64


def loaded_sampler(run: Run) -> LoadedSampler:
    """Return what a run is sampled with, loaded anew, so that it may be changed."""
    return load_sampler(run.directory, checkpoint_step(run.directory, run.checkpoint))


def write_folder(run: Run, path: Path) -> Path:
    """Write the generator of a run, with all that it takes to use and to judge it, to a new folder.

    Raises:
        ganzoo.errors.RunError: the run has no generator, or the folder exists and is not empty.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunError(f"{path}: exists already and is not an empty folder; name another with -o")
    loaded = loaded_sampler(run)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as temporary:
        made = Path(temporary) / "model"
        made.mkdir()
        _fill(run, loaded, RunDirectory(made))
        if path.exists():
            path.rmdir()
        made.rename(path)
    return path


def _fill(run: Run, loaded: LoadedSampler, made: RunDirectory) -> None:
    source = run.directory
    if run.spec.plugins:
        shutil.copytree(source.path / "plugins", made.path / "plugins")
    spec = _portable_spec(run)
    write_atomically(made.spec_path, json.dumps(spec, indent=2) + "\n")
    header = {"step": loaded.step, "spec": spec, "info": loaded.info.to_json()}
    write_atomically(made.generator_path, to_safetensors(loaded.sampler.state_dict(), header))
    environment = json.dumps(_portable_environment(source), indent=2)
    write_atomically(made.environment_path, f"{environment}\n")
    made.evaluation_directory.mkdir()
    found = [*source.training_reports().values(), *source.reports()]
    reports = {path.name: read_report(path) for path in found}
    for name, report in reports.items():
        if report.subject.weights_sha256 == loaded.sha256:
            text = _named_only(report.model_dump_json(), _places(run.spec))
            Report.model_validate_json(text).write(made.evaluation_directory / name)
    _draw(run, made.path / "samples.png")
    write_atomically(made.readme_path, model_card(made, loaded))


def _portable_spec(run: Run) -> dict[str, Any]:
    """Return the spec without places on this machine."""
    as_written = read_spec_file(run.directory.spec_path)
    spec: dict[str, Any] = _without_places(run.spec.to_json())
    spec["plugins"] = as_written.get("plugins", [])  # relative to the folder
    spec["output"]["directory"] = "runs"
    return spec


def _portable_environment(run: RunDirectory) -> dict[str, Any]:
    """Return what the weights were made with, without what describes the machine alone."""
    kept = ("python", "versions", "device", "git_commit", "seed", "data")
    environment = {key: each for key, each in run.environment().items() if key in kept}
    command = run.environment().get("command") or [""]
    if Path(command[0]).name == "ganzoo":  # the arguments of another program say nothing here
        environment["command"] = ["ganzoo", *_without_places(command[1:])]
    environment["providers"] = {
        path: {"name": each.name, "version": each.version} for path, each in run.providers().items()
    }
    return environment


def _without_places(data: Any) -> Any:
    """Return plain data in which absolute paths are reduced to the name of the file or folder."""
    if isinstance(data, dict):
        return {key: _without_places(each) for key, each in data.items()}
    if isinstance(data, list):
        return [_without_places(each) for each in data]
    if isinstance(data, str) and Path(data).is_absolute():
        return Path(data).name
    return data


def _places(data: Any) -> set[str]:
    """Return the absolute paths in a spec."""
    plain = data.to_json() if isinstance(data, RunSpec) else data
    if isinstance(plain, dict | list):
        values = plain.values() if isinstance(plain, dict) else plain
        return set().union(*map(_places, values))
    return {plain} if isinstance(plain, str) and Path(plain).is_absolute() else set()


def _named_only(text: str, places: set[str]) -> str:
    """Return JSON in which places are reduced to names, also inside sentences."""
    for place in sorted(places, key=len, reverse=True):
        text = text.replace(json.dumps(place)[1:-1], json.dumps(Path(place).name)[1:-1])
    return text


def _draw(run: Run, path: Path) -> None:
    """Draw some samples, in whole rows of classes."""
    from ganzoo.utils.images import save_image
    from ganzoo.visual.grids import sample_picture, whole_rows

    space = run.info.samples
    try:
        count = whole_rows(SAMPLES, run.class_names) if space.kind == "images" else 8 * SAMPLES
        samples = run.sample(count)
    except RunError:
        if not run.sampler.translates:
            raise
        return  # the data to translate are not there
    save_image(sample_picture(space, samples.numpy(), run.class_names), path)
