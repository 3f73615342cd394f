"""Checks of activations and normalizations."""

from __future__ import annotations

import copy
import math

import torch

from ganzoo.components import Activation, Normalization
from ganzoo.testing.faults import check, require
from ganzoo.testing.trials import accepted_layers, trials


@check
def check_elementwise(activation: Activation) -> None:
    """Each value of the output depends on the value in its place alone; the input stays as it is."""
    module = activation.build().eval()
    for shape in ((12,), (3, 4), (2, 3, 2, 2)):
        x = _spread(math.prod(shape)).reshape(shape)
        before = x.clone()
        output = module(x)
        require(
            output.shape == x.shape and output.dtype == x.dtype,
            f"the output for shape {tuple(x.shape)} is {output.dtype} {tuple(output.shape)}; it must"
            " have the type and shape of the input",
        )
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
            f"values of the output depend on values in other places for shape {tuple(x.shape)}; an"
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
def check_output(normalization: Normalization) -> None:
    """Some layer is accepted; the output of each has the input's shape, is float32 and finite."""
    require(
        accepted_layers(normalization),
        "'check' refuses 16 and 60 channels, of vectors and of images; it must accept some",
    )
    for trial in trials(normalization, ()):
        (x,) = trial.arguments()
        for training in (True, False):
            output = trial.call(trial.build().train(training))
            require(
                output.shape == x.shape and output.dtype == x.dtype,
                f"the output {trial.where} is {output.dtype} {tuple(output.shape)}; it must have the"
                " type and shape of the input",
            )
            require(output.isfinite().all(), f"the output {trial.where} is not finite; it must be")


@check
def check_constant_input(normalization: Normalization) -> None:
    """Where all values are equal, so that their variance is 0, output and gradient are finite."""
    for trial in trials(normalization, ()):
        (x,) = trial.arguments()
        x = torch.zeros_like(x).requires_grad_()
        output = trial.build().train()(x)
        torch.autograd.backward(output.sum())
        require(
            output.isfinite().all() and x.grad is not None and bool(x.grad.isfinite().all()),
            f"where all values are equal {trial.where}, output or gradient are not finite; add a"
            " small number to the variance",
        )


@check
def check_coupling(normalization: Normalization) -> None:
    """Samples influence each other in training exactly where ``couples_batch`` says so."""
    coupled = []
    for trial in trials(normalization, ()):
        for training in (True, False):
            module = trial.build().train(training)
            # Each pass starts from the same buffers, which a pass in training may move.
            before = trial.call(copy.deepcopy(module))
            after = trial.call(copy.deepcopy(module), lambda x: torch.cat([x[:1] + 1, x[1:]]))
            influence = not torch.allclose(before[1:], after[1:], rtol=1e-4, atol=1e-5)
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
