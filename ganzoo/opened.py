"""A run as Python programs use it: its files, its samples, and how good they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from ganzoo.errors import RunError, UsageError, did_you_mean
from ganzoo.runs import RunDirectory
from ganzoo.spec import RunSpec
from ganzoo.utils.arguments import as_integer, as_number
from ganzoo.utils.memory import machine_memory

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt
    import torch
    from matplotlib.figure import Figure

    from ganzoo.components import DatasetInfo
    from ganzoo.data.split import Split
    from ganzoo.runs.generator import LoadedSampler
    from ganzoo.runs.report import Report
    from ganzoo.sampling import Inputs, Sampler

    Numbers = torch.Tensor | npt.ArrayLike
    Labels = Numbers | str | Sequence[str]


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

    def _repr_html_(self) -> str:
        from ganzoo.visual.notebook import run_html

        return run_html(self.directory)

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

    def _sampler(self, truncation: float | None) -> Sampler:
        if truncation is None:
            return self.sampler
        as_number("truncation", truncation)
        return self._load(truncation).sampler

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
        from ganzoo.utils.devices import resolve_device

        return self.sampler.network.to(resolve_device(str(device)))

    def latents(self, n: int, seed: int = 0, truncation: float | None = None) -> torch.Tensor:
        """Return the first n latents of a seed, (n, dim); each depends on the seed and its index alone.

        ``truncation`` truncates the distribution (see the latent's ``truncated``), unless the generator
        has a truncation of its own.

        Raises:
            ganzoo.errors.RunError: the run has no latents, or they cannot be truncated so.
        """
        from ganzoo.sampling import draw_latents

        n, seed, sampler = _count(n), as_integer("seed", seed), self._sampler(truncation)
        if sampler.latent_dim is None:
            raise RunError(f"{self.path}: its samples are not generated from latents")
        return draw_latents(sampler, range(n), seed)

    def sample(
        self,
        n: int = 64,
        *,
        seed: int = 0,
        labels: Labels | None = None,
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
            labels: a class for each sample, or one for all, by number or by name, for generators
                conditioned on classes; by default all classes in turn.
            condition: (n, k), labels or values for each sample, for generators conditioned on those; by
                default those of some real samples, or those of the default sources. Classes may be given
                here, too, in place of ``labels``.
            truncation: truncates the distribution of latents, or what the generator makes of them, or
                None.
            latents: (n, dim) to use instead of drawing some.
            source: (n, *source_shape) in [-1, 1] to translate, for translators; by default sources of
                the data set's test split, or of the split trained on.

        Raises:
            ganzoo.errors.RunError: latents, conditions or sources do not fit the generator.
        """
        import torch

        from ganzoo.sampling import Inputs, generate

        n, seed, sampler = _count(n), as_integer("seed", seed), self._sampler(truncation)
        given = self._sources(n, source)
        n = n if given is None else len(given)
        z = self._latents(n, seed, sampler, latents)
        n = n if z is None else len(z)
        if n == 0:
            return torch.empty(0, *self.info.sample_shape)
        told = self._condition(n, labels, condition)
        if told is None and given is not None:
            told = given.condition
        if told is None:
            told = sampler.default_condition(range(n))
        inputs = Inputs(z, told, None if given is None else given.source, count=n)
        return torch.cat(list(generate(sampler, inputs, seed=seed)))

    def _sources(self, n: int, source: Numbers | None) -> Inputs | None:
        """Return the sources asked for, or n of the data set; None where nothing is translated."""
        from ganzoo.sampling import Inputs, source_inputs
        from ganzoo.utils.tensors import tensor_from

        if source is not None and not self.sampler.translates:
            raise RunError("source: this run does not translate; leave it out")
        if not self.sampler.translates:
            return None
        if source is None:
            return source_inputs(self.sampler, self._source_split(), slice(n))
        return Inputs(source=tensor_from("source", source, floats=True))

    def _latents(
        self, n: int, seed: int, sampler: Sampler, latents: Numbers | None
    ) -> torch.Tensor | None:
        """Return the latents asked for, or those of the seed; None where there are none."""
        from ganzoo.sampling import draw_latents
        from ganzoo.utils.tensors import tensor_from

        if latents is not None and (sampler.translates or sampler.latent_dim is None):
            kind = "translates sources" if sampler.translates else "has no latents"
            raise RunError(f"latents: this run {kind}; leave them out")
        if sampler.latent_dim is None:
            return None
        if latents is None:
            self._refuse_too_many(n)
            return draw_latents(sampler, range(n), seed)
        z = tensor_from("latents", latents, floats=True)
        if z.dim() != 2 or z.shape[1] != sampler.latent_dim:
            expected = f"(n, {sampler.latent_dim})"
            raise RunError(f"latents: expected shape {expected}, not {tuple(z.shape)}")
        return z

    def _refuse_too_many(self, n: int) -> None:
        """Refuse more samples than the memory of this machine can hold."""
        needed = 4 * n * math.prod(self.info.sample_shape)
        memory = machine_memory()
        if needed > memory:
            raise RunError(
                f"n: {n:,} samples need {needed / 2**30:,.3g} GiB, and this machine has"
                f" {memory / 2**30:.3g} GiB of memory; generate fewer at a time, with other seeds"
            )

    def _source_split(self) -> Split:
        """Return the split whose sources are translated by default."""
        from ganzoo.evaluation.samples import reference_split

        dataset = self.spec.dataset
        return dataset.build(reference_split(dataset, None))

    def evaluate(self, *, save: bool = True, **options: Any) -> Report:
        """Return how good the samples are: a value for each quantity of each metric.

        Args:
            save: whether the report is added to the run directory, as ``keep`` does it.
            options: ``metrics``, ``extractor``, ``reference``, ``samples``, ``seeds``, ``weights``,
                ``truncation``, ``baseline`` and ``device``: fields of
                ``ganzoo.evaluation.request.RunRequest``.

        Raises:
            ganzoo.errors.UsageError: an option is not valid or does not fit the run, or the data or
                weights of the extractor are missing.
            ganzoo.errors.EvaluationError: samples of the generator are not finite.
        """
        from ganzoo.evaluation.request import RunRequest
        from ganzoo.evaluation.run import evaluate_run
        from ganzoo.utils.distributed import is_first, process_group

        request = RunRequest.of(**options)
        with process_group():
            report = evaluate_run(self.directory, request, self.checkpoint)
            if save and is_first():
                self.keep(report)
        return report

    def keep(self, report: Report) -> Path | None:
        """Add a report to the run directory, and return where it is.

        Where that fails, it is written elsewhere if possible, and a warning says so.
        """
        from ganzoo.evaluation.run import keep_report

        return keep_report(self.directory, report)

    def plot(self, *, per: Literal["step", "epoch"] = "step") -> Figure:
        """Return a matplotlib figure of the losses and of the discriminator's mean scores.

        A notebook shows it, and ``figure.savefig`` writes it. ``per`` is ``step`` for all that was
        logged, or ``epoch`` for means over epochs.

        Raises:
            ganzoo.errors.UsageError: no losses were logged yet.
        """
        from ganzoo.visual.curves import loss_figure, losses_title

        if per not in {"step", "epoch"}:
            raise UsageError(f"per: must be step or epoch, not {per!r}")
        return loss_figure(self.metrics(), per=per, title=losses_title(self.directory))

    def reports(self) -> list[Report]:
        """Return the reports of ``evaluate``, oldest first.

        Raises:
            ganzoo.errors.RunError: a file is not a report.
        """
        from ganzoo.runs.report import read_report

        return [read_report(path) for path in self.directory.reports()]

    def _condition(
        self, n: int, labels: Labels | None, given: Labels | None
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
        chosen = tensor_from(name, self._numbered(name, wanted) if takes_classes else wanted)
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

    def _numbered(self, name: str, labels: Labels) -> Labels:
        """Return classes given by name as numbers; numbers are returned as they are."""
        wanted = labels.tolist() if hasattr(labels, "tolist") else labels
        given = [wanted] if isinstance(wanted, str) else wanted
        if not isinstance(given, Sequence) or not any(isinstance(each, str) for each in given):
            return labels
        return [self.class_number(str(each), name) for each in given]

    def class_number(self, label: str, argument: str = "labels") -> int:
        """Return the number of a class by its name, or by its number as text where no name is that.

        Raises:
            ganzoo.errors.RunError: there is no such class; ``argument`` is what the message begins with.
        """
        names = self.class_names
        if not names:
            raise RunError(
                f"{argument}: this generator is not conditioned on classes; leave it out"
            )
        if label in names:
            return names.index(label)
        if label.isdecimal() and int(label) < len(names):
            return int(label)
        known = f"{did_you_mean(label, names)} (available: {', '.join(names)})"
        raise RunError(f"{argument}: no class is called {label!r}{known}")


def _count(n: Any) -> int:
    count = as_integer("n", n)
    if count < 0:
        raise RunError(f"n: must be 0 or more, not {count}")
    return count
