import shlex
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_it_writes_a_package_and_says_what_comes_next(program):
    result = program("plugins", "new", "soft-hinge", "--kind", "loss")
    assert (result.code, result.out) == (0, "ganzoo-soft-hinge\n")
    assert Path("ganzoo-soft-hinge/src/ganzoo_soft_hinge/implementation.py").is_file()
    for command in (
        "cd ganzoo-soft-hinge",
        "uv sync",
        "uv run pytest",
        "uv run ganzoo list loss",
        "uv run ganzoo run soft-hinge",
    ):
        assert f"  {command}" in result.err
    assert str(Path("ganzoo-soft-hinge", "docs", "index.md")) in result.err
    assert Path("ganzoo-soft-hinge", "docs", "index.md").is_file()


def test_a_generator_is_made_where_no_kind_is_named_in_the_folder_asked_for(program):
    result = program("plugins", "new", "mine", "-o", "here")
    assert (result.code, result.out) == (0, "here\n")
    assert "class MineGenerator(Generator)" in Path("here/src/ganzoo_mine/components.py").read_text(
        "utf-8"
    )


def test_a_run_is_not_suggested_where_there_is_no_recipe(program):
    result = program("plugins", "new", "mine", "--kind", "translator")
    assert (result.code, result.out) == (0, "ganzoo-mine\n")
    assert "uv run pytest" in result.err
    assert "ganzoo run" not in result.err


@pytest.mark.parametrize("clones", [{}, {"ganzoo": "/home/me/ganzoo"}])
def test_a_clone_is_named_as_what_must_go_before_publishing(program, monkeypatch, clones):
    for module in ("scaffolding", "cli"):
        monkeypatch.setattr(f"ganzoo_devkit.{module}.clones", lambda: clones)
    result = program("plugins", "new", "mine")
    assert result.code == 0
    written = "[tool.uv.sources]" in Path("ganzoo-mine/pyproject.toml").read_text("utf-8")
    assert written == bool(clones)
    assert ("remove [tool.uv.sources] from" in result.err) == written


def test_the_folder_is_quoted_for_the_shell(program):
    Path("my work").mkdir()
    result = program("plugins", "new", "mine", "-o", str(Path("my work", "it's")))
    assert result.code == 0
    (line,) = [line for line in result.err.splitlines() if line.startswith("  cd ")]
    assert shlex.split(line) == ["cd", str(Path("my work", "it's"))]


def test_a_folder_with_something_in_it_is_left_alone(program):
    Path("ganzoo-mine").mkdir()
    Path("ganzoo-mine/notes.txt").write_text("years of work")
    result = program("plugins", "new", "mine")
    assert (result.code, result.out) == (2, "")
    assert result.err == ("error: ganzoo-mine: is not empty; name another folder\n")
    assert [path.name for path in Path("ganzoo-mine").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["3d"], "'3d' is not a valid name of a plugin"),
        ([30 * "a"], "it has 30 characters; choose one of at most 24"),
        (["hinge", "--kind", "loss"], "the loss 'hinge' is already provided by ganzoo-losses"),
        (["mine", "--kind", "lose"], "'lose' is not one of"),
    ],
)
def test_what_cannot_be_made_is_one_sentence(program, arguments, message):
    result = program("plugins", "new", *arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert result.err.count("\n") == 1
    assert not list(Path().iterdir())
