"""The auxiliary losses, each against a program of its own that follows the paper sample by sample."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from ganzoo_conditional.networks import InfoGANLatent, WithHeads
from ganzoo_mlp.components import MLPDiscriminator
from pydantic import TypeAdapter

from ganzoo.builtin.latents import Normal
from ganzoo.components import (
    AuxiliaryLoss,
    Condition,
    DatasetInfo,
    DiscriminatorOutput,
    LossInputs,
    Setting,
    Side,
    space_of,
)

N, CLASSES, WIDTH = 7, 3, 5
CODES = InfoGANLatent(dim=9, categories=(3, 2), continuous=2)
SPACE = space_of((2,), "float32")
CONDITION = Condition("classes", CLASSES)


def setting(**changes: Any) -> Setting:
    fields: dict[str, Any] = {
        "data": DatasetInfo(SPACE, CONDITION),
        "samples": SPACE,
        "condition": CONDITION,
        "discriminator": WithHeads(
            network=MLPDiscriminator(hidden=(4,)), embedding=WIDTH, codes=7, conditional=True
        ),
        "latent": CODES,
        "batch_size": N,
    }
    return Setting(**fields | changes)


def loss(name: str, **parameters: Any) -> AuxiliaryLoss:
    """Validate an auxiliary loss as a spec does."""
    return TypeAdapter(AuxiliaryLoss).validate_python({"type": name, **parameters})


def inputs(side: Side, seed: int = 0) -> LossInputs:
    """Return outputs at random; class logits are the cosines that losses of embeddings expect."""
    rng = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=rng, dtype=torch.float64).requires_grad_()

    def output() -> DiscriminatorOutput:
        embedding, proxies = normal(N, WIDTH), normal(CLASSES, WIDTH)
        cosines = torch.cosine_similarity(embedding[:, None], proxies, dim=2)
        return DiscriminatorOutput(normal(N), (), cosines, embedding, normal(N, CODES.codes))

    samples = normal(N, 2)
    return LossInputs(
        side=side,
        fake=samples,
        real=samples,
        fake_output=output(),
        real_output=output(),
        condition=torch.randint(CLASSES, (N,), generator=rng),
        latents=CODES.build()(N, rng).double(),
        discriminator=lambda _: output(),
        differentiate=lambda _, x: x,
        rng=rng,
    )


def cross_entropy(output: DiscriminatorOutput, classes: list[int]) -> torch.Tensor:
    """Mean of -log(exp C_y / Σ exp C_k)."""
    rows = zip(parts(output.class_logits), classes, strict=True)
    return mean([-(row[y].exp() / row.exp().sum()).log() for row, y in rows])


def hinge(output: DiscriminatorOutput, classes: list[int]) -> torch.Tensor:
    """Mean of max(0, 1 - C_y + C_¬y), C_¬y being the highest of all others."""
    terms = []
    for row, y in zip(parts(output.class_logits), classes, strict=True):
        others = [row[k] for k in range(CLASSES) if k != y]
        terms.append(torch.clamp(1 - row[y] + max(others), min=0))
    return mean(terms)


def contrast(output: DiscriminatorOutput, classes: list[int], t: float = 1.0) -> torch.Tensor:
    """Kang and Park 2020, eq. 8, with l(x) normalized."""
    terms = []
    points = [each / each.norm() for each in parts(output.embedding)]
    for i, (row, y) in enumerate(zip(parts(output.class_logits), classes, strict=True)):
        above = below = (row[y] / t).exp()
        for k, other in enumerate(points):
            if k != i:
                near = (points[i] @ other / t).exp()
                below = below + near
                above = above + near * (classes[k] == y)
        terms.append(-(above / below).log())
    return mean(terms)


def data_to_data(
    output: DiscriminatorOutput,
    classes: list[int],
    t: float = 0.5,
    positive: float = 0.98,
    negative: float = 0.02,
) -> torch.Tensor:
    """Kang et al. 2021, the D2D-CE with both margins."""
    terms = []
    points = [each / each.norm() for each in parts(output.embedding)]
    for i, (row, y) in enumerate(zip(parts(output.class_logits), classes, strict=True)):
        own = (torch.clamp(row[y] - positive, max=0) / t).exp()
        others = [
            (torch.clamp(points[i] @ points[k] - negative, min=0) / t).exp()
            for k in range(N)
            if classes[k] != y
        ]
        terms.append(-(own / (own + sum(others))).log())
    return mean(terms)


def parts(tensor: torch.Tensor | None) -> list[torch.Tensor]:
    assert tensor is not None
    return list(tensor)


def mean(terms: list[torch.Tensor]) -> torch.Tensor:
    return torch.stack(terms).sum() / len(terms)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("name", "parameters", "formula"),
    [
        ("acgan", {"generated": False}, cross_entropy),
        ("multi_hinge", {}, hinge),
        ("contragan", {}, contrast),
        ("contragan", {"temperature": 0.2}, lambda *given: contrast(*given, t=0.2)),
        ("reacgan", {}, data_to_data),
        (
            "reacgan",
            {"temperature": 0.3, "positive_margin": 0.1, "negative_margin": -0.2},
            lambda *given: data_to_data(*given, t=0.3, positive=0.1, negative=-0.2),
        ),
    ],
)
def test_losses_of_classes_are_those_of_the_papers(
    name: str,
    parameters: dict[str, Any],
    formula: Callable[[DiscriminatorOutput, list[int]], torch.Tensor],
    seed: int,
) -> None:
    term = loss(name, **parameters).build(setting())
    for side in ("discriminator", "generator"):
        given = inputs(side, seed)
        output = given.real_output if side == "discriminator" else given.fake_output
        assert output is not None
        assert given.condition is not None
        value, expected = term(given), formula(output, given.condition.tolist())
        assert value.item() == pytest.approx(expected.item(), rel=0, abs=1e-9)
        assert output.class_logits is not None
        gradients = (
            torch.autograd.grad(each, output.class_logits, retain_graph=True)[0]
            for each in (value, expected)
        )
        torch.testing.assert_close(*gradients, rtol=0, atol=1e-9)


def test_acgan_classifies_generated_samples_on_both_sides() -> None:
    term = loss("acgan").build(setting())
    for side in ("discriminator", "generator"):
        given = inputs(side)
        assert given.condition is not None
        classes = given.condition.tolist()
        expected = cross_entropy(given.fake_output, classes)
        if side == "discriminator":
            assert given.real_output is not None
            expected = expected + cross_entropy(given.real_output, classes)
        assert term(given).item() == pytest.approx(expected.item(), rel=0, abs=1e-9)


def test_infogan_is_the_likelihood_of_the_codes() -> None:
    for side in ("discriminator", "generator"):
        given = inputs(side)
        assert given.latents is not None
        terms = []
        for read, z in zip(parts(given.fake_output.codes), given.latents, strict=True):
            likelihood = (
                (read[:3].softmax(0) @ z[:3]).log()
                + (read[3:5].softmax(0) @ z[3:5]).log()
                # Of a normal distribution, without its constant, times the weight of continuous codes.
                + 0.3 * torch.distributions.Normal(read[5:7], 1.0).log_prob(z[5:7]).sum()
                + 0.3 * math.log(2 * math.pi)
            )
            terms.append(-likelihood)
        value = loss("infogan", continuous_weight=0.3).build(setting())(given)
        assert value.item() == pytest.approx(mean(terms).item(), rel=0, abs=1e-9)


def test_a_batch_of_one_class_has_nothing_to_be_told_from() -> None:
    given = inputs("generator")
    assert given.condition is not None
    given.condition.fill_(1)
    for name in ("contragan", "reacgan"):
        assert given.fake_output.embedding is not None
        value = loss(name).build(setting())(given)
        (gradient,) = torch.autograd.grad(value, given.fake_output.embedding, retain_graph=True)
        assert value.item() == pytest.approx(0, abs=1e-9)
        assert gradient.isfinite().all()


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("acgan", {"condition": None}, "'acgan' needs classes"),
        ("reacgan", {"condition": Condition("values", 2)}, "'reacgan' needs classes"),
        (
            "contragan",
            {"discriminator": MLPDiscriminator(conditional=True)},
            "{'type': 'with_heads', 'network': …, 'conditional': true, 'embedding': 128}",
        ),
        ("infogan", {"latent": Normal(dim=9)}, "choose the latent 'infogan'"),
        ("infogan", {"discriminator": MLPDiscriminator()}, "'network': …, 'codes': 7}"),
        (
            "infogan",
            {"discriminator": WithHeads(network=MLPDiscriminator(), codes=4)},
            "set 'discriminator.codes' to 7, not 4",
        ),
        (
            "infogan",
            {"discriminator": WithHeads(network=MLPDiscriminator(), codes=7, pack=2)},
            "samples of a pack have different codes",
        ),
    ],
)
def test_what_a_loss_cannot_work_with_is_refused(
    name: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        loss(name).check(setting(**changes))
