"""The model card of a run, and the plot of its losses: what makes a run directory explain itself."""

from __future__ import annotations

from ganzoo.hookspecs import hookimpl
from ganzoo.runs import RunDirectory
from ganzoo.runs.history import History
from ganzoo.runs.report import Value
from ganzoo.utils.files import write_atomically


class Reporter:
    """Writes the card when a run starts and, with the plot, when it ends or is stopped.

    A run that takes no step, since it was complete before, is left as it is.
    """

    def __init__(self) -> None:
        self._step = 0

    @hookimpl
    def ganzoo_run_started(self, run: RunDirectory, step: int, total_steps: int) -> None:
        """Say that training is under way, and how to continue it."""
        self._step = step
        if step < total_steps:
            write_atomically(run.readme_path, card(run, step, total_steps))

    @hookimpl
    def ganzoo_run_finished(self, run: RunDirectory, step: int, total_steps: int) -> None:
        """Draw the losses and say what came out."""
        from ganzoo.visual.curves import save_losses
        from ganzoo.visual.evaluations import save_evaluations

        if step == self._step and run.readme_path.exists():
            return
        if run.metrics():
            save_losses(run.metrics(), run.losses_path)
        if run.training_reports():
            save_evaluations(History(run), run.evaluation_plot_path)
        write_atomically(run.readme_path, card(run, step, total_steps))


def card(run: RunDirectory, step: int, total_steps: int) -> str:
    """Return the text of a run's README.md.

    Args:
        run: the run.
        step: steps taken.
        total_steps: steps of the whole training.
    """
    spec, path = run.spec, run.path
    sections = [f"# {spec.name}"]
    if spec.description:
        sections.append(spec.description)
    if step < total_steps:
        sections.append(
            f"Training has taken {step:,} of {total_steps:,} steps at the time of writing. If it is"
            f" not running, it continues exactly where it was saved with `ganzoo resume {path}`."
        )
    grids = run.sample_grids()
    if grids:
        picture = grids[-1].relative_to(path).as_posix()
        sections.append(f"![Samples after {step:,} steps]({picture})")
    sections.append(_what(run))
    sections += _evaluation(run)
    if step >= total_steps:
        sections.append(_use(run))
    if run.losses_path.exists():
        sections.append(f"## Losses\n\n![Losses]({run.losses_path.name})")
    sections.append(_files())
    return "\n\n".join(sections) + "\n"


def _what(run: RunDirectory) -> str:
    spec, environment = run.spec, run.environment()
    training = spec.training
    providers = {(each["name"], each["version"]) for each in environment["providers"].values()}
    rows = [
        ("Data set", f"`{spec.dataset.type}`, split `{spec.dataset.split}`"),
        ("Latent", f"`{spec.latent.type}`, {spec.latent.dim} coordinates"),
        ("Generator", f"`{spec.generator.type}`"),
        ("Discriminator", f"`{spec.discriminator.type}`"),
        ("Loss", f"`{spec.loss.type}`"),
        ("Regularizers", ", ".join(f"`{each.type}`" for each in spec.regularizers) or "none"),
        (
            "Training",
            f"{training.duration}, batches of {training.batch_size}, {training.precision}",
        ),
        ("Samples from", "the last weights" if training.ema is None else "averaged weights (EMA)"),
        ("Seed", str(spec.seed)),
        ("Device", environment["device"]),
        ("Made with", ", ".join(f"{name} {version}" for name, version in sorted(providers))),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return f"## What was trained\n\n| | |\n|---|---|\n{table}"


def _evaluation(run: RunDirectory) -> list[str]:
    """Return the section on how good the samples are, where that was measured."""
    history = History(run)
    best, final = history.best, history.newest
    if final is None:
        return []
    shown, which = (final, "last") if best is None else (best, "best")
    table = [
        f"| | {which} (step {shown.step:,}) | last (step {final.step:,}) | baseline |",
        "|---|---|---|---|",
    ]
    table += [
        f"| `{last.name}` | {_number(value)} | {_number(last)} | {_baseline(last)} |"
        for value, last in zip(shown.report.values, final.report.values, strict=True)
    ]
    seconds = sum(each.report.seconds for each in history.points)
    text = (
        f"Measured {len(history.points)} times during training, in {seconds:.1f} s, against"
        f" {final.report.reference}. The baseline is what real samples get against other real samples."
        " `evaluation/` has the protocol of each number; those of different protocols cannot be"
        " compared."
    )
    deciding = None if best is None else history.deciding_value(best)
    if deciding is not None:
        text += (
            f" The best checkpoint was chosen by `{deciding.name}`, so that its own numbers flatter it"
            f" a little: `ganzoo evaluate {run.path} --checkpoint best` measures it on other samples."
        )
    sections = ["## Evaluation", text, "\n".join(table)]
    sections += [f"- {problem}" for problem in final.report.problems]
    if run.evaluation_plot_path.exists():
        sections.append(f"![Evaluations]({run.evaluation_plot_path.name})")
    return sections


def _number(value: Value) -> str:
    return "none" if value.mean is None else f"{value.mean:.4g}"


def _baseline(value: Value) -> str:
    return "" if value.baseline_value is None else f"{value.baseline_value:.4g}"


def _use(run: RunDirectory) -> str:
    return (
        "## Use\n\n"
        f"```shell\nganzoo sample {run.path}\n```\n\n"
        "```python\nimport ganzoo\n\n"
        f'samples = ganzoo.open_run("{run.path}").sample(64)  # (64, C, H, W) in [-1, 1]\n```'
    )


def _files() -> str:
    return (
        "## Files\n\n"
        "| file | what it holds |\n|---|---|\n"
        "| `spec.json` | the resolved spec; `ganzoo run spec.json` runs it again |\n"
        "| `environment.json` | versions, plugins, device, command |\n"
        "| `metrics.jsonl` | losses and mean logits of the discriminator, one line a logged step |\n"
        "| `samples/` | grids of samples from latents that stay the same; `real.png` is data |\n"
        "| `checkpoints/` | states to resume from: the newest, and the best where that is measured |\n"
        "| `evaluation/` | reports on how good the samples are, each number with its protocol |\n"
        "| `generator.safetensors` | weights that samples are made from |"
    )
