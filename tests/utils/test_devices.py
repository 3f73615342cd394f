"""Settings for training and for evaluation are restored, also where one is inside the other."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ganzoo.utils.devices import numerics

CPU = torch.device("cpu")


def settings() -> dict[str, Any]:
    cudnn = torch.backends.cudnn
    return {
        "precision": torch.get_float32_matmul_precision(),
        "benchmark": cudnn.benchmark,
        "deterministic convolutions": cudnn.deterministic,
        "tf32": cudnn.allow_tf32,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "random": torch.get_rng_state().tolist(),
    }


def flushes() -> bool:
    """Return whether denormal numbers are flushed to zero."""
    return (torch.tensor(1e-40) * 0.5).item() == 0


@pytest.mark.parametrize(
    "options", [{}, {"exact": True}, {"deterministic": True}], ids=["fast", "exact", "repeatable"]
)
def test_everything_is_restored(options: dict[str, bool]) -> None:
    before = settings()
    with numerics(CPU, **options):
        torch.rand(3)
        assert torch.get_float32_matmul_precision() == ("highest" if options else "high")
        assert torch.backends.cudnn.benchmark is (not options)
    assert settings() == before
    assert not flushes()


def test_an_evaluation_inside_training_changes_nothing_after_it() -> None:
    with numerics(CPU):
        if not flushes():
            pytest.skip("this processor does not flush denormal numbers")
        before = settings()
        with numerics(CPU, exact=True):
            assert not torch.backends.cudnn.allow_tf32
            assert torch.backends.cudnn.deterministic
            torch.rand(3)
        assert settings() == before
        assert flushes()
