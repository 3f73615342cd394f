"""Does the watchdog name illnesses, and is it silent otherwise?

``uv run python docs/studies/watchdog.py`` brings each illness about in a small run at a known step, and
notes the step at which the watchdog names it; then it trains the shipped recipes. It writes the tables
of ``watchdog.md`` anew.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from ganzoo_augmentations.components import DiffAugment
from ganzoo_devkit.testing import registered
from pydantic import Field

import ganzoo
from ganzoo.api import load_spec
from ganzoo.components import Callback, CallbackSetting, CallbackState, Control
from ganzoo.errors import TrainingError
from ganzoo.plugins import installed
from ganzoo.training import Numbers, TrainingView
from ganzoo.utils.files import write_atomically

PAGE = Path(__file__).with_suffix(".md")
ONSET = 600
ALLOWED = 200

RING: dict[str, Any] = {
    "dataset": "ring",
    "latent": {"type": "normal", "dim": 2},
    "generator": {
        "type": "mlp",
        "hidden": [64, 64],
        "activation": "relu",
        "output_activation": "identity",
    },
    "discriminator": {
        "type": "mlp",
        "hidden": [64, 64],
        "activation": {"type": "leaky_relu", "negative_slope": 0.2},
    },
    "generator_optimizer": {"type": "adam", "lr": 1e-3},
    "discriminator_optimizer": {"type": "adam", "lr": 1e-3},
    "training": {"duration": f"{ONSET + ALLOWED} steps", "batch_size": 128},
}
"""What most illnesses are brought about in: points on a ring, with the plain loss."""

LINEAR: dict[str, Any] = {
    **RING,
    "generator": {"type": "mlp", "hidden": [], "output_activation": "identity"},
    "discriminator": {"type": "mlp", "hidden": []},
    "loss": {"type": "wgan", "clip": None},
    "generator_optimizer": {"type": "sgd", "lr": 0.2},
    "discriminator_optimizer": {"type": "sgd", "lr": 0.2},
}

DIGITS: dict[str, Any] = {
    "latent": {"type": "normal", "dim": 32},
    "generator": {"type": "mlp", "hidden": [128], "activation": "relu"},
    "discriminator": {"type": "mlp", "hidden": [256, 128], "activation": "relu"},
    "generator_optimizer": {"type": "adam", "lr": 1e-3},
    "discriminator_optimizer": {"type": "adam", "lr": 2e-4},
    "training": {"duration": "2000 steps", "batch_size": 32},
}


def generator_stands_still(training: TrainingView, control: Control) -> None:
    """Move the samples away from the data, and train the generator no more."""
    layers(training, "generator")[-1].bias.add_(3.0)
    control.scale("generator", "lr", 0.0, "the study")


def samples_shrink(training: TrainingView, control: Control) -> None:
    """Make all samples nearly the same, and let the generator leave that slowly only."""
    layers(training, "generator")[-1].weight.mul_(0.01)
    control.scale("generator", "lr", 0.01, "the study")


def samples_share_an_image(training: TrainingView, control: Control) -> None:
    """Make all samples the same image under noise."""
    del control
    rng = torch.Generator().manual_seed(training.seed)
    training.game.networks["generator"].register_forward_hook(
        lambda _, __, x: x[:1] + 0.05 * torch.randn(x.shape, generator=rng)
    )


def statistics_are_off(training: TrainingView, control: Control) -> None:
    """Spoil the statistics by which batch norm replaces those of a batch when it samples."""
    del control
    for module in training.game.networks["generator"].modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            assert module.running_var is not None
            module.running_var.mul_(1e12)
            module.momentum = 0.0


def units_die(training: TrainingView, control: Control) -> None:
    """Move a layer of ReLUs below zero for all inputs."""
    del control
    layers(training, "generator")[-2].bias.sub_(100.0)


def gradients_explode(training: TrainingView, control: Control) -> None:
    """Multiply the generator's gradient."""
    del control
    for parameter in training.game.networks["generator"].parameters():
        parameter.register_hook(lambda gradient: gradient * 1e4)  # type: ignore[no-untyped-call] # torch's


def discriminator_is_sure(training: TrainingView, control: Control) -> None:
    """Move the samples far away from the data, where the minimax loss is flat."""
    del control
    layers(training, "generator")[-1].bias.add_(30.0)


def rate_is_too_high(training: TrainingView, control: Control) -> None:
    """Multiply the discriminator's learning rate."""
    del training
    control.scale("discriminator", "lr", 300.0, "the study")


def networks_are_pushed(training: TrainingView, control: Control) -> None:
    """Move the samples away from the data; the spec takes the penalty away at the same step."""
    del control
    layers(training, "generator")[-1].bias.add_(1.0)


def samples_are_augmented(training: TrainingView, control: Control) -> None:
    """Augment what the generator makes, as if it had learned to."""
    del control
    augment, rng = DiffAugment().build(), torch.Generator().manual_seed(training.seed)
    training.game.networks["generator"].register_forward_hook(
        lambda _, __, samples: augment(samples, rng)
    )


def nothing(training: TrainingView, control: Control) -> None:
    """Leave the run as it is: the spec itself has the illness."""
    del training, control


def layers(training: TrainingView, network: str) -> list[torch.nn.Linear]:
    """Return the linear layers of a network."""
    modules = training.game.networks[network].modules()
    return [each for each in modules if isinstance(each, torch.nn.Linear)]


PENALTY = {
    "type": "r1",
    "weight": {"type": "sequence", "parts": [1.0, 0.0], "at": [ONSET / (ONSET + ALLOWED)]},
}
"""A penalty that keeps linear networks from running in circles, until it is taken away."""

ILLNESSES: dict[str, tuple[str, Callable[[TrainingView, Control], None], dict[str, Any], str]] = {
    "discriminator_won": (
        "discriminator_won",
        generator_stands_still,
        RING,
        "samples moved away, generator not trained",
    ),
    "collapse": (
        "collapse",
        samples_shrink,
        RING,
        "samples shrunk to 1 %, generator trained slowly",
    ),
    "collapse-in-features": (
        "collapse",
        samples_share_an_image,
        DIGITS | {"dataset": "mnist-5k", "training": RING["training"]},
        "one image for all, under noise",
    ),
    "collapse-of-the-grid": (
        "collapse",
        statistics_are_off,
        RING | {"generator": {**RING["generator"], "normalization": "batch"}},
        "wrong statistics in batch norm, which only sampling uses",
    ),
    "dead_generator": ("dead_generator", units_die, RING, "the last ReLUs moved below zero"),
    "exploding_gradients": (
        "exploding_gradients",
        gradients_explode,
        RING,
        "the generator's gradient times 10,000",
    ),
    "vanishing_gradients": (
        "vanishing_gradients",
        discriminator_is_sure,
        RING | {"loss": "minimax"},
        "minimax loss, samples moved far away",
    ),
    "oscillation": (
        "oscillation",
        networks_are_pushed,
        LINEAR | {"regularizers": [PENALTY]},
        "linear networks, r1 taken away",
    ),
    "divergence": (
        "divergence",
        rate_is_too_high,
        RING | {"loss": {"type": "wgan", "clip": None}},
        "wgan without a bound, learning rate times 300",
    ),
    "divergence-at-once": (
        "divergence",
        nothing,
        RING
        | {
            "generator_optimizer": {"type": "adam", "lr": 0.5},
            "discriminator_optimizer": {"type": "adam", "lr": 0.5},
        },
        "learning rates of 0.5 from the first step on",
    ),
    "leaking_augmentation": (
        "leaking_augmentation",
        samples_are_augmented,
        DIGITS
        | {
            "dataset": "mnist-5k",
            "augmentation": "diffaugment",
            "training": {"duration": f"{ONSET + ALLOWED} steps", "batch_size": 64},
        },
        "the generator's samples changed by diffaugment",
    ),
    "memorization": (
        "memorization",
        nothing,
        DIGITS,
        "40 digits, the discriminator's gap on all samples above half",
    ),
}
"""Its name, what brings it about, in which spec, and in words; a name may be there several times."""


class Inject(Callback):
    """Does something to a run after a step, and measures when a discriminator memorizes."""

    type: Literal["inject"] = "inject"
    illness: str = Field(description="What to bring about.")

    def build(self, setting: CallbackSetting) -> CallbackState:
        """Build what does it."""
        del setting
        return _Inject(self.illness)


class _Inject(CallbackState):
    def __init__(self, illness: str) -> None:
        self._illness = illness

    def on_start(self, training: TrainingView) -> None:
        self._training = training
        self._checks: list[bool] = []

    def on_step(self, step: int, numbers: Numbers, control: Control) -> None:
        del numbers
        if self._illness == "memorization":
            if step % 10 == 0 and self._checks[-3:] != [True] * 3:
                self._checks.append(self._memorizes())
                if self._checks[-3:] == [True] * 3:
                    control.log({"study/onset": step - 20})
        elif step == ONSET:
            with torch.no_grad():
                ILLNESSES[self._illness][1](self._training, control)

    def _memorizes(self) -> bool:
        """Say whether half of the gap is between training and held-out samples, on all of them."""
        training, (adversary,) = self._training, self._training.game.adversaries
        held_out = training.held_out()
        assert held_out is not None
        assert adversary.last is not None
        known, new = (
            adversary.quiet(
                split.space.decode(torch.from_numpy(split.samples), torch.float32), None
            )[0]
            for split in (training.split, held_out)
        )
        fake = adversary.quiet(adversary.last[0].fake, None)[0]
        return bool((known.mean() - new.mean()) > 0.5 * (known.mean() - fake.mean()).abs())


def small_digits(folder: Path, seed: int) -> dict[str, Any]:
    """Write 40 digits to train on and 500 others; return the data set of a spec."""
    dataset = load_spec("digits").dataset
    rng = np.random.default_rng(seed)
    train, test = (dataset.build(name).samples for name in ("train", "test"))
    chosen = rng.choice(len(train), 40, replace=False)
    path = folder / f"digits-{seed}.npz"
    np.savez(path, train_images=train[chosen], test_images=test[:500])
    return {"type": "arrays", "path": str(path)}


def ill_run(illness: str, seed: int, folder: Path) -> tuple[int, int | None, list[str]]:
    """Train a run with an illness.

    Returns:
        The step of onset, the first step at which the illness was named, and all that was named.
    """
    spec = {
        **ILLNESSES[illness][2],
        "seed": seed,
        "callbacks": [{"type": "inject", "illness": illness}],
        "output": {"log_every": "10 steps", "samples": 1},
    }
    if illness == "memorization":
        spec["dataset"] = small_digits(folder, seed)
    path = folder / f"{illness}-{seed}"
    with suppress(TrainingError):  # numbers that are not finite are one of the illnesses
        ganzoo.run(spec, output=path)
    run = ganzoo.open_run(path)
    named = [each for each in run.actions() if each["action"] == "warn"]
    name = ILLNESSES[illness][0]
    onset = 0 if illness == "divergence-at-once" else ONSET
    if illness == "memorization":
        onsets = [line["study/onset"] for line in run.metrics() if "study/onset" in line]
        onset = int(onsets[0]) if onsets else -1
    first = next((each["step"] for each in named if each["finding"] == name), None)
    return onset, first, [f"{each['finding']} ({each['step']})" for each in named]


STAND_IN = 'dataset={"type": "mnist-5k"}'
"""In place of data sets that must be downloaded."""

VARIANTS = {"digits with diffaugment": ['augmentation="diffaugment"']}
"""Recipes with changes, by names whose first word is the recipe's."""


def recipe_run(
    name: str, steps: int | None, seed: int, folder: Path
) -> tuple[int, bool, list[str]]:
    """Train a recipe, or its first steps.

    Returns:
        Its steps, whether it had other data than its own, and what the watchdog named.
    """
    changes = [*VARIANTS.get(name, []), "evaluation=null", f"seed={seed}", "device=cpu"]
    if steps is not None:
        changes.append(f'training.duration="{steps} steps"')
    spec = load_spec(name.partition(" ")[0], overrides=changes)
    stands_in = spec.dataset.type == "torchvision"
    if stands_in:
        spec = load_spec(name.partition(" ")[0], overrides=[*changes, STAND_IN])
    run = ganzoo.run(spec, output=folder / f"{name}-{steps}-{seed}".replace(" ", "-"))
    named = [each for each in run.actions() if each["action"] == "warn"]
    return (
        run.directory.checkpoint_steps()[-1],
        stands_in,
        [f"{each['finding']} (seed {seed}, step {each['step']})" for each in named],
    )


def illness_row(illness: str, seeds: Sequence[int], folder: Path) -> str:
    """Return the row of an illness."""
    onsets, delays, others = [], [], set()
    for seed in seeds:
        onset, named, everything = ill_run(illness, seed, folder)
        onsets.append(str(onset))
        delays.append("not named" if named is None else str(named - onset))
        others |= {each for each in everything if not each.startswith(ILLNESSES[illness][0])}
    also = ", ".join(sorted(others)) or "nothing"
    where = ", ".join(dict.fromkeys(onsets))
    name, _, _, words = ILLNESSES[illness]
    return f"| {name} | {words} | {where} | {', '.join(delays)} | {also} |"


def recipe_row(name: str, steps: int | None, seeds: Sequence[int], folder: Path) -> str:
    """Return the row of a recipe."""
    runs = [recipe_run(name, steps, seed, folder) for seed in seeds]
    taken, stands_in, _ = runs[0]
    data = "mnist-5k as a stand-in" if stands_in else "its own"
    named = ", ".join(each for _, _, found in runs for each in found) or "nothing"
    return f"| {name} | {taken:,} | {data} | {', '.join(map(str, seeds))} | {named} |"


def rewrite(section: str, row: str) -> None:
    """Put a row in its table on the page, in place of one with the same first two cells."""
    print(row, flush=True)  # noqa: T201 - a program that prints
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(f"<!-- {section} -->\n", 1)
    old, after = rest.split("<!-- end -->", 1)
    rows = {tuple(each.split("|")[:3]): each for each in [*old.splitlines(), row]}
    table = "\n".join(rows.values())
    write_atomically(PAGE, f"{before}<!-- {section} -->\n{table}\n<!-- end -->{after}")


def main() -> None:
    """Run the study, or a part of it."""
    recipes = [*installed().recipes, *VARIANTS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["illnesses", "recipes"])
    parser.add_argument("--only", nargs="+", choices=[*ILLNESSES, *recipes], metavar="NAME")
    parser.add_argument(
        "--seeds", nargs="+", type=int, help="default: 3 for illnesses, 5 for recipes"
    )
    parser.add_argument("--steps", type=int, help="of recipes; default: all that they have")
    parser.add_argument("--keep", type=Path, help="where to keep the runs; default: nowhere")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary, registered(Inject):
        folder = chosen.keep or Path(temporary)
        if chosen.part == "illnesses":
            for illness in chosen.only or ILLNESSES:
                rewrite("illnesses", illness_row(illness, chosen.seeds or range(3), folder))
        else:
            for name in chosen.only or recipes:
                rewrite("recipes", recipe_row(name, chosen.steps, chosen.seeds or range(5), folder))


if __name__ == "__main__":
    main()
