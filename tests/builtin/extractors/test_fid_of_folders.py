"""The FID and the Inception score of the program are those of torch-fidelity, from the same files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch_fidelity import calculate_metrics

from ganzoo.cli import main


def test_the_command_finds_what_torch_fidelity_finds(
    inception_weights, images: Callable[..., torch.Tensor], tmp_path: Path, capsys
) -> None:
    for name, seed in (("made", 1), ("real", 2)):
        (tmp_path / name).mkdir()
        for index, pixels in enumerate(images(9, seed=seed)):
            picture = Image.fromarray(pixels.permute(1, 2, 0).numpy())
            picture.save(tmp_path / name / f"{index}.png")
    expected = calculate_metrics(
        input1=str(tmp_path / "made"),
        input2=str(tmp_path / "real"),
        feature_extractor_weights_path=str(inception_weights.path),
        fid=True,
        isc=True,
        isc_splits=1,
        samples_shuffle=False,
        cuda=False,
        save_cpu_ram=True,  # no worker processes
        cache=False,
        verbose=False,
    )
    extractor = {
        "type": "inception",
        "weights": str(inception_weights.path),
        "sha256": inception_weights.sha256,
    }
    metrics = ["fd", {"type": "classifier_score", "splits": 1}]
    folders = [str(tmp_path / "made"), str(tmp_path / "real")]
    with pytest.raises(SystemExit) as stop:
        main(
            [
                *("evaluate-images", *folders, "--metrics", json.dumps(metrics), "--no-baseline"),
                *("--extractor", json.dumps(extractor), "--device", "cpu", "--json", "-", "-q"),
            ]
        )
    assert stop.value.code == 0
    distance, score = json.loads(capsys.readouterr().out)["values"]
    # Weights of one's own are named: only the published ones make a plain FID.
    assert distance["name"] == f"fd@inception-{inception_weights.sha256[:8]}"
    assert distance["mean"] == pytest.approx(expected["frechet_inception_distance"], rel=1e-5)
    assert score["mean"] == pytest.approx(expected["inception_score_mean"], rel=1e-6)
