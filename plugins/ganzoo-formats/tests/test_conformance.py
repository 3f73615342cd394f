"""The plugin keeps to the contracts of ganzoo."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from ganzoo_devkit.testing import FromFiles, conformance
from ganzoo_formats.datasets import Hdf5, Parquet, WebDataset
from PIL import Image

SPLITS = ("train", "test")


def png(number: int) -> bytes:
    rng = np.random.default_rng(number)
    file = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(file, "PNG")
    return file.getvalue()


def parquet(folder: Path) -> Parquet:
    folder.mkdir(exist_ok=True)
    for place, split in enumerate(SPLITS):
        images = [{"bytes": png(10 * place + i), "path": f"{i}.png"} for i in range(6)]
        table = pa.table({"image": images, "label": [0, 1] * 3})
        label = {"names": ["cat", "dog"], "_type": "ClassLabel"}
        about = {"info": {"features": {"label": label, "image": {"_type": "Image"}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(about)})
        pq.write_table(table, folder / f"{split}-00000-of-00001.parquet", row_group_size=4)
    return Parquet(path=str(folder), size=8)


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def webdataset(folder: Path) -> WebDataset:
    folder.mkdir(exist_ok=True)
    for place, split in enumerate(SPLITS):
        for shard in range(2):
            with tarfile.open(folder / f"{split}-{shard:04}.tar", "w") as archive:
                for i in range(3):
                    add(archive, f"{i:03}.png", png(10 * place + 3 * shard + i))
                    add(archive, f"{i:03}.cls", str(i % 2).encode())
    return WebDataset(path=str(folder), size=8)


def hdf5(folder: Path) -> Hdf5:
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    with h5py.File(folder / "x.h5", "w") as file:
        for split in SPLITS:
            images = rng.integers(0, 256, (6, 8, 8, 3), dtype=np.uint8)
            file[f"{split}/images"] = images
            file[f"{split}/labels"] = np.arange(6) % 2
    return Hdf5(path=str(folder / "x.h5"))


test_conformance = conformance(
    "ganzoo-formats",
    examples=[
        FromFiles(Parquet, parquet),
        FromFiles(WebDataset, webdataset),
        FromFiles(Hdf5, hdf5),
    ],
)
