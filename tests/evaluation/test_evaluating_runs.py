"""What ``Run.evaluate`` measures, and what it says of it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ganzoo
from ganzoo.components import Images
from ganzoo.errors import EvaluationError, RunError, SpecError
from ganzoo.evaluation import evaluator
from ganzoo.evaluation.features import quantization_of
from ganzoo.runs.report import Report, Value, read_report
from ganzoo.spec import parse_evaluation
from ganzoo.utils.images import to_uint8
from ganzoo.utils.tensors import read_safetensors, to_safetensors

SMALL: dict[str, Any] = {"samples": 130, "seeds": [0], "device": "cpu", "save": False}


def pooled(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Means of the 4 by 4 blocks of 28 by 28 images, from 0 to 1, as rows of 49."""
    blocks = images.reshape(len(images), 7, 4, 7, 4).astype(np.float64) / 255
    return blocks.mean(axis=(2, 4)).reshape(len(images), 49)


def frechet(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    """The formula, by the eigenvalues of symmetric matrices alone."""
    first, second = np.cov(one.T), np.cov(other.T)
    values, vectors = np.linalg.eigh(first)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ second @ root).clip(0)).sum()
    gap = one.mean(0) - other.mean(0)
    return float(gap @ gap + np.trace(first + second) - 2 * shared)


SPEC: dict[str, Any] = {
    "dataset": "mnist-5k",
    "generator": {"type": "mlp", "hidden": [8]},
    "discriminator": {"type": "mlp", "hidden": [8]},
    "device": "cpu",
}


def only(report: Report) -> Value:
    (value,) = report.values
    return value


def changed(run: ganzoo.Run, folder: Path, change: float) -> ganzoo.Run:
    """Copy a run, and set the last weights of its generator and all biases to a number."""
    copied = Path(shutil.copytree(run.path, folder / "changed"))
    path = copied / "generator.safetensors"
    header, tensors = read_safetensors(path)
    others = {name: torch.full_like(tensor, change) for name, tensor in tensors.items()}
    path.write_bytes(to_safetensors(others, header))
    return ganzoo.open_run(copied)


def test_a_number_is_that_of_the_samples_anyone_can_draw(evaluated: ganzoo.Run) -> None:
    value = only(evaluated.evaluate(samples=500, seeds=[3, 4], device="cpu", save=False))
    test = evaluated.spec.dataset.build("test").samples
    for seed, measured in zip([3, 4], value.per_seed, strict=True):
        drawn = to_uint8(evaluated.sample(500, seed=seed).numpy())
        assert measured == pytest.approx(frechet(pooled(drawn), pooled(test)), rel=1e-5)
    assert value.mean == pytest.approx(np.mean([each or 0 for each in value.per_seed]))
    assert value.std == pytest.approx(np.std([each or 0 for each in value.per_seed], ddof=1))


def test_the_baseline_is_that_of_real_samples(evaluated: ganzoo.Run) -> None:
    value = only(evaluated.evaluate(**SMALL | {"samples": 4000}))
    dataset = evaluated.spec.dataset
    expected = frechet(
        pooled(dataset.build("train").samples), pooled(dataset.build("test").samples)
    )
    assert value.baseline is not None
    assert value.baseline.value == pytest.approx(expected, rel=1e-5)
    assert (value.baseline.samples, value.baseline.reference) == (4000, 1000)
    assert value.baseline.source == "split train of mnist-5k against split test of mnist-5k"
    assert value.mean is not None
    assert value.mean > 10 * value.baseline.value


def test_against_the_split_trained_on_the_baseline_is_that_of_its_halves(
    evaluated: ganzoo.Run,
) -> None:
    value = only(evaluated.evaluate(**SMALL, reference="train"))
    assert value.baseline is not None
    assert (value.baseline.samples, value.baseline.reference) == (130, 3870)
    assert value.baseline.source == "halves of split train of mnist-5k"
    without = evaluated.evaluate(**SMALL, baseline=False)
    assert only(without).baseline is None


def test_the_same_evaluation_gives_the_same_numbers(evaluated: ganzoo.Run) -> None:
    one, other = (only(evaluated.evaluate(**SMALL)) for _ in range(2))
    assert one == other


def test_a_number_does_not_depend_on_the_caller_s_random_state(evaluated: ganzoo.Run) -> None:
    before = torch.get_rng_state()
    first = evaluated.evaluate(**SMALL, metrics=["kd"])
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    assert only(evaluated.evaluate(**SMALL, metrics=["kd"])) == only(first)


@pytest.mark.parametrize(
    "change",
    [
        {"samples": 131},
        {"reference": "train"},
        {"extractor": {"type": "pixels", "size": 14}},
        {"extractor": {"type": "random-conv"}},
    ],
)
def test_what_makes_numbers_incomparable_changes_the_protocol(
    evaluated: ganzoo.Run, change: dict[str, Any]
) -> None:
    plain = only(evaluated.evaluate(**SMALL, baseline=False))
    other = only(evaluated.evaluate(**{**SMALL, **change}, baseline=False))
    assert other.protocol != plain.protocol
    assert other.fingerprint != plain.fingerprint


def test_parameters_and_versions_of_a_metric_are_part_of_the_protocol(
    evaluated: ganzoo.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def protocol(metric: Any) -> str:
        return evaluated.evaluate(**SMALL, metrics=[metric], baseline=False).values[0].protocol

    protocols = [protocol("prdc"), protocol({"type": "prdc", "k": 3})]
    metric = type(parse_evaluation({"metrics": ["prdc"]}).metrics[0])
    monkeypatch.setattr(metric, "version", 99)
    assert len({*protocols, protocol("prdc")}) == 3


@pytest.mark.parametrize(
    ("owner", "name", "value"),
    [(Images, "quantization", "truncated"), (evaluator, "PIPELINE", 0)],
)
def test_another_quantizer_or_pipeline_is_another_protocol(
    evaluated: ganzoo.Run, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, value: object
) -> None:
    plain = only(evaluated.evaluate(**SMALL, baseline=False))
    monkeypatch.setattr(owner, name, value)
    assert only(evaluated.evaluate(**SMALL, baseline=False)).protocol != plain.protocol


def test_the_quantizer_is_the_one_that_protocols_state() -> None:
    """Whoever changes it must change what protocols state, too, and then this digest."""
    space, samples = Images(1, 1, 10_001), np.linspace(-1.2, 1.2, 10_001, dtype=np.float32)
    assert quantization_of(space) == "clamp to [-1, 1], then round((x + 1) * 127.5)"
    pixels = to_uint8(samples)
    assert np.array_equal(pixels, space.encode(samples))
    assert hashlib.sha256(pixels.tobytes()).hexdigest()[:16] == "b1c21a1a80ac1dd2"


@pytest.mark.parametrize(
    "change", [{"weights": "raw"}, {"truncation": 1.0}, {"seeds": [1]}, {"samples": 131}]
)
def test_whatever_changes_a_number_changes_its_fingerprint(
    evaluated: ganzoo.Run, change: dict[str, Any]
) -> None:
    plain = only(evaluated.evaluate(**SMALL, baseline=False))
    other = only(evaluated.evaluate(**{**SMALL, **change}, baseline=False))
    assert other.per_seed != plain.per_seed
    assert other.fingerprint != plain.fingerprint
    if "samples" not in change:
        assert other.protocol == plain.protocol  # the same yardstick, for something else


def test_another_step_has_another_fingerprint(evaluated: ganzoo.Run) -> None:
    last = only(evaluated.evaluate(**SMALL, baseline=False))
    first = only(ganzoo.open_run(evaluated.path, "best").evaluate(**SMALL, baseline=False))
    assert (first.fingerprint == last.fingerprint) == (first.per_seed == last.per_seed)
    assert first.protocol == last.protocol


def test_a_metric_that_fails_is_named_and_stops_nothing(
    evaluated: ganzoo.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    metric = type(parse_evaluation({"metrics": ["prdc"]}).metrics[0])

    def build(self: Any) -> Any:
        def fail(inputs: Any) -> Any:
            raise ZeroDivisionError("no neighbours")

        return fail

    monkeypatch.setattr(metric, "build", build)
    report = evaluated.evaluate(**SMALL, metrics=["prdc", "fd"])
    assert report.value("recall").reason == (
        "metric 'prdc' of ganzoo failed: ZeroDivisionError: no neighbours"
    )
    assert report.value("fd").mean is not None
    assert not report.complete


def test_a_reference_that_was_trained_on_is_said_to_be(tmp_path: Path) -> None:
    spec = {**SPEC, "dataset": {"type": "mnist-5k", "split": "all"}, "evaluation": None}
    run = ganzoo.run({**spec, "training": {"duration": "2 steps"}}, output=tmp_path / "run")
    request = {**SMALL, "extractor": {"type": "pixels", "size": 7}, "reference": "test"}
    report = run.evaluate(**request, metrics=["fd", "memorization"])
    distance = report.value("fd")
    assert distance.warnings[-1] == (
        "1,000 of the 1,000 reference samples are in split all of mnist-5k too, on which the generator"
        " was trained"
    )
    assert distance.baseline is not None
    assert distance.baseline.source == "halves of split test of mnist-5k"
    assert report.value("copies").mean is None


def test_a_baseline_of_other_numbers_of_samples_says_so(evaluated: ganzoo.Run) -> None:
    matched = only(evaluated.evaluate(**{**SMALL, "samples": 500}))
    assert matched.warnings == []
    larger = only(evaluated.evaluate(**{**SMALL, "samples": 5000}))
    assert larger.warnings == [
        "the baseline is of 4,000 real samples against 1,000, the value of 5,000 against 1,000: fewer"
        " samples make it worse than it would be"
    ]


def test_reports_are_kept_one_after_the_other(evaluated: ganzoo.Run, tmp_path: Path) -> None:
    run = ganzoo.open_run(shutil.copytree(evaluated.path, tmp_path / "copy"))
    reports = [run.evaluate(**{**SMALL, "save": True}) for _ in range(2)]
    assert run.reports() == reports
    assert [path.name for path in run.directory.reports()] == ["report-1.json", "report-2.json"]


def test_a_generator_that_makes_what_is_not_finite_is_an_error(
    evaluated: ganzoo.Run, tmp_path: Path
) -> None:
    broken = changed(evaluated, tmp_path, float("nan"))
    with pytest.raises(EvaluationError, match="samples that are not finite"):
        broken.evaluate(**SMALL)


def test_a_generator_that_makes_one_image_is_named(evaluated: ganzoo.Run, tmp_path: Path) -> None:
    report = changed(evaluated, tmp_path, 0.0).evaluate(**SMALL)
    assert report.problems == ["all 130 generated samples are the same"]
    assert not report.complete
    assert only(report).mean is not None


def test_what_cannot_be_measured_is_null_with_a_reason(evaluated: ganzoo.Run) -> None:
    report = evaluated.evaluate(**SMALL, metrics=["memorization", "fd"], reference="train")
    copies = report.value("copies")
    assert copies.mean is None
    assert copies.per_seed == [None]
    assert copies.reason is not None
    assert copies.reason == "there are no training samples apart from the reference to compare with"
    assert report.value("fd").mean is not None
    assert not report.complete


def test_too_few_samples_for_so_many_features_are_warned_of(evaluated: ganzoo.Run) -> None:
    few = only(evaluated.evaluate(**SMALL))
    assert few.warnings == [
        "130 generated samples for 49 features: below 490 the value is too high; compare it only at the"
        " same numbers, and see the baseline"
    ]
    assert only(evaluated.evaluate(**{**SMALL, "samples": 490})).warnings == []


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        ({"samples": 1}, SpecError, "evaluation.samples: .*greater than or equal to 2, not 1"),
        ({"seeds": []}, SpecError, "evaluation.seeds: expected one or more seeds"),
        ({"seeds": [1, 1]}, SpecError, "evaluation.seeds: expected one or more seeds, each once"),
        ({"reference": "tset"}, SpecError, "has no split 'tset' .available: train, test, all."),
        ({"metrics": ["fdd"]}, SpecError, "evaluation.metrics.0: .*did you mean 'fd'"),
        ({"metrics": ["class_balance"]}, SpecError, "needs class logits, and extractor 'pixels'"),
        ({"metrics": ["fid"]}, EvaluationError, "never"),
        ({"extractor": "identity"}, SpecError, "evaluation.extractor: "),
        ({"truncation": -1.0}, RunError, "truncation"),
        ({"device": "gpu"}, SpecError, "evaluation.device: expected auto, cpu, mps, cuda or"),
    ],
)
def test_requests_that_cannot_be_met(
    evaluated: ganzoo.Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    request_: dict[str, Any],
    error: type[Exception],
    message: str,
) -> None:
    monkeypatch.setenv("GANZOO_OFFLINE", "1")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    if request_ == {"metrics": ["fid"]}:  # asks for weights that are not here
        error, message = ganzoo.errors.DataError, "weights-inception-2015-12-05-6726825d.pth"
    with pytest.raises(error, match=message):
        evaluated.evaluate(**{**SMALL, **request_})


def test_weights_and_checkpoints_that_are_not_there(evaluated: ganzoo.Run) -> None:
    with pytest.raises(RunError, match="has no checkpoint of step 7"):
        ganzoo.open_run(evaluated.path, 7).evaluate(**SMALL)
    with pytest.raises(RunError, match="expected last, best or a step, not 'first'"):
        ganzoo.open_run(evaluated.path, "first").sample(1)


def test_a_file_that_is_no_report_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    for text in ("{}", "no json", json.dumps({"format": "ganzoo-evaluation-9"})):
        path.write_text(text)
        with pytest.raises(RunError, match="is not a report"):
            read_report(path)
    with pytest.raises(RunError, match="cannot be read"):
        read_report(tmp_path / "none.json")


def test_a_report_of_format_1_is_upgraded(evaluated: ganzoo.Run, tmp_path: Path) -> None:
    report = evaluated.evaluate(**SMALL)
    old = json.loads(report.to_json())
    old["format"] = "ganzoo-evaluation-1"
    del old["sha256"]
    for value in old["values"]:
        value["floor"] = value.pop("baseline")
    (tmp_path / "old.json").write_text(json.dumps(old))
    assert read_report(tmp_path / "old.json") == report


def test_an_option_that_does_not_exist_is_refused(evaluated: ganzoo.Run) -> None:
    with pytest.raises(SpecError, match=r"evaluation\.seed: unknown key; did you mean 'seeds'"):
        evaluated.evaluate(seed=1)


def test_a_report_is_plain_json(evaluated: ganzoo.Run, tmp_path: Path) -> None:
    report = evaluated.evaluate(**SMALL)
    path = tmp_path / "report.json"
    report.write(path)
    assert read_report(path) == report
    data = json.loads(path.read_text())
    assert data["format"] == "ganzoo-evaluation-2"
    (protocol,) = data["protocols"].values()
    assert protocol["reference"]["count"] == 1000
    assert protocol["generated"] == {"count": 130}
    assert data["subject"]["weights"] == "ema"
    assert len(protocol["reference"]["sha256"]) == 64
    assert len(data["subject"]["weights_sha256"]) == 64
    assert data["versions"]["ganzoo-digits"]
