"""What can be wrong with a training, told from a few numbers of each look at it. Torch-free.

A *look* is a dictionary of numbers, taken every so many steps; ``ganzoo.builtin.watching`` takes them.
A number that a run does not have is missing. For each illness there is a function from the last looks to
a finding; most have to show in two looks in a row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

Look = dict[str, float]
"""Numbers of one look.

- ``step``
- ``loss``, ``highest_loss``: mean and maximum since the last look of the discriminator's loss, as a
  fraction of that of one that knows nothing
- ``real``, ``fake``: its mean logits since the last look; ``logit``: the largest of a step
- ``spread``, ``nearest``: distance of generated samples from each other, and from the nearest other one,
  as fractions of the same among real samples; ``grid``, ``features``: the first for the fixed grid, and
  in what the discriminator's last layer reads
- ``gradient/<optimizer>``, ``weights/<optimizer>``: norms
- ``swing``, ``rhythm``, ``period``: how far mean logits go to and fro, in standard deviations of a
  batch; which fraction of that has one period; and the period in steps
- ``memory``, ``memory_t``: how much more real training samples look than held-out ones, as a fraction of
  the gap to generated samples, and in standard errors
- ``leak``, ``leak_share``: distance of generated samples from augmented real ones, as a fraction of
  their distance from real ones, and of the distance between augmented and other real ones
"""

WARM_UP = 10
"""Looks before which a discriminator may be far ahead and samples bad: most generators catch up."""

HISTORY = 60
"""Looks that are remembered."""

BEYOND = 1e300
"""Stands in a look for a number that is not finite, which JSON does not have."""


@dataclass(frozen=True)
class Finding:
    """An illness: its name, the evidence in numbers, and what helps."""

    name: str
    evidence: str
    help: str

    def __str__(self) -> str:
        """Return it in one line."""
        return f"{self.evidence}. {self.help}"


def findings(looks: Sequence[Look]) -> list[Finding]:
    """Return what the last looks show, the gravest first."""
    found = [each for check in CHECKS if looks and (each := check(looks)) is not None]
    names = {each.name for each in found}
    hidden = {name for stronger, weaker in IMPLIES.items() if stronger in names for name in weaker}
    return [each for each in found if each.name not in hidden]


def _divergence(looks: Sequence[Look]) -> Finding | None:
    """Logits or weights grow so fast that they will soon not be finite."""
    for name, words in _growing(looks[-1]):
        *before, last = _values(looks, name)
        if not before and name != "logit":  # untrained weights may have any norm, logits are near 0
            continue
        usual = max([1.0, *(before[:-2] or before[:1])])
        recent = [*before[-2:], last]
        grows = len(recent) == 3 and all(b >= 1.5 * a for a, b in pairwise(recent))
        if last > (300 if grows else 1000) * usual:
            now = "is not finite now" if last >= BEYOND else f"is {last:.3g} now"
            return Finding(
                "divergence",
                f"training is about to diverge: {words} was at most {usual:.3g}, and {now}",
                "Lower the learning rates, or add a gradient penalty (r1), spectral_norm or clip_norm",
            )
    return None


def _growing(look: Look) -> Iterator[tuple[str, str]]:
    if "logit" in look:
        yield "logit", "the mean logit of the discriminator"
    for name in _named(look, "weights/"):
        yield name, f"the norm of the {name.partition('/')[2]}'s weights"


def _exploding(looks: Sequence[Look]) -> Finding | None:
    for name in _named(looks[-1], "gradient/"):
        values = _values(looks, name)
        for count, factor in ((1, 1000.0), (2, 20.0)):
            before, last = values[:-count], values[-count:]
            usual = max(before, default=math.inf)
            if len(before) >= 2 and usual > 0 and min(last) > factor * usual:
                return Finding(
                    "exploding_gradients",
                    f"the gradient of the {name.partition('/')[2]} exploded: its norm is"
                    f" {last[-1]:.3g}, and was at most {usual:.3g} before",
                    "Set clip_norm of its optimizer, lower its learning rate, or add a gradient penalty",
                )
    return None


def _dead(looks: Sequence[Look]) -> Finding | None:
    for name, low, words in (
        ("spread", 1e-3, "its samples differ {:.2g} times as much as real ones"),
        ("gradient/generator", 1e-12, "its gradient has the norm {:.2g}"),
    ):
        last = _values(looks, name)[-2:]
        if len(last) == 2 and max(last) < low:
            return Finding(
                "dead_generator",
                f"the generator is dead: {words.format(last[-1])}",
                "Look at the last layer and its activation (a dead ReLU, a saturated tanh), lower the"
                " generator's learning rate, and branch from an earlier checkpoint",
            )
    return None


def _collapse(looks: Sequence[Look]) -> Finding | None:
    for name, low, words in (
        ("spread", 0.05, "they differ from each other"),
        ("nearest", 0.1, "they differ from the most similar other one"),
        ("grid", 0.05, "those of the fixed grid differ from each other"),
        ("features", 0.1, "their features in the discriminator differ"),
    ):
        values = _values(looks, name)
        last, best = values[-2:], max(values[:-2], default=0.0)
        never = name == "spread" and len(values) >= 2 * WARM_UP and max(values) < low
        if len(last) == 2 and max(last) < low and (best >= 0.3 or never):
            return Finding(
                "collapse",
                f"the samples have collapsed: {words} {last[-1]:.2g} times as much as real ones"
                f" do, after {max(best, last[-1]):.2g} at best",
                "Lower the generator's learning rate, add a gradient penalty (r1, r2) or a relativistic"
                " loss, enlarge the batch, or pack samples (discriminator.pack)",
            )
    return None


def _discriminator_won(looks: Sequence[Look]) -> Finding | None:
    losses, highest = _values(looks, "loss"), _values(looks, "highest_loss")
    if len(losses) < WARM_UP or highest[-1] >= 0.1:
        return None
    # Many that are far ahead stay so, and their generators learn; this one gets ahead without an answer.
    falls = all(after < 0.6 * before for before, after in pairwise(losses[-4:]))
    if not (falls and losses[-1] < 0.02) and max(losses[-2:]) >= 0.001:
        return None
    last = looks[-1]
    return Finding(
        "discriminator_won",
        f"the discriminator has won: its loss is {last['loss']:.2g} times that of a guess, with mean"
        f" logits {last['real']:.3g} for real and {last['fake']:.3g} for generated samples",
        "Lower the discriminator's learning rate, regularize it (r1, spectral_norm) or augment the data",
    )


def _vanishing(looks: Sequence[Look]) -> Finding | None:
    for name in _named(looks[-1], "gradient/"):
        values = _values(looks, name)
        last, before = values[-2:], values[:-2]
        usual = median(before) if len(before) >= 2 else 0.0
        sure = name != "gradient/generator" and looks[-1].get("loss", 1.0) < 0.1
        # A discriminator that is sure has little to learn.
        if max(last) < 0.01 * usual and not sure:
            return Finding(
                "vanishing_gradients",
                f"the gradient of the {name.partition('/')[2]} has vanished: its norm is"
                f" {last[-1]:.2g}, and its median was {usual:.2g}",
                "Use a loss that does not saturate (bce rather than minimax), weaken the"
                " discriminator, or lower learning rates",
            )
    return None


def _oscillation(looks: Sequence[Look]) -> Finding | None:
    swings, rhythms = _values(looks, "swing"), _values(looks, "rhythm")
    if len(swings) < 2 or min(swings[-2:]) < 1.5 or min(rhythms[-2:]) < 0.9:
        return None
    before, period = _values(looks, "period")[-2:]
    if not 0.75 < period / before < 1.33:
        return None
    return Finding(
        "oscillation",
        f"the networks chase each other in circles: mean logits swing by {swings[-1]:.2g} standard"
        f" deviations of a batch every {period:.0f} steps",
        "Add a gradient penalty (r1), lower beta1 of Adam to 0 or 0.5, or lower the learning rates",
    )


def _memorization(looks: Sequence[Look]) -> Finding | None:
    gaps, errors = _values(looks, "memory"), _values(looks, "memory_t")
    if len(gaps) < 2 or min(gaps[-2:]) < 0.35 or min(errors[-2:]) < 4:
        return None
    return Finding(
        "memorization",
        f"the discriminator memorizes the training samples: of its gap between real and generated"
        f" samples, {min(gaps[-1], 1):.0%} is between training and held-out ones",
        "Augment the data, take more of it, regularize the discriminator (r1, dropout), or stop earlier",
    )


def _leak(looks: Sequence[Look]) -> Finding | None:
    # Samples that are still bad may be nearer to augmented ones, but they are far from both.
    leaks, shares = _values(looks, "leak"), _values(looks, "leak_share")
    if len(leaks) < WARM_UP or max(leaks[-3:] + shares[-3:]) > 0.5:
        return None
    return Finding(
        "leaking_augmentation",
        f"the augmentation shows in the samples: they are {leaks[-1]:.2g} times as far from augmented"
        " real samples as from those that are not augmented",
        "Leave out the operation that shows, weaken it, or apply it to a part of the samples only",
    )


CHECKS: tuple[Callable[[Sequence[Look]], Finding | None], ...] = (
    _divergence,
    _exploding,
    _dead,
    _collapse,
    _discriminator_won,
    _vanishing,
    _oscillation,
    _memorization,
    _leak,
)

IMPLIES = {
    "dead_generator": ("collapse", "vanishing_gradients"),
    "divergence": ("exploding_gradients", "oscillation"),
}
"""What an illness explains, so that it is not named beside it."""


def _named(look: Look, prefix: str) -> list[str]:
    return [name for name in look if name.startswith(prefix)]


def _values(looks: Sequence[Look], name: str) -> list[float]:
    return [look[name] for look in looks if name in look]
