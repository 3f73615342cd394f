"""Images of any model, as they lie around."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganzoo.data import images
from ganzoo.errors import DataError, DataWarning
from ganzoo.evaluation.image_files import ImageFiles, open_images
from ganzoo.utils.progress import reporting_to

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (5, 6, 4, 3), dtype=np.uint8)
"""Five images, 4 pixels wide and 6 high."""

SQUARE = RNG.integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    folder.mkdir()
    return folder


def put(root: Path, name: str, image: Any, **options: Any) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(root / name, **options)


def put_all(root: Path, pixels: np.ndarray) -> None:
    for index, each in enumerate(pixels):
        put(root, f"{index:03}.png", each)


def all_of(opened: ImageFiles) -> np.ndarray:
    return opened.read(range(len(opened)))


def nchw(pixels: np.ndarray) -> np.ndarray:
    return np.moveaxis(pixels, -1, 1)


def test_a_folder_is_read_through_in_the_order_of_names(root: Path) -> None:
    for name, index in {"b/x.png": 2, "a.bmp": 0, "b/deep/a.png": 1, "c.PNG": 3}.items():
        put(root, name, RGB[index])
    put(root, ".hidden.png", RGB[4])
    (root / "notes.txt").write_text("no image")
    with pytest.warns(DataWarning, match=r"2 files are skipped: 1 \.txt and 1 hidden"):
        opened = open_images(root)
    assert (opened.path, len(opened), opened.sample_shape) == (root, 4, (3, 6, 4))
    pixels = opened.read(range(4))
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, nchw(RGB[:4]))
    assert opened.preparation == "RGB, 4x6 as stored"


def test_any_range_can_be_read(root: Path) -> None:
    put_all(root, RGB)
    opened = open_images(root)
    assert np.array_equal(opened.read(range(1, 5, 2)), nchw(RGB[1:5:2]))
    assert np.array_equal(opened.read(range(4, 1, -1)), nchw(RGB[4:1:-1]))
    assert opened.read(range(0)).shape == (0, 3, 6, 4)
    for beyond in (range(3, 6), range(-1, 2)):
        with pytest.raises(IndexError, match="has images 0 to 4, not range"):
            opened.read(beyond)


def test_zip_files_and_arrays_hold_what_the_folder_holds(root: Path, tmp_path: Path) -> None:
    put_all(root, RGB)
    floats = nchw(RGB).astype(np.float32) / 127.5 - 1
    np.save(tmp_path / "nhwc.npy", RGB)
    np.save(tmp_path / "nchw.npy", nchw(RGB))
    np.save(tmp_path / "floats.npy", floats)
    np.savez(tmp_path / "images.npz", images=RGB, labels=np.arange(5))
    np.savez(tmp_path / "floats.npz", samples=floats.astype(np.float64))
    names = ["nhwc.npy", "nchw.npy", "floats.npy", "images.npz", "floats.npz"]
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "made")
    hashes = set()
    for path in (root, Path(packed), *(tmp_path / name for name in names)):
        with open_images(path) as opened:
            assert np.array_equal(all_of(opened), nchw(RGB)), path
            hashes.add(opened.sha256)
    expected = hashlib.sha256(b"uint8 (5, 3, 6, 4)" + nchw(RGB).tobytes())
    assert hashes == {expected.hexdigest()}


def test_the_hash_follows_pixels_shape_and_order(tmp_path: Path) -> None:
    def digest(pixels: np.ndarray) -> str:
        np.save(tmp_path / "data.npy", pixels)
        return open_images(tmp_path / "data.npy").sha256

    changed = RGB.copy()
    changed[4, 5, 3, 2] ^= 1
    variants = [RGB, changed, RGB[::-1], RGB[:4], RGB.reshape(5, 4, 6, 3)]
    assert len({digest(each) for each in variants}) == len(variants)


def test_floats_are_rounded_as_everywhere(tmp_path: Path) -> None:
    values = np.array([-1, -0.999, 0.001, 0.5, 1], np.float32)
    np.save(tmp_path / "data.npy", np.broadcast_to(values[:, None, None, None], (5, 1, 2, 2)))
    pixels = all_of(open_images(tmp_path / "data.npy"))
    assert pixels[:, 0, 0, 0].tolist() == [0, 0, 128, 191, 255]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (1.001, r"has 1\.001.* in image 3; images of floats must lie in \[-1, 1\], so scale them"),
        (np.nan, "has nan in image 3"),
        (-np.inf, "has -inf in image 3"),
        (255.0, r"has 255\.0 in image 3"),
    ],
)
def test_floats_of_another_range_are_refused(bad: float, message: str, tmp_path: Path) -> None:
    samples = np.full((5, 1, 2, 2), -0.5, np.float32)
    samples[3, 0, 1, 0] = bad
    np.save(tmp_path / "data.npy", samples)
    with pytest.raises(DataError, match=rf"data\.npy {message}"):
        open_images(tmp_path / "data.npy")


def test_floats_from_0_to_1_are_noticed(tmp_path: Path) -> None:
    np.save(tmp_path / "data.npy", nchw(RGB).astype(np.float32) / 255)
    with pytest.raises(
        DataError, match=r"no value below 0, .* seem to lie in \[0, 1\]; scale them"
    ):
        open_images(tmp_path / "data.npy")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 2), np.float32), r"holds points \(4, 2\), not images"),
        (np.zeros((4, 2, 8, 8), np.uint8), r"its last, one must be channels, 1 or 3"),
        (np.zeros((4, 3, 8, 3), np.uint8), r"its last, one must be channels, 1 or 3"),
        (np.zeros((4, 8, 8, 3), np.float32), r"must be \(N, C, H, W\) with 1 or 3 channels"),
        (np.zeros((0, 3, 8, 8), np.float32), r"is empty: its shape is \(0, 3, 8, 8\)"),
        (np.zeros((0, 3, 8, 8), np.uint8), r"is empty: its shape is \(0, 3, 8, 8\)"),
        (np.zeros((4, 3, 8, 8), np.int32), r"must be images, uint8"),
        (np.array([{}]), r"cannot be read: .*Python objects"),
    ],
)
def test_arrays_that_are_no_images_are_refused(
    array: np.ndarray, message: str, tmp_path: Path
) -> None:
    np.save(tmp_path / "data.npy", array, allow_pickle=True)
    with pytest.raises(DataError, match=message):
        open_images(tmp_path / "data.npy")


def test_one_split_must_be_chosen(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", train_images=RGB, test_images=RGB)
    with pytest.raises(DataError, match=r"holds several splits \(train, test\); put the one"):
        open_images(tmp_path / "data.npz")
    np.savez(tmp_path / "data.npz", test_images=RGB)
    assert len(open_images(tmp_path / "data.npz")) == 5


def test_images_are_grey_only_where_all_are(root: Path) -> None:
    white = Image.new("L", (8, 8), 255)
    put(root, "0.png", white.convert("1"))
    put(root, "1.png", white)
    put(root, "2.png", white.convert("LA"))
    put(root, "3.png", Image.new("I;16", (8, 8), 257 * 7))
    opened = open_images(root)
    assert opened.sample_shape == (1, 8, 8)
    assert all_of(opened)[:, 0, 0, 0].tolist() == [255, 255, 255, 7]
    assert open_images(root, mode="rgb").sample_shape == (3, 8, 8)
    put(root, "z.png", SQUARE[0])
    opened = open_images(root)
    assert opened.sample_shape == (3, 8, 8)
    assert all_of(opened)[3, :, 0, 0].tolist() == [7, 7, 7]


def test_a_mode_is_forced_and_stated(root: Path) -> None:
    put(root, "a.png", np.full((8, 8, 3), (255, 0, 0), np.uint8))
    opened = open_images(root, mode="grey")
    assert opened.preparation == "grey, colours by their luma (Pillow), 8x8 as stored"
    assert all_of(opened)[0, :, 0, 0].tolist() == [76]
    np.save(root / "grey.npy", np.full((2, 8, 8), 9, np.uint8))
    grey = open_images(root / "grey.npy")
    assert (grey.sample_shape, grey.preparation) == ((1, 8, 8), "grey, 8x8 as stored")
    assert open_images(root / "grey.npy", mode="rgb").read(range(2)).shape == (2, 3, 8, 8)


def test_transparent_parts_are_white_and_it_is_stated(root: Path) -> None:
    put(root, "a.png", Image.new("RGBA", (4, 4), (255, 0, 0, 0)))
    opened = open_images(root)
    assert (all_of(opened) == 255).all()
    assert opened.preparation == "RGB, transparent parts over white, 4x4 as stored"


def test_images_are_upright_before_their_sizes_are_compared(root: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    put(root, "a.png", RGB[0])
    put(root, "b.png", Image.fromarray(RGB[1]).transpose(Image.Transpose.ROTATE_90), exif=turned)
    assert np.array_equal(all_of(open_images(root)), nchw(RGB[:2]))


def test_several_sizes_are_refused_unless_one_is_given(root: Path) -> None:
    put_all(root, SQUARE[:2])
    put(root, "x/big.png", np.repeat(np.repeat(SQUARE[2], 2, 0), 2, 1))
    with pytest.raises(
        DataError, match=r"several sizes \(000\.png is 8x8, x/big\.png is 16x16\); give a size"
    ):
        open_images(root)
    opened = open_images(root, size=8)
    assert opened.sample_shape == (3, 8, 8)
    pixels = all_of(opened)
    assert np.array_equal(pixels[:2], nchw(SQUARE[:2])), "those of that size are left alone"
    with Image.open(root / "x" / "big.png") as big:
        expected = np.asarray(big.resize((8, 8), Image.Resampling.LANCZOS))
    assert np.array_equal(pixels[2], nchw(expected[None])[0])
    assert opened.preparation.startswith("RGB, 16x16 resized to 8x8 with Lanczos (Pillow ")
    several = open_images(root, size=4)
    assert "several sizes resized to 4x4" in several.preparation
    assert several.sha256 != opened.sha256


def test_images_that_are_not_square_are_never_stretched_or_cropped(
    root: Path, tmp_path: Path
) -> None:
    put(root, "a.png", SQUARE[0])
    put(root, "b.png", RGB[0])
    np.save(tmp_path / "data.npy", RGB)
    for path, name in ((root, r"b\.png"), (tmp_path / "data.npy", "number 0")):
        with pytest.raises(DataError, match=rf"not square \({name} is 4x6\), .* 8x8 would crop"):
            open_images(path, size=8)


def test_arrays_are_resized_as_files_are(root: Path, tmp_path: Path) -> None:
    put_all(root, SQUARE)
    np.save(tmp_path / "data.npy", SQUARE)
    assert open_images(root, size=5).sha256 == open_images(tmp_path / "data.npy", size=5).sha256


def test_nothing_and_no_images_are_refused(root: Path) -> None:
    with pytest.raises(DataError, match=r"elsewhere does not exist"):
        open_images(root / "elsewhere")
    with pytest.raises(DataError, match=r"x\.npy does not exist"):
        open_images(root / "x.npy")
    with pytest.raises(DataError, match=r"made holds no images \(looked for \.bmp, "):
        open_images(root)
    put(root, "a.png", RGB[0])
    with pytest.raises(DataError, match=r"a\.png is neither a folder nor a zip file"):
        open_images(root / "a.png")
    with zipfile.ZipFile(root / "empty.zip", "w"):
        pass
    with pytest.raises(DataError, match=r"empty\.zip holds no images"):
        open_images(root / "empty.zip")


def test_files_that_are_no_images_are_counted_and_the_first_three_named(root: Path) -> None:
    put_all(root, RGB)
    for name in ("x0.png", "x1.png", "x2.png", "x3.jpg"):
        (root / name).write_bytes(b"no image")
    with pytest.raises(DataError) as caught:
        open_images(root)
    message = str(caught.value)
    assert "4 of 9 images in" in message
    assert all(
        name in message for name in ("x0.png", "x1.png", "x2.png", ", …; fix or remove them")
    )
    assert "x3.jpg" not in message


def test_images_that_break_off_are_named_when_they_are_read(root: Path) -> None:
    put_all(root, RNG.integers(0, 256, (5, 32, 32, 3), dtype=np.uint8))
    whole = (root / "003.png").read_bytes()
    (root / "003.png").write_bytes(whole[: len(whole) // 2])
    opened = open_images(root)
    assert opened.read(range(3)).shape == (3, 3, 32, 32)
    message = r"1 of 3 images in .*made \(numbers 2 to 4\) cannot be read: 003\.png \("
    with pytest.raises(DataError, match=message):
        opened.read(range(2, 5))
    with pytest.raises(DataError, match=r"003\.png"):
        _ = opened.sha256


def test_images_that_were_changed_meanwhile_are_named(root: Path) -> None:
    put_all(root, RGB)
    opened = open_images(root)
    put(root, "001.png", SQUARE[0])
    (root / "002.png").unlink()
    with pytest.raises(DataError, match=r"2 of 5 .*001\.png \(it is 8x8, unlike .*002\.png \("):
        all_of(opened)


def test_progress_is_reported(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_all(root, RGB)
    monkeypatch.setattr("ganzoo.evaluation.image_files.CHUNK", 2)
    monkeypatch.setattr("ganzoo.evaluation.samples.CHUNK", 2)
    reports: list[tuple[str, int, int]] = []
    with reporting_to(lambda *each: reports.append(each)):
        _ = open_images(root).sha256
    for what in (f"looking through {root}", f"hashing {root}"):
        assert [done for text, done, _ in reports if text == what] == [0, 2, 4, 5]
    assert {total for _, _, total in reports} == {5}


def test_images_are_decoded_when_asked_for_and_not_before(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_all(root, RGB)
    decoded: list[str] = []
    plain = images.plain

    def counted(image: Image.Image, mode: images.Mode) -> Image.Image:
        decoded.append(mode)
        return plain(image, mode)

    monkeypatch.setattr("ganzoo.evaluation.image_files.plain", counted)
    opened = open_images(root)
    assert decoded == []
    opened.read(range(2))
    assert decoded == ["rgb", "rgb"]


def test_a_closed_zip_file_cannot_be_read(root: Path, tmp_path: Path) -> None:
    put_all(root, RGB)
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", root))
    with open_images(packed) as opened:
        assert len(opened) == 5
    with pytest.raises(DataError, match="5 of 5 images"):
        all_of(opened)
