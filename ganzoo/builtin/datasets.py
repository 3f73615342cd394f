"""Data sets that the core reads: arrays, images in folders, pairs of images, and torchvision's sets."""

from __future__ import annotations

import dataclasses
import difflib
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ganzoo.components import Component, Dataset, DatasetInfo, Images
from ganzoo.data.torchvision_table import EMNIST_KINDS, SETS, TorchvisionSet
from ganzoo.errors import DataError
from ganzoo.utils.files import expanded
from ganzoo.utils.notes import note

if TYPE_CHECKING:
    from ganzoo.data.arrays import ArrayFile
    from ganzoo.data.folder import ImageFolder, Translations
    from ganzoo.data.images import Form
    from ganzoo.data.split import Split

DEFAULT_SIZE = 64  # height and width of images, in pixels, where the data set has none of its own


def _check_size(value: Any, validate: Any) -> Any:
    try:
        return validate(value)
    except ValidationError:
        message = "must be a positive whole number, or [height, width], of at most 16,384 pixels"
        raise PydanticCustomError("size", message, {}) from None


Pixels = Annotated[int, Field(ge=1, le=16_384)]
Size = Annotated[
    Pixels | Annotated[tuple[Pixels, Pixels], Field(strict=False)], WrapValidator(_check_size)
]
Mode = Literal["rgb", "grey"]
MODE = "Whether samples have three channels or one."
BITS = (
    "Bits of each number of a sample. With 8, images of 16 bits are scaled, with a warning; with 16,"
    " all are kept as they are."
)
BACKGROUND_COLOUR = "white"
BACKGROUND = (
    "Colour of transparent parts where samples have no opacity: a name, or such as '#ff8000'."
)
RANGE = (
    "The stored numbers that are black and white, [low, high], in images of floats or of more than 8"
    " bits. Null: 0 and 65535 for 16 bits; others are refused."
)


def _check_colour(text: str) -> str:
    if text == BACKGROUND_COLOUR:  # the schema is written without importing Pillow
        return text
    from PIL import ImageColor

    try:
        ImageColor.getrgb(text)
    except ValueError:
        message = "must be the name of a colour, or such as '#ff8000'"
        raise PydanticCustomError("colour", message, {}) from None
    return text


def _check_range(pair: tuple[float, float]) -> tuple[float, float]:
    if not pair[0] < pair[1]:
        raise PydanticCustomError("range", "must be [low, high], low before high", {})
    return pair


KEYWORDS = frozenset(("auto", "folders", "none"))
"""What may stand instead of the path of a file of labels."""

Colour = Annotated[str, AfterValidator(_check_colour)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Range = Annotated[tuple[Finite, Finite], Field(strict=False), AfterValidator(_check_range)]


class _Files(Dataset):
    """Samples from files; the fields in ``_PATHS`` name them."""

    _PATHS: ClassVar[tuple[str, ...]] = ("path",)

    @contextmanager
    def _at(self, field: str) -> Iterator[None]:
        """Begin errors with the field that names the file."""
        try:
            yield
        except DataError as error:
            message = str(error)
            known = message.startswith("dataset.")
            raise DataError(message if known else f"dataset.{field}: {message}") from None

    def with_absolute_paths(self) -> Self:
        """Return the same data set with whole paths."""
        given = {name: getattr(self, name) for name in self._PATHS}
        paths = {name: str(expanded(text).absolute()) for name, text in given.items() if text}
        paths = {name: path for name, path in paths.items() if given[name] not in KEYWORDS}
        return self.model_copy(update=paths)


def _located(description: str, **options: Any) -> Any:
    return Field(min_length=1, description=description, **options)


class Arrays(_Files):
    """Samples in a NumPy file, with conditions, sources and splits where it is an ``.npz`` file.

    Images are uint8 or uint16: (N, H, W), (N, H, W, C) or (N, C, H, W); of other types where ``range``
    is set. Other floats are points (N, D), sequences (N, C, L) or other arrays (N, …). In an ``.npz``
    file they are called ``images``, ``samples``, ``points`` or ``sequences``, and beside them may stand

    - ``labels``: for one of several classes, integers (N,) that count from 0, texts (N,), or rows (N, k)
      with a single 1; for any of k labels, 0 and 1 (N, k). Names of the classes or labels may be there
      as ``class_names``;
    - ``values``: numbers (N,) or (N, k);
    - ``source``: what samples are translated from, of the same forms as samples.

    Where each name follows that of a split (``train_images``, ``test_labels``), the file has these
    splits; otherwise all is of split ``train``. Where none of these names is there, ``x_train`` and
    ``y_train``, ``data`` and ``target`` and the like are read. Pickled objects are refused.
    """

    type: Literal["arrays"] = "arrays"
    path: str = _located("The .npy or .npz file.")
    layout: Literal["auto", "nchw", "nhwc", "arrays"] = Field(
        default="auto",
        description="Order of the axes of images: nchw is (N, channels, height, width). Auto takes"
        " the one axis of the two that has length 1 or 3 for the channels. With arrays, floats of four"
        " axes are taken as they are: without it, they are refused where they may be images.",
    )
    paired: bool = Field(
        default=True, description="Whether source i belongs to sample i, where there are sources."
    )

    range: Range | None = Field(
        default=None,
        description="The stored numbers that are black and white, [low, high], in images of any type."
        " Null: images are uint8 or uint16 and use all of it.",
    )
    bits: Literal[8, 16] = Field(
        default=8, description="Bits of each number of an image, where 'range' is set."
    )

    def info(self) -> DatasetInfo:
        """Describe the file, from headers and labels."""
        with self._at("path"):
            file = self._file()
            info = file.info()
            for each in file.notes_on(self.split):
                note(f"dataset.path: {each}")
            return info

    def build(self, split: str) -> Split:
        """Read one split; an ``.npy`` file is mapped from disk."""
        with self._at("path"):
            return self._file().read(split)

    def _file(self) -> ArrayFile:
        from ganzoo.data.arrays import ArrayFile

        return ArrayFile(expanded(self.path), self.layout, self.paired, self.range, self.bits)


class _ImageFiles(_Files):
    """Images in files of any size, brought to one."""

    size: Size = Field(
        default=DEFAULT_SIZE,
        description="Height and width of samples and sources, in pixels: one number, or [height,"
        " width].",
    )
    mode: Mode = Field(default="rgb", description=MODE)
    channels: Literal[4] | None = Field(
        default=None,
        description="With 4, samples have red, green, blue and opacity; null: as 'mode' says.",
    )
    bits: Literal[8, 16] = Field(default=8, description=BITS)
    background: Colour = Field(default=BACKGROUND_COLOUR, description=BACKGROUND)
    range: Range | None = Field(default=None, description=RANGE)

    @model_validator(mode="after")
    def _check_channels(self) -> Self:
        if self.channels == 4 and self.mode == "grey":
            message = "'channels' can be 4 where 'mode' is rgb only"
            raise PydanticCustomError("channels", message, {})
        return self

    def _form(self, mode: Mode | None = None) -> Form:
        from ganzoo.data.images import Form

        kept = mode or ("rgba" if self.channels == 4 else self.mode)
        return Form(self.size, kept, self.bits, self.background, self.range)


class Folder(_ImageFiles):
    """A folder of images, or a zip file of one.

    Where all images lie in top-level folders called train, training, val, valid, validation, test,
    testing or unlabeled, in any case, these are the splits; otherwise all are of split ``train``. Where
    the images of a split lie in sub-folders, these are the classes, in the order of their names, unless
    ``labels`` or a file called ``dataset.json`` says otherwise. The largest part in the middle of each
    image that has the shape of ``size`` is resized to it. The result is cached until a file is added,
    removed or changed.
    """

    _PATHS = ("path", "labels")
    type: Literal["folder"] = "folder"
    path: str = _located("The folder, or the zip file.")
    labels: str = _located(
        "Where labels are: 'folders', the names of sub-folders; 'none'; or the path of a .csv or .json"
        " file with a label, or several, for each image. 'auto' reads dataset.json, as StyleGAN's"
        " tools write it, if it is there, else it is as 'folders'.",
        default="auto",
    )
    unreadable: Literal["error", "skip"] = Field(
        default="error",
        description="What to do with images that cannot be read: stop, or leave them out with a"
        " warning that names them.",
    )

    def info(self) -> DatasetInfo:
        """Describe the samples, from the names of the files."""
        folder = self._find()
        for each in folder.notes_on(self.split):
            note(f"dataset.path: {each}")
        condition = folder.condition_in(self.split) if self.split in folder.splits else None
        return DatasetInfo(self._form().space, condition, splits=tuple(folder.splits))

    def build(self, split: str) -> Split:
        """Decode one split, or map it from the cache."""
        with self._at("path"):
            form, folder = self._form(), self._find()
            return folder.read(split, **dataclasses.asdict(form), unreadable=self.unreadable)

    def _find(self) -> ImageFolder:
        from ganzoo.data.folder import find_images

        with self._at("path"):
            return find_images(expanded(self.path), self.labels)


class _Translations(_ImageFiles):
    """Images to translate from and images to translate to."""

    source_mode: Mode | None = Field(
        default=None, description="As 'mode', for sources; null: as 'mode' says."
    )

    def info(self) -> DatasetInfo:
        """Describe samples and sources, from the names of the files."""
        found = self._find()
        for each in found.notes_on(self.split):
            note(f"dataset: {each}")
        return DatasetInfo(
            self._form().space,
            found.target.condition,
            self._form(self.source_mode).space,
            found.paired,
            tuple(found.target.splits),
        )

    def build(self, split: str) -> Split:
        """Decode one split, or map it from the cache."""
        found = self._find()
        with self._at(self._PATHS[-1]):
            return found.read(split, self._form(), self._form(self.source_mode))

    @abstractmethod
    def _find(self) -> Translations: ...


class Paired(_Translations):
    """Pairs of images, each a source and what it should become, for image-to-image translation.

    Sources and targets lie in two folders or zip files of the same structure, and belong together
    where their names, without suffix, are the same. Or they are halves of one image each, side by side,
    in a single folder. Splits, classes (those of the targets), cropping and caching are as for
    ``folder``.
    """

    _PATHS = ("path", "source", "target")
    type: Literal["paired"] = "paired"
    source: str | None = _located("Folder or zip file of the sources.", default=None)
    target: str | None = _located("Folder or zip file of the targets.", default=None)
    path: str | None = _located(
        "Folder or zip file of images that hold both; set 'side_by_side', too.", default=None
    )
    side_by_side: Literal["left", "right"] | None = Field(
        default=None, description="Which half of each image in 'path' is the source."
    )

    @model_validator(mode="after")
    def _check_paths(self) -> Self:
        fields = self.source, self.target, self.path, self.side_by_side
        given = [field is not None for field in fields]
        if given not in ([True, True, False, False], [False, False, True, True]):
            message = "give 'source' and 'target', or 'path' and 'side_by_side'"
            raise PydanticCustomError("paths", message, {})
        return self

    def _find(self) -> Translations:
        from ganzoo.data.folder import Translations, find_images, find_pairs

        if self.path is not None:
            with self._at("path"):
                folder = find_images(expanded(self.path))
            return Translations(folder, folder, paired=True, half=self.side_by_side)
        with self._at("source"):
            source = find_images(expanded(self.source or ""))
        with self._at("target"):
            return find_pairs(source, find_images(expanded(self.target or "")))


class Unpaired(_Translations):
    """Images of two domains, for translation from one to the other without pairs.

    Each domain is a folder or zip file; there may be more images of one than of the other. Splits,
    classes (those of the targets), cropping and caching are as for ``folder``; the splits are those
    that both domains have.
    """

    _PATHS = ("source", "target")
    type: Literal["unpaired"] = "unpaired"
    source: str = _located("Folder or zip file of images to translate from.")
    target: str = _located("Folder or zip file of images to translate to.")

    def _find(self) -> Translations:
        from ganzoo.data.folder import find_domains, find_images

        with self._at("source"):
            source = find_images(expanded(self.source))
        with self._at("target"):
            return find_domains(source, find_images(expanded(self.target)))


class Torchvision(_Files):
    """A data set that torchvision knows by name, downloaded once.

    Sets of one size are read as arrays. CelebA, Flowers102 and OxfordIIITPet are resized, cropped
    to the middle and cached. EMNIST, transposed in its files, is turned upright.
    """

    _PATHS = ("root",)
    type: Literal["torchvision"] = "torchvision"
    name: str = Field(
        description="Name of the set, such as FashionMNIST.", json_schema_extra={"enum": [*SETS]}
    )
    kind: Literal["balanced", "byclass", "bymerge", "digits", "letters", "mnist"] | None = Field(
        default=None, description="For EMNIST alone: which of its six parts; null is balanced."
    )
    size: Size | None = Field(
        default=None,
        description="Height and width of the samples, in pixels: one number, or [height, width]."
        f" Null: as the set has them, or {DEFAULT_SIZE} where they vary.",
    )
    root: str | None = _located(
        "Folder that the set's own folder lies in. Null: $GANZOO_DATA, or the user's data folder.",
        default=None,
    )
    download: bool = Field(default=True, description="Whether missing files may be downloaded.")

    @classmethod
    def spelling_of(cls, name: str) -> str | None:
        """Return how a spec writes a set of torchvision that is called by its own name."""
        known = {each.lower(): each for each in SETS}.get(name.lower().replace("-", ""))
        return known and f'{{"type": "torchvision", "name": "{known}"}}'

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if name in SETS:
            return name
        plain = {known.lower(): known for known in SETS}
        near = difflib.get_close_matches(name.lower().replace("-", ""), plain, n=1, cutoff=0.5)
        hint = f"; did you mean {plain[near[0]]!r}?" if near else ""
        message = "no set of torchvision is known as {name}{hint} (known: {known})"
        facts = {"name": repr(name), "hint": hint, "known": ", ".join(SETS)}
        raise PydanticCustomError("component", message, facts)

    @model_validator(mode="after")
    def _check_kind(self) -> Self:
        if self.kind is not None and self.name != "EMNIST":
            raise PydanticCustomError("kind", "only EMNIST has a 'kind'; leave it out")
        return self

    def info(self) -> DatasetInfo:
        """Describe the samples, from a table."""
        facts = self._facts
        size = self._size
        height, width = (size, size) if isinstance(size, int) else size
        return DatasetInfo(
            Images(facts.channels, height, width),
            None if self.split in facts.unlabelled else facts.condition,
            splits=tuple(facts.splits),
        )

    def build(self, split: str) -> Split:
        """Read one split, downloading the set where it is missing."""
        from ganzoo.data import torchvision_reader
        from ganzoo.data.split import check_split

        check_split(split, self._facts.splits, self.name)
        root = torchvision_reader.data_folder() if self.root is None else expanded(self.root)
        return torchvision_reader.read(self._facts, split, root, self._size, self.download)

    @property
    def _facts(self) -> TorchvisionSet:
        return SETS[self.name] if self.kind is None else EMNIST_KINDS[self.kind]

    @property
    def _size(self) -> int | tuple[int, int]:
        return self.size or self._facts.side or DEFAULT_SIZE


COMPONENTS: tuple[type[Component], ...] = (Arrays, Folder, Paired, Unpaired, Torchvision)
