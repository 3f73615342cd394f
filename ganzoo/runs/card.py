"""The model card of a run: the README.md that makes a run directory self-documenting. Torch-free."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from ganzoo.components import Algorithm, Component
from ganzoo.runs.directory import RunDirectory
from ganzoo.runs.history import History
from ganzoo.runs.verdict import verdict_of
from ganzoo.utils.text import code, markdown, printable

UNFINISHED = "Training had taken"
"""How the card of a run that is not finished begins to say so."""

USE = """\
## Use

```shell
ganzoo sample {quoted}
```

```python
import ganzoo

samples = ganzoo.open_run({path}).sample(64)  # float32 (64, ...); images: (64, C, H, W) in [-1, 1]
```"""

FILES = """\
## Files

| file | contents |
|---|---|
| `spec.json` | the resolved spec; `ganzoo run spec.json` runs it again |
| `environment.json` | versions, plugins, device, command |
| `metrics.jsonl` | losses and mean logits of the discriminator, one line per logged step |
| `samples/` | grids of samples from fixed latents; `real.png` shows training data |
| `checkpoints/` | states to resume from: the newest, and the best if it was measured |
| `evaluation/` | reports on sample quality, each number with its protocol |
| `generator.safetensors` | weights of the generator that `ganzoo sample` uses |"""


MOST_CLASSES = 20
"""Names of classes that a card lists."""


def card(run: RunDirectory, step: int, total_steps: int) -> str:
    """Return the text of a run's README.md after a step of the training."""
    spec, path = run.spec, run.path
    quoted = shlex.quote(printable(str(path)).replace("\n", " "))
    sections = [f"# {spec.name}"]
    if spec.description:
        sections.append(markdown(spec.description))
    if step < total_steps:
        sections.append(
            f"{UNFINISHED} {step:,} of {total_steps:,} steps when this was written. If it is"
            f" not running, resume it exactly where it was saved with {code(f'ganzoo resume {quoted}')}."
        )
    grids = run.sample_grids()
    if grids:
        picture = grids[-1].relative_to(path).as_posix()
        drawn = int(grids[-1].stem.rpartition("-")[2])
        sections.append(f"![Samples after {drawn:,} steps]({picture})")
    if step >= total_steps:
        sections.append(f"## Verdict\n\n{verdict_of(run)}")
    sections += _findings(run)
    sections.append(_settings(run))
    sections += _evaluation(run)
    if step >= total_steps:
        sections.append(USE.format(quoted=quoted, path=json.dumps(str(path))))
    if run.losses_path.exists():
        sections.append(f"## Losses\n\n![Losses]({run.losses_path.name})")
    sections.append(FILES)
    return "\n\n".join(sections) + "\n"


def _findings(run: RunDirectory) -> list[str]:
    """Return what callbacks such as the watchdog warned of, if anything."""
    warned = [each for each in run.actions() if each["action"] == "warn"]
    reasons = [" ".join(markdown(each["reason"]).split()) for each in warned]
    lines = [f"- Step {each['step']:,}: {why}" for each, why in zip(warned, reasons, strict=True)]
    return ["## Findings\n\n" + "\n".join(lines)] if lines else []


def _settings(run: RunDirectory) -> str:
    spec, training = run.spec, run.spec.training
    versions = sorted({f"{each}" for each in run.providers().values()})
    length = f"{training.duration}, batches of {training.batch_size}, {training.precision}"
    weights = "the last weights" if training.ema is None else "averaged weights (EMA)"
    rows = [
        ("Data set", "; ".join(_data(run))),
        ("Algorithm", f"`{spec.algorithm.type}`"),
        *_parts(spec.algorithm),
        ("Training", length),
        *_origin(run.origin()),
        ("Samples drawn with", weights),
        ("Seed", str(spec.seed)),
        ("Device", markdown(run.environment().get("device", "not known"))),
        ("Versions", markdown(", ".join(versions)) or "not known"),
    ]
    table = "\n".join(f"| {name} | {' '.join(value.split())} |" for name, value in rows)
    return f"## Settings\n\n| | |\n|---|---|\n{table}"


def _data(run: RunDirectory) -> Iterator[str]:
    """Yield what was trained on: the data set, where it is, how many samples there are, and of what."""
    dataset, data = run.spec.dataset, run.environment().get("data")
    yield f"`{dataset.type}`, split `{dataset.split}`"
    path = getattr(dataset, "path", None)
    if isinstance(path, str):
        yield code(path)
    if data is not None:  # runs of ganzoo 0.2 have none
        yield f"{data['samples']:,} samples of shape ({', '.join(map(str, data['shape']))})"
        classes = data["classes"]
        if classes:
            some = ", ".join(map(markdown, classes[:MOST_CLASSES]))
            yield f"{len(classes)} classes: {some}{', …' if classes[MOST_CLASSES:] else ''}"
    if licence := dataset.licence():
        yield markdown(licence)


def _origin(origin: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the run that weights were taken from, if there is one."""
    if origin:
        how = "Branched from" if origin["kind"] == "branch" else "Initialized from"
        kept = ", ".join(f"{part} {count}" for part, count in origin["kept"].items())
        yield (
            how,
            f"{code(origin['run'])}, step {origin['step']:,} (tensors taken: {markdown(kept)})",
        )


def _parts(algorithm: Algorithm) -> Iterator[tuple[str, str]]:
    """Yield the name of each field of an algorithm with the components in it."""
    for name in type(algorithm).model_fields:
        value = getattr(algorithm, name)
        parts = value if isinstance(value, tuple) else (value,)
        types = [f"`{each.type}`" for each in parts if isinstance(each, Component)]
        if types:
            yield name.replace("_", " ").capitalize(), ", ".join(types)


def _evaluation(run: RunDirectory) -> list[str]:
    """Return the section on sample quality, if it was measured."""
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
        f"| `{last.name}` | {_number(value.mean)} | {_number(last.mean)} |"
        f" {_number(last.baseline_value, '')} |"
        for value, last in zip(shown.report.values, final.report.values, strict=True)
    ]
    seconds = sum(each.report.seconds for each in history.points)
    count = len(history.points)
    times = "once" if count == 1 else f"{count} times"
    text = (
        f"Measured {times} during training, in {seconds:.1f} s, against"
        f" {markdown(final.report.reference)}. The baseline is what real samples score against other"
        " real samples. `evaluation/` holds the protocol of each number; numbers measured under"
        " different protocols cannot be compared."
    )
    deciding = None if best is None else history.deciding_value(best)
    if deciding is not None:
        again = code(f"ganzoo evaluate {run.path} --checkpoint best")
        text += (
            f" The best checkpoint was selected by `{deciding.name}`, so its own numbers are slightly"
            f" optimistic: {again} measures it on other samples."
        )
    sections = ["## Evaluation", text, "\n".join(table)]
    sections += [f"- {markdown(problem)}" for problem in final.report.problems]
    if run.evaluation_plot_path.exists():
        sections.append(f"![Evaluations]({run.evaluation_plot_path.name})")
    return sections


def _number(value: float | None, missing: str = "none") -> str:
    return missing if value is None else f"{value:.4g}"
