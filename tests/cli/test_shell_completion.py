import pytest
from click.shell_completion import ShellComplete

from ganzoo.cli.app import program as build


def complete(*words: str) -> list[str]:
    *before, incomplete = words
    shell = ShellComplete(build(), {}, "ganzoo", "_GANZOO_COMPLETE")
    return [item.value for item in shell.get_completions(list(before), incomplete)]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(program, shell):
    result = program("completion", shell)
    assert result.code == 0
    assert "_GANZOO_COMPLETE" in result.out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["re"], ["recipes", "resume"]),
        (["plot", "lo"], ["losses"]),
        (["list", "act"], ["activation"]),
        (["show", "truncated"], ["truncated_normal"]),
        (["init", "mlp-m"], ["mlp-mnist"]),
        (["run", "mlp-m"], ["mlp-mnist", "mlp-m"]),
        (["--disable-plugin", "ganzoo-ml"], ["ganzoo-mlflow", "ganzoo-mlp"]),
        (["plugins", "show", "ganzoo-ml"], ["ganzoo-mlflow", "ganzoo-mlp"]),
    ],
    ids=" ".join,
)
def test_names_are_completed(words, expected):
    assert complete(*words) == expected


def test_run_directories_are_completed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "mine-1").mkdir(parents=True)
    (tmp_path / "runs" / "mine-1" / "spec.json").touch()
    assert complete("sample", "runs/m") == ["runs/mine-1"]
    assert complete("sample", "elsewhere") == ["elsewhere"]
