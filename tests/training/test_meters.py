"""Means of what a game reports."""

from __future__ import annotations

import pytest
import torch

from ganzoo.errors import TrainingError
from ganzoo.training.meters import Meters


def test_every_number_has_its_own_mean() -> None:
    """A penalty that is due every other step is not diluted by the steps between."""
    meters = Meters()
    meters.add({"loss": torch.tensor(1.0)})
    meters.add({"loss": torch.tensor(3.0), "penalty": torch.tensor(5.0)})
    assert meters.means(2) == {"loss": 2.0, "penalty": 5.0}
    meters.reset()
    meters.add({"penalty": torch.tensor(7.0)})
    assert meters.means(3) == {"penalty": 7.0}


def test_adding_leaves_the_numbers_given_alone() -> None:
    meters, number = Meters(), torch.tensor(1.0)
    meters.add({"loss": number})
    meters.add({"loss": number})
    assert number.item() == 1.0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_an_error_with_its_name(value: float) -> None:
    meters = Meters()
    meters.add({"loss/generator": torch.tensor(value)})
    with pytest.raises(TrainingError, match=r"loss/generator is (nan|inf) at step 9"):
        meters.means(9)
