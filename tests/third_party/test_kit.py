"""The conformance kit accepts what the packages of this folder provide, by public functions alone."""

from __future__ import annotations

from typing import Any

import pytest
from ganzoo_devkit.testing import NonConformance, Options, checks_of

from ganzoo.components import registry

CODES: dict[str, Any] = {"type": "codes", "dim": 8, "categories": [3], "continuous": 2}
READER: dict[str, Any] = {"type": "infogan", "codes": 5}


@pytest.mark.parametrize(
    ("family", "fields", "around"),
    [
        ("augmentation", {"type": "adaptive", "target": -1, "ramp": 64}, {}),
        ("discriminator", {"type": "acgan"}, {}),
        ("auxiliary_loss", {"type": "classification"}, {}),
        ("latent", CODES, {}),
        ("discriminator", READER, {"latent": CODES}),
        (
            "auxiliary_loss",
            {"type": "mutual_information"},
            {"latent": CODES, "discriminator": READER},
        ),
        ("regularizer", {"type": "latent_path_length"}, {}),
        ("generator", {"type": "noisy"}, {}),
        ("translator", {"type": "residual"}, {}),
        (
            "algorithm",
            {
                "type": "cyclegan",
                "generator": {"type": "residual", "channels": 4},
                "discriminator": {"type": "mlp", "hidden": [8]},
                "pool": 16,
            },
            {},
        ),
        ("callback", {"type": "stop_when_scores_part", "gap": -10.0}, {}),
        ("callback", {"type": "slow_down", "quantity": "fd"}, {}),
    ],
    ids=lambda value: value.get("type", "") if isinstance(value, dict) else value,
)
def test_the_kit_accepts_it(family: str, fields: dict[str, Any], around: dict[str, Any]) -> None:
    find = registry.active().find
    component = find(family, fields["type"]).component.model_validate(fields)
    spec = {
        key: find(key, value["type"]).component.model_validate(value)
        for key, value in around.items()
    }
    options = Options(sample_shapes=((1, 8, 8), (3, 8, 8)), spec=spec)
    faults = []
    for check in checks_of(type(component)):
        try:
            check(component, options)
        except NonConformance as error:
            faults.append(str(error))
    assert faults == []
