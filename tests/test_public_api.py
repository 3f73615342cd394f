"""What ``import ganzoo`` gives, and what it does not import."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import ganzoo

HEAVY = {"torch", "torchvision", "torchmetrics", "matplotlib", "rich", "PIL", "mlxtend", "pandas"}
"""numpy is not among them, though nothing needs it either before data is read."""

STEPS = {
    "import": "import ganzoo",
    "specs": "import ganzoo.spec, ganzoo.spec.schema, ganzoo.spec.overrides",
    "plugins": "from ganzoo.plugins import installed; installed()",
    "runs": "import ganzoo.runs",
    "recipes": "[ganzoo.load_spec(name) for name in installed().recipes]",
    "schema": "ganzoo.spec.schema.run_spec_schema()",
}


def test_public_names_are_chosen_and_can_all_be_had() -> None:
    assert set(ganzoo.__all__) == {
        "Command",
        "Run",
        "RunSpec",
        "branch",
        "evaluate_images",
        "hookimpl",
        "load_spec",
        "open_run",
        "resume",
        "run",
    }
    for name in ganzoo.__all__:
        assert getattr(ganzoo, name) is not None
    assert set(dir(ganzoo)) == {*ganzoo.__all__, "__version__"}
    assert importlib.import_module("ganzoo.spec").RunSpec is ganzoo.RunSpec


def test_the_version_is_that_of_the_distribution() -> None:
    assert ganzoo.__version__ == importlib.import_module("importlib.metadata").version("ganzoo")


def test_other_names_are_refused_as_any_module_does() -> None:
    with pytest.raises(AttributeError, match="module 'ganzoo' has no attribute 'nothing'"):
        _ = ganzoo.nothing


def test_nothing_before_training_imports_torch_or_anything_else_that_takes_long() -> None:
    """Each step in turn, in one process, so that a failure names the first that imports too much."""
    code = "import sys\n" + "".join(
        f"{step}\nfound = sorted({HEAVY!r} & set(sys.modules))\n"
        f"assert not found, ({name!r}, found)\n"
        for name, step in STEPS.items()
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
