"""ganzoo from Python: load a spec, run it, open a run, sample from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.errors import DataError, Problem, RunError, SpecError, did_you_mean
from ganzoo.plugins import Recipe, installed
from ganzoo.runs import RunDirectory
from ganzoo.runs.changes import refuse_other_changes
from ganzoo.spec import RunSpec, parse_spec, read_spec_file
from ganzoo.spec.overrides import apply_overrides

if TYPE_CHECKING:
    import numpy.typing as npt
    import torch

    from ganzoo.components import DatasetInfo
    from ganzoo.data.split import Split
    from ganzoo.runs.generator import LoadedSampler
    from ganzoo.runs.report import Report
    from ganzoo.sampling import Sampler
    from ganzoo.training.transfer import Parent

    Numbers = torch.Tensor | npt.ArrayLike


def find_recipe(name: str) -> Recipe:
    """Return a recipe by its name, or by ``distribution:name``.

    Raises:
        SpecError: no installed plugin ships it, or more than one does.
    """
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
    raise SpecError([Problem("", message)], name)


def load_spec(source: str | Path | Mapping[str, Any], *, overrides: Sequence[str] = ()) -> RunSpec:
    """Load and validate a spec.

    Args:
        source: a JSON file, the name of a recipe, or the spec as plain data.
        overrides: changes such as ``"training.batch_size=128"``.

    Raises:
        ganzoo.errors.SpecError: it cannot be read or is not valid; says where and why.
    """
    if isinstance(source, Mapping):
        return parse_spec(apply_overrides(dict(source), overrides))
    return parse_spec(apply_overrides(read_source(source), overrides), str(source))


def read_source(source: str | Path) -> dict[str, Any]:
    """Return the plain data of a spec file or of a recipe, not validated.

    Raises:
        ganzoo.errors.SpecError: no such file or recipe exists, or it is not JSON.
    """
    path = Path(source)
    named_as_file = path.suffix == ".json" or len(path.parts) > 1 or isinstance(source, Path)
    if not path.is_file() and not named_as_file:
        path = find_recipe(str(source)).path
    return read_spec_file(path)


def run(
    spec: RunSpec | str | Path | Mapping[str, Any],
    *,
    output: str | Path | None = None,
    listeners: Sequence[object] = (),
) -> Run:
    """Train what a spec says, and return the finished run.

    Args:
        spec: a validated spec, or what ``load_spec`` takes.
        output: the run directory to create, or None for ``<output.directory>/<name>-<n>``.
        listeners: objects with hook implementations for the life of a run.

    Raises:
        ganzoo.errors.UsageError: the spec, the data, the device or the directory are not as needed;
            nothing was written.
        ganzoo.errors.TrainingError: training diverged.
        ganzoo.errors.Interrupted: a signal stopped it; the run can be resumed.
    """
    spec = spec if isinstance(spec, RunSpec) else load_spec(spec)
    return _train_new(spec, output, listeners)


def resume(
    path: str | Path, *, overrides: Sequence[str] = (), listeners: Sequence[object] = ()
) -> Run:
    """Train a stopped run on, exactly as if it had never been stopped; do nothing if it is finished.

    A damaged checkpoint is warned of, and the one before it used; without any, training starts again.
    ``listeners`` are those of ``run``.

    Args:
        path: the run directory.
        overrides: where the data are now, such as ``"dataset.path=/new/place"``; they must be the same
            data. Nothing else can be changed.
        listeners: as for ``run``.

    Raises:
        ganzoo.errors.RunError: it is not a run directory, its spec was edited, its data changed, or
            another process is training it.
        ganzoo.errors.Interrupted: a signal stopped it again.
    """
    directory = RunDirectory.open(path)
    spec = directory.spec
    if overrides:
        spec = parse_spec(apply_overrides(spec.to_json(), overrides)).with_absolute_paths()
        refuse_other_changes(directory.spec, spec)
    try:
        return _train(spec, lambda: directory, listeners, resume=True)
    except DataError as error:
        place = getattr(spec.dataset, "path", None)
        if place is None or Path(place).exists():
            raise
        hint = "if the data were moved, resume with --set dataset.path=NEW"
        raise DataError(f"{error}; {hint}") from None


def branch(
    path: str | Path,
    *,
    overrides: Sequence[str] = (),
    checkpoint: str | int = "last",
    output: str | Path | None = None,
    listeners: Sequence[object] = (),
) -> Run:
    """Continue a run as a new one with changed settings: longer, with another loss or batch size.

    Whatever still fits of the run's state is kept: weights, averages, moments of optimizers, the step
    and the random states. ``environment.json`` of the new run has the list, under ``origin``.

    Args:
        path: the run directory to branch from; it is left as it is.
        overrides: changes such as ``"training.duration=8000 steps"``.
        checkpoint: where to branch: ``last``, ``best`` or a step whose checkpoint was kept.
        output: as for ``run``.
        listeners: as for ``run``.

    Raises:
        ganzoo.errors.UsageError: it is not a run directory, has no such checkpoint, or the changed
            settings are not valid or end before the branch begins.
        ganzoo.errors.Interrupted: a signal stopped it; the new run can be resumed.
    """
    from ganzoo.training.transfer import open_parent

    directory = RunDirectory.open(path)
    data = {**directory.spec.to_json(), "initialize_from": None}
    spec = parse_spec(apply_overrides(data, overrides))
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
    path = None if output is None else Path(output)
    RunDirectory.refuse_existing(path)  # before anything is built, which takes longer
    return _train(spec, lambda: RunDirectory.create(spec, path), listeners, parent=parent)


def _train(
    spec: RunSpec,
    directory: Callable[[], RunDirectory],
    listeners: Sequence[object],
    **options: Any,
) -> Run:
    from ganzoo.training.loop import train
    from ganzoo.visual.card_writer import CardWriter

    with installed().listening(*listeners, CardWriter()):
        return Run(train(spec, spec.check(), installed(), directory, **options))


def open_run(path: str | Path, checkpoint: str | int = "last") -> Run:
    """Open a run directory, to use the generator of a checkpoint.

    ``checkpoint`` is ``last``, ``best`` (by the evaluations during training) or a step whose
    checkpoint was kept.

    Raises:
        ganzoo.errors.RunError: it is not a run directory.
    """
    return Run(RunDirectory.open(path), checkpoint)


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
        return evaluate(Path(generated), Path(reference), request)


class Run:
    """A run that was trained, or is being trained.

    What needs a generator raises ``ganzoo.errors.RunError`` where none was saved yet.

    Attributes:
        directory: its files.
        path: where they are.
        checkpoint: which generator is used: ``last``, ``best`` or a step.
    """

    def __init__(self, directory: RunDirectory, checkpoint: str | int = "last") -> None:
        self.directory, self.checkpoint = directory, checkpoint
        self.path = directory.path

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def spec(self) -> RunSpec:
        """What was run."""
        return self.directory.spec

    def metrics(self) -> list[dict[str, Any]]:
        """Return what was logged: one dictionary a line of metrics.jsonl, with ``step`` in each."""
        return self.directory.metrics()

    def actions(self) -> list[dict[str, Any]]:
        """Return what callbacks did: ``step``, ``callback``, ``action``, ``reason`` and details."""
        return self.directory.actions()

    @cached_property
    def _loaded(self) -> LoadedSampler:
        return self._load()

    def _load(self, truncation: float | None = None) -> LoadedSampler:
        from ganzoo.runs.generator import load_sampler
        from ganzoo.runs.history import checkpoint_step

        step = checkpoint_step(self.directory, self.checkpoint)
        return load_sampler(self.directory, step, truncation=truncation)

    @property
    def info(self) -> DatasetInfo:
        """The description of the data set that the run was trained on."""
        return self._loaded.info

    @property
    def sampler(self) -> Sampler:
        """What samples are generated with, in evaluation mode, on the CPU."""
        return self._loaded.sampler

    @property
    def latent_dim(self) -> int:
        """Number of latent coordinates; a RunError where samples are not generated from latents."""
        dim = self.sampler.latent_dim
        if dim is None:
            raise RunError(f"{self.path}: its samples are not generated from latents")
        return dim

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes that samples can be asked for; numbers where the data set names none."""
        condition = self.sampler.condition
        if condition is None or condition.kind != "classes":
            return ()
        return condition.display_names

    def generator(self, device: str = "cpu") -> torch.nn.Module:
        """Return the trained generator, in evaluation mode: the averaged weights if the run kept them.

        It takes ``(z: (N, latent), condition or None)``, or ``(source, condition or None)`` where it
        translates, and returns ``(N, *sample_shape)``.
        """
        return self.sampler.network.to(device)

    def latents(self, n: int, seed: int = 0, truncation: float | None = None) -> torch.Tensor:
        """Return the first n latents of a seed, (n, dim); each depends on the seed and its index alone.

        ``truncation`` truncates the distribution (see the latent's ``truncated``).

        Raises:
            ganzoo.errors.RunError: the run has no latents, or they cannot be truncated so.
        """
        from ganzoo.sampling import draw_latents

        sampler = self.sampler if truncation is None else self._load(truncation).sampler
        if sampler.latent_dim is None:
            raise RunError(f"{self.path}: its samples are not generated from latents")
        return draw_latents(sampler, range(n), seed)

    def sample(
        self,
        n: int = 64,
        *,
        seed: int = 0,
        labels: Numbers | None = None,
        condition: Numbers | None = None,
        truncation: float | None = None,
        latents: Numbers | None = None,
        source: Numbers | None = None,
    ) -> torch.Tensor:
        """Return samples (n, *sample_shape), float32 on the CPU, in [-1, 1] for images.

        What is given may be tensors, numpy arrays or lists.

        Args:
            n: how many; not used where ``latents`` or ``source`` are given.
            seed: which ones; the same seed gives the same samples, however many are generated.
            labels: a class for each sample, or one for all, for generators conditioned on classes; by
                default all classes in turn.
            condition: (n, k), labels or values for each sample, for generators conditioned on those; by
                default those of some real samples, or those of the default sources. Classes may be given
                here, too, in place of ``labels``.
            truncation: truncates the distribution of latents, or None.
            latents: (n, dim) to use instead of drawing some.
            source: (n, *source_shape) in [-1, 1] to translate, for translators; by default sources of
                the data set's test split, or of the split trained on.

        Raises:
            ganzoo.errors.RunError: latents, conditions or sources do not fit the generator.
        """
        import torch

        from ganzoo.sampling import Inputs, generate, source_inputs
        from ganzoo.utils.tensors import tensor_from

        sampler, given = self.sampler, Inputs()
        if source is not None and not sampler.translates:
            raise RunError("source: this run does not translate; leave it out")
        if latents is not None and (sampler.translates or sampler.latent_dim is None):
            kind = "translates sources" if sampler.translates else "has no latents"
            raise RunError(f"latents: this run {kind}; leave them out")
        if sampler.translates:
            if source is None:
                given = source_inputs(sampler, self._source_split(), slice(n))
            else:
                given = Inputs(source=tensor_from("source", source, floats=True))
            n = len(given)
        z = None
        if sampler.latent_dim is not None:
            z = (
                self.latents(n, seed, truncation)
                if latents is None
                else tensor_from("latents", latents, floats=True)
            )
            if z.dim() != 2 or z.shape[1] != sampler.latent_dim:
                expected = f"(n, {sampler.latent_dim})"
                raise RunError(f"latents: expected shape {expected}, not {tuple(z.shape)}")
            n = len(z)
        if n == 0:
            return torch.empty(0, *self.info.sample_shape)
        told = self._condition(n, labels, condition)
        if told is None:
            told = (
                sampler.default_condition(range(n)) if given.condition is None else given.condition
            )
        inputs = Inputs(z, told, given.source, count=n)
        return torch.cat(list(generate(sampler, inputs, seed=seed)))

    def _source_split(self) -> Split:
        """Return the split whose sources are translated by default."""
        from ganzoo.evaluation.samples import reference_split

        dataset = self.spec.dataset
        return dataset.build(reference_split(dataset, None))

    def evaluate(self, *, save: bool = True, **options: Any) -> Report:
        """Return how good the samples are: a value for each quantity of each metric.

        Args:
            save: whether the report is added to the run directory; where that fails, a warning says
                where it is.
            options: ``metrics``, ``extractor``, ``reference``, ``samples``, ``seeds``, ``weights``,
                ``truncation``, ``baseline`` and ``device``: fields of
                ``ganzoo.evaluation.request.RunRequest``.

        Raises:
            ganzoo.errors.UsageError: an option is not valid or does not fit the run, or the data or
                weights of the extractor are missing.
            ganzoo.errors.EvaluationError: samples of the generator are not finite.
        """
        from ganzoo.evaluation.request import RunRequest
        from ganzoo.evaluation.run import evaluate_run, keep_report
        from ganzoo.utils.distributed import is_first, process_group

        request = RunRequest.of(**options)
        with process_group():
            report = evaluate_run(self.directory, request, self.checkpoint)
            if save and is_first():
                keep_report(self.directory, report)
        return report

    def reports(self) -> list[Report]:
        """Return the reports of ``evaluate``, oldest first.

        Raises:
            ganzoo.errors.RunError: a file is not a report.
        """
        from ganzoo.runs.report import read_report

        return [read_report(path) for path in self.directory.reports()]

    def _condition(
        self, n: int, labels: Numbers | None, given: Numbers | None
    ) -> torch.Tensor | None:
        """Return the condition asked for, for each of n samples, or None where none is."""
        import torch

        from ganzoo.utils.tensors import tensor_from

        condition = self.sampler.condition
        takes_classes = condition is not None and condition.kind == "classes"
        if labels is not None and given is not None:
            raise RunError("labels: given together with 'condition'; leave one of them out")
        if labels is not None and not takes_classes:
            raise RunError("labels: this generator is not told classes; leave them out")
        if given is not None and condition is None:
            raise RunError("condition: this generator is not conditional; leave it out")
        name, wanted = ("labels", labels) if given is None else ("condition", given)
        if condition is None or wanted is None:
            return None
        chosen = tensor_from(name, wanted)
        if not takes_classes:
            if chosen.shape not in {(n, condition.size), (1, condition.size)}:
                expected = f"({n}, {condition.size})"
                raise RunError(f"{name}: expected shape {expected}, not {tuple(chosen.shape)}")
            return chosen.to(torch.float32).expand(n, -1)
        chosen = chosen.reshape(-1) if chosen.dim() == 0 else chosen
        if chosen.shape not in {(1,), (n,)}:
            found = len(chosen) if chosen.dim() == 1 else f"shape {tuple(chosen.shape)}"
            raise RunError(f"{name}: expected 1 or {n} classes, not {found}")
        if chosen.is_floating_point() or chosen.is_complex() or chosen.dtype == torch.bool:
            raise RunError(f"{name}: classes must be integers, not {chosen.dtype}")
        wrong = [each for each in chosen.tolist() if not 0 <= each < condition.size]
        if wrong:
            highest = condition.size - 1
            raise RunError(f"{name}: expected classes from 0 to {highest}, not {wrong[0]}")
        return chosen.to(torch.int64).expand(n)
