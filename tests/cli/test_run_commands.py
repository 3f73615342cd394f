import json

import pytest

from ganzoo import api
from ganzoo.cli.output import program_command
from ganzoo.errors import Interrupted


def test_dry_run_writes_the_resolved_spec_and_nothing_else(program, spec_file):
    result = program(
        "run",
        spec_file,
        "--set",
        "training.batch_size=4",
        "--name",
        "other",
        "--seed",
        0,
        "--dry-run",
    )
    resolved = json.loads(result.out)
    assert resolved["training"]["batch_size"] == 4
    assert resolved["name"] == "other"
    assert resolved["seed"] == 0
    assert resolved["generator_optimizer"]["type"] == "adam"
    assert not (spec_file.parent / "runs").exists()


def test_run_writes_its_directory_to_standard_output_and_the_rest_to_the_other(program, spec_file):
    result = program("run", spec_file)
    path = spec_file.parent / "runs" / "small-1"
    assert (result.code, result.out) == (0, f"{path}\n")
    assert (path / "generator.safetensors").is_file()
    first, *rest = result.err.splitlines()
    assert first.startswith("step 5/20  25%  loss D ")
    assert rest[0].startswith("step 20/20  100%  loss D ")
    assert rest[1].startswith("small-1 is trained: 20 steps in ")
    assert any(line.endswith(f"{path}/samples/step-00000020.png") for line in rest)
    assert any(line.endswith(f"ganzoo sample {path}") for line in rest)


@pytest.mark.parametrize(
    ("variables", "started", "on_path", "expected"),
    [
        ({"UV_RUN_RECURSION_DEPTH": "1"}, "/x/bin/ganzoo", "/x/bin/ganzoo", "uv run ganzoo"),
        ({}, "/x/bin/ganzoo", "/x/bin/ganzoo", "ganzoo"),
        ({}, "/my x/bin/ganzoo", None, "'/my x/bin/ganzoo'"),
        ({}, "/x/ganzoo/__main__.py", None, "python -m ganzoo"),
    ],
)
def test_suggested_commands_work_as_the_program_was_started(
    monkeypatch, variables, started, on_path, expected
):
    monkeypatch.delenv("UV_RUN_RECURSION_DEPTH", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", [started])
    monkeypatch.setattr("shutil.which", lambda name: on_path)
    assert program_command() == expected


def test_a_quiet_run_writes_its_directory_alone(program, spec_file, tmp_path):
    output = tmp_path / "here"
    result = program("run", spec_file, "-q", "-o", output)
    assert (result.code, result.out, result.err) == (0, f"{output}\n", "")


def test_a_run_never_overwrites(program, spec_file, finished):
    result = program("run", spec_file, "-o", finished)
    assert result.code == 2
    assert "exists already" in result.err


def test_problems_of_a_spec_name_their_place(program, spec_file):
    result = program("run", spec_file, "--set", "generator.hiden=[4]", "--set", "seed=-1")
    assert result.code == 2
    assert [line.split(": ")[2] for line in result.err.splitlines()] == ["seed", "generator.hiden"]


def test_a_run_that_is_stopped_says_how_to_go_on(program, spec_file, monkeypatch):
    def stopped(spec, *, output, listeners):
        run = api.RunDirectory.create(spec, output)
        listeners[0].ganzoo_run_started(run, 0, 20)
        raise Interrupted(15, 7)

    monkeypatch.setattr(api, "run", stopped)
    monkeypatch.setattr("ganzoo.cli.commands.runs.program_command", lambda: "ganzoo")
    result = program("run", spec_file, "-o", spec_file.parent / "my run")
    assert (result.code, result.out) == (143, "")
    assert result.err == (
        "stopped and saved after step 7; resume it with:"
        f" ganzoo resume '{spec_file.parent}/my run'\n"
    )


def test_a_run_is_branched_into_a_new_one(program, finished, tmp_path):
    result = program(
        "branch", finished, "--set", "training.duration=30 steps", "-o", tmp_path / "longer"
    )
    assert (result.code, result.out) == (0, f"{tmp_path / 'longer'}\n")
    assert "longer is trained: 10 steps in " in result.err
    assert api.open_run(tmp_path / "longer").metrics()[-1]["step"] == 30
    refused = program("branch", finished, "--set", "training.duration=3 steps")
    assert refused.code == 2
    assert "Traceback" not in refused.err


def test_resuming_a_finished_run_says_so(program, finished):
    result = program("resume", finished)
    assert (result.code, result.out) == (0, f"{finished}\n")
    assert "small-1 was already finished, at step 20" in result.err
    assert f"ganzoo resume {finished} --set training.duration=" in result.err


def test_a_finished_run_with_schedules_is_to_be_branched(program, spec_file):
    falling = '{"type": "linear", "start": 0.001, "end": 0}'
    path = program("run", spec_file, "-q", "--set", f"generator_optimizer.lr={falling}").out.strip()
    assert f"ganzoo branch {path} --set training.duration=" in program("resume", path).err


def test_the_verdict_fits_a_narrow_terminal(program, finished, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    lines = program("resume", finished).err.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("  verdict"))
    assert all(len(line) <= 60 for line in lines[first : first + 4])


def test_a_folder_is_not_taken_for_a_recipe_that_is_missing(program, tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    result = program("run", "photos")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "photos: is a folder; name a spec" in result.err


@pytest.mark.parametrize("command", ["resume", "sample"])
def test_what_is_no_run_is_refused(program, tmp_path, command):
    result = program(command, tmp_path / "nothing")
    assert result.code == 2
    assert result.err == f"error: {tmp_path / 'nothing'}: does not exist\n"
