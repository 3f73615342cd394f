"""The model card of a model folder, which model hubs read, too. Torch-free."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ganzoo.runs import RunDirectory
from ganzoo.runs.report import Value, read_report
from ganzoo.utils.text import code, markdown

if TYPE_CHECKING:
    from ganzoo.runs.generator import LoadedSampler

HEAD = """\
---
library_name: ganzoo
tags:
- gan
- ganzoo
---

# {name}"""

USE = """\
## Use

```shell
pip install {packages}
ganzoo sample FOLDER
```

```python
import ganzoo

run = ganzoo.open_run("FOLDER")
samples = run.sample(64, seed=0)
network = run.generator()
```

`FOLDER` is where this card is. It needs neither the data nor the run. Its files are JSON and
safetensors; reading them runs no code."""

PLUGINS = """ The folder has code of its own, in `plugins/`, which is run only with
`--trust`, or after a question."""


def model_card(folder: RunDirectory, loaded: LoadedSampler) -> str:
    """Return the text of the README.md of a model folder."""
    spec = json.loads(folder.spec_path.read_bytes())
    sections = [HEAD.format(name=markdown(spec["name"]))]
    if spec["description"]:
        sections.append(markdown(spec["description"]))
    if (folder.path / "samples.png").exists():
        sections.append("![Samples](samples.png)")
    packages = sorted({each.name for each in folder.providers().values()} | {"ganzoo"})
    use = USE.format(packages=" ".join(map(shlex.quote, packages)))
    sections.append(use + (PLUGINS if spec["plugins"] else ""))
    sections.append("## How it was made\n\n| | |\n|---|---|\n" + "\n".join(_rows(folder, loaded)))
    scores = list(_scores(folder))
    if scores:
        sections.append(
            "## Scores\n\nOf these weights. Real data is what real samples score against other real"
            " samples. `evaluation/` has the protocol of each number; numbers of different protocols"
            " cannot be compared.\n\n| | value | real data |\n|---|---|---|\n" + "\n".join(scores)
        )
    return "\n\n".join(sections) + "\n"


def newest_values(folder: RunDirectory) -> list[Value]:
    """Return the newest value of each quantity that was measured of the weights in a model folder."""
    paths = [*folder.training_reports().values(), *folder.reports()]
    found = {value.name: value for path in paths for value in read_report(path).values}
    return list(found.values())


def _rows(folder: RunDirectory, loaded: LoadedSampler) -> Iterator[str]:
    spec, environment = json.loads(folder.spec_path.read_bytes()), folder.environment()
    dataset = folder.spec.dataset
    licence = dataset.licence()
    size = sum(each.numel() for each in loaded.sampler.network.state_dict().values())
    command = " ".join(shlex.quote(str(each)) for each in environment.get("command", []))
    rows = {
        **({"Command": code(command)} if command else {}),
        "To train it again": "`ganzoo run spec.json`",
        "Data": f"`{dataset.type}`, split `{dataset.split}`",
        "Licence of the data": "not known" if licence is None else markdown(licence),
        "Seed": str(spec["seed"]),
        "Steps": f"{loaded.step:,}, batches of {spec['training']['batch_size']}",
        "Weights": f"{size:,} numbers, {'averaged' if loaded.weights == 'ema' else 'the last ones'}",
        "Versions": ", ".join(sorted({str(each) for each in folder.providers().values()})),
    }
    for name, value in rows.items():
        yield f"| {name} | {' '.join(value.split())} |"


def _scores(folder: RunDirectory) -> Iterator[str]:
    for value in newest_values(folder):
        real = "" if value.baseline_value is None else f"{value.baseline_value:.4g}"
        mean = "none" if value.mean is None else f"{value.mean:.4g}"
        spread = "" if value.std is None else f" ± {value.std:.2g}"
        yield f"| `{value.name}` | {mean}{spread} | {real} |"
