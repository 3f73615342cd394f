"""Checks of generators and discriminators."""

from __future__ import annotations

import copy
import math

import torch
from pydantic import ValidationError

from ganzoo.components import Discriminator, Generator, Network
from ganzoo.testing.faults import check, require
from ganzoo.testing.tiny import BATCH, SAMPLE_SHAPES
from ganzoo.testing.trials import SampleShapes, accepted_shapes, nudge, trials


@check
def check_sample_shapes(network: Network, sample_shapes: SampleShapes = SAMPLE_SHAPES) -> None:
    """The network's ``check`` accepts at least one of the shapes."""
    require(
        accepted_shapes(network, sample_shapes),
        f"'check' refuses all of the shapes {', '.join(map(str, sample_shapes))}; it must accept at"
        " least one, so name one that it does in 'sample_shapes'",
    )


@check
def check_output(network: Network, sample_shapes: SampleShapes = SAMPLE_SHAPES) -> None:
    """Outputs have the family's shape, are float32 and finite: in training, and for one sample."""
    for shape in accepted_shapes(network, sample_shapes):
        for samples, training in ((BATCH, True), (BATCH, False), (1, False)):
            (trial,) = trials(network, (shape,), samples)
            output = trial.call(trial.build().train(training))
            expected = (samples, *shape) if isinstance(network, Generator) else (samples,)
            where = f"{samples} of shape {shape}"
            require(
                tuple(output.shape) == expected,
                f"for {where} the output has shape {tuple(output.shape)}; it must be {expected}",
            )
            require(
                output.dtype == torch.float32,
                f"for {where} the output is {output.dtype}; it must be float32",
            )
            require(output.isfinite().all(), f"for {where} the output is not finite; it must be")


@check
def check_range(generator: Generator, sample_shapes: SampleShapes = SAMPLE_SHAPES) -> None:
    """Images lie in [-1, 1], whatever the weights are; points have no bounds."""
    images = tuple(shape for shape in sample_shapes if len(shape) == 3)
    for trial in trials(generator, images):
        module = trial.build().train()
        outputs = [trial.call(module), trial.call(nudge(module))]
        outputs.append(trial.call(module, lambda z: 100 * z))  # what is clipped seldom, too
        for output in outputs:
            extreme = output.detach().nan_to_num(0, math.inf, -math.inf).abs().amax().item()
            require(
                extreme <= 1 + 1e-6,
                f"images have values up to {extreme:.3g} in magnitude {trial.where}; they must lie"
                " in [-1, 1], as those of a tanh do",
            )


@check
def check_raw_logits(
    discriminator: Discriminator, sample_shapes: SampleShapes = SAMPLE_SHAPES
) -> None:
    """Logits are not confined to [0, 1]: there is no sigmoid at the end."""
    for trial in trials(discriminator, sample_shapes):
        outputs = []
        for seed in range(3):
            module = trial.build(seed).train()
            outputs.append(trial.call(module))
            # To one side, then to the other.
            outputs += [trial.call(nudge(module, std), lambda x: 10 * x) for std in (1.0, -2.0)]
        logits = torch.cat(outputs)
        require(
            ((logits < 0) | (logits > 1)).any(),
            f"all logits lie in [0, 1] {trial.where}, whatever the weights are; return them raw,"
            " without a sigmoid",
        )


@check
def check_independence(generator: Generator, sample_shapes: SampleShapes = SAMPLE_SHAPES) -> None:
    """In evaluation mode a sample depends on its own latent alone."""
    for trial in trials(generator, sample_shapes):
        module = trial.build().eval()
        require(
            _others_stay(trial.call(module), trial.call(module, _change_first)),
            f"in evaluation mode one latent changes the samples of others {trial.where}; each must"
            " depend on its own alone",
        )


@check
def check_joined_batches(
    discriminator: Discriminator, sample_shapes: SampleShapes = SAMPLE_SHAPES
) -> None:
    """Where ``joins_batches`` is true, no sample influences the logit of another."""
    for trial in trials(discriminator, sample_shapes) if discriminator.joins_batches else ():
        module = trial.build().train()
        # Each pass starts from the same buffers: those of spectral norm move with every one.
        before = trial.call(copy.deepcopy(module))
        require(
            _others_stay(before, trial.call(copy.deepcopy(module), _change_first)),
            f"'joins_batches' is true, but one sample changes the logits of others {trial.where};"
            " it must be false then",
        )


@check
def check_labels(network: Network, sample_shapes: SampleShapes = SAMPLE_SHAPES) -> None:
    """The conditional form is refused where it is not supported; else classes make a difference.

    The other checks of networks are made of the conditional form as well, as cases of their own.
    """
    try:
        conditional = conditional_form(network)
    except ValidationError:
        require(
            not network.supports_conditional,
            "'conditional' is refused although 'supports_conditional' is true; it must be accepted",
        )
        return
    require(
        network.supports_conditional,
        "'conditional' is accepted although 'supports_conditional' is false; it must be refused",
    )
    shapes = tuple(accepted_shapes(network, sample_shapes))
    require(
        not shapes or accepted_shapes(conditional, shapes),
        "'check' refuses every shape once there are classes; it must accept at least one",
    )
    for trial in trials(conditional, shapes):
        module = nudge(trial.build()).eval()
        output = trial.call(module, lambda x: x[:1].expand_as(x))
        require(
            not torch.equal(output[0], output[1]),
            f"the class of a sample makes no difference {trial.where}; the conditional form must"
            " use the labels",
        )


def conditional_form(network: Network) -> Network:
    """Return a network that is the same but for ``conditional``, which is true.

    Raises:
        ValidationError: it is refused.
    """
    data = network.model_dump(mode="json", by_alias=True)
    return type(network).model_validate({**data, "conditional": True})


def _change_first(inputs: torch.Tensor) -> torch.Tensor:
    return torch.cat([inputs[:1] + 1, inputs[1:]])


def _others_stay(before: torch.Tensor, after: torch.Tensor) -> bool:
    return torch.allclose(before[1:], after[1:], rtol=1e-4, atol=1e-5)
