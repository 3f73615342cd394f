"""What notebooks show: a run while it trains, runs, and reports."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

import ganzoo
from ganzoo.visual import notebook

SPEC: dict[str, Any] = {
    "name": "tiny",
    "dataset": {"type": "mnist-5k", "split": "test"},
    "latent": {"type": "normal", "dim": 4},
    "generator": {"type": "mlp", "hidden": [8]},
    "discriminator": {"type": "mlp", "hidden": [8]},
    "training": {"duration": "4 steps", "batch_size": 8},
    "output": {"samples": 4, "log_every": "1 steps", "samples_every": "2 steps"},
    "device": "cpu",
}


class Notebook:
    """Stands for the package IPython in a notebook, and keeps what is displayed, in order."""

    version_info = (9, 0, 0)  # matplotlib asks for it

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.displays = 0
        self.display = SimpleNamespace(HTML=str, display=self.show)

    def get_ipython(self) -> SimpleNamespace:
        return SimpleNamespace(kernel=object())

    def show(self, content: str, *, display_id: bool) -> SimpleNamespace:
        assert display_id
        self.displays += 1
        self.shown.append(content)
        return SimpleNamespace(update=self.shown.append)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ganzoo.Run, Notebook]]:
    """Train in a notebook."""
    module = Notebook()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "IPython", module)
        patch.setitem(sys.modules, "IPython.display", module.display)
        patch.setattr(notebook, "SECONDS_BETWEEN_UPDATES", 0.0)
        folder = tmp_path_factory.mktemp("a <b> run")
        yield ganzoo.run(SPEC, output=folder / "tiny-<i>1"), module


def test_a_notebook_shows_progress_losses_and_the_newest_grid(
    shown: tuple[ganzoo.Run, Notebook],
) -> None:
    _, module = shown
    assert module.displays == 1
    assert "step 0 of 4" in module.shown[0]
    during = next(each for each in module.shown if "step 3 of 4" in each)
    assert "generator " in during
    assert "data:image/png;base64," in during
    assert '<progress value="4" max="4">' in module.shown[-1]
    assert "<img" not in module.shown[-1]
    assert not any("<i>" in each for each in module.shown)


def test_nothing_is_shown_outside_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert notebook.live_display() == []
    terminal = SimpleNamespace(get_ipython=SimpleNamespace)
    monkeypatch.setitem(sys.modules, "IPython", terminal)
    assert notebook.live_display() == []


def test_a_run_and_its_report_are_shown_as_html_and_as_a_table(
    shown: tuple[ganzoo.Run, Notebook],
) -> None:
    run, _ = shown
    html = run._repr_html_()
    assert "<b>tiny-&lt;i&gt;1</b>: 4 steps trained; its duration is 4 steps" in html
    assert html.count("data:image/png;base64,") == 1
    assert "<table>" not in html

    report = run.evaluate(metrics="fd", extractor="random-conv", samples=20, seeds=[0, 1])
    lines = repr(report).splitlines()
    assert lines[0] == "Report of tiny-<i>1"
    assert lines[1].split() == ["quantity", "value", "std", "real", "data", "better"]
    value = report.value("fd")
    assert lines[2].split()[:2] == [value.name, f"{value.mean:.4g}"]
    assert lines[2].endswith("lower")
    assert f"<td>{value.mean:.4g}</td>" in report._repr_html_()
    assert "<i>" not in report._repr_html_()
    assert f"<td>{value.mean:.4g}</td>" in run._repr_html_()


def test_a_run_that_cannot_be_used_is_shown_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "broken"
    path.mkdir()
    (path / "spec.json").write_text("{}", "utf-8")
    assert "dataset: this field is required" in ganzoo.open_run(path)._repr_html_()
    (path / "metrics.jsonl").write_text("nonsense\n", "utf-8")
    assert "line 1 is not JSON that a run logs" in ganzoo.open_run(path)._repr_html_()


CELLS = [
    "import json, ganzoo\nspec = json.loads({spec!r})",
    "run = ganzoo.run(spec, output={output!r}); run",
    "report = run.evaluate(metrics='fd', extractor='pixels', samples=20, seeds=0, device='cpu'); report",
]


def test_a_real_notebook_shows_a_run_while_it_trains_and_then_the_run_and_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    sources = [
        cell.format(spec=json.dumps(SPEC), output=str(tmp_path / "tiny-1")) for cell in CELLS
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in sources])
    NotebookClient(book, timeout=120, kernel_name="python3").execute()
    _, trained, evaluated = (cell.outputs for cell in book.cells)
    live, run = (each.data["text/html"] for each in trained)
    assert '<progress value="4" max="4">' in live, "one display, in its last form"
    assert "generator " in live
    assert "<b>tiny-1</b>: 4 steps trained" in run
    assert "data:image/png;base64," in run
    report = next(each.data for each in evaluated if "data" in each)
    assert "fd@pixels" in report["text/html"]
    assert report["text/plain"].startswith("Report of tiny-1\n")
