"""Files that run without ganzoo."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from ganzoo_export.folder import loaded_sampler
from ganzoo_export.programs import to_onnx, to_torch

from ganzoo import Run, load_spec
from ganzoo.components import DatasetInfo
from ganzoo.errors import GanzooError
from ganzoo.runs.generator import LoadedSampler
from ganzoo.sampling import LatentSampler, Sampler

GENERATORS: dict[str, dict[str, Any]] = {
    "mlp": {"type": "mlp", "hidden": [16], "conditional": True},
    "dcgan": {"type": "dcgan", "channels": 4, "conditional": True},
    "resnet": {"type": "resnet", "channels": 4, "conditional": True},
    "r3gan": {"type": "r3gan", "conditional": True},
    "stylegan2": {
        "type": "stylegan2",
        "channels": 4,
        "style_dim": 8,
        "mapping_layers": 2,
        "conditional": True,
    },
}


def untrained(generator: dict[str, Any]) -> LoadedSampler:
    """Return a sampler as ``load_sampler`` does, with fresh weights whose statistics moved a little."""
    spec = load_spec({
        "dataset": "mnist-5k",
        "latent": {"type": "normal", "dim": 6},
        "generator": generator,
        "discriminator": {"type": "mlp", "hidden": [4], "conditional": True},
    })  # fmt: skip
    info = spec.dataset.info()
    torch.manual_seed(0)
    sampler: Sampler = spec.algorithm.build_sampler(info)
    for each in sampler.network.modules():
        if isinstance(each, torch.nn.BatchNorm2d):
            assert each.running_mean is not None
            each.running_mean.normal_(0, 0.1)
    return LoadedSampler(sampler.eval().requires_grad_(False), info, 0, "raw", "")


def generated(loaded: LoadedSampler, z: torch.Tensor, condition: torch.Tensor | None) -> Any:
    with torch.no_grad():
        return loaded.sampler.network(z, condition).numpy()


@pytest.mark.parametrize("name", [each for each in GENERATORS if each != "stylegan2"])
def test_onnx_equals_torch_for_every_generator(name: str) -> None:
    loaded = untrained(GENERATORS[name])
    exported = to_onnx(loaded)
    session = ort.InferenceSession(exported.content, providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_inputs()] == ["latents", "condition"]
    for count in (1, 7):
        z, classes = torch.randn(count, 6), torch.arange(count) % 10
        (found,) = session.run(None, {"latents": z.numpy(), "condition": classes.numpy()})
        np.testing.assert_allclose(found, generated(loaded, z, classes), rtol=0, atol=1e-5)


def test_noise_is_left_out() -> None:
    loaded = untrained(GENERATORS["stylegan2"])
    for name, each in loaded.sampler.named_parameters():
        if name.endswith("noise_strength"):
            each.fill_(0.5)
    exported = to_onnx(loaded)
    assert exported.without_noise
    session = ort.InferenceSession(exported.content, providers=["CPUExecutionProvider"])
    given = {"latents": np.full((2, 6), 0.3, np.float32), "condition": np.array([1, 2])}
    first, second = (session.run(None, given)[0] for _ in range(2))
    assert np.array_equal(first, second)


def test_a_program_of_torch_equals_the_module(run: Run) -> None:
    exported = to_torch(loaded_sampler(run))
    notes = {"ganzoo.json": ""}
    program = torch.export.load(io.BytesIO(exported.content), extra_files=notes).module()
    z, classes = run.latents(9, seed=5), torch.arange(9) % 2
    found, expected = program(z, classes), run.generator()(z, classes)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)
    assert DatasetInfo.from_json(json.loads(notes["ganzoo.json"])["data"]) == run.info


def test_a_file_that_differs_is_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Off:
        def module(self) -> Any:
            return lambda *given: run.generator()(*given) + 1e-3

    monkeypatch.setattr(torch.export, "load", lambda _file: Off())
    with pytest.raises(GanzooError, match=r"was not written: its samples differ .* is allowed"):
        to_torch(loaded_sampler(run))


def test_a_module_that_cannot_be_traced_is_one_sentence(run: Run) -> None:
    class Fickle(torch.nn.Module):
        def forward(self, z: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
            return z if z.sum().item() > 0 else -z

    loaded = loaded_sampler(run)
    sampler = LatentSampler(Fickle(), torch.nn.Identity(), 4)
    object.__setattr__(loaded, "sampler", sampler)
    sampler.draw_latents = lambda n, rng: torch.randn(n, 4, generator=rng)  # type: ignore[method-assign] # a stub
    with pytest.raises(Exception, match="cannot be exported to ONNX") as caught:
        to_onnx(loaded)
    assert "\n" not in str(caught.value)


def test_the_command_writes_what_the_suffix_says(program: Any, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "tiny.onnx"
    result = program("export", run.path, "-o", path)
    assert (result.code, result.out.strip()) == (0, str(path))
    assert "inputs: latents, condition; differs from the module by" in result.err
    facts = {each.key: each.value for each in onnx.load(path).metadata_props}
    assert json.loads(facts["ganzoo"])["step"] == 4
    again = program("export", run.path, "-o", path)
    assert again.code == 2
    assert "exists already" in again.err
