"""Names of folders and files that stand for splits of a data set, as people write them."""

from __future__ import annotations

import re
from collections.abc import Collection

from ganzoo.errors import DataError

_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "valid",
    "validation": "validation",
    "test": "test",
    "testing": "test",
    "unlabeled": "unlabeled",
    "unlabelled": "unlabeled",
}
"""Names of folders, in lower case, and the splits that they are."""

_WORDS = frozenset(
    (*_SPLITS, "dev", "eval", "evaluation", "extra", "holdout", "pred", "te", "tr", "trn", "tst")
)
"""Words that name splits in names of folders such as ``test_set``."""

_FILLERS = frozenset(
    (
        "a",
        "b",
        "c",
        "d",
        "data",
        "dataset",
        "folder",
        "images",
        "imgs",
        "samples",
        "set",
        "split",
        "x",
    )
)
"""Words that add nothing to the name of a split."""

_JOINED = re.compile(rf"({'|'.join(sorted(_WORDS, key=len, reverse=True))})(set|data|images)")


def split_of(name: str) -> str | None:
    """Return the split that a folder of this name is, whatever its case, or None."""
    return _SPLITS.get(name.lower())


def split_of_file(name: str) -> str | None:
    """Return the split that the first word of a file's name is, as in ``train-00000-of-00002``."""
    return split_of(re.split(r"[-_.0-9]", name)[0])


def are_splits(names: Collection[str], where: object) -> bool:
    """Return whether folders of these names are the splits of a data set, and not its classes.

    Raises:
        DataError: some may be splits and some not, or two are the same split.
    """
    splits = [split_of(name) for name in names]
    if None not in splits:
        twice = [name for name in sorted(names) if splits.count(split_of(name)) > 1]
        if twice:
            both = " and ".join(twice)
            raise DataError(f"{where}: {both} are the same split; put their files into one folder")
        return bool(names)
    looks = {name: _looks_like_split(name) for name in sorted(names)}
    similar = [name for name, look in looks.items() if look is not None]
    # A class may be called train; tests and validations, and names that can only be splits, are not.
    certain = [name for name in similar if looks[name] == "surely" and name.lower() != "train"]
    certain = [name for name in certain if not _SPLITS.keys().isdisjoint(_words(name))]
    if certain or len({word for name in similar for word in _words(name)} & _WORDS) > 1:
        listed = ", ".join(similar)
        raise DataError(
            f"{where}: {listed} seem to be splits, not classes, but not all of {_few(names)} are named"
            " as splits are (train, val, valid, validation, test, unlabeled); rename the splits so, or"
            f" let 'path' be one of them; if they are classes, put all into a folder called train"
        )
    return False


def _words(name: str) -> list[str]:
    apart = re.sub(r"([a-z])([A-Z0-9])", r"\1 \2", name)  # trainA, train2017
    joined = _JOINED.sub(r"\1 \2", apart.lower())
    return [word for word in re.split(r"[^a-z0-9]+", joined) if word]


def _looks_like_split(name: str) -> str | None:
    words = _words(name)
    if not any(word in _WORDS for word in words):
        return None
    rest = [word for word in words if word not in _WORDS | _FILLERS and not word.isdigit()]
    return "maybe" if rest else "surely"


def _few(names: Collection[str]) -> str:
    first = sorted(names)[:6]
    return ", ".join(first) + (", …" if len(names) > len(first) else "")
