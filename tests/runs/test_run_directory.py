"""Run directories: what is in them, how they are made, written and read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ganzoo.errors import RunError, SpecError, TrainingError
from ganzoo.runs import RunDirectory
from ganzoo.runs.card import card
from ganzoo.runs.checkpoints import Checkpoint
from ganzoo.spec import RunSpec, parse_spec
from ganzoo.utils.files import write_atomically
from ganzoo.utils.git import commit_of


def spec(folder: Path, name: str = "mine", **fields: Any) -> RunSpec:
    return parse_spec(
        {
            "name": name,
            "dataset": "mnist-5k",
            "generator": "mlp",
            "discriminator": "mlp",
            "output": {"directory": str(folder)},
            **fields,
        }
    )


@pytest.fixture
def run(tmp_path: Path) -> RunDirectory:
    return RunDirectory.create(spec(tmp_path / "runs", seed=5))


# Making directories.


def test_runs_of_a_name_are_numbered_and_folders_are_made(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "runs"
    made = [RunDirectory.create(spec(folder)).path for _ in range(3)]
    assert made == [folder / f"mine-{number}" for number in (1, 2, 3)]


def test_a_number_is_never_used_again_while_a_later_one_is_there(tmp_path: Path) -> None:
    for taken in ("mine-2", "mine-10", "mine-x", "mine-", "mine-copy-40", "other-50", "mine-½"):
        (tmp_path / taken).mkdir()
    assert RunDirectory.create(spec(tmp_path)).path.name == "mine-11"
    assert RunDirectory.create(spec(tmp_path, "mine-copy")).path.name == "mine-copy-41"


def test_a_directory_that_exists_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "run"
    made = RunDirectory.create(spec(tmp_path, seed=1), path)
    before = made.spec_path.read_bytes()
    with pytest.raises(RunError, match=r"run: exists already; runs are never overwritten, name an"):
        RunDirectory.create(spec(tmp_path, seed=2), path)
    assert made.spec_path.read_bytes() == before


@pytest.mark.parametrize("named", [True, False])
def test_a_directory_that_cannot_be_made_is_named_with_the_reason(
    named: bool, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(RunError, match=r"/file: cannot be made: File exists$"):
        RunDirectory.create(spec(file), file / "run" if named else None)


def test_runs_that_begin_at_the_same_moment_get_different_directories(tmp_path: Path) -> None:
    together, barrier = 16, threading.Barrier(16)
    one = spec(tmp_path)

    def create(_: int) -> Path:
        barrier.wait()
        return RunDirectory.create(one).path

    with ThreadPoolExecutor(together) as pool:
        made = list(pool.map(create, range(together)))
    assert sorted(path.name for path in made) == sorted(f"mine-{n + 1}" for n in range(together))
    assert all(RunDirectory.open(path).spec == one for path in made)


# Opening them.


def test_a_run_is_opened_with_the_spec_it_was_made_of(run: RunDirectory) -> None:
    again = RunDirectory.open(str(run.path))
    assert again.spec.seed == 5
    assert json.loads(again.spec_path.read_text(encoding="utf-8")) == again.spec.to_json()


def test_what_is_no_run_directory_is_refused(tmp_path: Path, run: RunDirectory) -> None:
    with pytest.raises(RunError, match=r"/none: does not exist$"):
        RunDirectory.open(tmp_path / "none")
    with pytest.raises(RunError, match=r"is not a run directory: it has no spec\.json$"):
        RunDirectory.open(tmp_path)
    with pytest.raises(RunError, match="is not a run directory"):
        RunDirectory.open(run.spec_path)


def test_a_spec_that_a_person_broke_is_reported_as_one_of_a_run(run: RunDirectory) -> None:
    run.spec_path.write_text('{"generator": "mlp", "discriminator": "mlp"}', encoding="utf-8")
    with pytest.raises(RunError, match=r"spec\.json: dataset: this field is required$"):
        _ = RunDirectory.open(run.path).spec


# Files that name a step.


def test_grids_come_oldest_first_and_checkpoints_newest_first(run: RunDirectory) -> None:
    steps = (5, 100, 20_000)
    for step in steps:
        run.sample_grid_path(step).touch()
        run.checkpoint_path(step).touch()
    (run.samples_directory / "real.png").touch()
    (run.checkpoints_directory / ".step-00000007.safetensors.1.tmp").touch()
    assert run.sample_grids() == [run.sample_grid_path(step) for step in steps]
    assert run.checkpoints() == [run.checkpoint_path(step) for step in reversed(steps)]


# Metrics.


def test_metrics_are_a_line_each_and_come_back(run: RunDirectory) -> None:
    assert run.metrics() == []
    for step in (1, 2):
        run.append_metrics({"step": step, "loss/generator": 0.1 * step})
    assert run.metrics_path.read_text(encoding="utf-8").count("\n") == 2
    assert run.metrics() == [
        {"step": 1, "loss/generator": 0.1},
        {"step": 2, "loss/generator": 0.2},
    ]


def test_a_line_that_was_torn_by_a_crash_is_left_out_and_then_forgotten(run: RunDirectory) -> None:
    run.append_metrics({"step": 1})
    with run.metrics_path.open("a", encoding="utf-8") as file:
        file.write('{"step": 2, "los')
    assert run.metrics() == [{"step": 1}]
    run.forget_after(1)
    run.append_metrics({"step": 2})
    assert run.metrics() == [{"step": 1}, {"step": 2}]


def test_what_is_later_than_a_step_is_forgotten(run: RunDirectory) -> None:
    for step in (10, 20, 30):
        run.append_metrics({"step": step})
        run.sample_grid_path(step).touch()
        run.checkpoint_path(step).touch()
    run.forget_after(20)
    assert [line["step"] for line in run.metrics()] == [10, 20]
    assert run.sample_grids() == [run.sample_grid_path(10), run.sample_grid_path(20)]
    assert len(run.checkpoints()) == 3, "checkpoints are the trainer's to delete"


def test_forgetting_in_a_run_that_has_logged_nothing_does_nothing(run: RunDirectory) -> None:
    run.forget_after(5)
    assert run.metrics() == []


# Writing.


@pytest.mark.parametrize("content", ["größer\n", b"\x00\xff"])
def test_a_file_is_replaced_as_a_whole(content: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("a much longer old content")
    write_atomically(path, content)
    assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_as_it_was_where_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


# One process at a time.


def test_a_second_process_cannot_train_the_same_run(run: RunDirectory) -> None:
    code = f"""
from pathlib import Path
from ganzoo.errors import RunError, TrainingError
from ganzoo.runs import RunDirectory
from ganzoo.runs.checkpoints import Checkpoint
try:
    with RunDirectory(Path({str(run.path)!r})).locked():
        print("locked")
except RunError as error:
    print(error)
"""

    def other_process() -> str:
        return subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        ).stdout.strip()

    with run.locked():
        assert other_process() == f"{run.path}: another process is training this run"
        with pytest.raises(RunError, match="another process"), RunDirectory(run.path).locked():
            pass
    assert other_process() == "locked"


def test_the_lock_is_given_back_after_an_exception(run: RunDirectory) -> None:
    def fail() -> None:
        with run.locked():
            raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            fail()


# What a run was made with.


def test_the_environment_says_what_the_run_was_made_with(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["ganzoo", "run", "mine"])
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    run.write_environment("cpu", {})
    environment = run.environment()
    assert environment["command"] == ["ganzoo", "run", "mine"]
    assert (environment["device"], environment["seed"]) == ("cpu", 5)
    assert environment["python"] == ".".join(map(str, sys.version_info[:3]))
    assert {"ganzoo", "torch", "numpy", "pydantic"} <= set(environment["versions"])
    assert environment["providers"]["generator"]["name"] == "ganzoo-mlp"
    assert environment["providers"]["loss"] == {
        "name": "ganzoo",
        "version": environment["versions"]["ganzoo"],
    }
    assert environment["git_commit"] is None


def test_the_environment_names_the_commit_and_nothing_that_a_repository_configures_is_run(
    run: RunDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    for variable in ("GIT_AUTHOR", "GIT_COMMITTER"):
        monkeypatch.setenv(f"{variable}_NAME", "Somebody")
        monkeypatch.setenv(f"{variable}_EMAIL", "somebody@example.org")

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "--quiet", "--initial-branch=main")
    run.write_environment("cpu", {})
    assert run.environment()["git_commit"] is None
    git("-c", "commit.gpgsign=false", "commit", "--quiet", "--allow-empty", "--message", "First")
    commit = git("rev-parse", "HEAD")
    hook, ran = tmp_path / "hook", tmp_path / "ran"
    hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
    hook.chmod(0o755)
    git("config", "core.fsmonitor", str(hook))
    run.write_environment("cpu", {})
    assert run.environment()["git_commit"] == commit
    assert not ran.exists()

    git("config", "--unset", "core.fsmonitor")
    for change in (("pack-refs", "--all"), ("checkout", "--quiet", "--detach")):
        git(*change)
        assert commit_of(project / "below") == commit
    git("worktree", "add", "--quiet", "-b", "other", str(tmp_path / "linked"))
    assert commit_of(tmp_path / "linked") == commit


def test_nothing_else_that_a_repository_configures_is_run(tmp_path: Path) -> None:
    git, ran = tmp_path / ".git", tmp_path / "ran"
    hook = tmp_path / "hook"
    hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
    hook.chmod(0o755)
    commit = "0123456789" * 4
    files = {
        "HEAD": "ref: refs/heads/main\n",
        "refs/heads/main": f"{commit}\n",
        "included": f"[core]\n\tpager = {hook}\n",
        "config": f"[include]\n\tpath = included\n[core]\n\tworktree = /\n\tbare = true\n"
        f"\tsshCommand = {hook}\n\thooksPath = {tmp_path}\n\tgitProxy = {hook}\n"
        f'[alias]\n\trev-parse = !{hook}\n[filter "x"]\n\tclean = {hook}\n',
        "hooks/post-checkout": hook.read_text(),
    }
    for name, content in files.items():
        (git / name).parent.mkdir(parents=True, exist_ok=True)
        (git / name).write_text(content)
    assert commit_of(tmp_path) == commit
    assert not ran.exists()


@pytest.mark.parametrize("kind", ["pipe", "endless", "folder", "loop"])
def test_an_endless_repository_is_not_read_to_its_end(kind: str, tmp_path: Path) -> None:
    git = tmp_path / ".git"
    git.mkdir()
    (git / "HEAD").write_text("ref: refs/heads/main")
    packed = git / "packed-refs"
    if kind == "endless":
        with packed.open("wb") as file:
            file.truncate(2**40)
    elif kind == "folder":
        packed.mkdir()
    elif kind == "loop":
        packed.symlink_to(packed)
    else:
        os.mkfifo(packed)
    assert commit_of(tmp_path) is None


@pytest.mark.parametrize(
    "content", ["gitdir: nowhere", "gitdir: .", "gitdir: \0", "\udc80", "x" * 100_000]
)
def test_an_odd_repository_has_no_commit(content: str, tmp_path: Path) -> None:
    (tmp_path / ".git").write_text(content, errors="surrogateescape")
    (tmp_path / "HEAD").write_text("ref: ../../etc/passwd")
    assert commit_of(tmp_path) is None


def test_a_warning_without_a_finding_is_no_line_of_the_log(tmp_path: Path) -> None:
    line = {"step": 1, "callback": "c", "action": "warn", "reason": "r"}
    run = RunDirectory.create(spec(tmp_path))
    run.append_metrics({**line, "finding": "collapse"})
    assert "The watchdog found collapse (step 1)" in card(run, 5, 5)
    run.append_metrics(line)
    with pytest.raises(RunError, match=r"line 2 is not JSON that a run logs"):
        card(run, 5, 5)


def test_a_finding_is_words_in_the_card(tmp_path: Path) -> None:
    run = RunDirectory.create(spec(tmp_path))
    line = {"step": 1, "callback": "c", "action": "warn", "finding": "collapse"}
    run.append_metrics({**line, "reason": "<img src=x> score_fake * 2\n\n# and_more"})
    assert "- Step 1: &lt;img src=x&gt; score\\_fake \\* 2 \\# and\\_more\n" in card(run, 0, 5)


def test_commands_in_the_card_can_be_pasted(tmp_path: Path) -> None:
    run = RunDirectory.create(spec(tmp_path), tmp_path / "my run")
    assert f"`ganzoo evaluate '{run.path}'`" in card(run, 5, 5)


def test_a_description_is_words_in_the_card(tmp_path: Path) -> None:
    run = RunDirectory.create(spec(tmp_path, description="<img src=x> \x1b[31m **not** bold"))
    text = card(run, 0, 5)
    assert "&lt;img src=x&gt; \\\\x1b\\[31m \\*\\*not\\*\\* bold" in text
    assert "| Device | not known |" in text


def test_a_directory_that_cannot_have_its_name_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"output\.directory: holds \\x00"):
        spec(tmp_path, output={"directory": "a\0b"})
    with pytest.raises(
        RunError, match=r'output\.directory: "a\\u0000b/1" cannot be made: embedded'
    ):
        RunDirectory.create(spec(tmp_path), Path("a\0b/1"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes with names")
def test_a_pipe_in_place_of_the_environment_is_not_waited_for(tmp_path: Path) -> None:
    run = RunDirectory.create(spec(tmp_path))
    os.mkfifo(run.environment_path)
    assert run.environment() == {}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="has no pipes with names")
@pytest.mark.parametrize(
    "name", ["metrics.jsonl", "README.md", "checkpoints/step-00000002.safetensors"]
)
def test_a_run_with_a_pipe_in_it_is_refused_and_not_waited_for(tmp_path: Path, name: str) -> None:
    run = RunDirectory.create(spec(tmp_path))
    pipe = run.path / name
    pipe.parent.mkdir(exist_ok=True)
    os.mkfifo(pipe)
    with pytest.raises(RunError, match=f"{name}: is neither a file nor a folder; remove it"):
        RunDirectory.open(run.path)


def test_a_tilde_is_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert RunDirectory.create(spec(Path("~/runs"))).path == tmp_path / "runs" / "mine-1"


@pytest.mark.parametrize(
    ("values", "whose"),
    [
        ({"slots": {"generator": {"0": {"seen": {1, 2}}}}}, "optimizer 'generator'"),
        ({"counts": {"loss": {1}}}, "the run"),
    ],
)
def test_a_state_that_cannot_be_saved_is_named(
    run: RunDirectory, values: dict[str, Any], whose: str
) -> None:
    with pytest.raises(
        TrainingError, match=f"the state of {whose} must be .*what JSON can hold: .*set"
    ):
        Checkpoint(3, {}, {}, values).save(run)
