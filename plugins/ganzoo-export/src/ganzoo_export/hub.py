"""Model folders on the Hugging Face hub, through its own library."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from ganzoo.errors import GanzooError, RunError, UsageError, in_a_line
from ganzoo.runs import RunDirectory

FILES = (
    "README.md",
    "spec.json",
    "environment.json",
    "generator.safetensors",
    "samples.png",
    "evaluation/*.json",
    "plugins/*",
)
"""What a model folder consists of; nothing else is uploaded or downloaded."""


def push(folder: Path, repository: str, *, private: bool = False) -> str:
    """Upload a model folder, and return its address.

    Raises:
        ganzoo.errors.UsageError: it is not a model folder, or huggingface-hub is not installed.
        ganzoo.errors.GanzooError: the hub refused it, or could not be reached.
    """
    _check(folder)
    hub = _library()
    with _failing(f"{repository}: cannot be uploaded"):
        api = hub.HfApi()
        address = str(api.create_repo(repository, private=private, exist_ok=True))
        api.upload_folder(
            repo_id=repository,
            folder_path=folder,
            allow_patterns=list(FILES),
            commit_message="Upload a generator of ganzoo",
        )
    return address


def pull(repository: str, path: Path, *, revision: str | None = None) -> Path:
    """Download a model folder to a new folder, and return where it is.

    Raises:
        ganzoo.errors.UsageError: the folder exists, what is there is not a model folder, or
            huggingface-hub is not installed.
        ganzoo.errors.GanzooError: the hub refused it, or could not be reached.
    """
    if path.exists():
        raise RunError(f"{path}: exists already; name another with -o")
    hub = _library()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as temporary:
        made = Path(temporary) / "model"
        with _failing(f"{repository}: cannot be downloaded"):
            hub.snapshot_download(
                repository, revision=revision, local_dir=made, allow_patterns=list(FILES)
            )
        shutil.rmtree(made / ".cache", ignore_errors=True)  # the library's own notes
        _check(made, repository)
        made.rename(path)
    return path


def _check(folder: Path, name: object = None) -> None:
    """Refuse what is not a model folder."""
    run = RunDirectory(folder)
    for each in (run.spec_path, run.generator_path):
        if not each.is_file():
            raise RunError(f"{name or folder}: is not a model folder: it has no {each.name}")


def _library() -> ModuleType:
    try:
        import huggingface_hub
    except ImportError:
        message = "needs huggingface-hub; install it with pip install 'ganzoo-export[hub]'"
        raise UsageError(f"the hub {message}") from None
    return huggingface_hub


@contextmanager
def _failing(what: str) -> Iterator[None]:
    """Turn what the library raises into one sentence."""
    try:
        yield
    except Exception as error:  # of several libraries: HTTP, files, names of repositories
        raise GanzooError(f"{what}: {in_a_line(error)}") from error
