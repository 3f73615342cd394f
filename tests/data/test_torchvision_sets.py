"""torchvision's data sets, read from files as their makers publish them; offline."""

from __future__ import annotations

import gzip
import hashlib
import pickle
import struct
import tarfile
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image
from torchvision import datasets as tv

from ganzoo.builtin.datasets import Torchvision
from ganzoo.data.torchvision_table import EMNIST_KINDS, SETS, TorchvisionSet
from ganzoo.errors import DataError
from ganzoo.utils.progress import reporting_to

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every attempt to reach the network fail as it does without one."""

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise URLError("no network")

    monkeypatch.setattr("urllib.request.urlopen", refuse)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data"


def torchvision(name: str, root: Path, **fields: Any) -> Torchvision:
    return Torchvision.model_validate({"name": name, "root": str(root), **fields})


def names_of(facts: TorchvisionSet) -> list[str]:
    """Return the names of the classes of a set, where they are known."""
    return [] if facts.condition is None else [*(facts.condition.names or ())]


def idx(array: np.ndarray) -> bytes:
    """Write an array in the format of MNIST's files."""
    codes = {np.dtype(np.uint8): 8, np.dtype(np.int32): 12}
    header = struct.pack(f">HBB{array.ndim}I", 0, codes[array.dtype], array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def put_mnist(folder: Path, images: np.ndarray, labels: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for prefix in ("train", "t10k"):
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(idx(images))
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(idx(labels))


@pytest.fixture
def digits() -> tuple[np.ndarray, np.ndarray]:
    return RNG.integers(0, 256, (12, 28, 28), dtype=np.uint8), np.arange(12, dtype=np.uint8) % 10


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST", "KMNIST"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_mnist_and_its_likes_are_read(
    name: str, split: str, root: Path, digits: tuple[np.ndarray, np.ndarray]
) -> None:
    put_mnist(root / name / "raw", *digits)
    store = torchvision(name, root, download=False).build(split)
    assert np.array_equal(store.samples, digits[0][:, None])
    assert store.classes is not None
    assert np.array_equal(store.classes, digits[1])


def test_packed_files_that_are_there_need_no_network(
    root: Path,
    digits: tuple[np.ndarray, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    folder = root / "MNIST" / "raw"
    put_mnist(folder, *digits)
    resources = []
    for file in sorted(folder.iterdir()):
        packed = file.with_name(file.name + ".gz")
        packed.write_bytes(gzip.compress(file.read_bytes()))
        resources.append((packed.name, hashlib.md5(packed.read_bytes()).hexdigest()))
        file.unlink()
    monkeypatch.setattr(tv.MNIST, "resources", resources)
    reports: list[tuple[str, int, int]] = []
    with reporting_to(lambda *each: reports.append(each)):
        store = torchvision("MNIST", root).build("train")
    assert np.array_equal(store.samples, digits[0][:, None])
    assert reports == [("downloading MNIST", 0, 0), ("downloading MNIST", 1, 1)]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("kind", "first"), [("letters", 1), ("balanced", 0), ("mnist", 0), (None, 0)]
)
def test_emnist_is_upright_and_its_labels_count_from_0(
    kind: str | None, first: int, root: Path, digits: tuple[np.ndarray, np.ndarray]
) -> None:
    folder = root / "EMNIST" / "raw"
    folder.mkdir(parents=True)
    stem = f"emnist-{kind or 'balanced'}-test"
    (folder / f"{stem}-images-idx3-ubyte").write_bytes(idx(digits[0].transpose(0, 2, 1)))
    (folder / f"{stem}-labels-idx1-ubyte").write_bytes(idx(digits[1] + np.uint8(first)))
    store = torchvision("EMNIST", root, kind=kind, download=False).build("test")
    assert np.array_equal(store.samples, digits[0][:, None])
    assert store.classes is not None
    assert np.array_equal(store.classes, digits[1])


def test_qmnist_labels_are_the_digits(root: Path, digits: tuple[np.ndarray, np.ndarray]) -> None:
    folder = root / "QMNIST" / "raw"
    folder.mkdir(parents=True)
    rows = np.arange(12 * 8, dtype=np.int32).reshape(12, 8) + 1000
    rows[:, 0] = digits[1]
    (folder / "qmnist-test-images-idx3-ubyte").write_bytes(idx(digits[0]))
    (folder / "qmnist-test-labels-idx2-int").write_bytes(idx(rows))
    for split in ("test", "test10k"):
        store = torchvision("QMNIST", root, download=False).build(split)
        assert np.array_equal(store.samples, digits[0][:, None])
        assert store.classes is not None
        assert np.array_equal(store.classes, digits[1])


def put_cifar(root: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> dict[str, np.ndarray]:
    """Write CIFAR's pickles with a few images each, and tell torchvision their checksums."""
    dataset = {"CIFAR10": tv.CIFAR10, "CIFAR100": tv.CIFAR100}[name]
    label_key = "labels" if name == "CIFAR10" else "fine_labels"
    images = {}
    for attribute in ("train_list", "test_list"):
        listed = []
        for file, _ in getattr(dataset, attribute):
            images[file] = RNG.integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
            content = {"data": images[file].reshape(4, -1), label_key: [3, 1, 4, 1]}
            listed.append([file, write_pickle(root / dataset.base_folder / file, content)])
        monkeypatch.setattr(dataset, attribute, listed)
    classes = {dataset.meta["key"]: names_of(SETS[name])}
    checksum = write_pickle(root / dataset.base_folder / dataset.meta["filename"], classes)
    monkeypatch.setattr(dataset, "meta", {**dataset.meta, "md5": checksum})
    return images


def write_pickle(path: Path, content: Any) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol=2))
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("name", ["CIFAR10", "CIFAR100"])
def test_cifar_is_read_channels_first(
    name: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = put_cifar(root, monkeypatch, name)
    train = torchvision(name, root, download=False).build("train")
    expected = np.concatenate([images[file] for file in images if not file.startswith("test")])
    assert np.array_equal(train.samples, expected)
    assert train.samples.flags.c_contiguous
    assert train.classes is not None
    assert train.classes[:4].tolist() == [3, 1, 4, 1]
    assert len(torchvision(name, root, download=False).build("test")) == 4


def test_an_archive_that_is_there_is_unpacked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_cifar(root, monkeypatch, "CIFAR10")
    archive = root / tv.CIFAR10.filename
    with tarfile.open(archive, "w:gz") as packed:
        for file in sorted((root / tv.CIFAR10.base_folder).iterdir()):
            packed.add(file, f"{tv.CIFAR10.base_folder}/{file.name}")
            file.unlink()
    monkeypatch.setattr(tv.CIFAR10, "tgz_md5", hashlib.md5(archive.read_bytes()).hexdigest())
    assert len(torchvision("CIFAR10", root).build("test")) == 4


def test_svhn_is_read(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scipy_io = pytest.importorskip("scipy.io")
    root.mkdir()
    images = RNG.integers(0, 256, (4, 3, 32, 32), dtype=np.uint8)
    labels = np.array([[10], [1], [9], [3]], dtype=np.uint8)
    path = root / "test_32x32.mat"
    scipy_io.savemat(path, {"X": images.transpose(2, 3, 1, 0), "y": labels})
    listed = ["", path.name, hashlib.md5(path.read_bytes()).hexdigest()]
    monkeypatch.setitem(tv.SVHN.split_list, "test", listed)
    store = torchvision("SVHN", root, download=False).build("test")
    assert np.array_equal(store.samples, images)
    assert store.classes is not None
    assert store.classes.tolist() == [0, 1, 9, 3]


def test_stl10_is_read_with_and_without_labels(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = root / "stl10_binary"
    folder.mkdir(parents=True)
    images = RNG.integers(0, 256, (3, 3, 96, 96), dtype=np.uint8)
    for attribute in ("train_list", "test_list"):
        listed = []
        for file, _ in getattr(tv.STL10, attribute):
            content = images.transpose(0, 1, 3, 2) if "X" in file else np.array([1, 10, 2], "u1")
            (folder / file).write_bytes(content.tobytes())
            listed.append([file, hashlib.md5((folder / file).read_bytes()).hexdigest()])
        monkeypatch.setattr(tv.STL10, attribute, listed)
    store = torchvision("STL10", root, download=False).build("train")
    assert np.array_equal(store.samples, images)
    assert store.classes is not None
    assert store.classes.tolist() == [0, 9, 1]
    both = torchvision("STL10", root, split="train+unlabeled", download=False)
    assert both.info().condition is None
    assert len(both.build("train+unlabeled")) == 6
    assert both.build("unlabeled").classes is None


def put_pets(root: Path, count: int = 5) -> None:
    images, notes = root / "oxford-iiit-pet" / "images", root / "oxford-iiit-pet" / "annotations"
    images.mkdir(parents=True)
    notes.mkdir()
    lines = []
    for index in range(count):
        Image.new("RGB", (30 + index, 20), (index * 10, 0, 0)).save(images / f"Pug_{index}.jpg")
        lines.append(f"Pug_{index} {index + 1} 1 1")
    for name in ("trainval", "test"):
        (notes / f"{name}.txt").write_text("\n".join(lines))


def test_images_of_varied_size_are_fitted_and_cached(root: Path, cache: Path) -> None:
    put_pets(root)
    dataset = torchvision("OxfordIIITPet", root, size=16, download=False)
    store = dataset.build("train")
    assert store.samples.shape == (5, *dataset.info().sample_shape)
    assert store.classes is not None
    assert store.classes.tolist() == [0, 1, 2, 3, 4]
    assert store.samples[4, 0].mean() == pytest.approx(40, abs=3)
    assert isinstance(dataset.build("train").samples, np.memmap)
    assert len(list(cache.iterdir())) == 1
    damaged = root / "oxford-iiit-pet" / "images" / "Pug_3.jpg"
    damaged.write_bytes(damaged.read_bytes()[:300])
    with pytest.raises(
        DataError, match=r"1 of 5 images in .*oxford-iiit-pet cannot .* number 3 \("
    ):
        dataset.build("train")


def test_celeba_has_no_labels(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = root / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{index:06}.jpg" for index in range(7)]
    for name in names:
        Image.new("RGB", (178, 218), "red").save(folder / "img_align_celeba" / name)
    text = {
        "list_attr_celeba.txt": "7\nA B\n" + "".join(f"{name} -1 1\n" for name in names),
        "identity_CelebA.txt": "".join(f"{name} 7\n" for name in names),
        "list_bbox_celeba.txt": "7\nx y\n" + "".join(f"{name} 1 2\n" for name in names),
        "list_landmarks_align_celeba.txt": "7\nx y\n" + "".join(f"{name} 1 2\n" for name in names),
        "list_eval_partition.txt": "".join(
            f"{name} {part}\n" for name, part in zip(names, (0, 0, 0, 1, 1, 2, 2), strict=True)
        ),
    }
    listed = [("", "", "img_align_celeba.zip")]
    for name, content in text.items():
        (folder / name).write_text(content)
        listed.append(("", hashlib.md5(content.encode()).hexdigest(), name))
    monkeypatch.setattr(tv.CelebA, "file_list", listed)
    dataset = torchvision("CelebA", root, download=False)
    assert dataset.info().sample_shape == (3, 64, 64)
    for split, count in (("train", 3), ("valid", 2), ("test", 2), ("all", 7)):
        store = dataset.build(split)
        assert store.samples.shape == (count, 3, 64, 64)
        assert store.classes is None


def test_a_size_of_ones_own_is_resized_once(
    root: Path, digits: tuple[np.ndarray, np.ndarray], cache: Path
) -> None:
    put_mnist(root / "MNIST" / "raw", *digits)
    dataset = torchvision("MNIST", root, size=32, download=False)
    first, second = dataset.build("train"), dataset.build("train")
    assert first.samples.shape == (12, *dataset.info().sample_shape) == (12, 1, 32, 32)
    assert np.array_equal(first.samples, second.samples)
    assert len(list(cache.iterdir())) == 1
    assert first.samples.mean() == pytest.approx(digits[0].mean(), abs=2)
    wide = torchvision("MNIST", root, size=[20, 28], download=False)
    assert wide.build("train").samples.shape == (12, *wide.info().sample_shape) == (12, 1, 20, 28)


@pytest.mark.parametrize("name", sorted(SETS))
def test_missing_files_are_named_and_downloads_that_fail_are_explained(
    name: str, root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match=rf"{name} is not in .*data.*; put .* 'download' to true"):
        torchvision(name, root, download=False).build("train")
    with pytest.raises(
        DataError, match=rf"{name} is not in .* cannot be downloaded \(.+\)"
    ) as raised:
        torchvision(name, root).build("train")
    assert "\n" not in str(raised.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("images", "labels", "reason"),
    [
        (b"", b"", ""),
        (b"garbage that is long enough for a header", b"", ""),
        (idx(np.zeros((2, 28, 28), np.uint8))[:-9], idx(np.zeros(2, np.uint8)), ""),
        (idx(np.zeros((2, 28, 28), np.uint8)), idx(np.zeros(3, np.uint8)), "2 images and 3 labels"),
        (idx(np.zeros((2, 28, 28), np.uint8)), idx(np.full(2, 10, np.uint8)), "outside the 10"),
        (idx(np.zeros((0, 28, 28), np.uint8)), idx(np.zeros(0, np.uint8)), ""),
    ],
)
def test_damaged_files_are_explained(images: bytes, labels: bytes, reason: str, root: Path) -> None:
    folder = root / "MNIST" / "raw"
    put_mnist(folder, np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.uint8))
    (folder / "train-images-idx3-ubyte").write_bytes(images)
    (folder / "train-labels-idx1-ubyte").write_bytes(labels)
    with pytest.raises(DataError, match=rf"MNIST in .*raw cannot be read \(.*{reason}"):
        torchvision("MNIST", root).build("train")


def test_a_package_that_is_missing_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / "test_32x32.mat"
    root.mkdir()
    path.write_bytes(b"")
    listed = ["", path.name, hashlib.md5(b"").hexdigest()]
    monkeypatch.setitem(tv.SVHN.split_list, "test", listed)
    monkeypatch.setitem(__import__("sys").modules, "scipy.io", None)
    with pytest.raises(DataError, match=r"SVHN needs the package scipy"):
        torchvision("SVHN", root).build("test")


def test_the_root_is_the_users_unless_said_otherwise(
    root: Path, digits: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    put_mnist(root / "MNIST" / "raw", *digits)
    monkeypatch.setenv("GANZOO_DATA", str(root))
    assert len(Torchvision(name="MNIST", download=False).build("train")) == 12
    monkeypatch.delenv("GANZOO_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(root / "elsewhere"))
    monkeypatch.setenv("HOME", str(root / "elsewhere"))
    with pytest.raises(DataError, match=r"is not in .*ganzoo"):
        Torchvision(name="MNIST", download=False).build("train")


def test_other_splits_are_refused(root: Path) -> None:
    with pytest.raises(DataError, match=r"MNIST has no split 'valid' \(available: train, test\)"):
        torchvision("MNIST", root).build("valid")


@pytest.mark.parametrize(
    "facts", [*SETS.values(), *EMNIST_KINDS.values()], ids=[*SETS, *EMNIST_KINDS]
)
def test_the_table_says_what_torchvision_says(facts: TorchvisionSet) -> None:
    dataset = getattr(tv, facts.class_name)
    names: Any = getattr(dataset, "classes", None)
    if facts.class_name == "EMNIST":
        names = dataset.classes_split_dict[facts.arguments["split"]][facts.first_label :]
    known = names_of(facts)
    if known and names is not None:
        plain = [name.split(" - ")[0] for name in names]
        assert plain == known
    elif names is not None:
        assert facts.condition is not None
        assert len(names) == facts.condition.size
    assert len(set(known)) == len(known)


@pytest.mark.parametrize(
    ("name", "count"), [("CIFAR100", 100), ("OxfordIIITPet", 37), ("SVHN", 10), ("STL10", 10)]
)
def test_classes_that_torchvision_reads_from_files_are_all_there(name: str, count: int) -> None:
    condition = SETS[name].condition
    assert condition is not None
    assert condition.size == count
    assert names_of(SETS[name]) == sorted(names_of(SETS[name]))
