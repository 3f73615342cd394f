"""Heads on the discriminators of the zoo, the latent with codes, and runs that use them."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ganzoo_conditional.modules import DiscriminatorWithHeads
from ganzoo_conditional.networks import InfoGANLatent
from pydantic import TypeAdapter, ValidationError
from safetensors.torch import load_file
from torch import nn

import ganzoo
from ganzoo.components import Condition, Discriminator, DiscriminatorOutput
from ganzoo.errors import SpecError, UsageError
from ganzoo.hookspecs import hookimpl

NETWORKS: dict[str, dict[str, Any]] = {
    "dcgan": {"type": "dcgan", "channels": 4},
    "mlp": {"type": "mlp", "hidden": [8, 6]},
    "r3gan": {"type": "r3gan", "channels": 8, "group_width": 8, "blocks": 1},
    "resnet": {"type": "resnet", "channels": 4},
}
CLASSES = Condition("classes", 3)
HEADS = {"conditional": True, "embedding": 5, "codes": 4}


def discriminator(**fields: Any) -> Discriminator:
    """Validate a discriminator as a spec does."""
    return TypeAdapter(Discriminator).validate_python({"type": "with_heads", **fields})


def build(**fields: Any) -> nn.Module:
    torch.manual_seed(0)
    component = discriminator(**fields)
    return component.build((1, 16, 16), CLASSES if component.conditional else None)


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_each_network_gets_heads_and_keeps_its_logits(name: str, told: bool) -> None:
    module = build(network={**NETWORKS[name], "conditional": told}, **HEADS)
    x, classes = torch.randn(6, 1, 16, 16), torch.arange(6) % 3
    module.eval()
    output = module(x, classes)
    alone = module.get_submodule("network")(x, classes if told else None)
    assert torch.equal(output.logits, alone)
    assert output.class_logits.shape == (6, 3)
    assert output.embedding.shape == (6, 5)
    assert output.codes.shape == (6, 4)
    for part in (output.class_logits, output.embedding, output.codes):
        assert part.std(0).min() > 0, "a head tells the samples apart"


def test_heads_read_what_goes_to_the_logit() -> None:
    module = build(network=NETWORKS["mlp"], codes=4)
    network, x = module.get_submodule("network"), torch.randn(6, 1, 16, 16)
    output = module(x, None)
    layers = list(network.get_submodule("layers"))
    features = nn.Sequential(*layers[:-1])(x.flatten(1))
    assert torch.equal(output.codes, module.get_submodule("codes")(features))
    assert output.class_logits is None
    assert output.embedding is None


class Reader(nn.Module):
    """Gives two layers' activations with its logits, or logits alone."""

    def __init__(self, *, gives_features: bool) -> None:
        super().__init__()
        self.layer, self.gives_features = nn.Linear(256, 7), gives_features

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None) -> DiscriminatorOutput:
        del condition
        first = self.layer(x.flatten(1))
        features = (first, first[:, :2]) if self.gives_features else ()
        return DiscriminatorOutput(first.sum(1), features)


def with_heads(network: nn.Module) -> DiscriminatorWithHeads:
    return DiscriminatorWithHeads(network, (1, 16, 16), None, codes=4)


def test_the_last_features_are_read_where_a_network_gives_them() -> None:
    module = with_heads(Reader(gives_features=True))
    output = module(torch.randn(6, 1, 16, 16))
    assert [each.shape[1] for each in output.features] == [7, 2]
    assert module.codes is not None
    assert torch.equal(output.codes, module.codes(output.features[-1]))


def test_no_graph_stays_with_the_head_of_a_network_that_gives_features() -> None:
    class Both(Reader):
        def __init__(self) -> None:
            super().__init__(gives_features=True)
            self.head = nn.Linear(7, 1)

        def forward(self, x: torch.Tensor, condition: torch.Tensor | None) -> DiscriminatorOutput:
            output = super().forward(x, condition)
            return replace(output, logits=self.head(output.features[0])[:, 0])

    module = with_heads(Both())
    module(torch.randn(6, 1, 16, 16))
    copy.deepcopy(module)  # which torch refuses where a tensor with a graph is kept


def test_a_network_without_features_is_refused() -> None:
    with pytest.raises(UsageError, match=r"discriminator\.network: gives no features"):
        with_heads(Reader(gives_features=False))


def test_class_logits_beside_an_embedding_are_cosines() -> None:
    module = build(network=NETWORKS["dcgan"], conditional=True, embedding=5).eval()
    with torch.no_grad():
        output = module(100 * torch.randn(6, 1, 16, 16), torch.zeros(6, dtype=torch.long))
    vectors = module.get_submodule("classes").weight
    expected = torch.cosine_similarity(output.embedding[:, None], vectors, dim=2)
    torch.testing.assert_close(output.class_logits, expected)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"network": {**NETWORKS["mlp"], "pack": 2}}, "leave out 'network.pack'"),
        ({"network": {**NETWORKS["mlp"], "conditional": True}}, "'network.conditional' is true"),
        (
            {
                "network": {**NETWORKS["mlp"], "parametrizations": ["spectral_norm"]},
                "parametrizations": ["spectral_norm"],
            },
            "set them here or there",
        ),
    ],
)
def test_fields_that_contradict_those_of_the_network_are_refused(
    fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        discriminator(**fields)


def test_what_the_network_refuses_is_refused(tiny: dict[str, Any]) -> None:
    network = {"type": "resnet", "halvings": 5}
    tiny["discriminator"] = {"type": "with_heads", "network": network}
    with pytest.raises(SpecError, match="discriminator: images of 8x8 cannot be halved 5 times"):
        ganzoo.load_spec(tiny).check()


def test_codes_come_first_and_noise_after_them() -> None:
    latent = InfoGANLatent(dim=12, categories=(4, 3), continuous=2)
    z = latent.build()(4000, torch.Generator().manual_seed(0))
    first, second, continuous, noise = z.split([4, 3, 2, 3], dim=1)
    for codes, size in ((first, 4), (second, 3)):
        assert torch.equal(codes.sort(dim=1).values[:, -1], torch.ones(4000))
        assert torch.equal(codes.sum(1), torch.ones(4000))
        assert codes.mean(0).tolist() == pytest.approx([1 / size] * size, abs=0.03)
    assert continuous.abs().max() <= 1
    assert continuous.var(0).tolist() == pytest.approx([1 / 3] * 2, abs=0.03)
    assert noise.std(0).tolist() == pytest.approx([1] * 3, abs=0.05)


@pytest.mark.parametrize("fields", [{"dim": 11}, {"dim": 20, "categories": [], "continuous": 0}])
def test_codes_must_fit_the_latent(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="must take some"):
        InfoGANLatent.model_validate({"type": "infogan", **fields})


@pytest.fixture
def tiny(tmp_path: Path) -> dict[str, Any]:
    """A spec that trains in a moment, on 48 grey images of 8 by 8 pixels in three classes."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (48, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", images=images, labels=np.arange(48) % 3)
    return {
        "name": "tiny",
        "dataset": {"type": "arrays", "path": str(tmp_path / "images.npz")},
        "latent": {"type": "normal", "dim": 4},
        "generator": {"type": "mlp", "hidden": [16]},
        "training": {"duration": "4 steps", "batch_size": 8},
        "output": {
            "directory": str(tmp_path / "runs"),
            "log_every": "1 steps",
            "samples": 3,
            "checkpoint_every": "2 steps",
        },
    }


class Kill:
    """Ends training at a logged step without a word, as a kill does: nothing more is saved."""

    @hookimpl
    def ganzoo_step_finished(self, step: int) -> None:
        if step == 3:
            raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["acgan", "multi_hinge", "contragan", "reacgan", "infogan"])
def test_it_trains_and_resumes_exactly(name: str, tiny: dict[str, Any], tmp_path: Path) -> None:
    classes = name != "infogan"
    if not classes:
        tiny["latent"] = {"type": "infogan", "dim": 6, "categories": [3], "continuous": 1}
    tiny["generator"]["conditional"] = classes
    tiny["auxiliary_losses"] = [name]
    tiny["discriminator"] = {
        "type": "with_heads",
        "network": {"type": "mlp", "hidden": [16], "conditional": name == "multi_hinge"},
        "conditional": classes,
        "embedding": 5 if name in {"contragan", "reacgan"} else None,
        "codes": None if classes else 4,
        "parametrizations": ["spectral_norm"],
    }
    whole = ganzoo.run(tiny, output=tmp_path / "whole")
    logged = {f"auxiliary/{side}/{name}" for side in ("discriminator", "generator")}
    assert logged <= set(whole.metrics()[0])
    with pytest.raises(KeyboardInterrupt):
        ganzoo.run(tiny, output=tmp_path / "killed", listeners=[Kill()])
    killed = ganzoo.resume(tmp_path / "killed")
    ours, theirs = (load_file(each.directory.checkpoints()[0]) for each in (whole, killed))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(each, theirs[key]) for key, each in ours.items())
    assert whole.sample(5).shape == (5, 1, 8, 8)


def test_packs_go_to_the_network(tiny: dict[str, Any]) -> None:
    network = {"type": "mlp", "hidden": [16]}
    tiny["discriminator"] = {"type": "with_heads", "network": network, "pack": 4}
    run = ganzoo.run(tiny)
    first = load_file(run.directory.checkpoints()[0])[
        "networks/discriminator/network.layers.0.weight"
    ]
    assert first.shape == (16, 4 * 64)
