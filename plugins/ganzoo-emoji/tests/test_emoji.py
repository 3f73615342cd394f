"""The data sets, read from small packages of the true form that the tests make."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ganzoo_devkit.testing import FromFiles, conformance
from ganzoo_emoji import package
from ganzoo_emoji.components import Emoji, EmojiPairs
from ganzoo_emoji.facts import CATEGORIES, Designer
from ganzoo_emoji.package import SHA256, Package
from PIL import Image
from pydantic import TypeAdapter, ValidationError

import ganzoo
from ganzoo.components import Dataset
from ganzoo.errors import DataError

COUNT = 40
TONES = ("1F3FB", "1F3FC")


def write_packages(folder: Path) -> dict[Designer, str]:
    """Write a package of each designer, as npm does, and return their hashes.

    Each has 40 emoji, of which every fourth is there in two skin tones as well.
    """
    return {designer: _write(folder / "node_modules", designer) for designer in SHA256}


def _write(folder: Path, designer: Designer) -> str:
    root = folder / f"emoji-datasource-{designer}"
    pictures = root / "img" / designer / "64"
    pictures.mkdir(parents=True)
    listed = []
    for number in range(COUNT):
        code = f"{0x1F600 + number:X}"
        tones = TONES if number % 4 == 0 else ()
        for name in (code, *(f"{code}-{tone}" for tone in tones)):
            Image.fromarray(_drawn(designer, number)).save(pictures / f"{name.lower()}.png")
        listed.append(
            {
                "unified": code,
                "image": f"{code.lower()}.png",
                "category": CATEGORIES[number % 9] if number else "Component",
                "skin_variations": {
                    tone: {"image": f"{code}-{tone}.png".lower()} for tone in tones
                },
            }
        )
    (root / "emoji.json").write_text(json.dumps(listed), encoding="utf-8")
    return Package(designer, root).content_hash()


def _drawn(designer: str, number: int) -> Any:
    """Return a picture whose colour tells the emoji, clear in its left half."""
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[:, 32:] = (5 * number, 255 if designer == "google" else 0, 7, 255)
    return pixels


def emoji(folder: Path) -> Emoji:
    package.SHA256.update(write_packages(folder))
    return Emoji(path=str(folder), size=8)


def emoji_pairs(folder: Path) -> EmojiPairs:
    package.SHA256.update(write_packages(folder))
    return EmojiPairs(path=str(folder), size=8)


test_conformance = conformance(
    "ganzoo-emoji", examples=[FromFiles(Emoji, emoji), FromFiles(EmojiPairs, emoji_pairs)]
)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make both packages as npm lays them out."""
    for designer, found in write_packages(tmp_path).items():
        monkeypatch.setitem(package.SHA256, designer, found)
    return tmp_path


def dataset(**fields: Any) -> Dataset:
    found: Dataset = TypeAdapter(Dataset).validate_python({"type": "emoji", **fields})
    return found


def shown(pixels: Any) -> list[int]:
    """Return which emoji pictures show, by their colour."""
    return [round(int(each[0, 16, -3]) / 5) for each in pixels]


def test_emoji_have_their_categories_and_lie_in_one_split(installed: Path) -> None:
    data = dataset(path=str(installed))
    info = data.info()
    assert info.sample_shape == (3, 32, 32)
    splits = {name: data.build(name) for name in info.splits}
    assert sorted(shown(splits["all"].samples)) == list(range(1, COUNT))  # not the component
    assert info.classes is not None
    assert splits["all"].classes is not None
    assert [number % 9 for number in shown(splits["all"].samples)] == [*splits["all"].classes]
    train, test = (set(shown(splits[each].samples)) for each in ("train", "test"))
    assert train
    assert test
    assert not train & test
    assert train | test == set(range(1, COUNT))


def test_clear_parts_take_the_colour_of_the_background(installed: Path) -> None:
    for name, level in (("white", 255), ("black", 0), ("grey", 128)):
        pixels = dataset(path=str(installed), background=name).build("all").samples
        assert (pixels[:, :, :, :12] == level).all()


def test_skin_tones_of_an_emoji_are_in_its_split(installed: Path) -> None:
    data = dataset(path=str(installed), skin_tones=True)
    train, test = (shown(data.build(name).samples) for name in ("train", "test"))
    assert not set(train) & set(test)
    assert len(train) + len(test) == (COUNT - 1) + 2 * (COUNT // 4 - 1)


def test_pairs_show_the_same_emoji_by_both_designers(installed: Path) -> None:
    split = dataset(type="emoji-pairs", path=str(installed)).build("train")
    assert split.source is not None
    assert shown(split.samples) == shown(split.source)
    assert (split.source[:, 1, 16, -3] == 255).all()
    assert (split.samples[:, 1, 16, -3] == 0).all()


def test_unpaired_domains_share_no_emoji_in_training(installed: Path) -> None:
    data = dataset(type="emoji-pairs", path=str(installed), paired=False)
    split = data.build("train")
    assert not data.info().paired
    assert split.source is not None
    assert not set(shown(split.samples)) & set(shown(split.source))
    assert abs(len(split.samples) - len(split.source)) <= 1


def test_categories_are_chosen_and_ordered(installed: Path) -> None:
    data = dataset(path=str(installed), categories=["Objects", "Flags"])
    split = data.build("all")
    classes = data.info().classes
    assert classes is not None
    assert classes.display_names == ("Objects", "Flags")
    assert split.classes is not None
    wanted = [{4: 0, 2: 1}[number % 9] for number in shown(split.samples)]
    assert [*split.classes] == wanted


def test_a_changed_or_missing_picture_is_refused(installed: Path) -> None:
    folder = package.find("google", installed, install=False).folder
    first = min(folder.iterdir())
    first.write_bytes(first.read_bytes() + b"x")
    with pytest.raises(DataError, match=r"not emoji-datasource-google 16\.0\.0 as published"):
        dataset(path=str(installed)).build("train")
    first.unlink()
    with pytest.raises(DataError, match="some pictures are missing or changed"):
        dataset(path=str(installed)).build("train")


def test_a_folder_without_the_package_says_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"dataset.path: .*npm install --prefix .*emoji-datasource"):
        dataset(path=str(tmp_path)).build("train")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("", "npm could not install"),
        ("echo 'npm error 404 not found' >&2; exit 1", "npm error 404 not found"),
        ("exit 0", "npm could not install"),
    ],
)
def test_npm_installs_what_is_missing_or_says_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    program = tools / "npm"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\n{script}\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path / "data"))
    with pytest.raises(DataError, match=message):
        dataset().build("train")
    called = (tmp_path / "called").read_text(encoding="utf-8")
    assert "--ignore-scripts" in called
    assert "--no-save" not in called, "the other designer's package would be removed"
    assert "emoji-datasource-google@16.0.0" in called


def test_without_npm_nothing_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("GANZOO_DATA", str(tmp_path / "data"))
    with pytest.raises(DataError, match="npm, which installs it, is not there"):
        dataset().build("train")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"size": 128}, "less than or equal to 64"),
        ({"categories": ["Cars"]}, "no category is called 'Cars'"),
        ({"categories": []}, "expected one or more different ones"),
        ({"designer": "apple"}, "'google' or 'twitter'"),
        ({"type": "emoji-pairs", "target": "google"}, "must be different designers"),
    ],
)
def test_wrong_fields_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        dataset(**fields)


def test_the_card_of_a_run_names_the_licences(installed: Path, tmp_path: Path) -> None:
    spec = {
        "dataset": {"type": "emoji-pairs", "path": str(installed), "size": 8},
        "latent": {"type": "normal", "dim": 2},
        "generator": {"type": "mlp", "hidden": [2]},
        "discriminator": {"type": "mlp", "hidden": [2]},
        "training": {"duration": "1 step", "batch_size": 2},
    }
    run = ganzoo.run(spec, output=tmp_path / "run")
    card = (run.path / "README.md").read_text(encoding="utf-8")
    assert "Apache License 2.0" in card
    assert "Creative Commons Attribution 4.0" in card


def test_paths_become_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert Emoji(path="here").with_absolute_paths().path == str(tmp_path / "here")
    assert EmojiPairs().with_absolute_paths().path is None


def test_every_category_is_in_both_splits_of_the_true_list(
    real: Callable[[str], package.Package],
) -> None:
    pictures = real("google").pictures(skin_tones=False)
    assert len(pictures) == 1906
    held_out = {each.category for each in pictures if each.held_out}
    assert held_out == set(range(9))
    assert 200 < sum(each.held_out for each in pictures) < 280
    assert pictures == real("twitter").pictures(skin_tones=False)


@pytest.fixture
def real() -> Callable[[str], package.Package]:
    """Find the true packages, where the user has installed them."""
    from ganzoo.data.torchvision_reader import data_folder

    def find(designer: Any) -> package.Package:
        try:
            return package.find(designer, data_folder() / "emoji", install=False)
        except DataError:
            pytest.skip("the emoji packages are not installed")

    return find
