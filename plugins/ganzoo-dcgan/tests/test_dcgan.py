"""The deep convolutional networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import torch
from ganzoo_dcgan.components import DCGANDiscriminator, DCGANGenerator
from pydantic import TypeAdapter, ValidationError
from references import r2, r5
from references.weights import copy_weights, shapes
from torch import nn

from ganzoo.components import Condition, Discriminator, Generator
from ganzoo.plugins import installed
from ganzoo.spec import parse_spec

IMAGE = (1, 28, 28)
CLASSES = Condition("classes", 3)
PUBLISHED = {
    "dcgan-mnist": (r2, r2.generator, r2.discriminator),
    "cnn-fashion": (r5, r5.generator, r5.discriminator),
} | {
    f"dcgan-mnist-{name}": (r2, partial(r2.generator, each), partial(r2.discriminator, each))
    for name, each in r2.ACTIVATIONS.items()
}
RECIPES = pytest.mark.parametrize("name", PUBLISHED)
NETWORKS = pytest.mark.parametrize(
    ("name", "memory_format"),
    [
        *((name, torch.contiguous_format) for name in PUBLISHED),
        ("dcgan-mnist", torch.channels_last),
        ("cnn-fashion", torch.channels_last),
    ],
)


@pytest.fixture(autouse=True)
def seeded() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def recipe(name: str) -> dict[str, Any]:
    return installed().recipes[name][0].read()


def generator(**data: Any) -> Generator:
    return TypeAdapter(Generator).validate_python({"type": "dcgan", **data})


def discriminator(**data: Any) -> Discriminator:
    return TypeAdapter(Discriminator).validate_python({"type": "dcgan", **data})


@NETWORKS
def test_the_generator_of_the_recipe_is_the_published_one(
    name: str, memory_format: torch.memory_format
) -> None:
    program, published, _ = PUBLISHED[name]
    spec = recipe(name)
    assert spec["latent"]["dim"] == program.LATENT
    ours = generator(**spec["generator"]).build(program.LATENT, IMAGE, None).double()
    theirs = published().double()
    copy_weights(theirs, ours)
    ours.to(memory_format=memory_format)
    z = torch.randn(2, program.LATENT, dtype=torch.float64, requires_grad=True)
    assert_same(ours, theirs, z, lambda: ours(z, None), lambda: theirs(z))


@NETWORKS
def test_the_discriminator_of_the_recipe_is_the_published_one_before_its_sigmoid(
    name: str, memory_format: torch.memory_format
) -> None:
    _, _, published = PUBLISHED[name]
    ours = discriminator(**recipe(name)["discriminator"]).build(IMAGE, None).double()
    theirs = published().double()
    copy_weights(theirs, ours)
    ours.to(memory_format=memory_format)
    finish = torch.sigmoid if isinstance(theirs[-1], nn.Sigmoid) else nn.Identity()
    x = torch.randn(2, *IMAGE, dtype=torch.float64, requires_grad=True)
    assert_same(ours, theirs, x, lambda: finish(ours(x, None)), lambda: theirs(x).flatten())


def assert_same(
    ours: nn.Module,
    theirs: nn.Module,
    inputs: torch.Tensor,
    our_output: Callable[[], torch.Tensor],
    their_output: Callable[[], torch.Tensor],
) -> None:
    """Compare outputs, gradients and running statistics in training, then outputs at rest."""
    assert shapes(ours) == shapes(theirs)
    outputs = []
    for make in (our_output, their_output):
        torch.manual_seed(1)  # dropout draws the same channels for both
        outputs.append(make())
    torch.testing.assert_close(outputs[0], outputs[1], rtol=0, atol=1e-12)
    weights = torch.randn_like(outputs[1])
    gradients = [
        torch.autograd.grad((output * weights).sum(), [inputs, *network.parameters()])
        for network, output in zip((ours, theirs), outputs, strict=True)
    ]
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-12, atol=1e-12)
    statistics = [list(network.buffers()) for network in (ours, theirs)]
    torch.testing.assert_close(statistics[0], statistics[1], rtol=0, atol=1e-12)
    ours.eval()
    theirs.eval()
    torch.testing.assert_close(our_output(), their_output(), rtol=0, atol=1e-12)


@RECIPES
def test_recipes_are_valid_and_have_the_published_numbers(name: str) -> None:
    program, _, _ = PUBLISHED[name]
    spec = parse_spec(recipe(name))
    assert spec.name == name
    assert spec.dataset.horizontal_flip == program.FLIP
    assert spec.training.batch_size == program.BATCH
    assert str(spec.training.duration) == f"{program.EPOCHS} epochs"
    optimizers = (
        spec.algorithm.generator_optimizer,
        spec.algorithm.discriminator_optimizer,
    )
    rates = [next(iter(optimizer.lr.values())) for optimizer in optimizers]
    assert rates == [program.LR_G, program.LR_D]


@pytest.mark.parametrize("name", r2.ACTIVATIONS)
def test_the_study_of_activations_changes_nothing_else(name: str) -> None:
    changed, plain = recipe(f"dcgan-mnist-{name}"), recipe("dcgan-mnist")
    for spec in (changed, plain):
        del spec["name"], spec["description"]
        del spec["generator"]["activation"], spec["discriminator"]["activation"]
    assert changed == plain


@pytest.mark.parametrize("size", [8, 28, 32, 64, 96, 128])
@pytest.mark.parametrize("image_channels", [1, 3])
def test_images_of_all_these_sizes_are_made_and_judged(size: int, image_channels: int) -> None:
    shape = (image_channels, size, size)
    made, judged = generator(channels=2), discriminator(channels=2)
    made.check(shape, None)
    judged.check(shape, None)
    images = made.build(5, shape, None)(torch.randn(2, 5), None)
    assert images.shape == (2, *shape)
    assert images.abs().max() <= 1
    assert judged.build(shape, None)(images, None).shape == (2,)


@pytest.mark.parametrize("kernel_size", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("stem", ["convolution", "linear"])
def test_every_kernel_doubles_the_size(kernel_size: int, stem: str) -> None:
    spec = generator(channels=2, kernel_size=kernel_size, stem=stem, stem_convolutions=2)
    network = spec.build(5, (3, 32, 32), None)
    assert network(torch.randn(2, 5), None).shape == (2, 3, 32, 32)


def test_widths_halve_from_stem_to_image_as_in_the_paper() -> None:
    network = generator(channels=128).build(100, (3, 64, 64), None)
    widths = [
        each.out_channels for each in network.modules() if isinstance(each, nn.ConvTranspose2d)
    ]
    assert widths == [1024, 512, 256, 128, 3]
    opponent = discriminator(channels=128).build((3, 64, 64), None)
    widths = [each.out_channels for each in opponent.modules() if isinstance(each, nn.Conv2d)]
    assert widths == [128, 256, 512, 1024, 1]


@pytest.mark.parametrize("normalize_first", [False, True])
def test_the_first_layer_of_the_discriminator_is_normalized_only_on_demand(
    normalize_first: bool,
) -> None:
    network = discriminator(channels=4, normalize_first=normalize_first).build((3, 32, 32), None)
    normalized = [
        each.num_features for each in network.modules() if isinstance(each, nn.BatchNorm2d)
    ]
    assert normalized == ([4] if normalize_first else []) + [8, 16]


@pytest.mark.parametrize("family", [generator, discriminator])
@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ((2,), "supports images only; choose 'mlp' for other samples"),
        ((1, 7, 7), "supports images of at least 8x8, not 7x7"),
        ((1, 7, 64), "supports images of at least 8x8, not 7x64"),
    ],
)
def test_samples_that_are_no_images_or_too_small_are_refused(
    family: Any, shape: tuple[int, ...], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        family().check(shape, None)


@pytest.mark.parametrize(
    ("size", "below", "above"), [(30, 28, 32), (33, 32, 40), (63, 56, 64), (100, 96, 112)]
)
def test_sizes_that_are_no_doubled_stem_are_refused_with_the_nearest(
    size: int, below: int, above: int
) -> None:
    with pytest.raises(ValueError, match=rf"{size}x{size}.* {below}x{below} and {above}x{above}$"):
        generator().check((1, size, size), None)
    for nearest in (below, above):
        generator().check((1, nearest, nearest), None)


@pytest.mark.parametrize(
    ("shape", "stem"),
    [((48, 64), (6, 8)), ((28, 32), (7, 8)), ((16, 24), (4, 6)), ((24, 16), (6, 4)),
     ((8, 30), (4, 15)), ((96, 128), (6, 8)), ((64, 192), (4, 12))],
)  # fmt: skip
@pytest.mark.parametrize("stem_layer", ["convolution", "linear"])
def test_height_and_width_may_differ(
    shape: tuple[int, int], stem: tuple[int, int], stem_layer: str
) -> None:
    made, judged = generator(channels=2, stem=stem_layer), discriminator(channels=2)
    made.check((3, *shape), None)
    judged.check((3, *shape), None)
    network = made.build(5, (3, *shape), None)
    images = network(torch.randn(2, 5), None)
    assert images.shape == (2, 3, *shape)
    first = next(each for each in network.modules() if isinstance(each, nn.ConvTranspose2d))
    if stem_layer == "convolution":
        assert tuple(first.kernel_size) == stem
    assert judged.build((3, *shape), None)(images, None).shape == (2,)
    classes = discriminator(channels=2, conditional=True).build((3, *shape), CLASSES)
    assert classes(images, torch.tensor([0, 2])).shape == (2,)


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        ((30, 36), r"28x36 and 32x40$"),
        ((30, 40), r"28x40 and 32x40$"),
        ((100, 130), r"96x128 and 112x144$"),
        ((9, 16), r"8x16 and 10x16$"),
    ],
)
def test_the_nearest_height_and_width_are_named(shape: tuple[int, int], sizes: str) -> None:
    with pytest.raises(
        ValueError, match=rf"set dataset\.size.*nearest sizes .* are {sizes}"
    ) as caught:
        generator().check((3, *shape), None)
    for size in str(caught.value).rpartition(" are ")[2].split(" and "):
        generator().check((3, *map(int, size.split("x"))), None)


@pytest.mark.parametrize("size", [9, 13, 30, 47, 65])
def test_the_discriminator_also_reads_sizes_that_cannot_be_made(size: int) -> None:
    spec = discriminator(channels=1)
    spec.check((1, size, size), None)
    assert spec.build((1, size, size), None)(torch.zeros(2, 1, size, size), None).shape == (2,)


def test_kernels_larger_than_what_they_act_on_are_refused() -> None:
    with pytest.raises(
        ValueError, match="layer 2 gets 5x5 pixels, too few for a kernel_size of 15"
    ):
        discriminator(kernel_size=15, padding=4).check((1, 16, 16), None)


@pytest.mark.parametrize(
    ("family", "parameters", "reason"),
    [
        (generator, {"stem": "linear", "normalization": "instance"}, "'layer' for vectors"),
        (
            generator,
            {"channels": 6, "normalization": {"type": "group", "groups": 4}},
            "6 channels cannot be divided in 4 groups",
        ),
        (
            discriminator,
            {"channels": 3, "normalization": {"type": "group", "groups": 4}},
            "6 channels cannot be divided in 4 groups",
        ),
    ],
)
def test_normalizations_that_cannot_serve_are_refused(
    family: Any, parameters: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        family(**parameters).check(IMAGE, None)


@pytest.mark.parametrize("normalization", ["none", "batch", "layer", "instance"])
def test_what_check_accepts_can_be_built(normalization: str) -> None:
    for spec in (generator(channels=4, normalization=normalization), discriminator(channels=4)):
        spec.check(IMAGE, None)
    network = generator(channels=4, normalization=normalization).build(5, IMAGE, None)
    assert network(torch.randn(3, 5), None).shape == (3, *IMAGE)


@pytest.mark.parametrize("head", ["convolution", "linear"])
def test_both_networks_use_the_class(head: str) -> None:
    network = generator(channels=4, conditional=True).build(7, IMAGE, CLASSES)
    opponent = discriminator(channels=4, head=head, conditional=True).build(IMAGE, CLASSES)
    network.eval()
    opponent.eval()
    z, x = torch.randn(1, 7).expand(3, 7), torch.randn(1, *IMAGE).expand(3, *IMAGE)
    labels = torch.arange(3)
    assert len(network(z, labels).flatten(1).unique(dim=0)) == 3
    logits = opponent(x, labels)
    assert logits.shape == (3,)
    assert len(logits.unique()) == 3
    torch.testing.assert_close(opponent(x, labels[[2, 1, 0]]), logits.flip(0))
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in opponent.parameters())


def test_the_class_enters_the_logit_as_an_inner_product_with_the_features() -> None:
    network = discriminator(channels=4, conditional=True).build(IMAGE, CLASSES).eval()
    x, labels = torch.randn(5, *IMAGE), torch.tensor([0, 1, 2, 1, 0])
    features = network.body(x)  # type: ignore[operator] # our own module
    expected = network.head(features)[:, 0]  # type: ignore[operator] # our own module
    for index, label in enumerate(labels):
        vector = network.classes.weight[label]  # type: ignore[union-attr, index] # our own module
        expected[index] += vector @ features[index].flatten()
    torch.testing.assert_close(network(x, labels), expected)


def test_first_weights_are_those_of_the_paper() -> None:
    for network in (
        generator(stem="linear", bias=True).build(100, (3, 32, 32), None),
        discriminator(head="linear", bias=True).build((3, 32, 32), None),
    ):
        for module in network.modules():
            if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d | nn.BatchNorm2d):
                mean = float(isinstance(module, nn.BatchNorm2d))
                error = 6 * 0.02 / module.weight.numel() ** 0.5
                assert abs(module.weight.mean() - mean) < error
                assert abs(module.weight.std() - 0.02) < error
                assert module.bias is not None
                assert not module.bias.any()


def test_default_first_weights_are_those_of_torch() -> None:
    spec = generator(init="default", channels=2, bias=True)
    torch.manual_seed(3)
    network = spec.build(5, (1, 8, 8), None)
    torch.manual_seed(3)
    stem, last = nn.ConvTranspose2d(5, 2, 4), nn.ConvTranspose2d(2, 1, 4)
    expected = [stem.weight, stem.bias, torch.ones(2), torch.zeros(2), last.weight, last.bias]
    assert all(map(torch.equal, network.parameters(), expected))


def test_activations_with_parameters_keep_their_first_values() -> None:
    network = discriminator(activation={"type": "prelu", "init": 0.3}).build(IMAGE, None)
    slopes = [each.weight for each in network.modules() if isinstance(each, nn.PReLU)]
    assert slopes
    assert all(bool((slope == 0.3).all()) for slope in slopes)


@pytest.mark.parametrize(
    ("component", "wrong"),
    [
        (DCGANGenerator, {"channels": 0}),
        (DCGANGenerator, {"stem": "dense"}),
        (DCGANGenerator, {"dropout": 0.5}),
        (DCGANDiscriminator, {"dropout": 1.0}),
        (DCGANDiscriminator, {"kernel_size": 1}),
        (DCGANDiscriminator, {"stem": "linear"}),
    ],
)
def test_parameters_out_of_range_are_refused(component: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        component.model_validate(wrong)


def test_weights_move_to_another_network_of_the_same_spec() -> None:
    first, second = (generator(channels=4).build(7, IMAGE, None) for _ in range(2))
    z = torch.randn(4, 7)
    assert not torch.equal(first(z, None), second(z, None))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(z, None), second(z, None))


def test_no_layer_is_there_for_nothing() -> None:
    networks = (
        generator(normalization="none", output_activation="identity").build(7, IMAGE, None),
        discriminator(normalization="none").build(IMAGE, None),
    )
    for network in networks:
        modules = list(network.modules())
        assert not [each for each in modules if isinstance(each, nn.Identity | nn.Dropout2d)]


def test_batches_are_never_joined() -> None:
    """Whatever its normalization: two passes are faster where convolutions rule."""
    assert not discriminator().joins_batches
    assert not discriminator(normalization="none").joins_batches


def test_a_generator_that_resizes_repeats_pixels_and_convolves_them() -> None:
    network = generator(channels=2, upsampling="resize", init="default").build(3, IMAGE, None)
    plain = nn.Sequential(
        nn.ConvTranspose2d(3, 4, 7, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.UpsamplingNearest2d(scale_factor=2),
        nn.Conv2d(4, 2, 3, padding=1, bias=False),
        nn.BatchNorm2d(2),
        nn.ReLU(),
        nn.UpsamplingNearest2d(scale_factor=2),
        nn.Conv2d(2, 1, 3, padding=1, bias=False),
        nn.Tanh(),
    )
    copy_weights(plain, network)
    z = torch.randn(4, 3)
    torch.testing.assert_close(network(z, None), plain(z.view(4, 3, 1, 1)))


def test_a_discriminator_that_pools_averages_activations() -> None:
    network = discriminator(channels=2, downsampling="pool", init="default").build(IMAGE, None)
    plain = nn.Sequential(
        nn.Conv2d(1, 2, 4, padding=1, bias=False),
        nn.LeakyReLU(0.2),
        nn.AvgPool2d(2),
        nn.Conv2d(2, 4, 4, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.LeakyReLU(0.2),
        nn.AvgPool2d(2),
        nn.Conv2d(4, 1, 6, bias=False),
    )
    copy_weights(plain, network)
    x = torch.randn(4, *IMAGE)
    torch.testing.assert_close(network(x, None), plain(x).view(4))
