"""Checks of regularizers and augmentations, on a tiny discriminator and made-up samples."""

from __future__ import annotations

import torch

from ganzoo.builtin.schedules import Constant
from ganzoo.components import Augmentation, PenaltyInputs, Regularizer
from ganzoo.testing.faults import check, require
from ganzoo.testing.tiny import BATCH, CLASSES, SAMPLE_SHAPES, TinyDiscriminator
from ganzoo.testing.trials import SampleShapes


@check
def check_output(regularizer: Regularizer, sample_shapes: SampleShapes = SAMPLE_SHAPES) -> None:
    """The penalty is a finite float32 scalar, for images and for points; samples stay as they are."""
    penalty = regularizer.build()
    for shape in sample_shapes:
        inputs = _inputs(shape)
        before = inputs.real.clone(), inputs.fake.clone()
        value = penalty(inputs)
        require(
            value.shape == () and value.dtype == torch.float32,
            f"the penalty of samples {shape} is {value.dtype} {tuple(value.shape)}; it must be a"
            " float32 scalar",
        )
        require(
            value.isfinite(), f"the penalty of samples {shape} is {value.item()}; it must be finite"
        )
        require(
            torch.equal(inputs.real, before[0]) and torch.equal(inputs.fake, before[1]),
            "the penalty changes samples in place; they must stay as they are",
        )


@check
def check_gradients(regularizer: Regularizer, sample_shapes: SampleShapes = SAMPLE_SHAPES) -> None:
    """A finite gradient other than 0 reaches the discriminator: a flat one, or else a steep one."""
    penalty = regularizer.build()
    for shape in sample_shapes:
        found: list[torch.Tensor] = []
        for scale in (1.0, 10.0):
            # Some penalties cost nothing where slopes are below a bound.
            inputs = _inputs(shape, scale)
            value = penalty(inputs)
            if value.requires_grad:
                torch.autograd.backward(value)
            gradients = [each.grad for each in inputs.discriminator.parameters()]
            found += [gradient for gradient in gradients if gradient is not None]
            if any(bool(gradient.any()) for gradient in found):
                break
        require(
            any(bool(gradient.any()) for gradient in found),
            f"no gradient reaches the discriminator for samples {shape}; the penalty must depend on"
            " its parameters (gradients by samples need create_graph=True)",
        )
        require(
            all(bool(gradient.isfinite().all()) for gradient in found),
            f"gradients are not finite for samples {shape}; they must be",
        )


@check
def check_rng(regularizer: Regularizer, sample_shapes: SampleShapes = SAMPLE_SHAPES) -> None:
    """What is random in the penalty follows from the generator that is handed over."""
    penalty = regularizer.build()
    inputs = _inputs(sample_shapes[0])
    values = []
    for elsewhere in (0, 1):
        torch.manual_seed(elsewhere)
        inputs.rng.manual_seed(7)
        values.append(penalty(inputs).item())
    require(
        values[0] == values[1],
        f"the same state of 'rng' gives {values[0]:.6g}, then {values[1]:.6g}; all that is random"
        " must come from it",
    )


@check
def check_weight(regularizer: Regularizer, sample_shapes: SampleShapes = SAMPLE_SHAPES) -> None:
    """What is built leaves ``weight`` and ``every`` to the game."""
    changes = {"weight": Constant(value=123.0), "every": regularizer.every + 1}
    heavy = regularizer.model_copy(update=changes)
    values = [each.build()(_inputs(sample_shapes[0])).item() for each in (regularizer, heavy)]
    require(
        values[0] == values[1],
        "the penalty changes with 'weight' or 'every'; the game applies these, so it must not",
    )


@check
def check_images(augmentation: Augmentation, sample_shapes: SampleShapes = SAMPLE_SHAPES) -> None:
    """Images keep their shape and type, stay finite, and are not changed in place."""
    augment = augmentation.build()
    for shape in _images(sample_shapes):
        x = torch.rand(BATCH, *shape) * 2 - 1
        before = x.clone()
        output = augment(x, torch.Generator().manual_seed(0))
        require(
            output.shape == x.shape and output.dtype == x.dtype,
            f"images {tuple(x.shape)} become {output.dtype} {tuple(output.shape)}; shape and type"
            " must stay",
        )
        require(output.isfinite().all(), f"images {shape} become what is not finite; they must not")
        require(torch.equal(x, before), "images are changed in place; they must stay as they are")


@check
def check_differentiable(
    augmentation: Augmentation, sample_shapes: SampleShapes = SAMPLE_SHAPES
) -> None:
    """A finite gradient other than 0 reaches the images, so that the generator can learn."""
    augment = augmentation.build()
    for shape in _images(sample_shapes):
        x = (torch.rand(BATCH, *shape) * 2 - 1).requires_grad_()
        output = augment(x, torch.Generator().manual_seed(0))
        if output.requires_grad:
            torch.autograd.backward((output * torch.randn_like(output)).sum())
        require(
            x.grad is not None and bool(x.grad.any()) and bool(x.grad.isfinite().all()),
            f"no finite gradient reaches images {shape}; the change must be differentiable, or the"
            " generator learns nothing",
        )


@check
def check_randomness(
    augmentation: Augmentation, sample_shapes: SampleShapes = SAMPLE_SHAPES
) -> None:
    """What is random follows from the generator that is handed over."""
    augment = augmentation.build()
    x = torch.rand(BATCH, *_images(sample_shapes)[0]) * 2 - 1
    outputs = []
    for elsewhere in (0, 1):
        torch.manual_seed(elsewhere)
        outputs.append(augment(x.clone(), torch.Generator().manual_seed(7)))
    require(
        torch.equal(outputs[0], outputs[1]),
        "the same state of 'rng' gives different images; all that is random must come from it",
    )


def _inputs(shape: tuple[int, ...], scale: float = 1.0) -> PenaltyInputs:
    """Return made-up inputs, with the weights of the discriminator multiplied by ``scale``."""
    rng = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    network = TinyDiscriminator(conditional=True).build(shape, CLASSES)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(scale)
    real, fake = (torch.rand(BATCH, *shape, generator=rng) * 2 - 1 for _ in range(2))
    return PenaltyInputs(network, real, fake, torch.arange(BATCH) % CLASSES, rng)


def _images(sample_shapes: SampleShapes) -> list[tuple[int, ...]]:
    images: list[tuple[int, ...]] = [shape for shape in sample_shapes if len(shape) == 3]
    require(images, "'sample_shapes' has no images; name at least one shape of images")
    return images
