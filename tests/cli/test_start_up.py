import subprocess
import sys

import pytest

HEAVY = ("torch", "numpy", "matplotlib", "PIL", "rich", "pydantic", "filelock", "platformdirs")


def imported_by(*arguments: str) -> set[str]:
    """Return which heavy packages a call of the program imports."""
    code = (
        "import sys\n"
        "from ganzoo.cli import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "except SystemExit as stop:\n"
        "    assert stop.code == 0, stop.code\n"
        f"print('imported', *[name for name in {HEAVY} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize("arguments", [["--version"], ["completion", "zsh"]])
def test_the_program_itself_imports_nothing_heavy(arguments):
    assert imported_by(*arguments) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["list"],
        ["show", "gan"],
        ["recipes"],
        ["schema"],
        ["plugins", "list"],
        ["plugins", "new", "--help"],
        ["plot", "--help"],
        ["run", "--help"],
        ["sample", "--help"],
        ["init", "mlp-mnist", "-o", "-"],
        ["validate", "mlp-mnist"],
        ["run", "mlp-mnist", "--dry-run", "--quiet"],
    ],
    ids=" ".join,
)
def test_commands_that_build_nothing_import_pydantic_alone(arguments):
    assert imported_by(*arguments) == {"pydantic"}


def test_a_new_plugin_is_made_without_torch(tmp_path):
    arguments = ("plugins", "new", "mine", "-o", str(tmp_path / "mine"))
    assert imported_by(*arguments) == {"pydantic"}
