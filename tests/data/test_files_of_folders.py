"""Which files of a folder or a zip file are read, which are skipped, and what is said of them."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganzoo.builtin.datasets import Folder
from ganzoo.data import images, listing
from ganzoo.errors import DataError, DataWarning


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    return tmp_path / "photos"


def picture(value: int = 0, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new("L", (8, 8), value).save(file, kind)
    return file.getvalue()


def folder(path: Path, **fields: Any) -> Folder:
    return Folder.model_validate({"path": str(path), "size": 4, "mode": "grey", **fields})


def values(dataset: Folder, split: str = "train") -> list[int]:
    return dataset.build(split).samples[:, 0, 0, 0].tolist()


def pack(path: Path, members: dict[str, bytes], **options: Any) -> Path:
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.filename = name  # as it is, backslashes included
            archive.writestr(info, content)
    return path


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [("jfif", "JPEG"), ("JPE", "JPEG"), ("jp2", "JPEG2000"), ("tga", "TGA"), ("dib", "DIB"),
     ("ico", "ICO"), ("pcx", "PCX"), ("webp", "WEBP"), ("avif", "AVIF"), ("pnm", "PPM")],
)  # fmt: skip
def test_every_suffix_that_pillow_reads_is_an_image(suffix: str, kind: str, root: Path) -> None:
    if kind not in Image.SAVE:
        pytest.skip("this Pillow cannot write it")
    (root / f"a.{suffix}").write_bytes(picture(kind=kind))
    assert len(folder(root).build("train")) == 1


def test_skipped_files_are_counted_by_suffix(root: Path) -> None:
    for name in ("a.png", "notes.txt", "more.TXT", "b.npy", "LICENSE", ".hidden.png", ".DS_Store"):
        (root / name).write_bytes(picture())
    expected = "5 files are skipped: 1 .npy, 2 .txt, 1 hidden and 1 without a suffix"
    with pytest.warns(DataWarning, match=rf"^dataset\.path: .*photos: {expected}$"):
        folder(root).info()


def test_nothing_but_other_files_is_said(root: Path) -> None:
    (root / "train.zip").write_bytes(b"")
    with pytest.raises(DataError, match=r"holds no images .*; it holds 1 \.zip; unpack"):
        folder(root).info()


def test_links_are_followed_but_not_in_circles(root: Path) -> None:
    (root / "cats").mkdir()
    (root / "cats" / "a.png").write_bytes(picture(1))
    (root / "dogs").symlink_to(root / "cats")
    (root / "cats" / "up").symlink_to(root)
    with pytest.warns(DataWarning, match="2 files are skipped: 2 links to a folder above them"):
        folder(root).info()
    assert values(folder(root)) == [1, 1]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_pipes_are_not_opened(root: Path) -> None:
    (root / "a.png").write_bytes(picture(1))
    os.mkfifo(root / "b.png")
    with pytest.warns(DataWarning, match="1 that are not files"):
        folder(root).info()
    assert values(folder(root)) == [1]


def test_broken_links_are_unreadable(root: Path) -> None:
    (root / "a.png").write_bytes(picture(1))
    (root / "b.png").symlink_to(root / "gone.png")
    with pytest.raises(DataError, match=r"1 of 2 images .* cannot be read: b\.png"):
        folder(root).build("train")


@pytest.mark.parametrize("prefix", ["", "./", "/", "C:\\", "photos\\", "photos/inner/", "../"])
def test_names_in_zip_files_may_be_written_in_any_way(prefix: str, tmp_path: Path) -> None:
    apart = "\\" if "\\" in prefix else "/"
    members = {
        f"{prefix}train{apart}": b"",
        f"{prefix}train{apart}cats{apart}a.png": picture(1),
        f"{prefix}train{apart}dogs{apart}a.png": picture(2),
        f"{prefix}test{apart}dogs{apart}a.png": picture(3),
    }
    dataset = folder(pack(tmp_path / "x.zip", members))
    assert sorted(dataset.info().splits) == ["test", "train"]
    assert (values(dataset), values(dataset, "test")) == ([1, 2], [3])


def test_huge_members_of_zip_files_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "LARGEST", 10_000)
    members = {"a.png": picture(1), "b.png": bytes(20_000)}
    packed = pack(tmp_path / "x.zip", members)
    with pytest.raises(DataError, match=r"b\.png \(it has 20,000 bytes, and at most 10,000"):
        folder(packed).build("train")


def test_images_of_too_many_pixels_are_not_decoded(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 16)
    (root / "a.png").write_bytes(picture())
    with pytest.raises(DataError, match="exceeds limit of 32 pixels"):
        folder(root).build("train")


@pytest.mark.parametrize("damage", ["cut", "no end", "empty", "directory"])
def test_damaged_zip_files_are_called_so(damage: str, tmp_path: Path) -> None:
    packed = pack(tmp_path / "x.zip", {"a.png": picture(1), "b.png": picture(2)})
    whole = packed.read_bytes()
    central = whole.index(b"PK\1\2")
    damaged = {
        "cut": whole[: len(whole) // 2],
        "no end": whole[:-20],
        "empty": b"",
        "directory": whole[:central] + b"\0" * 8 + whole[central + 8 :],
    }
    packed.write_bytes(damaged[damage])
    with pytest.raises(DataError, match=r"x\.zip is neither .* zip file .* it is damaged"):
        folder(packed).info()


def test_damaged_members_of_zip_files_are_named(tmp_path: Path) -> None:
    packed = pack(tmp_path / "x.zip", {"a.png": picture(1), "b.png": picture(2)})
    whole = bytearray(packed.read_bytes())
    whole[whole.index(b"b.png") + 30] ^= 255
    packed.write_bytes(whole)
    with pytest.raises(DataError, match=r"1 of 2 images in .*x\.zip cannot be read: b\.png"):
        folder(packed).build("train")


def test_other_archives_and_single_images_are_told_apart(tmp_path: Path) -> None:
    import tarfile

    (tmp_path / "a.png").write_bytes(picture())
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "a.png", "a.png")
    with pytest.raises(DataError, match=r"but a tar archive; unpack it"):
        folder(tmp_path / "x.tar.gz").info()
    with pytest.raises(DataError, match=r"but one image; name the folder"):
        folder(tmp_path / "a.png").info()


def test_paths_that_do_not_exist_are_explained(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parent)
    where = str(root.parent)
    with pytest.raises(DataError) as caught:
        Folder(path="Photos").info()
    expected = f"dataset.path: Photos does not exist in {where}; did you mean 'photos'?"
    assert str(caught.value) == expected
    with pytest.raises(DataError, match=r"folders are separated by '/'"):
        Folder(path="C:\\Users\\me").info()
    with pytest.raises(DataError, match=r"photos/x/y does not exist$"):
        Folder(path=str(root / "x" / "y")).info()


def test_unreadable_images_can_be_left_out(root: Path) -> None:
    for index in range(6):
        (root / f"class{index % 2}").mkdir(exist_ok=True)
        (root / f"class{index % 2}" / f"{index}.png").write_bytes(picture(index))
    (root / "class0" / "2.png").write_bytes(b"no image")
    (root / "class1" / "3.png").write_bytes(picture()[:40])
    with pytest.raises(DataError, match=r"2 of 6 images .*, or set 'unreadable' to skip"):
        folder(root).build("train")
    skipping = folder(root, unreadable="skip")
    with pytest.warns(DataWarning, match=r"2 of 6 images .* skipped: .*2\.png .*3\.png"):
        split = skipping.build("train")
    assert split.samples[:, 0, 0, 0].tolist() == [0, 4, 1, 5]
    assert split.classes is not None
    assert split.classes.tolist() == [0, 0, 1, 1]
    assert isinstance(split.samples, np.memmap)
    again = skipping.build("train")
    assert np.array_equal(again.samples, split.samples)
    assert again.classes is not None
    assert again.classes.tolist() == [0, 0, 1, 1], "from the cache, too"


def test_only_unreadable_images_are_an_error_even_so(root: Path) -> None:
    (root / "a.png").write_bytes(b"no image")
    with pytest.raises(DataError, match="1 of 1 images"):
        folder(root, unreadable="skip").build("train")


def test_a_link_to_itself_spoils_no_other_picture(root: Path) -> None:
    (root / "a.png").write_bytes(picture(7))
    (root / "b.png").symlink_to("b.png")
    with pytest.warns(DataWarning, match=r"1 of 2 images .* are skipped: b\.png"):
        assert values(folder(root, unreadable="skip")) == [7]


def test_decoding_goes_on_where_it_was_stopped(
    root: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also past images that are skipped, which are known without reading them again."""
    monkeypatch.setattr(images, "CHUNK", 4)
    for number in range(20):
        Image.new("L", (8, 8), number).save(root / f"{number:02}.png")
    (root / "02.png").write_bytes(b"broken")
    reads: list[int] = []
    stops = [10]
    plain_fit = images.fit

    def fit(image: Image.Image, *details: Any) -> images.Pixels:
        reads.append(1)
        if stops and len(reads) > stops[0]:
            raise KeyboardInterrupt
        return plain_fit(image, *details)

    monkeypatch.setattr(images, "fit", fit)
    skipping = folder(root, unreadable="skip")
    with pytest.raises(KeyboardInterrupt):
        skipping.build("train")
    stops.clear()
    reads.clear()
    with pytest.warns(DataWarning, match=r"1 of 20 images .* skipped: 02\.png"):
        assert values(skipping) == [0, 1, *range(3, 20)]
    assert len(reads) == 12, "two chunks of four were there"
    assert [each.suffix for each in cache.iterdir()] == [".npy"]
