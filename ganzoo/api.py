"""ganzoo from Python: load a spec, run it, open a run, sample from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ganzoo.errors import DataError, Problem, RunError, SpecError, UsageError, did_you_mean
from ganzoo.opened import Run
from ganzoo.plugins import Plugins, Recipe, installed
from ganzoo.runs import RunDirectory
from ganzoo.runs.changes import refuse_other_changes
from ganzoo.spec import (
    RunSpec,
    copies_of,
    load_local_plugins,
    parse_spec,
    read_spec_file,
    with_plugins_of_the_program,
)
from ganzoo.spec.overrides import Overrides, apply_overrides, plain_data
from ganzoo.utils.arguments import as_path
from ganzoo.utils.consent import trusting

if TYPE_CHECKING:
    from ganzoo.components import DatasetInfo
    from ganzoo.runs.report import Report
    from ganzoo.training.preflight import Preflight
    from ganzoo.training.transfer import Parent


T = TypeVar("T")


def find_recipe(name: str) -> Recipe:
    """Return a recipe by its name, or by ``distribution:name``.

    Raises:
        SpecError: no installed plugin ships it, or more than one does.
    """
    if not isinstance(name, str):
        raise SpecError([Problem("", f"expected the name of a recipe, not {name!r}")])
    distribution, _, short = name.rpartition(":")
    recipes = installed().recipes
    found = {recipe.provider.name: recipe for recipe in recipes.get(short, [])}
    if distribution:
        found = {provider: found[provider] for provider in found if provider == distribution}
    if len(found) == 1:
        return found.popitem()[1]
    if found:
        qualified = " or ".join(f"{provider}:{short}" for provider in found)
        message = f"several plugins ship this recipe; write {qualified}"
    else:
        known = f"{did_you_mean(name, recipes)} (recipes: {', '.join(recipes) or 'none'})"
        message = f"no such file or recipe{known}"
        if Path(name).is_dir():
            message = "is a folder; name a spec or a recipe (to resume a run: ganzoo resume)"
    raise SpecError([Problem("", message)], name)


def load_spec(
    source: str | Path | Mapping[str, Any], *, overrides: Overrides = (), trust: bool = False
) -> RunSpec:
    """Load and validate a spec.

    Args:
        source: a JSON file, the name of a recipe, or the spec as plain data.
        overrides: changes, such as ``["training.batch_size=128"]`` or ``{"training.batch_size": 128}``.
        trust: whether code in a run directory, if the file is in one, is run without a question. Local
            plugins that another spec names are the user's own, and are run.

    Raises:
        ganzoo.errors.SpecError: it cannot be read or is not valid; says where and why.
    """
    if isinstance(source, Mapping):
        return _complete(plain_data(source), Path(), None, overrides)
    path = _path_of(source)
    data, name = read_spec_file(path), str(source)
    with trusting(trust):
        foreign = RunDirectory.has_spec(path)
        data = load_local_plugins(data, path.parent, name, foreign=foreign)
    return _complete(data, Path(), name, overrides)


def _complete(
    data: Mapping[str, Any], folder: Path, source: str | None, overrides: Overrides
) -> RunSpec:
    """Change a spec and validate it, once all local plugins that it names then are loaded."""
    changed = apply_overrides(load_local_plugins(data, folder, source), overrides)
    changed = load_local_plugins(changed, Path(), source)
    return parse_spec(with_plugins_of_the_program(changed), source)


def _path_of(source: str | Path) -> Path:
    """Return the path of a spec file or of a recipe."""
    if not isinstance(source, str | PathLike):
        problem = "expected a spec as plain data, the path of one, or the name of a recipe"
        raise SpecError([Problem("", f"{problem}, not {source!r}")])
    path = Path(source)
    named_as_file = path.suffix == ".json" or len(path.parts) > 1 or isinstance(source, Path)
    if not path.is_file() and not named_as_file:
        path = find_recipe(str(source)).path
    return path


def run(
    spec: RunSpec | str | Path | Mapping[str, Any],
    *,
    overrides: Overrides = (),
    output: str | Path | None = None,
    listeners: Sequence[object] = (),
    trust: bool = False,
) -> Run:
    """Train what a spec says, and return the finished run.

    Args:
        spec: a validated spec, or what ``load_spec`` takes.
        overrides: changes, as for ``load_spec``.
        output: the run directory to create, or None for ``<output.directory>/<name>-<n>``.
        listeners: objects with hook implementations for the life of a run.
        trust: as for ``load_spec``.

    Raises:
        ganzoo.errors.UsageError: the spec, the data, the device or the directory are not as needed;
            nothing was written.
        ganzoo.errors.TrainingError: training diverged.
        ganzoo.errors.Interrupted: a signal stopped it; the run can be resumed.
    """
    if not isinstance(spec, RunSpec) or overrides:
        source = spec.to_json() if isinstance(spec, RunSpec) else spec
        spec = load_spec(source, overrides=overrides, trust=trust)
    with trusting(trust):  # also of a run that weights are taken from
        return _train_new(spec, output, listeners)


def resume(
    path: str | Path,
    *,
    overrides: Overrides = (),
    listeners: Sequence[object] = (),
    trust: bool = False,
) -> Run:
    """Train a stopped run on, exactly as if it had never been stopped; do nothing if it is finished.

    A damaged checkpoint is warned of, and the one before it used; without any, training starts again.

    Args:
        path: the run directory.
        overrides: a longer ``training.duration``, for a stopped or a finished run, whose weights are
            then those of a run that had this duration from the start; or where the same data are now,
            such as ``"dataset.path=/new/place"``. Nothing else can be changed.
        listeners: as for ``run``.
        trust: as for ``open_run``.

    Raises:
        ganzoo.errors.RunError: it is not a run directory, its spec was edited, its data changed, or
            another process is training it.
        ganzoo.errors.SpecError: another field is changed, the duration is not longer, or schedules
            depend on it.
        ganzoo.errors.Interrupted: a signal stopped it again.
    """
    directory = _open(path, trust=trust)
    logged = directory.metrics_path.exists() or bool(directory.checkpoints())
    if directory.generator_path.exists() and not logged:
        problem = "holds a trained generator and no run to resume; train anew with its spec.json"
        raise RunError(f"{path}: {problem}")
    before = spec = directory.spec
    if overrides:
        spec = parse_spec(apply_overrides(spec.to_json(), overrides)).with_absolute_paths()
        refuse_other_changes(before, spec)
    change = None if spec == before else before
    try:
        return _train(spec, lambda: directory, listeners, resume=True, before=change)
    except DataError as error:
        place = getattr(spec.dataset, "path", None)
        if place is None or Path(place).exists():
            raise
        hint = "if the data were moved, resume with --set dataset.path=NEW"
        raise DataError(f"{error}; {hint}") from None


def branch(
    path: str | Path,
    *,
    overrides: Overrides = (),
    checkpoint: str | int = "last",
    output: str | Path | None = None,
    listeners: Sequence[object] = (),
    trust: bool = False,
) -> Run:
    """Continue a run as a new one with changed settings: longer, with another loss or batch size.

    Whatever still fits of the run's state is kept: weights, averages, moments of optimizers, the step
    and the random states. ``environment.json`` of the new run has the list, under ``origin``.

    Args:
        path: the run directory to branch from; it is left as it is.
        overrides: changes, as for ``load_spec``.
        checkpoint: where to branch: ``last``, ``best`` or a step whose checkpoint was kept.
        output: as for ``run``.
        listeners: as for ``run``.
        trust: as for ``open_run``.

    Raises:
        ganzoo.errors.UsageError: it is not a run directory, has no such checkpoint, or the changed
            settings are not valid or end before the branch begins.
        ganzoo.errors.Interrupted: a signal stopped it; the new run can be resumed.
    """
    from ganzoo.training.transfer import open_parent

    directory = _open(path, trust=trust)
    data = {**directory.spec.to_json(), "initialize_from": None}
    spec = _complete(data, directory.path, None, overrides)
    if spec.initialize_from is not None:
        problem = "a branch goes on with the weights of its own run; leave it out"
        raise SpecError([Problem("initialize_from", problem)])
    return _train_new(spec, output, listeners, open_parent(directory, checkpoint))


def _train_new(
    spec: RunSpec,
    output: str | Path | None,
    listeners: Sequence[object],
    parent: Parent | None = None,
) -> Run:
    spec = spec.with_absolute_paths()
    path = None if output is None else as_path("output", output)
    RunDirectory.refuse_existing(path)  # before anything is built, which takes longer
    copies, contents = copies_of(spec.plugins)
    spec = spec.model_copy(update={"plugins": copies})
    return _train(spec, lambda: RunDirectory.create(spec, path, contents), listeners, parent=parent)


def _train(
    spec: RunSpec,
    directory: Callable[[], RunDirectory],
    listeners: Sequence[object],
    **options: Any,
) -> Run:
    from ganzoo.training.loop import train
    from ganzoo.visual.card_writer import CardWriter
    from ganzoo.visual.notebook import live_display

    if not isinstance(listeners, Sequence) or isinstance(listeners, str):
        problem = "expected a list of objects with implementations of hooks"
        raise UsageError(f"listeners: {problem}, not {listeners!r}")
    info = spec.check()
    with installed().listening(*listeners, *live_display(), CardWriter()):
        work = partial(train, spec, info, installed(), directory, **options)
        return Run(_within_memory(work, spec, info))


def check(spec: RunSpec) -> None:
    """Check that the parts of a spec fit together, and to weights of another run; nothing is trained.

    Raises:
        ganzoo.errors.UsageError: they do not; says where and why.
    """
    info = _checked(spec)
    if spec.training.freeze or spec.initialize_from is not None:  # the rest needs no torch
        from ganzoo.training.preflight import check_weights

        check_weights(spec, info)


def _checked(spec: RunSpec) -> DatasetInfo:
    if not isinstance(spec, RunSpec):
        raise UsageError(f"spec: expected a RunSpec, which load_spec returns, not {spec!r}")
    return spec.check()


def preflight(spec: RunSpec) -> Preflight:
    """Return what a run will take in time, memory and disk, from a few real steps; nothing is kept.

    Raises:
        ganzoo.errors.UsageError: the run could not begin, or needs more memory than the device has.
        ganzoo.errors.TrainingError: it diverges at once.
    """
    from ganzoo.training.preflight import preflight as measure
    from ganzoo.visual.card_writer import CardWriter

    info, nobody_else = _checked(spec), Plugins()
    with nobody_else.listening(CardWriter()):
        return _within_memory(lambda: measure(spec, info, nobody_else), spec, info)


def _within_memory(work: Callable[[], T], spec: RunSpec, info: DatasetInfo) -> T:
    """Do some work; where memory runs out, raise an error that names what fits."""
    from ganzoo.training.memory import is_out_of_memory, memory_problem

    try:
        return work()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
    # Out of the handler, so that what the traceback refers to is freed.
    raise memory_problem(spec, info)


def open_run(path: str | Path, checkpoint: str | int = "last", *, trust: bool = False) -> Run:
    """Open a run directory, to use the generator of a checkpoint.

    Args:
        path: the run directory, a model folder, or a name that a plugin knows, such as ``model:digits``.
        checkpoint: ``last``, ``best`` (by the evaluations during training) or a step whose checkpoint
            was kept.
        trust: whether local plugins that are copied in the run are run even if this user has neither
            made the run nor trusted their content before.

    Raises:
        ganzoo.errors.RunError: it is not a run directory.
    """
    return Run(_open(path, trust=trust), checkpoint)


def _open(path: str | Path, *, trust: bool) -> RunDirectory:
    """Open a run directory; with ``trust``, local plugins in it are loaded now, without a question."""
    found = as_path("path", path)
    if ":" in str(path) and not found.exists():
        found = installed().manager.hook.ganzoo_run_named(name=str(path)) or found
    directory = RunDirectory.open(found)
    if trust:
        with trusting(trust):
            _ = directory.spec
    return directory


def evaluate_images(generated: str | Path, reference: str | Path, **options: Any) -> Report:
    """Compare images of any model with real ones.

    Args:
        generated: a folder, a zip file, or an .npy or .npz file of images.
        reference: likewise, of real images.
        options: ``metrics``, ``extractor``, ``size``, ``mode``, ``baseline`` and ``device``: fields of
            ``ganzoo.evaluation.request.ImagesRequest``. FID, KID, precision, recall, density and
            coverage are measured by default.

    Raises:
        ganzoo.errors.UsageError: an option is not valid, the files do not exist or cannot be compared,
            or weights of the extractor are missing.
    """
    from ganzoo.evaluation.request import ImagesRequest
    from ganzoo.evaluation.run import evaluate_images as evaluate
    from ganzoo.utils.distributed import process_group

    request = ImagesRequest.of(**options)
    with process_group():
        paths = as_path("generated", generated), as_path("reference", reference)
        return evaluate(*paths, request)
