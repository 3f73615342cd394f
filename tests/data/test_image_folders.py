"""Folders and zip files of images."""

from __future__ import annotations

import os
import shutil
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin
from pydantic import ValidationError

from ganzoo.builtin.datasets import Folder
from ganzoo.components import Condition, Images
from ganzoo.data import images
from ganzoo.errors import DataError, DataWarning
from ganzoo.utils.progress import reporting_to


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "photos"


def put(root: Path, files: dict[str, int]) -> None:
    """Write grey images, each of one value."""
    for name, value in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), value).save(root / name)


def folder(path: Path, **fields: object) -> Folder:
    return Folder.model_validate({"path": str(path), "size": 4, "mode": "grey", **fields})


def values(dataset: Folder, split: str = "train") -> list[int]:
    return dataset.build(split).samples[:, 0, 0, 0].tolist()


def test_a_flat_folder_has_no_labels(root: Path) -> None:
    put(root, {"b.png": 20, "a.bmp": 10, "c.PNG": 30})
    dataset = folder(root)
    info, store = dataset.info(), dataset.build("train")
    assert (info.sample_shape, info.condition, info.splits) == ((1, 4, 4), None, ("train",))
    assert store.classes is None
    assert values(dataset) == [10, 20, 30]
    assert folder(root, mode="rgb").build("train").samples.shape == (3, 3, 4, 4)


def test_sub_folders_are_classes_in_the_order_of_their_names(root: Path) -> None:
    put(root, {"dogs/x.png": 2, "cats/y.png": 1, "dogs/more/deep/a.png": 3, "eels/a.png": 4})
    dataset = folder(root)
    assert dataset.info().condition == Condition("classes", 3, ("cats", "dogs", "eels"))
    store = dataset.build("train")
    assert store.classes is not None
    assert dict(zip(values(dataset), store.classes.tolist(), strict=True)) == {
        1: 0,
        2: 1,
        3: 1,
        4: 2,
    }


def test_folders_named_for_splits_are_splits(root: Path) -> None:
    put(root, {"train/cats/a.png": 1, "train/dogs/a.png": 2, "test/dogs/a.png": 3})
    dataset = folder(root)
    assert dataset.info().splits == ("test", "train")
    assert dataset.info().condition == Condition("classes", 2, ("cats", "dogs"))
    assert values(dataset) == [1, 2]
    test = dataset.build("test")
    assert test.classes is not None
    assert test.classes.tolist() == [1]
    with pytest.raises(DataError, match=r"no split 'val' \(available: test, train\)"):
        dataset.build("val")


def test_a_folder_named_for_a_split_among_others_is_a_class(root: Path) -> None:
    put(root, {"train/a.png": 1, "plane/a.png": 2})
    assert folder(root).info().condition == Condition("classes", 2, ("plane", "train"))


def test_a_single_folder_that_holds_everything_is_looked_through(root: Path) -> None:
    put(root, {"photos/set/cats/a.png": 1, "photos/set/dogs/a.png": 2})
    assert folder(root).info().condition == Condition("classes", 2, ("cats", "dogs"))
    put(root / "flat", {"only/a.png": 1, "only/b.png": 2})
    assert folder(root / "flat").info().condition is None


def test_other_and_hidden_files_are_passed_over(root: Path) -> None:
    put(root, {"a.png": 1, ".hidden.png": 2, ".thumbs/b.png": 3, "__MACOSX/a.png": 4})
    (root / "notes.txt").write_text("not an image")
    assert values(folder(root)) == [1]


def test_a_zip_file_holds_what_the_folder_holds(root: Path, tmp_path: Path) -> None:
    put(root, {"train/cats/a.png": 1, "train/dogs/b.png": 2, "test/cats/c.png": 3})
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "photos"))
    opened, zipped = folder(root), folder(packed)
    assert zipped.info() == opened.info()
    for split in ("train", "test"):
        one, other = opened.build(split), zipped.build(split)
        assert np.array_equal(one.samples, other.samples)
        assert np.array_equal(one.classes, other.classes)  # type: ignore[arg-type] # both have them


def test_the_second_reading_decodes_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(root, {"a.png": 1, "b.png": 2})
    first = values(folder(root))
    monkeypatch.setattr(images, "fit", None)
    store = folder(root).build("train")
    assert isinstance(store.samples, np.memmap)
    assert store.samples.flags.writeable
    assert values(folder(root)) == first


def test_size_and_mode_have_caches_of_their_own(root: Path) -> None:
    put(root, {"a.png": 1})
    assert folder(root).build("train").samples.shape == (1, 1, 4, 4)
    assert folder(root, size=6).build("train").samples.shape == (1, 1, 6, 6)
    assert folder(root, mode="rgb").build("train").samples.shape == (1, 3, 4, 4)


def test_height_and_width_may_differ(root: Path, cache: Path) -> None:
    put(root, {"a.png": 1})
    dataset = folder(root, size=[4, 6])
    assert dataset.info().samples == Images(1, 4, 6)
    assert dataset.build("train").samples.shape == (1, 1, 4, 6)
    assert folder(root, size=[6, 4]).build("train").samples.shape == (1, 1, 6, 4)
    assert len(list(cache.iterdir())) == 2
    for size in (5, [5, 5]):
        folder(root, size=size).build("train")
    assert len(list(cache.iterdir())) == 3, "a square has one name in the cache"


def test_changed_added_and_removed_files_are_noticed(root: Path) -> None:
    put(root, {"a.bmp": 1, "b.bmp": 2})
    dataset = folder(root)
    assert values(dataset) == [1, 2]
    put(root, {"a.bmp": 9})  # as large as before
    os.utime(root / "a.bmp", ns=(10**18, 10**18))
    assert values(dataset) == [9, 2]
    put(root, {"c.bmp": 3})
    assert values(dataset) == [9, 2, 3]
    (root / "b.bmp").unlink()
    assert values(dataset) == [9, 3]


def test_a_changed_zip_file_is_noticed(tmp_path: Path) -> None:
    for value in (1, 2):
        put(tmp_path / "x", {"a.bmp": value})
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            archive.write(tmp_path / "x" / "a.bmp", "a.bmp")
        assert values(folder(tmp_path / "x.zip")) == [value]


def test_folders_with_equal_names_sizes_and_times_are_not_confused(tmp_path: Path) -> None:
    for name, value in (("one", 1), ("two", 2)):
        put(tmp_path / name, {"a.bmp": value})
        os.utime(tmp_path / name / "a.bmp", ns=(0, 0))
    assert values(folder(tmp_path / "one")) == [1]
    assert values(folder(tmp_path / "two")) == [2]


def test_progress_is_reported(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(root, {f"{index:02}.png": index for index in range(10)})
    monkeypatch.setattr(images, "CHUNK", 4)
    reports: list[tuple[str, int, int]] = []
    with reporting_to(lambda *each: reports.append(each)):
        assert values(folder(root)) == list(range(10))
    assert [done for _, done, _ in reports] == [0, 4, 8, 10]
    assert {(text, total) for text, _, total in reports} == {(f"decoding {root}", 10)}


def test_nothing_and_no_images_are_told_apart_from_images(root: Path) -> None:
    with pytest.raises(DataError, match=r"photos does not exist"):
        folder(root).info()
    root.mkdir()
    with pytest.raises(DataError, match=r"photos holds no images \(looked for \.bmp, \.gif"):
        folder(root).info()
    (root / "a.txt").write_text("")
    with pytest.raises(DataError, match="holds no images"):
        folder(root).build("train")
    with pytest.raises(DataError, match=r"a\.txt is neither a folder nor a zip file"):
        folder(root / "a.txt").info()


def test_images_beside_and_in_sub_folders_are_refused(root: Path) -> None:
    put(root, {"cats/a.png": 1, "b.png": 2})
    with pytest.raises(
        DataError, match=r"in sub-folders \(cats/a\.png\) and beside them \(b\.png\)"
    ):
        folder(root).info()


def test_damaged_images_are_named_and_counted(root: Path, cache: Path) -> None:
    put(root, {f"{index}.png": index for index in range(9)})
    whole = (root / "1.png").read_bytes()
    (root / "1.png").write_bytes(whole[:40])
    (root / "3.png").write_bytes(b"")
    (root / "5.png").write_bytes(b"no image")
    (root / "7.png").write_bytes(whole[:-30] + b"\0" * 30)
    with pytest.raises(DataError, match=r"4 of 9 images in .*photos cannot be read: 1\.png \(.*…"):
        folder(root).build("train")
    assert list(cache.iterdir()) == []


def test_damaged_images_in_a_zip_file_are_named(root: Path, tmp_path: Path) -> None:
    put(root, {"a.png": 1, "b.png": 2})
    (root / "b.png").write_bytes((root / "b.png").read_bytes()[:50])
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", root))
    with pytest.raises(DataError, match=r"1 of 2 images in .*packed\.zip cannot be read: b\.png"):
        folder(packed).build("train")
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"packed\.zip is neither a folder nor a zip file"):
        folder(packed).info()


def test_what_is_lost_of_images_is_said(root: Path) -> None:
    root.mkdir()
    frames = [Image.new("L", (8, 8), value) for value in (10, 90)]
    frames[0].save(root / "a.gif", save_all=True, append_images=frames[1:])
    Image.fromarray(np.full((8, 8), 12_345, np.uint16)).save(root / "b.png")
    with pytest.warns(DataWarning) as caught:
        assert values(folder(root)) == [10, 48]
    said = sorted(str(each.message) for each in caught)
    assert "1 of 2 images" in said[0]
    assert "several frames or pages; the first of each is used" in said[1]
    assert "have more than 8 bits and are scaled to 8; set 'bits' to 16" in said[0]


@pytest.mark.parametrize(("top", "white"), [(255, 255), (4000, 4095)])
def test_images_of_16_bits_that_use_fewer_are_said_to_be_dark(
    top: int, white: int, root: Path
) -> None:
    root.mkdir()
    for name, value in (("a", top // 8), ("b", top)):
        Image.fromarray(np.full((8, 8), value, np.uint16)).save(root / f"{name}.png")
    message = rf"no number above {white:,}, .* set 'range' to \[0, {white}\] if that is white"
    with pytest.warns(DataWarning, match=message):
        assert max(values(folder(root, bits=16))) == top
    ranged = folder(root, bits=16, range=[0, white])
    assert max(values(ranged)) == round(top / white * 65535)
    Image.fromarray(np.full((8, 8), 60_000, np.uint16)).save(root / "c.png")
    assert max(values(folder(root, bits=16))) == 60_000, "without a word"


def test_black_colours_of_16_bits_are_said(root: Path) -> None:
    root.mkdir()
    header = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes([0, 200] * 12)) * 4)
    parts = [(b"IHDR", header), (b"IDAT", rows), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    ]
    (root / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    with pytest.warns(DataWarning) as given:
        assert values(folder(root)) == [0]
    assert any("upper 8 bits" in str(each.message) for each in given)


@pytest.mark.parametrize("bits", [8, 16])
def test_8_bits_with_a_sign_are_refused(bits: int, root: Path) -> None:
    root.mkdir()
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[images.SAMPLEFORMAT] = 2
    Image.new("L", (8, 8), 200).save(root / "a.tif", tiffinfo=tags)
    with pytest.raises(DataError, match=r"a\.tif \(its 8-bit numbers have a sign"):
        folder(root, bits=bits).build("train")


def test_deep_images_with_opacity_are_a_sample_space_of_their_own(root: Path) -> None:
    put(root, {"a.png": 100})
    dataset = folder(root, bits=16, mode="rgb", channels=4)
    assert dataset.info().samples == Images(4, 4, 4, bits=16)
    split = dataset.build("train")
    assert split.space == Images(4, 4, 4, bits=16)
    assert split.samples[0, :, 0, 0].tolist() == [25700] * 3 + [65535]


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"background": "no colour"}, "background"),
        ({"range": [1, 0]}, "range"),
        ({"range": [0, float("nan")]}, "range"),
        ({"bits": 12}, "bits"),
        ({"channels": 4}, "'channels' can be 4 where 'mode' is rgb only"),
        ({"unreadable": "ignore"}, "unreadable"),
    ],
)
def test_fields_that_make_no_sense_are_refused(
    fields: dict[str, object], path: str, root: Path
) -> None:
    with pytest.raises(ValidationError, match=path):
        folder(root, **fields)
