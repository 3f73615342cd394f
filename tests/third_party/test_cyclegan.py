"""An algorithm of another package: networks, keys and sampler of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import ganzoo
from ganzoo.components import registry
from ganzoo.errors import RunError, SpecError

Train = Callable[[dict[str, Any]], ganzoo.Run]


@pytest.fixture
def cycle(tiny: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """Dark images to be translated to bright ones, of which there are more."""
    rng = np.random.default_rng(0)
    bright = rng.integers(128, 256, (48, 8, 8), dtype=np.uint8)
    dark = rng.integers(0, 128, (30, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "domains.npz", images=bright, source=dark)
    del tiny["latent"]
    return {
        **tiny,
        "algorithm": "cyclegan",
        "dataset": {"type": "arrays", "path": str(tmp_path / "domains.npz"), "paired": False},
        "generator": {"type": "residual", "channels": 4},
        "pool": 12,
    }


def test_a_cyclegan_trains_resumes_exactly_and_translates(
    cycle: dict[str, Any], train_and_resume: Train
) -> None:
    run = train_and_resume(cycle)
    logged = run.metrics()[-1]
    assert {
        "loss/cycle",
        "loss/identity",
        "loss/generator/source-discriminator",
        "loss/discriminator/target-discriminator",
    } <= set(logged)
    samples = run.sample(4)
    assert samples.shape == (4, 1, 8, 8)
    sources = torch.zeros(3, 1, 8, 8)
    assert run.sample(source=sources).shape == (3, 1, 8, 8)
    with pytest.raises(RunError, match="translates sources"):
        run.sample(latents=torch.zeros(3, 4))
    report = run.evaluate(metrics=["fd"], extractor="pixels", samples=16, seeds=[0], save=False)
    assert report.values


def test_the_pool_is_in_checkpoints(cycle: dict[str, Any]) -> None:
    run = ganzoo.run(cycle)
    saved = load_file(run.directory.checkpoints()[0])
    assert saved["networks/target-pool/images"].shape == (12, 1, 8, 8)
    networks = {name.split("/")[1] for name in saved if name.startswith("networks/")}
    assert networks == {
        "there",
        "back",
        "target-discriminator",
        "source-discriminator",
        "target-pool",
        "source-pool",
    }


@pytest.mark.parametrize(
    "training",
    [{"accumulation": 2}, {"last_batch": "keep", "batch_size": 10}, {"precision": "bfloat16"}],
    ids=["accumulation", "last batch", "mixed precision"],
)
def test_what_the_standard_game_offers_works_too(
    cycle: dict[str, Any], training: dict[str, Any]
) -> None:
    cycle["training"] |= training
    assert ganzoo.run(cycle).metrics()[-1]["step"] == 6


def test_overrides_reach_the_keys_of_the_algorithm(cycle: dict[str, Any]) -> None:
    changes = ["cycle_weight=3", "discriminator.hidden=[8]", "discriminator_optimizer.lr=1e-3"]
    spec = ganzoo.load_spec(cycle, overrides=changes)
    data = spec.to_json()
    assert data["cycle_weight"] == 3
    assert data["discriminator"]["hidden"] == [8]
    assert data["discriminator_optimizer"]["lr"] == 1e-3
    assert ganzoo.load_spec(data) == spec


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latent": "normal"}, "latent: is a key of algorithm 'gan', and .* is 'cyclegan'"),
        ({"cycle_wieght": 1}, "cycle_wieght: unknown key; did you mean 'cycle_weight'"),
        ({"generator": "mlp"}, "generator: no translator is called 'mlp'"),
        ({"algorithm": "gan"}, "pool: is a key of algorithm 'cyclegan', and .* is 'gan'"),
        ({"cycle_weight": "much"}, "cycle_weight: "),
        ({"algorithm": "cycle"}, "algorithm: no algorithm is called 'cycle'"),
    ],
)
def test_what_the_algorithm_does_not_take_is_refused(
    cycle: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        ganzoo.load_spec({**cycle, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pool": 4}, "pool: must hold a batch of 8"),
        ({"discriminator": {"type": "mlp", "conditional": True}}, r"discriminator\.conditional: "),
        ({"generator": {"type": "residual", "channels": 0}}, r"generator\.channels"),
        ({"discriminator": {"type": "mlp", "pack": 3}}, r"discriminator\.pack: parts of 8"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_built(
    cycle: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        ganzoo.load_spec({**cycle, **changes}).check()


def test_a_data_set_without_sources_is_refused(cycle: dict[str, Any], tiny: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="dataset: has no sources to translate from"):
        ganzoo.load_spec({**cycle, "dataset": tiny["dataset"]}).check()


@contextmanager
def variant(**members: Any) -> Iterator[None]:
    """Register a variant of the algorithm, called ``variant``, with other members of its class."""
    algorithm = registry.active().find("algorithm", "cyclegan").component
    annotations = {"type": Literal["variant"]}
    namespace = {"__annotations__": annotations, "__module__": __name__, "type": "variant"}
    component = type("Variant", (algorithm,), {**namespace, **members})
    mine = registry.Registry()
    for each in registry.active().entries():
        mine.add(each)
    mine.add(registry.Entry("algorithm", "variant", component, registry.Provider("tests", "1")))
    with registry.using(mine):
        yield


def test_a_field_of_training_that_an_algorithm_does_not_use_is_refused(
    cycle: dict[str, Any],
) -> None:
    cycle["algorithm"] = "variant"
    with variant(unused=frozenset({"accumulation", "ema"})):
        ganzoo.load_spec(cycle).check()
        cycle["training"]["accumulation"] = 2
        with pytest.raises(SpecError, match=r"training\.accumulation: .* does not use it"):
            ganzoo.load_spec(cycle).check()


def test_translations_cannot_be_truncated(cycle: dict[str, Any]) -> None:
    run = ganzoo.run(cycle)
    with pytest.raises(RunError, match="truncation: algorithm 'cyclegan' has no latents"):
        run.evaluate(metrics=["fd"], extractor="pixels", samples=16, truncation=0.5, save=False)
