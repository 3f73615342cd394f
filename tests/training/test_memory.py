"""Networks that do not fit in the memory of this machine."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ganzoo.errors import SpecError
from ganzoo.spec import RunSpec, parse_spec
from ganzoo.training.memory_limit import MemoryLimit, TooLargeError, within_memory
from ganzoo.training.setup import prepare

CPU = torch.device("cpu")


def tiny(**changes: Any) -> RunSpec:
    network = {"type": "mlp", "hidden": [4]}
    return parse_spec(
        {
            "dataset": {"type": "ring", "count": 16},
            "latent": {"type": "normal", "dim": 2},
            "generator": network,
            "discriminator": network,
            "training": {"duration": "1 steps", "batch_size": 4},
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"generator": {"type": "mlp", "hidden": [1_000_000, 1_000_000]}}, "generator"),
        ({"discriminator": {"type": "mlp", "hidden": [4, 1_000_000, 900_000]}}, "discriminator"),
        (
            {
                "dataset": "mnist-5k",
                "generator": {"type": "dcgan", "channels": 65_536, "kernel_size": 255},
            },
            "generator",
        ),
    ],
)
def test_networks_that_do_not_fit_are_refused_with_their_path(
    changes: dict[str, Any], path: str
) -> None:
    spec = tiny(**changes)
    with pytest.raises(SpecError, match=rf"^{path}: its weights need more than the .* GiB"):
        prepare(spec, spec.dataset.info(), CPU)


def test_memory_that_runs_out_all_the_same_is_no_bug() -> None:
    with pytest.raises(SpecError, match="of memory of this machine"), within_memory(tiny()):
        raise MemoryError


def test_weights_are_counted_together_before_they_are_allocated() -> None:
    with MemoryLimit(100):
        torch.empty((2, 5))
        torch.zeros(5)
        torch.ones(size=(5,), dtype=torch.float64)
        with pytest.raises(TooLargeError):
            torch.empty(1)


EXTREMES = [0, 1, -1, 0.5, 2, 1e-30, 1e30, -1e30, 3e38, 1e39, 10**9, 10**12, 2**62]


@pytest.mark.parametrize("activation", ["leaky_relu", "elu", "softplus", "prelu"])
def test_numbers_that_are_valid_can_be_built(activation: str) -> None:
    """Every number of a small run, one after another, is refused or can be built with."""
    network = {"type": "mlp", "hidden": [4], "activation": {"type": activation}}
    parts = {
        "latent": {"type": "truncated_normal", "dim": 2},
        "generator": network,
        "loss": {"type": "wgan", "clip": 0.1},
        "generator_optimizer": "rmsprop",
    }
    written = tiny(**parts).to_json()
    built = 0
    for section in ("latent", "generator", "discriminator", "loss", "generator_optimizer"):
        for place in numbers(written[section]):
            for value in EXTREMES:
                changed = with_value(written[section], place, value)
                try:
                    spec = parse_spec({**written, section: changed})
                    prepare(spec, spec.check(), CPU)
                    built += 1
                except SpecError:
                    continue
    assert built > 40


def numbers(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(node, int | float) and not isinstance(node, bool):
        return [path]
    pairs = (
        node.items()
        if isinstance(node, dict)
        else enumerate(node)
        if isinstance(node, list)
        else ()
    )
    return [place for key, value in pairs for place in numbers(value, (*path, key))]


def with_value(node: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    if isinstance(node, dict):
        return {**node, path[0]: with_value(node[path[0]], path[1:], value)}
    return [
        with_value(each, path[1:], value) if i == path[0] else each for i, each in enumerate(node)
    ]
