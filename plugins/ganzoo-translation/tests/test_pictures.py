"""``ganzoo translate``: sizes, names, opacity and tiles are kept, and what it refuses."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from ganzoo_devkit.testing.trials import TinyTranslator, registered
from ganzoo_translation.pictures import PictureTranslator, translate_files
from PIL import Image

import ganzoo
from ganzoo.errors import RunError, UsageError
from ganzoo.utils.progress import reporting_to

from .conftest import picture, trained

Program = Callable[..., Any]


def test_an_image_keeps_its_size_and_is_what_the_network_says(
    program: Program, coloured: Path, tmp_path: Path
) -> None:
    picture(0, 16, 16).save(tmp_path / "photo.png")
    picture(1, 37, 21).save(tmp_path / "other.jpg", quality=95)
    for name in ("photo.png", "other.jpg"):
        done = program(
            "translate", coloured, tmp_path / name, "-o", tmp_path / f"new-{name[:5]}.png"
        )
        assert (done.code, done.err) == (0, "")
    with (
        Image.open(tmp_path / "new-photo.png") as image,
        Image.open(tmp_path / "new-other.png") as odd,
    ):
        assert odd.size == (37, 21)
        found = np.asarray(image).transpose(2, 0, 1)
    source = np.asarray(picture(0, 16, 16)).transpose(2, 0, 1)[None] / 127.5 - 1
    expected = ganzoo.open_run(coloured).sample(source=source)[0].numpy()
    assert np.abs(found - (expected + 1) * 127.5).max() < 0.51


def test_folders_and_zip_files_keep_their_names(
    program: Program, coloured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "photos"
    (folder / "sea").mkdir(parents=True)
    picture(0).save(folder / "a.b.png")
    picture(1, 40, 12).save(folder / "sea" / "c.jpg")
    (folder / "notes.txt").write_text("no image")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
    monkeypatch.chdir(tmp_path)
    seen: list[tuple[str, int, int]] = []
    with reporting_to(lambda *said: seen.append(said)):
        translator = PictureTranslator(ganzoo.open_run(coloured))
        assert translate_files(translator, folder) == [Path("photos-translated")]
    assert seen == [("translating images", number, 2) for number in range(3)]
    empty = tmp_path / "empty"
    empty.mkdir()
    done = program("translate", coloured, "photos.zip", "-o", empty, "-q")
    assert (done.code, done.out.strip()) == (0, str(empty))
    for output in (Path("photos-translated"), empty):
        names = sorted(str(each.relative_to(output)) for each in output.rglob("*.*"))
        assert names == ["a.b.png", "sea/c.png"]
        with Image.open(output / "sea" / "c.png") as image:
            assert image.size == (40, 12)
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_opacity_is_kept_and_what_is_clear_has_the_background(coloured: Path) -> None:
    translate = PictureTranslator(ganzoo.open_run(coloured))
    image = picture(0).convert("RGBA")
    opacity = Image.linear_gradient("L").resize(image.size)
    image.putalpha(opacity)
    translated = translate(image)
    assert translated.mode == "RGBA"
    assert np.array_equal(translated.getchannel("A"), opacity)
    image.putalpha(0)
    white = translate(Image.new("RGB", image.size, "white"))
    assert np.array_equal(np.asarray(translate(image))[..., :3], np.asarray(white))


def test_the_orientation_that_a_camera_noted_is_applied(coloured: Path, tmp_path: Path) -> None:
    translate = PictureTranslator(ganzoo.open_run(coloured))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    picture(0, 40, 16).save(tmp_path / "turned.png", exif=exif)
    with Image.open(tmp_path / "turned.png") as image:
        assert translate(image).size == (16, 40)


def test_tiles_give_what_the_whole_image_gives(tmp_path: Path) -> None:
    """A network without normalization sees a few pixels around each; overlaps are wider than that."""
    generator = {
        "type": "resnet-translator",
        "channels": 2,
        "blocks": 1,
        "normalization": "none",
    }
    run = trained(tmp_path, generator=generator, discriminator=None)
    torch.manual_seed(0)
    for parameter in run.sampler.parameters():  # far from grey
        torch.nn.init.normal_(parameter, std=0.15)
    image = picture(0, 610, 430)
    whole, tiled = (
        np.asarray(PictureTranslator(run, tile=tile)(image), int) for tile in (640, 320)
    )
    assert whole.std() > 5
    assert np.abs(whole - tiled).max() <= 1
    seen: list[tuple[str, int, int]] = []
    with reporting_to(lambda *said: seen.append(said)):
        small = PictureTranslator(run, tile=64)(image)
    assert small.size == image.size
    assert seen[-1][0] == "translating tiles"


def test_images_that_memory_cannot_hold_are_tiled(
    coloured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, image = ganzoo.open_run(coloured), picture(0, 300, 200)
    seen: list[tuple[str, int, int]] = []
    with reporting_to(lambda *said: seen.append(said)):
        PictureTranslator(run)(image)
        assert not seen
        monkeypatch.setattr("ganzoo_translation.pictures.total_memory", lambda _: 2**20)
        assert PictureTranslator(run)(image).size == image.size
    assert len(seen) > 1


def test_other_networks_translate_images_of_their_size(tmp_path: Path) -> None:
    with registered(TinyTranslator):
        run = trained(tmp_path, generator={"type": "conformance-tiny"}, discriminator=None)
        translate = PictureTranslator(run)
        assert translate(picture(0, 16, 16)).size == (16, 16)
        with pytest.raises(
            UsageError, match=r"image: is 24x16, and the network of this run .* 16x16"
        ):
            translate(picture(0))
        with pytest.raises(RunError, match="not convolutional; leave out --tile"):
            PictureTranslator(run, tile=64)


def test_grey_and_colour_are_converted_where_asked(coloured: Path, grey: Path) -> None:
    for path, mode, other in ((coloured, "L", "RGB"), (grey, "RGB", "L")):
        run = ganzoo.open_run(path)
        with pytest.raises(UsageError, match="add --convert to convert it"):
            PictureTranslator(run)(picture(0, mode=mode))
        assert PictureTranslator(run, convert=True)(picture(0, mode=mode)).mode == other
        assert PictureTranslator(run)(picture(0, mode=other)).mode == other


def damaged(folder: Path) -> None:
    picture(0).save(folder / "good.png")
    picture(1).save(folder / "cut.png")
    (folder / "cut.png").write_bytes((folder / "cut.png").read_bytes()[:-60])


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda folder: None, "holds no images"),
        (
            lambda folder: picture(0, mode="L").save(folder / "a.png"),
            "a.png: is grey, and this run translates images in colour; add --convert",
        ),
        (
            lambda folder: (
                picture(0).save(folder / "a.png"),
                picture(1, 40, 5).save(folder / "b.png"),
            ),
            "b.png: is 40x5, and the network of this run needs at least 8x8 pixels",
        ),
        (
            lambda folder: (folder / "a.png").write_text("text"),
            "a.png: cannot be read: is not an image",
        ),
        (damaged, "cut.png: cannot be read: "),
        (
            lambda folder: (picture(0).save(folder / "a.png"), picture(1).save(folder / "a.jpg")),
            "several images would be written as a.png; rename one",
        ),
    ],
    ids=["empty", "grey", "small", "no image", "damaged", "one name"],
)
def test_where_an_image_is_wrong_nothing_is_written(
    program: Program, coloured: Path, tmp_path: Path, write: Callable[[Path], Any], message: str
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    write(folder)
    done = program("translate", coloured, folder, "-o", tmp_path / "new", "-q")
    assert done.code == 2
    assert message in " ".join(done.err.split())
    assert done.err.count("\n") <= 3
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_nothing_is_overwritten(program: Program, coloured: Path, tmp_path: Path) -> None:
    picture(0).save(tmp_path / "a.png")
    new = tmp_path / "new.png"
    new.write_text("mine")
    folder = tmp_path / "folder"
    folder.mkdir()
    picture(0).save(folder / "a.png")
    for pictures, output, message in (
        (tmp_path / "a.png", new, "exists already; name another with -o, or add --force"),
        (tmp_path / "a.png", tmp_path / "a.jpg", "must be a PNG file, such as a-translated.png"),
        (tmp_path / "a.png", tmp_path / "no" / "a.png", "create it first"),
        (folder, tmp_path, "exists already and is not an empty folder"),
        (folder, tmp_path / "no" / "new", "create it first"),
        (tmp_path / "none", new, "does not exist"),
    ):
        done = program("translate", coloured, pictures, "-o", output)
        assert done.code == 2
        assert message in " ".join(done.err.split())
    assert new.read_text() == "mine"
    assert program("translate", coloured, tmp_path / "a.png", "-o", new, "--force").code == 0
    with Image.open(new) as image:
        assert image.size == (24, 16)
    small = program("translate", coloured, new, "-o", tmp_path / "b.png", "--tile", "5")
    assert small.code == 2
    assert "--tile: must be at least 16" in small.err


def test_runs_that_do_not_translate_images_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "points.npz", points=np.zeros((8, 2), np.float32))
    spec = {
        "dataset": {"type": "arrays", "path": str(tmp_path / "points.npz")},
        "latent": {"type": "normal", "dim": 2},
        "generator": {"type": "mlp", "hidden": [2]},
        "discriminator": {"type": "mlp", "hidden": [2]},
        "training": {"duration": "1 step", "batch_size": 4},
    }
    run = ganzoo.run(spec, output=tmp_path / "run")
    with pytest.raises(RunError, match="does not translate; 'ganzoo sample' generates its samples"):
        PictureTranslator(run)


def test_grids_show_input_output_and_target(coloured: Path) -> None:
    run = ganzoo.open_run(coloured)
    with (
        Image.open(run.directory.sample_grids()[-1]) as image,
        np.load(coloured.parent.parent / "pairs.npz") as pairs,
    ):
        grid = np.asarray(image.convert("RGB"))
        samples, sources = pairs["images"], pairs["source"]
    small = grid[1::3, 1::3]  # each pixel is enlarged to 3 by 3; 2 lie between images
    tiles = [small[2:18, left : left + 16] for left in (2, 20, 38)]
    (number,) = (index for index in range(8) if np.array_equal(sources[index], tiles[0]))
    assert np.array_equal(samples[number], tiles[2])
    assert not np.array_equal(samples[number], tiles[1])
