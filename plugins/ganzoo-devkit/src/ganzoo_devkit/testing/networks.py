"""Checks of networks, of latents, and of the activations and normalizations in networks."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterator

import torch
from pydantic import ValidationError
from torch import nn

from ganzoo.components import (
    Activation,
    Discriminator,
    DiscriminatorOutput,
    Generator,
    Latent,
    Network,
    Normalization,
    Translator,
)
from ganzoo_devkit.testing.checks import (
    NonConformance,
    Options,
    check,
    fail,
    few,
    require,
    require_from_rng,
    require_tensor,
    same,
    title,
)
from ganzoo_devkit.testing.modules import ATTEMPTS, require_logits
from ganzoo_devkit.testing.trials import (
    KINDS,
    Trial,
    accepted,
    accepted_layers,
    changed,
    nudge,
    trials,
)

MANY = 64
"""Latents in a draw of which not all are alike, even where there are few values, as of classes."""


@check(Network)
def check_sample_shapes(network: Network, options: Options) -> None:
    """The network's ``check`` accepts at least one of the shapes."""
    shapes = ", ".join(map(str, options.sample_shapes))
    require(
        accepted(network, options),
        f"'check' refuses all of the shapes {shapes}; name one that it accepts in 'sample_shapes'",
    )


@check(Generator, Translator, each=trials, conditional=True)
def check_variety(trial: Trial) -> None:
    """Samples of different inputs differ, and are finite for large inputs and for other weights.

    There is no range that they must keep to: images beyond [-1, 1] are clamped where they are written.
    """
    output = trial.call(trial.build().train(), lambda z: 10 * z)
    require_tensor(output, "the output of ten times the input")
    require(_rows_differ(trial, lambda x: x), "samples of different inputs are equal")


@check(Generator, Translator, each=trials, conditional=True)
def check_independence(trial: Trial) -> None:
    """In evaluation mode a sample depends on its own input alone."""
    alone = not _influence(trial, trial.build().eval())
    require(alone, "in evaluation mode one input changes the samples of others")


@check(Generator, each=trials, conditional=True)
def check_noise(generator: Generator, trial: Trial) -> None:
    """In evaluation mode noise comes from the random source of ``uses_noise``, and there is some."""
    module = nudge(trial.build(), 0.1).eval()
    if generator.uses_noise:
        z, condition, _ = trial.arguments()
        require_from_rng(lambda rng: module(z, condition, rng), "samples", varies=True)
        return
    require(
        same(trial.call(module, seed=1), trial.call(module, seed=2)),
        "in evaluation mode samples depend on torch's random numbers; set 'uses_noise' and draw from"
        " the random source that is then handed over",
    )


@check(Discriminator, each=trials, conditional=True)
def check_raw_logits(trial: Trial) -> None:
    """Logits are finite and not confined to [0, 1]: there is no sigmoid at the end."""
    require_tensor(trial.call(trial.build().train()), "the output")
    x, condition = trial.arguments()
    for seed, std in itertools.product(range(3), (0.0, 1.0, -1.0)):
        output = nudge(trial.build(seed), std).train()(10 * x, condition)
        logits = getattr(output, "logits", output)
        if (logits.isfinite() & ((logits < 0) | (logits > 1))).any():
            return
    fail("all logits lie in [0, 1], whatever the weights are; return them without a sigmoid")


@check(Discriminator, each=trials, conditional=True)
def check_provides(discriminator: Discriminator, trial: Trial) -> None:
    """The output has what ``provides`` names and nothing else, a row for each sample."""
    output = trial.build().train()(*trial.arguments())
    if not isinstance(output, DiscriminatorOutput):
        output = DiscriminatorOutput(output)
    rows = {name: getattr(output, name) for name in ("class_logits", "embedding", "codes")}
    rows = {name: value for name, value in rows.items() if value is not None}
    for name, value in [*rows.items(), *(("features", each) for each in output.features)]:
        require_tensor(value, f"{name!r}")
        right = len(value) == trial.samples and (name == "features" or value.dim() == 2)
        shape = tuple(value.shape)
        require(right, f"{name!r} has shape {shape}; it must be ({trial.samples}, …)")
    given = {"logits", *rows, *(["features"] if output.features else [])}
    wrong = few(sorted(given ^ {"logits", *discriminator.provides}))
    require(not wrong, f"'provides' and the output must agree on {wrong}")


def _packing(discriminator: Discriminator, options: Options) -> Iterator[Trial]:
    if not discriminator.conditional:
        yield from trials(changed(discriminator, pack=2), options)


@check(Discriminator, each=_packing)
def check_pack(trial: Trial) -> None:
    """With ``pack`` 2, samples of twice the channels are refused by ``check``, or give logits."""
    require_logits(trial.build().train()(*trial.arguments()), trial.samples)


@check(Discriminator, each=trials, conditional=True)
def check_joined_batches(discriminator: Discriminator, trial: Trial) -> None:
    """Where ``joins_batches`` is true, no sample influences the logit of another."""
    influence = discriminator.joins_batches and _influence(trial, trial.build().train())
    require(not influence, "'joins_batches' is true, but one sample changes the logits of others")


@check(Network)
def check_conditions(network: Network, options: Options) -> None:
    """Where conditions are accepted there is a conditional form, and they make a difference.

    The other checks of networks are made of the conditional form as well, as cases of their own.
    """
    unknown = sorted(set(network.accepts) - set(KINDS))
    require(not unknown, f"'accepts' names {few(unknown)}; kinds are {few(KINDS)}")
    if not network.accepts:
        return  # the base class refuses 'conditional'
    conditional = conditional_form(network)
    refused = set(network.accepts) - {kind for _, kind in accepted(conditional, options)}
    wrong = f"'check' refuses every shape with {few(sorted(refused))}, which 'accepts' names"
    require(not accepted(network, options) or not refused, wrong)
    if isinstance(conditional, Discriminator) and "class_logits" in conditional.provides:
        return  # it finds the class by itself
    for trial in trials(conditional, options):
        differ = _rows_differ(trial, lambda x: x[:1].expand_as(x))
        require(differ, f"the condition of a sample makes no difference {trial.where}")


def conditional_form(network: Network) -> Network:
    """Return a network that is the same but for ``conditional``, or raise NonConformance."""
    try:
        form: Network = changed(network, conditional=True)
    except ValidationError:
        wrong = "'conditional' is refused although 'accepts' names kinds"
        raise NonConformance(f"{title(network)}, conditional: {wrong}") from None
    return form


def _rows_differ(trial: Trial, change: Callable[[torch.Tensor], torch.Tensor]) -> bool:
    """Return whether the first two outputs differ by more than rounding, for some weights."""
    for seed, std, scale in ATTEMPTS:
        module = nudge(trial.build(seed), std).eval()
        output = trial.call(module, lambda x, scale=scale: change(scale * x))  # type: ignore[misc] # mypy does not infer defaults
        if (output[0] - output[1]).abs().max() > 1e-6 * output.abs().max():
            return True
    return False


def _influence(trial: Trial, module: nn.Module) -> bool:
    """Return whether the first input changes the outputs of others.

    Both passes start from the same buffers, which a pass in training may move.
    """
    before = trial.call(copy.deepcopy(module))
    after = trial.call(copy.deepcopy(module), lambda x: torch.cat([x[:1] + 1, x[1:]]))
    return not torch.allclose(before[1:], after[1:], rtol=1e-4, atol=1e-5, equal_nan=True)


@check(Latent)
def check_draws(latent: Latent) -> None:
    """Draws have the shape (n, dim), are not all the same, and follow from the random source alone."""
    sampler = latent.build()
    for n in (1, 7, MANY):
        drawn = sampler(n, torch.Generator().manual_seed(0))
        require_tensor(drawn, f"a draw of {n} latents", (n, latent.dim))
    require(len(drawn.unique(dim=0)) > 1, "latents of one draw are equal")
    require_from_rng(lambda rng: sampler(MANY, rng), "latents", varies=True)


@check(Latent)
def check_truncation(latent: Latent) -> None:
    """``truncated`` gives the same distribution made no wider, or refuses with a reason."""
    try:
        truncated = latent.truncated(0.5)
    except ValueError as error:
        require(str(error), "'truncated' refuses without a message")
        return
    require(truncated.dim == latent.dim, "'truncated' changes the number of coordinates")
    whole, part = latent.build(), truncated.build()
    part.load_state_dict(whole.state_dict())
    wide, cut = (each(512, torch.Generator().manual_seed(0)).std().item() for each in (whole, part))
    risen = f"truncated by 0.5 the deviation rises from {wide:.3g} to {cut:.3g}"
    require(cut <= wide * 1.01, risen)


@check(Activation)
def check_elementwise(activation: Activation) -> None:
    """Each value of the output depends on the value in its place alone; the input stays as it is."""
    module = activation.build().eval()
    for shape in ((12,), (3, 4), (2, 3, 2, 2)):
        x = _spread(math.prod(shape)).reshape(shape)
        before = x.clone()
        output = module(x)
        require_tensor(output, f"the output for shape {shape}", shape)
        require(torch.equal(x, before), "the input is changed in place")
        flipped = module(x.flatten().flip(0).reshape(shape))
        other = module(torch.where(x == x.max(), 0.25, x))
        elsewhere = x != x.max()
        require(
            torch.allclose(flipped.flatten().flip(0), output.flatten(), atol=1e-6)
            and torch.allclose(other[elsewhere], output[elsewhere], atol=1e-6),
            f"values of the output depend on values in other places for shape {shape}",
        )


@check(Activation)
def check_extremes(activation: Activation) -> None:
    """Values and gradients are finite for inputs of 10,000, of either sign."""
    x = torch.tensor([-1e4, -88.0, 0.0, 88.0, 1e4], requires_grad=True)
    output = activation.build()(x)
    torch.autograd.backward(output.sum())
    for what, values in (("value", output.detach()), ("gradient", x.grad)):
        bad = x.detach()[~torch.as_tensor(values).isfinite()].tolist()
        require(not bad, f"the {what} at {bad} is not finite")


@check(Activation)
def check_gradcheck(activation: Activation) -> None:
    """In double precision the gradient is that of finite differences."""
    x = _spread(12).double().requires_grad_()
    right = torch.autograd.gradcheck(
        activation.build().double().eval(), (x,), raise_exception=False
    )
    require(right, "the gradient is not that of finite differences")


@check(Activation)
def check_gain(activation: Activation) -> None:
    """``init_gain`` is one that torch knows."""
    gain = torch.nn.init.calculate_gain(*activation.init_gain)  # type: ignore[arg-type] # checked by it
    require(math.isfinite(gain) and gain > 0, f"'init_gain' gives a gain of {gain}, not above 0")


@check(Normalization)
def check_layers(normalization: Normalization, options: Options) -> None:
    """Some layer is accepted; where all values are equal, output and gradient are finite."""
    require(accepted_layers(normalization), "'check' refuses 16 and 60 channels, of any kind")
    for trial in trials(normalization, options):
        x = torch.zeros_like(trial.arguments()[0]).requires_grad_()
        output = trial.build().train()(x)
        torch.autograd.backward(output.sum())
        finite = all(each is not None and each.isfinite().all() for each in (output, x.grad))
        equal = "where all values are equal, output or gradient are not finite"
        require(finite, f"{equal}; add a small number to the variance, {trial.where}")


@check(Normalization)
def check_coupling(normalization: Normalization, options: Options) -> None:
    """Samples influence each other in training exactly where ``couples_batch`` says so."""
    coupled = False
    for trial in trials(normalization, options):
        alone = not _influence(trial, trial.build().eval())
        require(alone, f"in evaluation mode samples influence each other {trial.where}")
        coupled |= _influence(trial, trial.build().train())
    said, do = normalization.couples_batch, "do" if coupled else "do not"
    wrong = f"'couples_batch' is {said}, but in training samples {do} influence each other"
    require(coupled == said, wrong)


def _spread(count: int) -> torch.Tensor:
    """Return different numbers in [-3, 3], none of them where usual functions have a kink."""
    return torch.linspace(-2.93, 3.07, count)[torch.randperm(count)]
