"""The convolutions that are computed as matrix products."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from ganzoo_dcgan.layers import ImageToVector, VectorToImage
from torch import nn

FORMATS = [torch.contiguous_format, torch.channels_last]


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("memory_format", FORMATS)
def test_a_vector_becomes_the_image_that_torch_makes_of_one_pixel(
    memory_format: torch.memory_format, bias: bool
) -> None:
    theirs = nn.ConvTranspose2d(10, 6, 7, bias=bias).double()
    ours = VectorToImage(10, 6, (7, 7), bias=bias).double()
    ours.load_state_dict(theirs.state_dict())
    ours.to(memory_format=memory_format)
    z = torch.randn(5, 10, dtype=torch.float64, requires_grad=True)
    image = ours(z)
    assert image.is_contiguous(memory_format=memory_format)
    assert_same(ours, theirs, z, image, theirs(z[:, :, None, None]))


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("memory_format", FORMATS)
@pytest.mark.parametrize("image_format", FORMATS)
def test_an_image_becomes_the_vector_that_torch_makes_of_it(
    memory_format: torch.memory_format, image_format: torch.memory_format, bias: bool
) -> None:
    theirs = nn.Conv2d(6, 3, 7, bias=bias).double()
    ours = ImageToVector(6, 3, (7, 7), bias=bias).double()
    ours.load_state_dict(theirs.state_dict())
    ours.to(memory_format=memory_format)
    x = torch.randn(5, 6, 7, 7, dtype=torch.float64).to(memory_format=image_format)
    x.requires_grad_()
    assert_same(ours, theirs, x, ours(x), theirs(x).flatten(1))


def assert_same(
    ours: nn.Module,
    theirs: nn.Module,
    inputs: torch.Tensor,
    our_output: torch.Tensor,
    their_output: torch.Tensor,
) -> None:
    torch.testing.assert_close(our_output, their_output, rtol=0, atol=1e-12)
    weights = torch.randn_like(their_output)
    gradients = [
        torch.autograd.grad((output * weights).sum(), [inputs, *network.parameters()])
        for network, output in ((ours, our_output), (theirs, their_output))
    ]
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("memory_format", FORMATS)
def test_both_can_be_differentiated_twice_for_gradient_penalties(
    memory_format: torch.memory_format,
) -> None:
    up = VectorToImage(3, 2, (4, 4), bias=True).double().to(memory_format=memory_format)
    down = ImageToVector(2, 1, (4, 4), bias=True).double().to(memory_format=memory_format)
    z = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda z: down(up(z).tanh()), z)
