"""An algorithm or a callback that is broken in one way is caught by one check."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar, Literal

import pytest
import torch
from ganzoo_devkit.testing.training import placed
from ganzoo_devkit.testing.trials import TINY, registered
from pydantic import Field

from ganzoo.components import (
    Algorithm,
    Callback,
    CallbackState,
    Discriminator,
    Generator,
    Latent,
    Loss,
    Optimizer,
    Setting,
    Translator,
    component_field,
)
from ganzoo.nn import parametrized
from ganzoo.training import (
    AdversarialBatch,
    Adversary,
    Game,
    LatentSampler,
    TranslatingSampler,
)


class Duel(Algorithm):
    """One step of each network, built from what is public."""

    type: Literal["broken"] = "broken"
    generator: Generator = Field(description="Generates.")
    discriminator: Discriminator = Field(description="Discriminates.")
    latent: Latent = component_field("uniform", dim=5, description="Latents.")
    loss: Loss = component_field("bce", description="Loss.")
    optimizer: Optimizer = component_field("adam", description="Optimizer of both.")
    game: ClassVar[Any]

    @property
    def optimizers(self):
        return ("generator", "discriminator")

    def build(self, data, context):
        return self.game(self, data, context)

    def build_sampler(self, data):
        latent = self.latent
        generator = self.generator.build(latent.dim, data.sample_shape, None)
        return LatentSampler(parametrized(generator, self.generator), latent.build(), latent.dim)


class DuelGame(Game):
    def __init__(self, algorithm, data, context):
        self.context, self.sampler = context, algorithm.build_sampler(data)
        setting = Setting(data, data.samples, None, algorithm.discriminator)
        self.adversary = Adversary(context, setting, loss=algorithm.loss)
        context.place(self.sampler)
        self.generator = context.compiled(self.sampler.generator)
        self.networks = {"generator": self.sampler.generator, **self.adversary.modules}
        self.optimizers = {
            "generator": context.optimizer(algorithm.optimizer, generator=self.sampler.generator),
            "discriminator": context.optimizer(algorithm.optimizer, **self.adversary.trained),
        }

    def step(self, next_batch, step, progress):
        batch, numbers = next_batch(), {}
        for name in ("discriminator", "generator"):
            loss_of = partial(
                getattr(self.adversary, f"{name}_loss"), index=step, progress=progress
            )
            numbers |= self.update(name, self.pairs(batch), loss_of, progress)
        return numbers

    def pairs(self, batch):
        for part, fraction in self.parts(batch):
            yield AdversarialBatch(part.sample, self.generate(part)), fraction

    def parts(self, batch):
        return self.context.split(batch)

    def generate(self, part):
        z = self.sampler.latent(len(part), self.context.rng)
        with self.context.autocast():
            return self.generator(z, None).to(self.context.dtype)

    def update(self, name, parts, loss_of, progress):
        return self.optimizers[name].update(parts, loss_of, progress)


Duel.game = DuelGame


class Nameless(Duel):
    """Leaves the generator out of the networks."""

    class game(DuelGame):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.networks = dict(self.adversary.modules)


class Renamed(Duel):
    """Calls its optimizers otherwise than it says."""

    @property
    def optimizers(self):
        return ("g", "d")


class Other(Duel):
    """Samples with another network than it trains."""

    def build_sampler(self, data):
        sampler = super().build_sampler(data)
        if not self._building(data):
            sampler.generator.spare = torch.nn.Linear(1, 1)
        return sampler

    def _building(self, data):
        import inspect

        return any(frame.function == "__init__" for frame in inspect.stack())


class Hungry(Duel):
    """Takes two batches and says that it takes one."""

    class game(DuelGame):
        def step(self, next_batch, step, progress):
            next_batch()
            return super().step(next_batch, step, progress)


class Frozen(Duel):
    """Never updates the generator."""

    class game(DuelGame):
        def update(self, name, parts, loss_of, progress):
            if name == "generator":
                return {}
            return super().update(name, parts, loss_of, progress)


class Whole(Duel):
    """Has no use for 'accumulation'."""

    class game(DuelGame):
        def parts(self, batch):
            return [(batch, None)]


class Summed(Duel):
    """Adds up the gradients of parts as if each were a batch."""

    class game(DuelGame):
        def parts(self, batch):
            return [(part, None) for part, _ in self.context.split(batch)]


class Plain(Duel):
    """Computes in single precision."""

    class game(DuelGame):
        def __init__(self, algorithm, data, context):
            super().__init__(algorithm, data, context)
            self.adversary._compiled = Exactly(self.adversary.network)

        def generate(self, part):
            return self.generator(self.sampler.latent(len(part), self.context.rng), None)


class Exactly(torch.nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, *arguments):
        with torch.autocast("cpu", enabled=False):
            return self.network(*arguments)


class Eager(Duel):
    """Is never compiled."""

    class game(DuelGame):
        def __init__(self, algorithm, data, context):
            context.compiled.__func__  # noqa: B018 - it exists
            object.__setattr__(context, "compiled", lambda network: network)
            super().__init__(algorithm, data, context)


class Honest(Eager, Whole):
    """Names what it has no use for."""

    unused: ClassVar[Any] = frozenset({"accumulation", "compile"})

    class game(Eager.game, Whole.game):
        pass


class Counting(Duel):
    """Counts steps where no checkpoint sees it."""

    class game(DuelGame):
        steps = 0

        def step(self, next_batch, step, progress):
            self.steps += 1
            return super().step(next_batch, step, progress)

        def generate(self, part):
            return super().generate(part) / self.steps


class Graphs(Duel):
    """Gives numbers that carry a graph."""

    class game(DuelGame):
        def step(self, next_batch, step, progress):
            numbers = super().step(next_batch, step, progress)
            return {**numbers, "norm": next(self.sampler.generator.parameters()).norm()}


class Confused(Duel):
    """Raises where it should yield problems."""

    def check(self, data, training):
        if data.samples.kind == "points":
            raise TypeError("points")
        return ()


class Translating(Algorithm):
    """A translator against a discriminator, on pairs or without."""

    type: Literal["translating"] = "translating"
    generator: Translator = Field(description="Translates.")
    discriminator: Discriminator = Field(description="Discriminates.")
    loss: Loss = component_field("bce", description="Loss.")
    optimizer: Optimizer = component_field("adam", description="Optimizer of both.")

    @property
    def optimizers(self):
        return ("generator", "discriminator")

    def check(self, data, training):
        from ganzoo.errors import Problem

        if data.source is None:
            yield Problem("dataset", "it has no sources")

    def build(self, data, context):
        return TranslatingGame(self, data, context)

    def build_sampler(self, data):
        network = self.generator.build(data.source.shape, data.sample_shape, None)
        return TranslatingSampler(parametrized(network, self.generator))


class TranslatingGame(DuelGame):
    def __init__(self, algorithm, data, context):
        sampler = algorithm.build_sampler(data)
        sampler.generator = sampler.translator
        algorithm = algorithm.model_copy()
        object.__setattr__(algorithm, "build_sampler", lambda data: sampler)
        super().__init__(algorithm, data, context)
        del sampler.generator

    def generate(self, part):
        with self.context.autocast():
            return self.generator(part.source, None).to(self.context.dtype)


class Patience(Callback):
    """Halves the learning rate where a number stops falling, and then stops."""

    type: Literal["broken"] = "broken"
    quantity: str = Field(default="loss/generator", description="What is watched.")

    def build(self, setting):
        return self.state(self.quantity)


class Waiting(CallbackState):
    def __init__(self, quantity):
        self.quantity, self.best, self.waited = quantity, None, 0

    def on_log(self, step, metrics, control):
        if self.best is None or metrics[self.quantity] < self.best:
            self.best, self.waited = metrics[self.quantity], 0
            return
        self.waited += 1
        if self.waited == 2:
            control.scale("generator", "lr", self.factor(), "it no longer falls")
        if self.waited > 4:
            control.stop(self.reason())

    def factor(self):
        return 0.5

    def reason(self):
        return "it no longer falls"

    def state_dict(self):
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state):
        self.best, self.waited = state["best"], state["waited"]


Patience.state = Waiting


class Forgetful(Patience):
    """Forgets how long it has waited."""

    class state(Waiting):
        def load_state_dict(self, state):
            self.best = state["best"]


class Tuples(Patience):
    """Has a tuple in its state."""

    class state(Waiting):
        def state_dict(self):
            return {**super().state_dict(), "pair": (1, 2)}


class Wordless(Patience):
    """Stops without a reason."""

    class state(Waiting):
        def reason(self):
            return ""


class Negative(Patience):
    """Turns the learning rate round."""

    class state(Waiting):
        def factor(self):
            return -1.0


class Curious(Patience):
    """Reaches for what a control does not have."""

    class state(Waiting):
        def on_save(self, step, control):
            control.scale(control.run, "lr", 1.0, "why")


class Function(Patience):
    """Builds a function."""

    def build(self, setting):
        return print


class Hasty(Patience):
    """Takes it for granted that there are optimizers."""

    def check(self, setting):
        setting.optimizers[0]


BROKEN = [
    (Nameless, "networks", "weights of the sampler are in none of 'networks'"),
    (Renamed, "networks", "'optimizers' says g, d, and generator, discriminator are built"),
    (Other, "networks", "differ in generator.spare.bias, generator.spare.weight"),
    (Hungry, "step", "a step takes 2 batches, and 'batches_per_step' says 1"),
    (Frozen, "step", "a step does not change generator"),
    (Graphs, "step", "number 'norm' carries a graph"),
    (Whole, "unused", "'training.accumulation' has no effect"),
    (Plain, "unused", "'training.precision' has no effect"),
    (Eager, "unused", "'training.compile' has no effect"),
    (Summed, "accumulation", "gradients of two parts of a batch are 2 times those"),
    (Counting, "training", "a run stopped and resumed differs from one that was not"),
    (Confused, "refusals", "'check' raises TypeError (points) for samples (2,)"),
    (
        Forgetful,
        "actions",
        "after its state was saved and loaded, a callback acts otherwise",
    ),
    (Tuples, "actions", "it went through JSON"),
    (Wordless, "actions", "the reason of 'stop' is ''"),
    (Negative, "actions", "a schedule is scaled by -1.0"),
    (Curious, "actions", "AttributeError was raised"),
    (Function, "actions", "'build' gives a builtin_function_or_method"),
    (Hasty, "refusals", "'check' raises IndexError"),
]

# These break what other checks of theirs rest on.
TOGETHER = {"Nameless", "Wordless", "Negative", "Curious", "Function", "Hungry"}


def made(component):
    if issubclass(component, Callback):
        return component()
    with registered(component, *TINY):
        return component.model_validate(placed(component.model_fields["type"].default, None))


@pytest.mark.parametrize(
    ("component", "check", "sentence"), BROKEN, ids=[each[0].__name__ for each in BROKEN]
)
def test_it_fails_that_check_and_no_other(findings, component, check, sentence):
    found = findings(made(component), check)
    if component.__name__ not in TOGETHER:
        assert list(found) == [check]
    assert sentence in found[check]


@pytest.mark.parametrize("check", ["training", "unused", "accumulation"])
@pytest.mark.parametrize("component", [Duel, Honest, Translating])
def test_what_is_as_it_should_be_passes_all(findings, component, check):
    assert findings(made(component), check) == {}


def test_a_callback_that_is_as_it_should_be_passes_all(findings):
    assert findings(Patience(), "training") == {}
