import json


def test_doctor_says_what_a_run_will_take_and_writes_nothing(program, spec_file):
    result = program("doctor", spec_file, "-q", "--set", "training.accumulation=2")
    assert (result.code, result.err) == (0, "")
    facts = dict(line.split(maxsplit=1) for line in result.out.splitlines())
    assert list(facts)[:7] == [
        "device",
        "parameters",
        "batch",
        "memory",
        "speed",
        "time",
        "disk",
    ]
    assert facts["device"] == "cpu"
    assert facts["batch"] == "8, in 2 parts"
    assert facts["speed"].endswith("ms a step, with 1 thread")
    assert " for 20 steps: " in facts["time"]
    assert [each.split()[0] for each in facts["step"].split(", ")] == [
        "data",
        "generator",
        "discriminator",
        "optimizers",
        "other",
    ]
    assert not (spec_file.parent / "runs").exists()


def test_doctor_writes_json_for_programs(program, spec_file):
    found = json.loads(program("doctor", spec_file, "-q", "--json").out)
    assert found["steps"] == 20
    assert set(found["disk"]) == {"checkpoints", "samples", "other"}
    assert found["total_seconds"] >= found["seconds"]["training"] > 0


def test_a_dry_run_says_the_same_beside_the_resolved_spec(program, spec_file):
    result = program("run", spec_file, "--dry-run")
    assert json.loads(result.out)["name"] == "small"
    assert "time        " in result.err
    quiet = program("run", spec_file, "--dry-run", "-q")
    assert (quiet.out, quiet.err) == (result.out, "")
    assert not (spec_file.parent / "runs").exists()


def test_doctor_refuses_what_a_run_would_refuse(program, spec_file, tmp_path):
    missing = program("doctor", tmp_path / "none.json")
    assert (missing.code, missing.out) == (2, "")
    assert missing.err.startswith("error: ")
    few = program("doctor", spec_file, "-q", "--set", "training.batch_size=2000")
    assert few.code == 2
    assert len(few.err.splitlines()) == 1
