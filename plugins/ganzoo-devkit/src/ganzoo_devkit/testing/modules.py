"""Checks of whatever is built as a torch module: networks, latents, normalizations, activations."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from safetensors.torch import load
from torch import nn

from ganzoo.components import Activation, Component, Discriminator, Latent, Network, Normalization
from ganzoo.utils.tensors import to_safetensors
from ganzoo_devkit.testing.checks import Options, check, close, few, require, require_tensor, same
from ganzoo_devkit.testing.trials import Trial, changed, nudge, trials

ATTEMPTS = (
    (0, 0.0, 1.0),
    (0, 0.3, 1.0),
    (0, 0.05, 1.0),
    (1, 0.2, 1.0),
    (2, 0.4, 10.0),
    (3, 0.6, 0.1),
    (4, 0.01, 0.1),
)
"""Seeds of weights, deviations of the noise added to them and factors on inputs: what is dead or
saturated for some of them is alive for others."""

BUILT = (Network, Normalization, Activation)


def _of_four_and_of_one(component: Component, options: Options) -> Iterator[Trial]:
    for samples in (4, 1):
        yield from trials(component, options, samples)


def _normed(network: Network, options: Options) -> Iterator[Trial]:
    return trials(changed(network, parametrizations=["spectral_norm"]), options)


@check(*BUILT, each=_of_four_and_of_one, conditional=True)
def check_output(component: Component, trial: Trial) -> None:
    """Outputs have the right shape, are float32 and finite: in training, and for one sample."""
    for training in (True, False) if trial.samples > 1 else (False,):
        output = trial.build().train(training)(*trial.arguments())
        if isinstance(component, Discriminator):
            require_logits(output, trial.samples)
        else:
            require_tensor(output, "the output", trial.shape)


def require_logits(output: Any, rows: int) -> None:
    """Require finite logits, one or several for each row of a batch."""
    logits = getattr(output, "logits", output)
    require_tensor(logits, "the output")
    shape, required = tuple(logits.shape), f"({rows},) or ({rows}, …)"
    require(shape[:1] == (rows,), f"the output has shape {shape}; it must be {required}")


@check(*BUILT, Latent, each=trials, conditional=True)
def check_gradients(trial: Trial) -> None:
    """Every parameter receives a finite gradient other than 0, and some gradient reaches the input.

    A gradient may be 0 for some weights or inputs, as behind a ReLU; it must not for all that are tried.
    """
    inert, reached = set(trained(trial.build())), False
    for seed, std, scale in ATTEMPTS:
        module = nudge(trial.build(seed), std).train()
        inputs = send_back(trial, module, scale)
        gradients = {name: each.grad for name, each in trained(module).items()}
        if not std:
            missing = [name for name, each in gradients.items() if each is None]
            what = f"{len(missing)} of {len(gradients)} parameters get no gradient ({few(missing)})"
            require(not missing, what)
            _require_finite_gradients(module)
        inert &= {name for name, each in gradients.items() if each is None or not each.any()}
        reached |= all(each.grad is not None and bool(each.grad.any()) for each in inputs)
        if reached and not inert:
            return
    require(not inert, f"the gradient of {few(sorted(inert))} is 0, whatever the weights are")
    require(reached, "no gradient reaches the input")


@check(*BUILT, Latent, each=trials, conditional=True)
def check_state_dict(trial: Trial) -> None:
    """Another module that loads the state dict, through a file's bytes, gives the same output.

    So does a deep copy, as the moving average of weights is, and it shares nothing.
    """
    _require_state(trial)


def _require_state(trial: Trial) -> None:
    module, other = nudge(trial.build(0), 0.1).train(), trial.build(1).train()
    for each in (module, other):
        trial.call(each)  # moves running statistics
    other.load_state_dict(through_a_file(module))
    before = trial.call(module.eval())
    kept = same(before, trial.call(other.eval()))
    wrong = (
        "a module that loaded the state dict gives another output; it must hold all that changes"
    )
    require(kept, wrong)
    if list(module.parameters()):
        send_back(trial, module)  # copies are made of modules with gradients
    twin = copy.deepcopy(module)
    require(same(before, trial.call(twin)), "a deep copy gives another output")
    nudge(twin)
    kept = same(before, trial.call(module))
    require(kept, "changing the weights of a deep copy changes the output of the module")


def through_a_file(module: nn.Module) -> dict[str, torch.Tensor]:
    """Return a module's state dict as it is after it was written and read."""
    return load(to_safetensors(module.state_dict(), {"made by": "ganzoo_devkit.testing"}))


@check(*BUILT, each=trials)
def check_seed(component: Component, trial: Trial) -> None:
    """What is random follows from torch's seed and nothing else; networks begin anew with each seed."""
    one, again, other = (trial.build(seed) for seed in (0, 0, 1))
    require(_equal_weights(one, again), "two modules built from one seed have different weights")
    if isinstance(component, Network) and list(one.parameters()):
        equal = "modules built from two seeds have the same weights; do not set a seed in 'build'"
        require(not _equal_weights(one, other), equal)
    repeated = same(trial.call(one.train()), trial.call(again.train()))
    require(repeated, "two passes from one seed of torch give different outputs")


@check(*BUILT, each=trials, conditional=True)
def check_precision(trial: Trial) -> None:
    """Under bfloat16 autocast, output and gradients are finite; in double precision all is float64."""
    module = trial.build().train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = trial.call(module)
    require_tensor(output, "under bfloat16 autocast the output", dtype=None)
    backward(output)
    _require_finite_gradients(module)
    dtype = trial.call(trial.build().double(), double=True).dtype
    require(dtype == torch.float64, f"in double precision the output is {dtype}")


@check(*BUILT, each=trials, most=1)
def check_compile(trial: Trial) -> None:
    """Under ``torch.compile`` the output is the same, and there are gradients.

    The compiler traces the module and runs what it traced without generating code (its backend is
    ``"eager"``), and may leave parts to Python. Only the first kind of input is tried, for networks
    the first shape of samples. So code generation, whole graphs and other shapes are not checked.
    """
    module = trial.build().eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of its compiler
        torch._dynamo.reset()
        compiled = torch.compile(module, backend="eager")
        equal = close(trial.call(compiled), trial.call(module))
        require(equal, "under torch.compile the output is another")
        module.train()
        backward(trial.call(compiled))
        torch._dynamo.reset()
    there = all(each.grad is not None for each in trained(module).values())
    require(there, "under torch.compile parameters get no gradient")


@check(Network, Normalization, each=trials)
def check_channels_last(trial: Trial) -> None:
    """In the channels-last layout, which convolutions are trained in, output and gradient are there.

    The output is that of the usual layout. Of modules that draw random numbers in evaluation mode,
    which they may draw in the order of the layout, only its shape is compared, and that it is finite.
    """
    module, arguments = trial.build().eval(), trial.arguments()
    expected = trial.call(module)
    if all(each.dim() != 4 for each in (expected, *filter(torch.is_tensor, arguments))):
        return
    drawing = any(isinstance(each, torch.Generator) for each in arguments)
    drawing |= not same(expected, trial.call(module, seed=2))
    module.to(memory_format=torch.channels_last)
    output = trial.call(module, _channels_last)
    require_tensor(output, "the output in the channels-last layout", tuple(expected.shape))
    require(drawing or close(output, expected), "in the channels-last layout the output is another")
    backward(trial.call(module.train(), _channels_last))


def _channels_last(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor


@check(Network, each=_normed, most=1)
def check_parametrizations(trial: Trial) -> None:
    """With ``spectral_norm`` on its weights, there are output and gradients; state and copies hold."""
    module = trial.build().train()
    require_tensor(trial.call(module), "the output")
    send_back(trial, module)
    _require_finite_gradients(module)
    _require_state(trial)


def _require_finite_gradients(module: nn.Module) -> None:
    gradients = {name: each.grad for name, each in trained(module).items() if each.grad is not None}
    broken = few(name for name, each in gradients.items() if not each.isfinite().all())
    require(not broken, f"gradients of {broken} are not finite")


def trained(module: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters that are trained, by name."""
    return {name: each for name, each in module.named_parameters() if each.requires_grad}


def backward(output: torch.Tensor) -> None:
    """Send a gradient back, where there is something it can reach."""
    if output.requires_grad:
        torch.autograd.backward(output.float().sum())


def send_back(trial: Trial, module: nn.Module, scale: float = 1.0) -> list[torch.Tensor]:
    """Send a random gradient back through a module, and return its inputs, multiplied by ``scale``."""
    inputs: list[torch.Tensor] = []

    def watch(tensor: torch.Tensor) -> torch.Tensor:
        inputs.append((scale * tensor).requires_grad_())
        return inputs[-1]

    module.zero_grad()
    output = trial.call(module, watch)
    if inputs or trained(module):
        require(output.requires_grad, "the output has no gradient")
        torch.autograd.backward((output * torch.randn_like(output)).sum())
    return inputs


def _equal_weights(one: nn.Module, other: nn.Module) -> bool:
    weights = [[*each.parameters(), *each.buffers()] for each in (one, other)]
    return len(weights[0]) == len(weights[1]) and all(map(same, *weights))
