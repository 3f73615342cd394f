"""Labels of images in files beside them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganzoo.builtin.datasets import Folder
from ganzoo.components import Condition
from ganzoo.errors import DataError, DataWarning

NAMES = tuple(f"0000{index // 3}/img{index}.png" for index in range(6))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / "faces" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8)).save(tmp_path / "faces" / name)
    return tmp_path / "faces"


def folder(path: Path, **fields: Any) -> Folder:
    return Folder.model_validate({"path": str(path), "size": 4, **fields})


def write(path: Path, labels: Any) -> Path:
    path.write_text(labels if isinstance(labels, str) else json.dumps(labels))
    return path


@pytest.mark.parametrize("form", ["folder", "zip", "nested zip"])
def test_the_labels_of_stylegan_are_read(form: str, root: Path, tmp_path: Path) -> None:
    write(root / "dataset.json", {"labels": [[name, i % 3] for i, name in enumerate(NAMES)]})
    if form != "folder":
        base = {"zip": root, "nested zip": tmp_path}[form]
        root = Path(
            shutil.make_archive(str(tmp_path / "x"), "zip", base, "." if base == root else "faces")
        )
    dataset = folder(root)
    assert dataset.info().condition == Condition("classes", 3)
    condition = dataset.build("train").condition
    assert condition is not None
    assert condition.tolist() == [0, 1, 2, 0, 1, 2]


def test_without_labels_its_folders_are_not_classes(root: Path) -> None:
    write(root / "dataset.json", {"labels": None})
    assert folder(root).info().condition is None
    assert folder(root).build("train").condition is None


def test_vectors_are_labels_or_values(root: Path) -> None:
    labels = {name: [i % 2, 1] for i, name in enumerate(NAMES)}
    write(root / "dataset.json", {"labels": [*labels.items()]})
    assert folder(root).info().condition == Condition("labels", 2)
    write(root / "dataset.json", {"labels": [[name, [0.5, i]] for i, name in enumerate(NAMES)]})
    assert folder(root).info().condition == Condition("values", 2)
    condition = folder(root).build("train").condition
    assert condition is not None
    assert (condition.shape, condition.dtype) == ((6, 2), np.float32)


def test_other_sources_of_labels_can_be_chosen(root: Path) -> None:
    write(root / "dataset.json", {"labels": [[name, i % 3] for i, name in enumerate(NAMES)]})
    with pytest.warns(DataWarning, match=r"1 file is skipped: 1 \.json"):
        condition = folder(root, labels="folders").info().condition
    assert condition == Condition("classes", 2, ("00000", "00001"))
    assert folder(root, labels="none").info().condition is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("l.csv", "file,label\n" + "\n".join(f"{n},{'ab'[i % 2]}" for i, n in enumerate(NAMES))),
        ("l.csv", "\n".join(f"{n};{'ab'[i % 2]}" for i, n in enumerate(NAMES))),
        ("l.csv", ",label,id\n" + "\n".join(f"{i},{'ab'[i % 2]},img{i}" for i in range(6))),
        ("l.tsv", "\n".join(f"img{i}.png\t{'ab'[i % 2]}" for i in range(6))),
        ("l.json", json.dumps({n: "ab"[i % 2] for i, n in enumerate(NAMES)})),
        ("l.json", json.dumps([[n.replace("/", "\\"), "ab"[i % 2]] for i, n in enumerate(NAMES)])),
    ],
)
def test_tables_are_read_in_many_forms(name: str, text: str, root: Path, tmp_path: Path) -> None:
    dataset = folder(root, labels=str(write(tmp_path / name, text)))
    assert dataset.info().condition == Condition("classes", 2, ("a", "b"))
    condition = dataset.build("train").condition
    assert condition is not None
    assert condition.tolist() == [0, 1] * 3


def test_several_columns_are_labels_by_name(root: Path, tmp_path: Path) -> None:
    rows = "\n".join(f"img{i}.png,{1 if i % 2 else -1},1" for i in range(6))
    table = write(tmp_path / "attributes.csv", f"image_id,Smiling,Young\n{rows}")
    dataset = folder(root, labels=str(table))
    assert dataset.info().condition == Condition("labels", 2, ("Smiling", "Young"))
    condition = dataset.build("train").condition
    assert condition is not None
    assert condition.tolist() == [[0, 1], [1, 1]] * 3


@pytest.mark.parametrize(
    ("name", "labels", "message"),
    [
        ("l.json", {"labels": [[NAMES[0], 1]]}, "5 of 6 images have no label; the first is"),
        ("l.json", "{", "labels must be a list of pairs"),
        ("l.json", {"labels": [1, 2]}, "labels must be a list of pairs"),
        ("l.json", dict.fromkeys(NAMES, -1), "must count from 0, but one is -1"),
        ("l.json", {n: [1] * (1 + i % 2) for i, n in enumerate(NAMES)}, "different numbers"),
        ("l.json", {n: ["a", "b"] for n in NAMES}, "must be numbers"),
        ("l.json", dict.fromkeys(NAMES, 10**20), "must be below 1,000,000, but one is 1e[+]20"),
        ("l.json", dict.fromkeys(NAMES, 10**12), "number them 0, 1, 2"),
        ("l.json", {n: [1e300, 2] for n in NAMES}, "must be finite numbers of 32 bits"),
        ("l.json", [*((n, 1) for n in NAMES), (NAMES[2], 0)], r"img2\.png has two labels"),
        ("l.csv", "a\nb", "must have columns for the file and its label, .*; it has 1"),
        ("l.csv", "a,1\nb", "row 2 has 1"),
        ("l.txt", "", r"must be a \.csv, \.tsv or \.json file"),
    ],
)
def test_tables_that_do_not_fit_are_refused(
    name: str, labels: Any, message: str, root: Path, tmp_path: Path
) -> None:
    table = write(tmp_path / name, labels)
    with pytest.raises(DataError, match=message):
        folder(root, labels=str(table)).info()


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_table_in_another_encoding_is_refused_in_words(
    encoding: str, root: Path, tmp_path: Path
) -> None:
    rows = "".join(f"{name},café\n" for name in NAMES)
    (tmp_path / "l.csv").write_bytes(rows.encode(encoding))
    with pytest.raises(DataError, match="is not text in UTF-8; save it in that encoding"):
        folder(root, labels=str(tmp_path / "l.csv")).info()


def test_a_missing_table_is_named(root: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.csv does not exist"):
        folder(root, labels=str(root / "gone.csv")).info()


def test_whole_paths_are_kept_but_not_for_words() -> None:
    assert folder(Path("x")).with_absolute_paths().labels == "auto"
    assert Path(folder(Path("x"), labels="l.csv").with_absolute_paths().labels).is_absolute()


@pytest.mark.parametrize("form", ["folder", "zip"])
def test_the_labels_of_a_single_folder_are_found(form: str, tmp_path: Path) -> None:
    root = tmp_path / "few"
    (root / "00000").mkdir(parents=True)
    names = [f"00000/img{index}.png" for index in range(4)]
    for name in names:
        Image.new("L", (8, 8)).save(root / name)
    table = write(
        tmp_path / "labels.csv", "".join(f"{name},{i % 2}\n" for i, name in enumerate(names))
    )
    write(root / "dataset.json", {"labels": [[name, i % 2] for i, name in enumerate(names)]})
    if form == "zip":
        root = Path(shutil.make_archive(str(tmp_path / "x"), "zip", root))
    for labels in ("auto", str(table)):
        condition = folder(root, labels=labels).build("train").condition
        assert condition is not None
        assert condition.tolist() == [0, 1, 0, 1]


def test_a_table_that_is_not_used_is_pointed_out(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.new("L", (8, 8)).save(tmp_path / name)
    table = write(tmp_path / "labels.csv", "a.png,0\nb.png,1\n")
    with pytest.warns(
        DataWarning, match=r"1 file is skipped: 1 \.csv; .* set 'labels' to its path"
    ):
        folder(tmp_path).info()
    assert folder(tmp_path, labels=str(table)).info().condition == Condition("classes", 2)
