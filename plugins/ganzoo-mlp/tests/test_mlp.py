"""The fully connected networks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
import torch
from ganzoo_mlp.components import MLPDiscriminator, MLPGenerator
from pydantic import TypeAdapter, ValidationError
from references import r1, r4
from references.weights import copy_weights, shapes
from torch import nn

from ganzoo.components import Condition, Discriminator, Generator
from ganzoo.plugins import installed
from ganzoo.spec import parse_spec

IMAGE = (1, 28, 28)
CLASSES = Condition("classes", 3)
PUBLISHED = [pytest.param("mlp-mnist", r1, id="r1"), pytest.param("fc-fashion", r4, id="r4")]


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def recipe(name: str) -> dict[str, Any]:
    return installed().recipes[name][0].read()


def generator(data: object = "mlp") -> Generator:
    return TypeAdapter(Generator).validate_python(data)


def discriminator(data: object = "mlp") -> Discriminator:
    return TypeAdapter(Discriminator).validate_python(data)


@pytest.mark.parametrize(("name", "published"), PUBLISHED)
def test_the_generator_of_the_recipe_is_the_published_one(name: str, published: ModuleType) -> None:
    spec = recipe(name)
    assert spec["latent"]["dim"] == published.LATENT
    ours = generator(spec["generator"]).build(published.LATENT, IMAGE, None).double()
    theirs = published.generator().double()
    copy_weights(theirs, ours)
    z = torch.randn(5, published.LATENT, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(5, *IMAGE, dtype=torch.float64)
    assert_same(ours, theirs, z, ours(z, None), theirs(z), weights)


@pytest.mark.parametrize(("name", "published"), PUBLISHED)
def test_the_discriminator_of_the_recipe_is_the_published_one_before_its_sigmoid(
    name: str, published: ModuleType
) -> None:
    ours = discriminator(recipe(name)["discriminator"]).build(IMAGE, None).double()
    theirs = published.discriminator().double()
    copy_weights(theirs, ours)
    x = torch.randn(5, *IMAGE, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(5, dtype=torch.float64)
    assert_same(ours, theirs, x, ours(x, None).sigmoid(), theirs(x).flatten(), weights)


def assert_same(
    ours: nn.Module,
    theirs: nn.Module,
    inputs: torch.Tensor,
    our_output: torch.Tensor,
    their_output: torch.Tensor,
    weights: torch.Tensor,
) -> None:
    assert shapes(ours) == shapes(theirs)
    torch.testing.assert_close(our_output, their_output, rtol=0, atol=1e-12)
    gradients = [
        torch.autograd.grad((output * weights).sum(), [inputs, *network.parameters()])
        for network, output in ((ours, our_output), (theirs, their_output))
    ]
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize(("name", "published"), PUBLISHED)
def test_recipes_are_valid_and_have_the_published_numbers(name: str, published: ModuleType) -> None:
    spec = parse_spec(recipe(name))
    assert spec.name == name
    assert spec.dataset.horizontal_flip == published.FLIP
    assert spec.training.batch_size == published.BATCH
    assert str(spec.training.duration) == f"{published.EPOCHS} epochs"
    optimizers = (
        spec.algorithm.generator_optimizer,
        spec.algorithm.discriminator_optimizer,
    )
    rates = [next(iter(optimizer.lr.values())) for optimizer in optimizers]
    assert rates == [published.LR_G, published.LR_D]


@pytest.mark.parametrize("sample_shape", [(1, 28, 28), (3, 32, 32), (3, 17, 23), (2,)])
def test_any_sample_shape_will_do(sample_shape: tuple[int, ...]) -> None:
    spec, opponent = generator(), discriminator()
    spec.check(sample_shape, None)
    opponent.check(sample_shape, None)
    samples = spec.build(7, sample_shape, None)(torch.randn(4, 7), None)
    assert samples.shape == (4, *sample_shape)
    assert samples.abs().max() <= 1
    assert opponent.build(sample_shape, None)(samples, None).shape == (4,)


def test_points_need_no_bounds() -> None:
    network = generator({"type": "mlp", "output_activation": "identity"}).build(2, (2,), None)
    assert network(100 * torch.randn(64, 2), None).abs().max() > 1


def test_fourier_features_stand_beside_the_sample() -> None:
    network = discriminator({"type": "mlp", "hidden": [], "fourier": [0.5, 1.0]}).build((2,), None)
    x, y = 0.3, -0.2
    angles = [math.pi * factor * value for factor in (1, 2) for value in (x, y)]
    features = [x, y, *map(math.sin, angles), *map(math.cos, angles)]
    expected = network.layers(torch.tensor([features]))  # type: ignore[operator] # our own module
    torch.testing.assert_close(network(torch.tensor([[x, y]]), None), expected.view(-1))


def test_normalization_stands_before_the_activation_and_dropout_after_it() -> None:
    network = discriminator(
        {"type": "mlp", "hidden": [8], "normalization": "batch", "dropout": 0.5}
    )
    kinds = [type(layer) for layer in network.build((2,), None).layers]  # type: ignore[union-attr, arg-type] # our own module
    assert kinds == [nn.Linear, nn.BatchNorm1d, nn.LeakyReLU, nn.Dropout, nn.Linear]


def test_no_layer_is_there_for_nothing() -> None:
    spec = {"type": "mlp", "output_activation": "identity"}
    modules = generator(spec).build(7, IMAGE, None).modules()
    assert not [each for each in modules if isinstance(each, nn.Identity | nn.Dropout)]


def test_both_networks_use_the_class() -> None:
    made = generator({"type": "mlp", "conditional": True})
    judged = discriminator({"type": "mlp", "conditional": True})
    network, opponent = made.build(7, IMAGE, CLASSES), judged.build(IMAGE, CLASSES)
    z, x = torch.randn(1, 7).expand(3, 7), torch.randn(1, *IMAGE).expand(3, *IMAGE)
    labels = torch.arange(3)
    samples, logits = network(z, labels), opponent(x, labels)
    assert samples.shape == (3, *IMAGE)
    assert len(samples.flatten(1).unique(dim=0)) == 3
    assert len(logits.unique()) == 3
    torch.testing.assert_close(network(z, labels[[2, 1, 0]]), samples.flip(0))
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in opponent.parameters())


@pytest.mark.parametrize("normalization", ["none", "batch", "layer", "group"])
def test_batches_are_joined_exactly_where_samples_do_not_influence_each_other(
    normalization: str,
) -> None:
    spec = discriminator({"type": "mlp", "normalization": normalization})
    network = spec.build(IMAGE, None)
    x = torch.randn(4, *IMAGE)
    before = network(x, None)
    x[0] += 1
    after = network(x, None)
    assert before[0] != after[0]
    assert torch.equal(before[1:], after[1:]) == spec.joins_batches


@pytest.mark.parametrize(
    ("normalization", "reason"),
    [
        ("instance", "choose 'layer' for vectors"),
        ({"type": "group", "groups": 3}, "256 channels cannot be divided in 3 groups"),
    ],
)
@pytest.mark.parametrize("family", [generator, discriminator])
def test_normalizations_that_cannot_serve_are_refused(
    family: Any, normalization: object, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        family({"type": "mlp", "normalization": normalization}).check(IMAGE, None)


@pytest.mark.parametrize("wrong", [{"hidden": [0]}, {"dropout": 1.0}, {"widths": [8]}])
def test_parameters_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MLPDiscriminator.model_validate(wrong)
    with pytest.raises(ValidationError):
        MLPGenerator.model_validate(wrong)


def test_weights_move_to_another_network_of_the_same_spec() -> None:
    first, second = (generator().build(7, IMAGE, None) for _ in range(2))
    z = torch.randn(4, 7)
    assert not torch.equal(first(z, None), second(z, None))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(z, None), second(z, None))
