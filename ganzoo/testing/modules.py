"""Checks of whatever is built as a torch module: networks, latents, normalizations, activations."""

from __future__ import annotations

import copy
import warnings
from itertools import chain

import torch
from safetensors.torch import load
from torch import nn

from ganzoo.components import Component, Discriminator, Network
from ganzoo.testing.checks import DEFAULT, Options, check, close, few, require, require_tensor, same
from ganzoo.testing.trials import Trial, nudge, trials
from ganzoo.utils.tensors import to_safetensors

ATTEMPTS = (
    (0, 0.3, 1.0),
    (0, 0.05, 1.0),
    (1, 0.2, 1.0),
    (2, 0.4, 10.0),
    (3, 0.6, 0.1),
    (4, 0.01, 0.1),
)
"""Seeds of weights, deviations of the noise added to them and factors on inputs: what is dead or
saturated for some of them is alive for others."""


@check
def check_output(component: Component, options: Options = DEFAULT) -> None:
    """Outputs have the shape they should, are float32 and finite: in training, and for one sample."""
    for samples in (4, 1):
        for trial in trials(component, options, samples):
            for training in (True, False) if samples > 1 else (False,):
                inputs = trial.arguments()
                output = trial.build().train(training)(*inputs)
                what = f"the output of {samples} {trial.where}"
                if isinstance(component, Discriminator):
                    logits = getattr(output, "logits", output)
                    require_tensor(logits, what)
                    require(
                        logits.dim() and len(logits) == samples,
                        f"{what} has shape {tuple(logits.shape)}; it must be ({samples},) or"
                        f" ({samples}, …)",
                    )
                else:
                    require_tensor(output, what, trial.shape)


@check
def check_gradients(component: Component, options: Options = DEFAULT) -> None:
    """Every parameter receives a finite gradient other than 0, and some gradient reaches the input.

    A gradient may be 0 for some weights or inputs, as behind a ReLU; it must not for all that are tried.
    """
    for trial in trials(component, options):
        module = trial.build().train()
        _backward(trial, module)
        wanting = [name for name, each in _trained(module) if each.grad is None]
        require(
            not wanting,
            f"{len(wanting)} of {len(_trained(module))} parameters get no gradient {trial.where}"
            f" ({few(wanting)}); every parameter must take part in the output, or not be one",
        )
        _require_finite_gradients(module, trial.where)
        inert, reached = _inert(module), False
        for seed, std, scale in ATTEMPTS:
            if inert or not reached:
                module = nudge(trial.build(seed), std).train()
                inputs = _backward(trial, module, scale)
                reached |= all(each.grad is not None and bool(each.grad.any()) for each in inputs)
                inert &= _inert(module)
        require(
            not inert,
            f"the gradient of {few(sorted(inert))} is 0 {trial.where}, whatever the weights are; every"
            " parameter must make a difference to the output",
        )
        require(
            reached,
            f"no gradient reaches the input {trial.where}; the output must depend on it"
            " differentiably",
        )


@check
def check_state_dict(component: Component, options: Options = DEFAULT) -> None:
    """Another module that loads the state dict, through a file's bytes, gives the same output."""
    for trial in trials(component, options):
        _require_state_dict(trial)


@check
def check_seed(component: Component, options: Options = DEFAULT) -> None:
    """What is random follows from torch's seed and nothing else; networks begin anew with each seed."""
    for trial in trials(component, options):
        one, again, other = (trial.build(seed) for seed in (0, 0, 1))
        require(
            _equal_weights(one, again),
            f"two modules built from one seed have different weights {trial.where}; draw them from"
            " torch's random numbers",
        )
        require(
            not isinstance(component, Network)
            or not list(one.parameters())
            or not _equal_weights(one, other),
            f"modules built from two seeds have the same weights {trial.where}; do not set a seed"
            " in 'build'",
        )
        require(
            same(trial.call(one.train()), trial.call(again.train())),
            f"two passes from one seed give different outputs {trial.where}; draw from torch's"
            " random numbers",
        )


@check
def check_deep_copy(component: Component, options: Options = DEFAULT) -> None:
    """A deep copy, as the moving average of weights is, is the same and shares nothing."""
    for trial in trials(component, options):
        _require_deep_copy(trial)


@check
def check_autocast(component: Component, options: Options = DEFAULT) -> None:
    """Under bfloat16 autocast, output and gradients are there and finite."""
    for trial in trials(component, options):
        module = trial.build().train()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            output = trial.call(module)
        when = f"{trial.where} under bfloat16 autocast"
        require_tensor(output, f"the output {when}", dtype=None)
        if output.requires_grad:
            torch.autograd.backward(output.float().sum())
        _require_finite_gradients(module, when)


@check
def check_float64(component: Component, options: Options = DEFAULT) -> None:
    """In double precision, as ``training.precision`` may ask for, all is float64."""
    for trial in trials(component, options):
        output = trial.call(trial.build().double(), torch.Tensor.double)
        require(
            output.dtype == torch.float64,
            f"in double precision the output is {output.dtype} {trial.where}; it must be float64:"
            " make tensors in the dtype of the input",
        )


@check
def check_compile(component: Component, options: Options = DEFAULT) -> None:
    """Under ``torch.compile`` the output is the same, and there are gradients.

    The compiler traces the module and runs what it traced without generating code (its backend is
    ``"eager"``), which takes a fraction of the time. Where it cannot trace, it may break the graph and
    leave a part to Python. Only the first kind of input is tried, for networks the first shape of
    samples. So code generation, whole graphs and other shapes are not checked.
    """
    for trial in list(trials(component, options))[:1]:
        module = trial.build().eval()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own, of its compiler
            torch._dynamo.reset()
            compiled = torch.compile(module, backend="eager")
            when = f"under torch.compile {trial.where}"
            _require_close(trial.call(compiled), trial.call(module), when)
            module.train()
            output = trial.call(compiled)
            if output.requires_grad:
                torch.autograd.backward(output.sum())
            torch._dynamo.reset()
        require(
            all(each.grad is not None for _, each in _trained(module)),
            f"{when} parameters get no gradient; they must",
        )


@check
def check_channels_last(component: Component, options: Options = DEFAULT) -> None:
    """In the channels-last layout, which convolutions are trained in, output and gradient are there.

    The output is that of the usual layout. Of modules that draw random numbers in evaluation mode,
    which they may draw in the order of the layout, only its shape is compared, and that it is finite.
    """
    for trial in trials(component, options):
        module = trial.build().eval()
        expected = trial.call(module)
        if not any(
            each.dim() == 4 for each in (expected, *filter(torch.is_tensor, trial.arguments()))
        ):
            continue
        drawing = any(isinstance(each, torch.Generator) for each in trial.arguments())
        drawing |= not same(expected, trial.call(module, seed=2))
        module.to(memory_format=torch.channels_last)
        when = f"in the channels-last layout {trial.where}"
        output = trial.call(module, _channels_last)
        if drawing:
            require_tensor(output, f"the output {when}", tuple(expected.shape))
        else:
            _require_close(output, expected, when)
        output = trial.call(module.train(), _channels_last)
        if output.requires_grad:
            torch.autograd.backward(output.sum())


@check
def check_parametrizations(network: Network, options: Options = DEFAULT) -> None:
    """With ``spectral_norm`` on its weights, there are output and gradients; state and copies hold."""
    data = network.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    normed = type(network).model_validate({**data, "parametrizations": ["spectral_norm"]})
    for trial in list(trials(normed, options))[:1]:
        module = trial.build().train()
        require_tensor(trial.call(module), f"the output with spectral norm {trial.where}")
        _backward(trial, module)
        _require_finite_gradients(module, f"with spectral norm {trial.where}")
        _require_state_dict(trial)
        _require_deep_copy(trial)


def _require_state_dict(trial: Trial) -> None:
    module = nudge(trial.build(0), 0.1).train()
    trial.call(module)  # moves running statistics
    other = trial.build(1)
    trial.call(other.train())
    other.load_state_dict(load(to_safetensors(module.state_dict(), {"made by": "ganzoo.testing"})))
    require(
        same(trial.call(module.eval()), trial.call(other.eval())),
        f"a second module with the first one's state dict gives another output {trial.where};"
        " whatever changes or is random must be a parameter or a buffer",
    )


def _require_deep_copy(trial: Trial) -> None:
    module = trial.build().train()
    if list(module.parameters()):
        _backward(trial, module)
    twin = copy.deepcopy(module).eval()
    before = trial.call(module.eval())
    require(
        same(before, trial.call(twin)),
        f"a deep copy gives another output {trial.where}; it must be the same",
    )
    nudge(twin)
    require(
        same(before, trial.call(module)),
        f"changing the weights of a deep copy changes the output of the module {trial.where};"
        " they must share nothing",
    )


def _require_close(output: torch.Tensor, expected: torch.Tensor, when: str) -> None:
    require(
        close(output, expected), f"{when} the output is another; it must be the same up to rounding"
    )


def _require_finite_gradients(module: nn.Module, when: str) -> None:
    broken = [
        name
        for name, each in _trained(module)
        if each.grad is not None and not each.grad.isfinite().all()
    ]
    require(not broken, f"gradients of {few(broken)} are not finite {when}; they must be")


def _channels_last(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.to(memory_format=torch.channels_last) if tensor.dim() == 4 else tensor


def _trained(module: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return [(name, each) for name, each in module.named_parameters() if each.requires_grad]


def _inert(module: nn.Module) -> set[str]:
    """Return the names of parameters whose gradient is 0 everywhere."""
    return {name for name, each in _trained(module) if each.grad is None or not each.grad.any()}


def _backward(trial: Trial, module: nn.Module, scale: float = 1.0) -> list[torch.Tensor]:
    """Send a random gradient back through a module, and return its inputs, multiplied by ``scale``."""
    inputs: list[torch.Tensor] = []

    def watch(tensor: torch.Tensor) -> torch.Tensor:
        inputs.append((scale * tensor).requires_grad_())
        return inputs[-1]

    module.zero_grad()
    output = trial.call(module, watch)
    if not inputs and not _trained(module):
        return inputs
    require(
        output.requires_grad,
        f"the output has no gradient {trial.where}; it must depend differentiably on inputs and"
        " parameters",
    )
    torch.autograd.backward((output * torch.randn_like(output)).sum())
    return inputs


def _equal_weights(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(
        chain(one.parameters(), one.buffers()),
        chain(other.parameters(), other.buffers()),
        strict=True,
    )
    return all(same(first, second) for first, second in pairs)
