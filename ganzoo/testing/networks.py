"""Checks of networks, of latents, and of the activations and normalizations in networks."""

from __future__ import annotations

import copy
import math

import torch
from pydantic import ValidationError

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
from ganzoo.testing.checks import (
    DEFAULT,
    Options,
    check,
    few,
    require,
    require_from_rng,
    require_tensor,
    same,
)
from ganzoo.testing.modules import ATTEMPTS
from ganzoo.testing.trials import BATCH, Change, Trial, accepted, accepted_layers, nudge, trials

MANY = 64
"""Latents in a draw of which not all are alike, even where there are few values, as of classes."""


@check
def check_sample_shapes(network: Network, options: Options = DEFAULT) -> None:
    """The network's ``check`` accepts at least one of the shapes."""
    require(
        accepted(network, options),
        f"'check' refuses all of the shapes {', '.join(map(str, options.sample_shapes))}; it must"
        " accept at least one, so name one that it does in 'sample_shapes'",
    )


@check
def check_variety(network: Generator | Translator, options: Options = DEFAULT) -> None:
    """Samples of different inputs differ, and are finite for large inputs and for other weights.

    There is no range that they must keep to: images beyond [-1, 1] are clamped where they are written.
    """
    for trial in trials(network, options):
        module = trial.build().train()
        require_tensor(
            trial.call(module, lambda z: 10 * z), f"the output of ten times the input {trial.where}"
        )
        require(
            _rows_differ(trial, lambda x: x),
            f"samples of different inputs are equal {trial.where}, whatever the weights are; each"
            " must depend on its own input",
        )


@check
def check_independence(network: Generator | Translator, options: Options = DEFAULT) -> None:
    """In evaluation mode a sample depends on its own input alone."""
    for trial in trials(network, options):
        module = trial.build().eval()
        require(
            _others_stay(trial.call(module), trial.call(module, _change_first)),
            f"in evaluation mode one input changes the samples of others {trial.where}; each must"
            " depend on its own alone",
        )


@check
def check_noise(generator: Generator, options: Options = DEFAULT) -> None:
    """In evaluation mode noise comes from the random source of ``uses_noise``, and there is some."""
    for trial in trials(generator, options):
        module = nudge(trial.build(), 0.1).eval()
        if generator.uses_noise:
            z, condition, _ = trial.arguments()
            require_from_rng(lambda rng: module(z, condition, rng), "samples", varies=True)  # noqa: B023 - called at once
            continue
        require(
            same(trial.call(module, seed=1), trial.call(module, seed=2)),
            f"in evaluation mode samples depend on torch's random numbers {trial.where}; set"
            " 'uses_noise' and draw from the random source that is then handed over",
        )


@check
def check_raw_logits(discriminator: Discriminator, options: Options = DEFAULT) -> None:
    """Logits are finite and not confined to [0, 1]: there is no sigmoid at the end."""
    for trial in trials(discriminator, options):
        require_tensor(trial.call(trial.build().train()), f"what is given {trial.where}")
        # To one side, then to the other.
        tried = ((seed, std) for seed in range(3) for std in (0.0, 1.0, -1.0))
        require(
            any(
                not 0 <= logit <= 1
                for seed, std in tried
                for logit in _logits(trial, seed, std)
                if math.isfinite(logit)
            ),
            f"all logits lie in [0, 1] {trial.where}, whatever the weights are; return them raw,"
            " without a sigmoid",
        )


def _logits(trial: Trial, seed: int, std: float) -> list[float]:
    """Return the logits of ten times the samples, with noise added to the weights."""
    x, condition = trial.arguments()
    output = nudge(trial.build(seed), std).train()(10 * x, condition)
    logits: list[float] = getattr(output, "logits", output).flatten().tolist()
    return logits


@check
def check_provides(discriminator: Discriminator, options: Options = DEFAULT) -> None:
    """The output has what ``provides`` names and nothing else, a row for each sample."""
    for trial in trials(discriminator, options):
        output = trial.build().train()(*trial.arguments())
        if not isinstance(output, DiscriminatorOutput):
            output = DiscriminatorOutput(output)
        given = {"logits"} | {"features"} & ({"features"} if output.features else set())
        for name in ("class_logits", "embedding", "codes"):
            value = getattr(output, name)
            if value is not None:
                given.add(name)
                require_tensor(value, f"'{name}' {trial.where}")
                require(
                    value.dim() == 2 and len(value) == BATCH,
                    f"'{name}' has shape {tuple(value.shape)} {trial.where}; it must be ({BATCH}, …)",
                )
        for each in output.features:
            require_tensor(each, f"one of 'features' {trial.where}")
            require(
                len(each) == BATCH,
                f"features have shape {tuple(each.shape)} {trial.where}; they must be ({BATCH}, …)",
            )
        wrong = sorted(given ^ {"logits", *discriminator.provides})
        require(
            not wrong,
            f"'provides' names {few(sorted(discriminator.provides))}, and the output {trial.where} has"
            f" {few(sorted(given), 5)}; they must agree on {few(wrong)}",
        )


@check
def check_pack(discriminator: Discriminator, options: Options = DEFAULT) -> None:
    """With ``pack`` 2, samples of twice the channels are refused by ``check``, or give logits."""
    data = discriminator.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if discriminator.conditional:
        return
    packed = type(discriminator).model_validate({**data, "pack": 2})
    for trial in trials(packed, options):
        output = trial.build().train()(*trial.arguments())
        logits = getattr(output, "logits", output)
        require_tensor(logits, f"the output with 'pack' 2 {trial.where}")
        require(
            logits.dim() and len(logits) == BATCH,
            f"with 'pack' 2 the logits of {BATCH} packs have shape {tuple(logits.shape)}; there must be"
            " one row for each pack",
        )


@check
def check_joined_batches(discriminator: Discriminator, options: Options = DEFAULT) -> None:
    """Where ``joins_batches`` is true, no sample influences the logit of another."""
    for trial in trials(discriminator, options) if discriminator.joins_batches else ():
        module = trial.build().train()
        # Each pass starts from the same buffers: those of spectral norm move with every one.
        before = trial.call(copy.deepcopy(module))
        require(
            _others_stay(before, trial.call(copy.deepcopy(module), _change_first)),
            f"'joins_batches' is true, but one sample changes the logits of others {trial.where};"
            " it must be false then",
        )


@check
def check_conditions(network: Network, options: Options = DEFAULT) -> None:
    """The conditional form is refused where nothing is accepted; else conditions make a difference.

    The other checks of networks are made of the conditional form as well, as cases of their own.
    """
    unknown = sorted(set(network.accepts) - {"classes", "labels", "values"})
    require(not unknown, f"'accepts' names {few(unknown)}; kinds are classes, labels and values")
    try:
        conditional = conditional_form(network)
    except ValidationError:
        require(
            not network.accepts,
            f"'conditional' is refused although 'accepts' names {few(sorted(network.accepts))}; it must"
            " be accepted",
        )
        return
    require(
        network.accepts,
        "'conditional' is accepted although 'accepts' names no kind; it must be refused",
    )
    found = accepted(conditional, options)
    refused = sorted(set(network.accepts) - {kind for _, kind in found})
    require(
        not accepted(network, options) or not refused,
        f"'check' refuses every shape with {few(refused)}, which 'accepts' names; it must accept one",
    )
    if isinstance(conditional, Discriminator) and "class_logits" in conditional.provides:
        return  # it finds the class by itself
    for trial in trials(conditional, options):
        require(
            _rows_differ(trial, lambda x: x[:1].expand_as(x)),
            f"the condition of a sample makes no difference {trial.where}; the conditional form must"
            " use it",
        )


def conditional_form(network: Network) -> Network:
    """Return a network that is the same but for ``conditional``, which is true.

    Raises:
        ValidationError: it is refused.
    """
    data = network.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return type(network).model_validate({**data, "conditional": True})


def _rows_differ(trial: Trial, change: Change) -> bool:
    """Return whether the first two outputs differ by more than rounding, for some weights."""
    for seed, std, scale in ((0, 0.0, 1.0), *ATTEMPTS):
        module = nudge(trial.build(seed), std).eval()
        output = trial.call(module, lambda x, scale=scale: change(scale * x))  # type: ignore[misc] # mypy does not infer defaults
        if (output[0] - output[1]).abs().max() > 1e-6 * output.abs().max():
            return True
    return False


def _change_first(inputs: torch.Tensor) -> torch.Tensor:
    return torch.cat([inputs[:1] + 1, inputs[1:]])


def _others_stay(before: torch.Tensor, after: torch.Tensor) -> bool:
    return torch.allclose(before[1:], after[1:], rtol=1e-4, atol=1e-5, equal_nan=True)


@check
def check_draws(latent: Latent) -> None:
    """Draws have the shape (n, dim), are not all the same, and follow from the random source alone."""
    sampler = latent.build()
    for n in (1, 7, MANY):
        drawn = sampler(n, torch.Generator().manual_seed(0))
        require_tensor(drawn, f"a draw of {n} latents", (n, latent.dim))
    require(len(drawn.unique(dim=0)) > 1, "latents of one draw are equal; each must be drawn anew")


@check
def check_rng(latent: Latent) -> None:
    """Draws follow from the random source that is handed over, and from nothing else."""
    sampler = latent.build()
    require_from_rng(lambda rng: sampler(MANY, rng), "latents", varies=True)


@check
def check_truncation(latent: Latent) -> None:
    """``truncated`` gives the same distribution made no wider, or refuses with a reason."""
    try:
        truncated = latent.truncated(0.5)
    except ValueError as error:
        require(str(error), "'truncated' refuses without a message; it must say why")
        return
    require(
        truncated.dim == latent.dim,
        f"'truncated' gives {truncated.dim} coordinates; they must stay {latent.dim}",
    )
    whole, part = latent.build(), truncated.build()
    part.load_state_dict(whole.state_dict())
    spreads = [each(512, torch.Generator().manual_seed(0)).std().item() for each in (whole, part)]
    require(
        spreads[1] <= spreads[0] * 1.01,
        f"truncated by 0.5 the deviation rises from {spreads[0]:.3g} to {spreads[1]:.3g}; it must"
        " not",
    )


@check
def check_elementwise(activation: Activation) -> None:
    """Each value of the output depends on the value in its place alone; the input stays as it is."""
    module = activation.build().eval()
    for shape in ((12,), (3, 4), (2, 3, 2, 2)):
        x = _spread(math.prod(shape)).reshape(shape)
        before = x.clone()
        output = module(x)
        require_tensor(output, f"the output for shape {shape}", shape)
        require(
            torch.equal(x, before),
            "the input is changed in place; it must stay, as backward needs it",
        )
        flipped = module(x.flatten().flip(0).reshape(shape))
        changed = module(torch.where(x == x.max(), 0.25, x))
        elsewhere = x != x.max()
        require(
            torch.allclose(flipped.flatten().flip(0), output.flatten(), atol=1e-6)
            and torch.allclose(changed[elsewhere], output[elsewhere], atol=1e-6),
            f"values of the output depend on values in other places for shape {shape}; an"
            " activation must act on each value by itself",
        )


@check
def check_extremes(activation: Activation) -> None:
    """Values and gradients are finite for inputs of 10,000, of either sign."""
    x = torch.tensor([-1e4, -88.0, 0.0, 88.0, 1e4], requires_grad=True)
    output = activation.build()(x)
    torch.autograd.backward(output.sum())
    for what, values in (("value", output.detach()), ("gradient", x.grad)):
        require(values is not None, "there is no gradient; the function must be differentiable")
        bad = x.detach()[~torch.as_tensor(values).isfinite()].tolist()
        require(not bad, f"the {what} at {bad} is not finite; it must be")


@check
def check_gradcheck(activation: Activation) -> None:
    """In double precision the gradient is that of finite differences."""
    module = activation.build().double().eval()
    x = _spread(12).double().requires_grad_()
    require(
        torch.autograd.gradcheck(module, (x,), raise_exception=False),
        "the gradient is not that of finite differences; derive it again, or leave it to autograd",
    )


@check
def check_gain(activation: Activation) -> None:
    """``init_gain`` is one that torch knows."""
    name, parameter = activation.init_gain
    gain = torch.nn.init.calculate_gain(name, parameter)  # type: ignore[arg-type] # checked by it
    require(
        math.isfinite(gain) and gain > 0,
        f"'init_gain' {name, parameter} gives a gain of {gain}; it must be above 0",
    )


@check
def check_layers(normalization: Normalization, options: Options = DEFAULT) -> None:
    """Some layer is accepted; where all values are equal, output and gradient are finite."""
    require(
        accepted_layers(normalization),
        "'check' refuses 16 and 60 channels, of vectors and of images; it must accept some",
    )
    for trial in trials(normalization, options):
        x = torch.zeros_like(trial.arguments()[0]).requires_grad_()
        output = trial.build().train()(x)
        torch.autograd.backward(output.sum())
        require(
            output.isfinite().all() and x.grad is not None and bool(x.grad.isfinite().all()),
            f"where all values are equal {trial.where}, output or gradient are not finite; add a"
            " small number to the variance",
        )


@check
def check_coupling(normalization: Normalization, options: Options = DEFAULT) -> None:
    """Samples influence each other in training exactly where ``couples_batch`` says so."""
    coupled = []
    for trial in trials(normalization, options):
        for training in (True, False):
            module = trial.build().train(training)
            # Each pass starts from the same buffers, which a pass in training may move.
            before = trial.call(copy.deepcopy(module))
            influence = not _others_stay(before, trial.call(copy.deepcopy(module), _change_first))
            require(
                training or not influence,
                f"in evaluation mode samples influence each other {trial.where}; none may",
            )
            coupled.append(influence)
    require(
        any(coupled) == normalization.couples_batch,
        f"'couples_batch' is {normalization.couples_batch}, but in training samples"
        f" {'do' if any(coupled) else 'do not'} influence each other; it must be {any(coupled)}",
    )


def _spread(count: int) -> torch.Tensor:
    """Return different numbers in [-3, 3], none of them where usual functions have a kink."""
    return torch.linspace(-2.93, 3.07, count)[torch.randperm(count)]
