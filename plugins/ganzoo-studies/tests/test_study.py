"""Studies and sweeps as users meet them."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ganzoo_studies.plan import Study, points_of, read_study
from ganzoo_studies.results import Cell, Quantity, Results, verdicts
from ganzoo_studies.running import train
from scipy import stats

import ganzoo

Program = Callable[..., tuple[int, str, str]]
Write = Callable[[dict[str, Any]], Path]


def numbers(folder: Path) -> dict[str, Any]:
    """Return the quantities of a study by their names."""
    content = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return {each["name"]: each["variants"] for each in content["quantities"]}


def test_a_study_trains_compares_and_goes_on_where_it_was(
    program: Program, tiny: dict[str, Any], written: Write, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    code, out, _ = program("study", written(tiny), "-o", folder, "-q")
    assert (code, out.strip()) == (0, str(folder / "README.md"))
    runs = folder / "runs"
    expected = {"equal-seed0", "equal-seed1", "slow-seed0", "slow-seed1"}
    assert {each.name for each in runs.iterdir()} == expected
    fd = numbers(folder)["fd@identity"]
    by_hand = [
        ganzoo.open_run(runs / f"slow-seed{seed}").directory.training_reports()[6]
        for seed in (0, 1)
    ]
    values = [json.loads(path.read_text())["values"][0]["mean"] for path in by_hand]
    assert list(fd["slow"]["by_seed"].values()) == values
    assert fd["slow"]["worst"] == max(values)
    assert fd["slow"]["median"] == pytest.approx(sum(values) / 2)
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert "Does a slower discriminator help?" in page
    assert (folder / "plot.png").stat().st_size > 5000

    before = (runs / "equal-seed1" / "metrics.jsonl").stat().st_mtime_ns
    shutil.rmtree(runs / "slow-seed1")
    assert program("study", folder, "-q")[0] == 0
    assert numbers(folder)["fd@identity"] == fd
    assert (runs / "equal-seed1" / "metrics.jsonl").stat().st_mtime_ns == before


def test_a_run_that_diverges_is_said_and_leaves_the_others(
    program: Program, tiny: dict[str, Any], written: Write, tmp_path: Path
) -> None:
    sgd = {"type": "sgd", "lr": 1e30}
    tiny["variants"]["slow"] = {"generator_optimizer": sgd, "discriminator_optimizer": sgd}
    tiny["variants"] = dict(reversed(tiny["variants"].items()))
    code, _, err = program("study", written({**tiny, "seeds": 1}), "-o", tmp_path / "out")
    assert code == 1
    assert "slow-seed0 diverged: " in err
    assert list(numbers(tmp_path / "out")["fd@identity"]) == ["equal"]
    assert "1 of 1 runs of slow did not finish" in (tmp_path / "out" / "README.md").read_text()


def test_other_processes_train_the_same(
    tiny: dict[str, Any], written: Write, tmp_path: Path
) -> None:
    points = points_of(read_study(written({**tiny, "seeds": 1})))[:1]  # a process is slow to start
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    ends: list[str] = []
    train(points, tmp_path / "one", heard=lambda outcome: ends.append(outcome.end))
    train(points, tmp_path / "two", jobs=2, heard=lambda outcome: ends.append(outcome.end))
    assert ends == ["finished"] * 2
    for point in points:
        one, two = (
            ganzoo.open_run(tmp_path / each / point.name).sample(4) for each in ("one", "two")
        )
        assert one.equal(two)


def test_a_sweep_trains_all_combinations(
    program: Program, tiny: dict[str, Any], tmp_path: Path
) -> None:
    spec = tmp_path / "base.json"
    spec.write_text(json.dumps(tiny["spec"]), encoding="utf-8")
    varied = ("--vary", "training.batch_size=4,8", "--vary", "generator.activation=relu,elu")
    code, out, _ = program("sweep", spec, *varied, "--vary", "seed=3..4", "--dry-run")
    assert code == 0
    assert len(out.splitlines()) == 1 + 2 * 2 * 2
    assert "batch_size-4-activation-elu-seed4" in out
    again = ("--vary", "training.batch_size=16", "--vary", "seed=0..1", "--vary", "seed=7")
    code, out, _ = program("sweep", spec, *varied[:2], *again, "--dry-run")
    assert code == 0
    assert len(out.splitlines()) == 1 + 3 * 3, "values of a field that is named twice add up"
    assert not (tmp_path / "studies").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": 0}, "seeds: "),
        ({"seeds": [1, 1]}, "expected one or more different seeds, 0 or higher"),
        ({"seed": 1}, "seed: unknown key; did you mean 'seeds'?"),
        ({"vary": {"training.batch_size": []}}, "training.batch_size: expected one or more values"),
        ({"variants": {"a": {"training.batch": 8}}}, "variant 'a': training.batch: "),
        ({"spec": "no-such-recipe"}, "no such file or recipe"),
        ({"name": "../up"}, "expected letters, digits, dots, dashes and underscores"),
        ({"vary": {"seed": [1]}}, "vary: "),
        ({"variants": {"a": {"name": "b"}}}, "variants: "),
    ],
)
def test_what_is_wrong_is_said_before_anything_trains(
    program: Program,
    tiny: dict[str, Any],
    written: Write,
    tmp_path: Path,
    change: dict[str, Any],
    message: str,
) -> None:
    code, _, err = program("study", written({**tiny, **change}), "-o", tmp_path / "out")
    assert code == 2
    assert message in err
    assert not (tmp_path / "out").exists()


def test_folders_of_others_are_left_alone(
    program: Program, tiny: dict[str, Any], written: Write, tmp_path: Path
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    code, _, err = program("study", written(tiny), "-o", mine)
    assert code == 2
    assert "exists and is not the folder of a study" in err
    assert [each.name for each in mine.iterdir()] == ["thesis.txt"]


def test_a_changed_study_does_not_take_runs_of_another_spec(
    program: Program, tiny: dict[str, Any], written: Write, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    assert program("study", written({**tiny, "seeds": 1}), "-o", folder, "-q")[0] == 0
    plan = (folder / "study.json").read_bytes()
    changed = ("--set", "training.batch_size=4")
    code, _, err = program("study", written({**tiny, "seeds": 1}), "-o", folder, *changed)
    assert code == 2
    assert "holds a run of another spec than the study states" in err
    assert (folder / "study.json").read_bytes() == plan


def test_runs_that_never_reach_a_target_leave_nothing_to_test(
    program: Program, tiny: dict[str, Any], written: Write, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    assert program("study", written(tiny), "-o", folder, "-q")[0] == 0
    least = sorted(
        min(json.loads(path.read_text())["values"][0]["mean"] for path in reports.values())
        for run in (folder / "runs").iterdir()
        if (reports := ganzoo.open_run(run).directory.training_reports())
    )
    targets = {"fd@identity": sum(least[-2:]) / 2}  # three of the four runs reach it
    assert program("study", written({**tiny, "targets": targets}), "-o", folder, "-q")[0] == 0
    name = next(each for each in numbers(folder) if each.startswith("steps to "))
    assert sorted(len(each["by_seed"]) for each in numbers(folder)[name].values()) == [1, 2]
    said = json.loads((folder / "results.json").read_text(encoding="utf-8"))["verdicts"]
    (verdict,) = (each for each in said if name in each)
    assert verdict.endswith("some runs have no value and are left out, so there is no test")


def test_variants_with_gaps_or_without_spread_are_not_tested() -> None:
    cells = {"a": Cell({0: 1.0, 1: 2.0, 2: 1.5}), "b": Cell({0: 9.0, 1: 8.0})}
    assert Quantity("fd", "lower", cells).probability("b") is not None
    gap = Quantity("fd", "lower", cells, incomplete={"b"})
    assert gap.probability("b") is None
    alike = Quantity("modes", "higher", {"a": Cell({0: 8, 1: 8}), "b": Cell({0: 7, 1: 7})})
    (said,) = verdicts(Results(Study(name="s", spec="ring"), [alike], [], {}))
    assert said == "b: modes 7 against 8 of a, with every seed"


def test_significance_is_that_of_welch() -> None:
    first, other = [4.0, 5.0, 6.5], [1.0, 1.5, 1.2]
    cells = {"a": Cell(dict(enumerate(first))), "b": Cell(dict(enumerate(other)))}
    found = Quantity("fd", "lower", cells).probability("b")
    var = [sum((x - sum(v) / 3) ** 2 for x in v) / 2 / 3 for v in (first, other)]
    t = (sum(first) / 3 - sum(other) / 3) / math.sqrt(sum(var))
    freedom = sum(var) ** 2 / sum(v**2 / 2 for v in var)
    assert found == pytest.approx(2 * stats.t.sf(abs(t), freedom))
