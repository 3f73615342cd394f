"""The data sets, as a spec writes them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field

from ganzoo.components import Dataset, DatasetInfo
from ganzoo.errors import DataError
from ganzoo.utils.files import expanded
from ganzoo.utils.notes import note

if TYPE_CHECKING:
    from ganzoo.data.arrays import ArrayFile
    from ganzoo.data.images import Form
    from ganzoo.data.split import Split
    from ganzoo_formats.encoded import EncodedImages


Pixels = Annotated[int, Field(ge=1)]


class _Files(Dataset):
    """What the three share."""

    path: str = Field(min_length=1, description="The file, or a folder of such files.")

    def with_absolute_paths(self) -> Self:
        """Return the same data set with an absolute path."""
        return self.model_copy(update={"path": str(self._path.absolute())})

    @property
    def _path(self) -> Path:
        return expanded(self.path)

    @contextmanager
    def _at_path(self) -> Iterator[None]:
        try:
            yield
        except DataError as error:
            raise DataError(f"dataset.path: {error}") from None


class _Encoded(_Files):
    """Images that are stored as files within files."""

    size: Pixels | Annotated[tuple[Pixels, Pixels], Field(strict=False)] = Field(
        default=64,
        description="Height and width of the samples, in pixels: one number, or [height, width].",
    )
    mode: Literal["rgb", "grey"] = Field(
        default="rgb", description="Whether samples have three channels or one."
    )
    bits: Literal[8, 16] = Field(default=8, description="Bits of each number of a sample.")

    def info(self) -> DatasetInfo:
        """Describe the samples, without decoding any."""
        with self._at_path():
            found = self._find()
            for each in found.notes_on(self.split):
                note(f"dataset.path: {each}")
            splits = tuple(found.splits)
            return DatasetInfo(self._form().space, found.condition, splits=splits)

    def build(self, split: str) -> Split:
        """Decode one split, or map it from the cache."""
        with self._at_path():
            return self._find().read(split, self._form())

    def _form(self) -> Form:
        from ganzoo.data.images import Form

        return Form(self.size, self.mode, self.bits)

    @abstractmethod
    def _find(self) -> EncodedImages: ...


class Parquet(_Encoded):
    """Images in Parquet files, as Hugging Face's datasets exports them.

    Files whose names begin with a split, as in ``train-00000-of-00002.parquet``, or that lie in a folder
    named for one, are of that split; others are of ``train``. Names of classes are those in the files.
    """

    type: Literal["parquet"] = "parquet"
    image: str = Field(
        default="image", description="Column of the images: their bytes, or a struct with 'bytes'."
    )
    label: str | None = Field(
        default="label",
        description="Column of the labels, whole numbers or texts; null, or a column that is not"
        " there: none.",
    )

    def _find(self) -> EncodedImages:
        from ganzoo_formats.parquet import find

        return find(self._path, self.image, self.label)


class WebDataset(_Encoded):
    """Images in shards of WebDataset: tar files in which files of one name are one sample.

    Shards whose names begin with a split, as in ``train-0000.tar``, or that lie in a folder named for
    one, are of that split; others are of ``train``. The label of a sample is the number in its file
    ``.cls``, or what its file ``.json`` has as ``label``.
    """

    type: Literal["webdataset"] = "webdataset"
    label: str | None = Field(
        default="label", description="Key of the label in .json files; null: labels are not read."
    )

    def _find(self) -> EncodedImages:
        from ganzoo_formats.webdataset import find

        return find(self._path, self.label)


class Hdf5(_Files):
    """Samples in an HDF5 file.

    Arrays have the names and the forms that they have in an ``.npz`` file of ``arrays``; a group may
    stand for a split (``train/images``).
    """

    type: Literal["hdf5"] = "hdf5"
    path: str = Field(min_length=1, description="The .h5 or .hdf5 file.")
    layout: Literal["auto", "nchw", "nhwc", "arrays"] = Field(
        default="auto", description="Order of the axes of images, as for 'arrays'."
    )

    def info(self) -> DatasetInfo:
        """Describe the file, from shapes and labels."""
        with self._at_path():
            file = self._file()
            for each in file.notes_on(self.split):
                note(f"dataset.path: {each}")
            return file.info()

    def build(self, split: str) -> Split:
        """Read one split into memory."""
        with self._at_path():
            return self._file().read(split)

    def _file(self) -> ArrayFile:
        from ganzoo.data.arrays import ArrayFile
        from ganzoo_formats.hdf5 import Hdf5File

        return ArrayFile(Hdf5File(self._path), self.layout)
