"""The page of worked examples: the packages that tests install, train, stop, resume and sample from."""

from __future__ import annotations

from pathlib import Path

from generate.markdown import page

PACKAGES = Path(__file__).parents[2] / "tests" / "third_party" / "packages"

INTRODUCTION = """\
# Worked examples

Whole packages, less their `pyproject.toml`. Whenever ganzoo is tested, each of them is installed,
trained, stopped, resumed to the same last bit, and sampled from. They use nothing that is not public."""

ABOUT = {
    "ganzoo_ada": """\
## An augmentation that follows the discriminator { #ganzoo_ada }

`observes` has `observe` called with the logits of real samples. Whatever changes is a buffer, so it is
in checkpoints, and nothing is read from the device. A spec has
`"augmentation": {"type": "adaptive", "target": 0.6}`.""",
    "ganzoo_acgan": """\
## An auxiliary classifier { #ganzoo_acgan }

A discriminator with a second output, and an auxiliary loss that asks for it in `needs`. Use them with
`"auxiliary_losses": ["classification"]` and `"conditional": true` in both networks.""",
    "ganzoo_infogan": """\
## Latent codes that the discriminator reads { #ganzoo_infogan }

Three components that belong together. `check` sees the latent and the discriminator, and refuses a
pair that does not fit. A spec has `"latent": "codes"`, `"discriminator": "infogan"` and
`"auxiliary_losses": ["mutual_information"]`.""",
    "ganzoo_cyclegan": """\
## An algorithm with four networks { #ganzoo_cyclegan }

Fields, checks and a game that are not those of the standard algorithm: two translators, two
discriminators, and pools of earlier images as modules with buffers. A spec has
`"algorithm": "cyclegan"`, a data set of the type `unpaired`, `"generator": "residual"` and any
discriminator.""",
    "ganzoo_pathlength": """\
## A regularizer of the generator, with state { #ganzoo_pathlength }

Its moving mean is a buffer. `inputs.generator` is the generator before compilation, so that it can be
differentiated twice.""",
    "ganzoo_noise": """\
## A generator that draws noise { #ganzoo_noise }

`uses_noise` gives the network a random source. Samples are still determined by seed and index.""",
    "ganzoo_watchdog": """\
## Callbacks { #ganzoo_watchdog }

One stops a run, one changes a learning rate and saves. State between calls is in `state_dict`.""",
}
"""What each package shows, by its name, in the order of the page."""


def examples_page() -> str:
    """Return the page."""
    blocks = [INTRODUCTION]
    for name, about in ABOUT.items():
        blocks.append(about)
        blocks += [
            f'```python title="{path.relative_to(PACKAGES)}"\n{path.read_text(encoding="utf-8")}```'
            for path in package_files(name)
        ]
    return page(*blocks)


def package_files(name: str) -> list[Path]:
    """Return the modules of a package, the components first."""
    modules = sorted((PACKAGES / name).glob("*.py"), key=lambda path: path.name != "plugin.py")
    return [path for path in modules if path.name != "__init__.py"]
