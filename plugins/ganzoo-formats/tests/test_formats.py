"""Parquet, WebDataset and HDF5 files, as they are written by others."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import ganzoo_formats.encoded
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ganzoo_formats.datasets import Hdf5, Parquet, WebDataset
from PIL import Image

from ganzoo.components import Condition, Dataset, Images, Points
from ganzoo.errors import DataError, DataWarning


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))


def picture(value: int, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("L", (8, 8), value).save(file, kind)
    return file.getvalue()


def values(dataset: Dataset, split: str = "train") -> list[int]:
    return dataset.build(split).samples[:, 0, 0, 0].tolist()


def classes(dataset: Dataset, split: str = "train") -> list[int]:
    found = dataset.build(split).classes
    assert found is not None
    return found.tolist()


def write_parquet(path: Path, columns: dict[str, Any], names: list[str] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table(columns)
    if names:
        about = {"info": {"features": {"label": {"names": names, "_type": "ClassLabel"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(about)})
    pq.write_table(table, path, row_group_size=2)
    return path


def test_parquet_as_hugging_face_writes_it(tmp_path: Path) -> None:
    for split, first in (("train", 0), ("test", 50)):
        images = [{"bytes": picture(first + i), "path": None} for i in range(5)]
        columns = {"image": images, "label": [1, 0, 1, 0, 1]}
        write_parquet(tmp_path / "data" / f"{split}-00000-of-00001.parquet", columns, ["a", "b"])
    dataset = Parquet(path=str(tmp_path), size=8, mode="grey")
    info = dataset.info()
    assert (info.samples, info.splits) == (Images(1, 8, 8), ("test", "train"))
    assert info.condition == Condition("classes", 2, ("a", "b"))
    assert (values(dataset), classes(dataset)) == ([0, 1, 2, 3, 4], [1, 0, 1, 0, 1])
    assert values(dataset, "test") == [50, 51, 52, 53, 54]


def test_parquet_with_bytes_other_names_and_texts(tmp_path: Path) -> None:
    columns = {"img": [picture(i) for i in range(3)], "kind": ["dog", "cat", "dog"]}
    path = write_parquet(tmp_path / "x.parquet", columns)
    dataset = Parquet(path=str(path), image="img", label="kind", size=8, mode="grey")
    assert dataset.info().condition == Condition("classes", 2, ("cat", "dog"))
    assert (values(dataset), classes(dataset)) == ([0, 1, 2], [1, 0, 1])
    bare = dataset.model_copy(update={"label": None})
    assert bare.info().condition is None
    assert bare.build("train").condition is None


def test_classes_of_parquet_files_without_samples_are_said(tmp_path: Path) -> None:
    columns = {"image": [picture(0)], "label": [1]}
    path = write_parquet(tmp_path / "x.parquet", columns, ["a", "b"])
    with pytest.warns(DataWarning, match="class a has no sample in split train"):
        Parquet(path=str(path)).info()


def write_tar(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def test_webdataset_with_numbers_and_json(tmp_path: Path) -> None:
    for shard in range(2):
        members = {
            f"./{shard}/a.jpg": picture(10 * shard, "JPEG"),
            f"./{shard}/a.cls": b"1\n",
            f"./{shard}/b.seg.png": picture(10 * shard + 5),
            f"./{shard}/b.json": b'{"label": 0, "text": "x"}',
            f"./{shard}/b.txt": b"x",
        }
        write_tar(tmp_path / "shards" / f"train-{shard:05}.tar", members)
    write_tar(tmp_path / "shards" / "val-0.tar", {"c.png": picture(90), "c.cls": b"0"})
    dataset = WebDataset(path=str(tmp_path / "shards"), size=8, mode="grey")
    assert dataset.info().condition == Condition("classes", 2)
    assert sorted(dataset.info().splits) == ["train", "val"]
    assert (values(dataset), classes(dataset)) == ([0, 5, 10, 15], [1, 0, 1, 0])
    assert values(dataset, "val") == [90]


def test_hdf5_with_groups_texts_and_floats(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["x_train"] = np.full((4, 6, 5, 3), 7, np.uint8)
        file["y_train"] = np.array([[0], [1], [0], [1]])
        file["x_test"] = np.zeros((2, 6, 5, 3), np.uint8)
        file["y_test"] = np.array([[0], [1]])
    dataset = Hdf5(path=str(tmp_path / "x.h5"))
    info = dataset.info()
    assert (info.samples, info.condition) == (Images(3, 6, 5), Condition("classes", 2))
    assert (values(dataset), classes(dataset)) == ([7] * 4, [0, 1, 0, 1])
    with h5py.File(tmp_path / "y.h5", "w") as file:
        file["points"] = np.zeros((4, 2), np.float32)
        file["labels"] = ["b", "a", "a", "b"]
    dataset = Hdf5(path=str(tmp_path / "y.h5"))
    assert dataset.info().samples == Points(2)
    assert dataset.info().condition == Condition("classes", 2, ("a", "b"))
    assert classes(dataset) == [1, 0, 0, 1]


BAD_CLASS = {"a.png": picture(0), "a.cls": b"cat"}


@pytest.mark.parametrize(
    ("kind", "name", "content", "message"),
    [
        (Parquet, "x.parquet", b"garbage", r"x\.parquet cannot be read"),
        (WebDataset, "x.tar", b"garbage" * 200, r"x\.tar cannot be read"),
        (WebDataset, "x.tar", BAD_CLASS, r"x\.tar: a\.cls is not a number"),
        (WebDataset, "x.tar", {"a.txt": b"x"}, "holds no images"),
        (WebDataset, "x.tar", {"a.png": b"", "a.jpg": b""}, "sample a has more than one image"),
        (WebDataset, "x.tar", {"a.png": b"", "b.png": b"", "b.cls": b"1"}, "1 of 2 images have no"),
        (WebDataset, "x.tar", {"a.png": b"no image"}, r"x\.tar: a\.png \("),
        (Hdf5, "x.h5", b"garbage", r"x\.h5 cannot be read"),
        (Parquet, "x.txt", b"", r"must end in \.parquet"),
        (Parquet, "folder/x.txt", b"", r"holds no \.parquet files"),
        (WebDataset, "folder/x.tar.gz", b"", r"holds no \.tar files; decompress those"),
        (Hdf5, "folder/x.h5", b"", "is a folder, not an HDF5 file"),
    ],
)
def test_files_that_cannot_be_read_are_named(
    kind: Any, name: str, content: Any, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    if isinstance(content, dict):
        write_tar(path, content)
    else:
        path.write_bytes(content)
    dataset = kind(path=str(path.parent if "folder" in name else path))
    with pytest.raises(DataError, match=rf"^dataset\.path: .*{message}") as caught:
        dataset.build("train")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", [Parquet, WebDataset, Hdf5])
def test_missing_files_are_named(kind: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^dataset\.path: .*gone does not exist"):
        kind(path=str(tmp_path / "gone")).info()


def test_columns_that_are_not_there_are_named(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "x.parquet", {"img": [picture(0)]})
    with pytest.raises(DataError, match=r"no column 'image'; set 'image' \(available: img\)"):
        Parquet(path=str(path)).info()


@pytest.mark.parametrize(("kind", "extra"), [(Parquet, "parquet"), (Hdf5, "hdf5")])
def test_a_missing_library_is_named_with_its_extra(
    kind: Any, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        raise ImportError(name)

    (tmp_path / f"x.{extra}").write_bytes(b"")
    monkeypatch.setattr(ganzoo_formats.encoded.importlib, "import_module", fail)
    with pytest.raises(DataError, match=rf"pip install 'ganzoo-formats\[{extra}\]'"):
        kind(path=str(tmp_path / f"x.{extra}")).info()
