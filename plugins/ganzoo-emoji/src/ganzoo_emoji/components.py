"""The data sets, as a spec writes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from ganzoo.components import Condition, Dataset, DatasetInfo
from ganzoo.errors import DataError
from ganzoo.utils.files import expanded
from ganzoo_emoji.facts import CATEGORIES, LICENCES, SPLITS, Designer

if TYPE_CHECKING:
    from ganzoo.data.images import Form
    from ganzoo.data.split import Split
    from ganzoo_emoji.package import Package, Picture


class _Emoji(Dataset):
    """What the data sets share."""

    paper: ClassVar[str | None] = (
        "Pictures of the npm packages emoji-datasource-google (Noto Emoji by Google, Apache License"
        " 2.0) and emoji-datasource-twitter (Twemoji, CC-BY 4.0), version 16.0.0"
    )
    path: str | None = Field(
        default=None,
        min_length=1,
        description="Folder in which npm installed the packages. Null: ganzoo's folder of data, where"
        " they are installed if they are missing.",
    )
    size: Annotated[int, Field(ge=8, le=64)] = Field(
        default=32, description="Height and width of the samples, in pixels; the pictures have 64."
    )
    categories: Annotated[tuple[str, ...], Field(strict=False)] | None = Field(
        default=None, description="Which of the nine categories to take, in this order; null: all."
    )
    skin_tones: bool = Field(
        default=False,
        description="Whether the pictures of people in five skin tones are taken as well, which are"
        " half of all.",
    )
    background: Literal["white", "black", "grey"] = Field(
        default="white", description="Colour of the transparent parts."
    )

    @field_validator("categories")
    @classmethod
    def _are_known(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if names is not None and (not names or len(set(names)) < len(names)):
            raise PydanticCustomError("categories", "expected one or more different ones")
        for name in names or ():
            if name not in CATEGORIES:
                facts = {"name": name, "known": ", ".join(CATEGORIES)}
                message = "no category is called '{name}' (available: {known})"
                raise PydanticCustomError("categories", message, facts)
        return names

    def with_absolute_paths(self) -> Self:
        """Return the same data set with an absolute path."""
        if self.path is None:
            return self
        return self.model_copy(update={"path": str(expanded(self.path).absolute())})

    def _package(self, designer: Designer) -> Package:
        from ganzoo.data.torchvision_reader import data_folder
        from ganzoo_emoji.package import find

        if self.path is not None:
            return find(designer, expanded(self.path), install=False)
        return find(designer, data_folder() / "emoji", install=True)

    @property
    def _names(self) -> tuple[str, ...]:
        return self.categories or CATEGORIES

    def _condition(self) -> Condition:
        return Condition("classes", len(self._names), self._names)

    def _chosen(self, package: Package, split: str) -> list[Picture]:
        from ganzoo.data.split import check_split

        check_split(split, SPLITS, self.type)
        return [
            each
            for each in package.pictures(skin_tones=self.skin_tones)
            if CATEGORIES[each.category] in self._names
            and (split == "all" or each.held_out == (split == "test"))
        ]

    def _form(self) -> Form:
        from ganzoo.data.images import Form

        return Form(self.size, "rgb", background=self.background)

    @contextmanager
    def _at_path(self) -> Iterator[None]:
        try:
            yield
        except DataError as error:
            raise DataError(f"dataset.path: {error}") from None


class Emoji(_Emoji):
    """Emoji by one designer: 1,906 colour pictures of 64 by 64 pixels in nine categories.

    With ``skin_tones`` there are 3,781. Split ``test`` has one emoji in eight, chosen by a hash of its
    code points, and ``train`` the others; an emoji is in the same split for every designer. The
    pictures are in npm packages, whose content is checked by its hash: Google's are under the Apache
    License 2.0, Twitter's under CC-BY 4.0.
    """

    type: Literal["emoji"] = "emoji"
    designer: Designer = Field(default="google", description="Whose pictures.")

    def licence(self) -> str:
        """Return the licence of the designer's pictures."""
        return LICENCES[self.designer]

    def info(self) -> DatasetInfo:
        """Describe the samples."""
        return DatasetInfo(self._form().space, self._condition(), splits=SPLITS)

    def build(self, split: str) -> Split:
        """Decode one split, or map it from the cache."""
        import numpy as np

        from ganzoo.data.split import Split

        with self._at_path():
            package = self._package(self.designer)
            pictures = self._chosen(package, split)
            pixels = package.read(pictures, self._form())
        classes = [self._names.index(CATEGORIES[each.category]) for each in pictures]
        return Split(pixels, np.array(classes, np.int64))


class EmojiPairs(_Emoji):
    """Pairs of emoji, the same one drawn by two designers, to translate from one to the other.

    Samples, classes, splits and licences are as for ``emoji``.
    """

    type: Literal["emoji-pairs"] = "emoji-pairs"
    source: Designer = Field(default="google", description="Whose pictures are translated.")
    target: Designer = Field(
        default="twitter", description="Whose pictures they are translated to."
    )
    paired: bool = Field(
        default=True,
        description="Whether training is told which pictures belong together. Without it, half of the"
        " emoji of split 'train' are sources and the other half are targets.",
    )

    @field_validator("target")
    @classmethod
    def _is_another(cls, target: str, facts: object) -> str:
        if getattr(facts, "data", {}).get("source") == target:
            raise PydanticCustomError("designers", "source and target must be different designers")
        return target

    def licence(self) -> str:
        """Return the licences of both designers' pictures."""
        return f"{LICENCES[self.source]}; {LICENCES[self.target]}"

    def info(self) -> DatasetInfo:
        """Describe samples and sources."""
        space = self._form().space
        return DatasetInfo(space, self._condition(), space, self.paired, SPLITS)

    def build(self, split: str) -> Split:
        """Decode one split of both, or map it from the cache."""
        import numpy as np

        from ganzoo.data.split import Split

        with self._at_path():
            packages = self._package(self.source), self._package(self.target)
            sources, targets = (self._chosen(each, split) for each in packages)
            if not self.paired and split == "train":
                names = sorted({each.emoji for each in targets})
                half = set(names[::2])
                sources = [each for each in sources if each.emoji in half]
                targets = [each for each in targets if each.emoji not in half]
            source, target = (
                package.read(chosen, self._form())
                for package, chosen in zip(packages, (sources, targets), strict=True)
            )
        classes = [self._names.index(CATEGORIES[each.category]) for each in targets]
        return Split(target, np.array(classes, np.int64), source, self.paired)
