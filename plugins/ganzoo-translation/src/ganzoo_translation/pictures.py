"""Translating pictures of any size, as files or one by one."""

from __future__ import annotations

import math
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import nn

from ganzoo.components import Images
from ganzoo.data.images import Mode, channels_first, plain
from ganzoo.data.listing import list_images, missing, opener
from ganzoo.errors import DataError, RunError, UsageError
from ganzoo.opened import Run
from ganzoo.sampling import Inputs
from ganzoo.utils.devices import resolve_device, total_memory
from ganzoo.utils.images import save_image, to_image
from ganzoo.utils.progress import report

MODES: dict[int, Mode] = {1: "grey", 3: "rgb", 4: "rgba"}

UNREADABLE = (OSError, EOFError, ValueError, SyntaxError, Image.DecompressionBombError)
"""What Pillow raises for files that are damaged or too large."""

OVERLAP = 4
"""Tiles share one part of so many of their side with their neighbours."""

SHARE = 2
"""One part of so many of the memory may hold what the network computes."""

Floats = npt.NDArray[np.float32]


class PictureTranslator:
    """Translates pictures with a run's translator.

    Networks that have an attribute ``unit`` are taken to be convolutional: they get images of any size,
    mirrored at the edges up to the next multiple of it. Other networks get images of the size that they
    were trained on.

    Args:
        run: the run.
        tile: pixels a side above which images are translated in parts; None for what memory allows.
        convert: whether grey images are translated by runs for colours and the other way round.
        device: where to translate; ``auto`` for the fastest there is.

    Raises:
        ganzoo.errors.UsageError: the run does not translate images, or not in such tiles.
    """

    def __init__(
        self, run: Run, *, tile: int | None = None, convert: bool = False, device: str = "cpu"
    ) -> None:
        sampler, source, target = run.sampler, run.info.source, run.info.samples
        if not sampler.translates:
            raise RunError(f"{run.path}: does not translate; 'ganzoo sample' generates its samples")
        if not isinstance(source, Images) or not isinstance(target, Images):
            raise RunError(f"{run.path}: translates {target.kind}; use 'ganzoo sample --source'")
        if sampler.condition is not None:
            raise RunError(
                f"{run.path}: its translator is told a condition; use 'ganzoo sample --source'"
            )
        if source.channels not in MODES or target.channels not in MODES:
            raise RunError(f"{run.path}: translates images that are neither grey nor in colour")
        self._space, self._convert = source, convert
        self._opaque = target.channels == 4 or source.channels == 4
        self._background = str(getattr(run.spec.dataset, "background", "white"))
        self._device = resolve_device(device)
        self._sampler = sampler.move(self._device)
        self._unit: int | None = getattr(sampler.network, "unit", None)
        self._tile = tile if self._unit is None else self._tile_side(tile)
        if tile is not None and self._unit is None:
            raise RunError(f"{run.path}: its network is not convolutional; leave out --tile")

    def check(self, image: Image.Image, name: str = "image") -> None:
        """Refuse an opened image that cannot be translated, from what its header says.

        Raises:
            ganzoo.errors.UsageError: it has the wrong size or the wrong colours.
        """
        grey = image.mode in {"1", "L", "LA", "La", "F"} or image.mode.startswith("I")
        wanted = self._space.channels == 1
        if grey != wanted and not self._convert:
            kinds = ("grey", "in colour")
            is_, are = kinds if grey else kinds[::-1]
            raise UsageError(
                f"{name}: is {is_}, and this run translates images {are}; add --convert to convert"
                " it (convert=True in Python)"
            )
        height, width = self._space.height, self._space.width
        found = f"{image.width}x{image.height}"
        if self._unit is None and (image.width, image.height) != (width, height):
            raise UsageError(
                f"{name}: is {found}, and the network of this run translates images of"
                f" {width}x{height} only"
            )
        least = min(height, width, max(self._unit or 1, 8))
        if min(image.size) < least:
            raise UsageError(
                f"{name}: is {found}, and the network of this run needs at least {least}x{least} pixels"
            )

    def __call__(self, image: Image.Image, name: str = "image") -> Image.Image:
        """Return a picture translated, of the same size and opacity.

        Raises:
            ganzoo.errors.UsageError: it has the wrong size or the wrong colours, or cannot be read.
        """
        self.check(image, name)
        try:
            image.load()
            upright = ImageOps.exif_transpose(image)
            clear = not self._opaque and upright.has_transparency_data
            opacity = upright.convert("RGBA").getchannel("A") if clear else None
            pixels = channels_first(plain(upright, MODES[self._space.channels], self._background))
        except UNREADABLE as error:
            raise UsageError(f"{name}: cannot be read: {error}") from None
        translated = to_image(self.translated(pixels.astype(np.float32) / 127.5 - 1))
        if opacity is not None:
            translated.putalpha(opacity)
        return translated

    def translated(self, pixels: Floats) -> Floats:
        """Return pixels (C, H, W) in [-1, 1], translated; in overlapping tiles where they are many."""
        unit = self._unit
        if unit is None or self._tile is None:
            return self._network(pixels)
        height, width = pixels.shape[1:]
        missing_rows, missing_columns = -height % unit, -width % unit
        padded = np.pad(pixels, ((0, 0), (0, missing_rows), (0, missing_columns)), "symmetric")
        rows, columns = (_starts(side, self._tile, unit) for side in padded.shape[1:])
        if len(rows) == len(columns) == 1:
            return self._network(padded)[:, :height, :width]
        total, weights = np.zeros((), np.float32), np.zeros(padded.shape[1:], np.float32)
        for number, (top, left) in enumerate((top, left) for top in rows for left in columns):
            report("translating tiles", number, len(rows) * len(columns))
            part = np.s_[top : top + self._tile, left : left + self._tile]
            tile = self._network(padded[:, *part])
            if not total.ndim:
                total = np.zeros((len(tile), *padded.shape[1:]), np.float32)
            weight = np.outer(
                _ramps(tile.shape[1], self._tile, top, padded.shape[1], unit),
                _ramps(tile.shape[2], self._tile, left, padded.shape[2], unit),
            )
            total[:, *part] += tile * weight
            weights[part] += weight
        return (total / weights)[:, :height, :width]

    @torch.no_grad()
    def _network(self, pixels: Floats) -> Floats:
        source = torch.from_numpy(np.ascontiguousarray(pixels))[None].to(self._device)
        samples = self._sampler(Inputs(source=source), torch.Generator())
        found: Floats = samples[0].float().cpu().numpy()
        return found

    def _tile_side(self, asked: int | None) -> int:
        """Return the side of tiles: what was asked for, or what memory allows."""
        assert self._unit is not None
        if asked is None:
            memory = total_memory(self._device) or math.inf
            side = min(math.sqrt(memory / SHARE / self._bytes_a_pixel()), 2**20)
            return max(2 * self._unit, int(side) // self._unit * self._unit)
        least = max(2 * self._unit, 16)
        if asked < least:
            raise UsageError(f"--tile: must be at least {least} for the network of this run")
        return asked // self._unit * self._unit

    def _bytes_a_pixel(self) -> float:
        """Return how many bytes all layers of the network compute for a pixel."""
        computed = [0]

        def count(_: nn.Module, __: object, output: object) -> None:
            if isinstance(output, torch.Tensor):
                computed.append(output.element_size() * output.numel())

        layers = [each for each in self._sampler.network.modules() if not [*each.children()]]
        handles = [layer.register_forward_hook(count) for layer in layers]
        try:
            self._network(np.zeros(self._space.shape, np.float32))
        finally:
            for handle in handles:
                handle.remove()
        return max(1, sum(computed)) / (self._space.height * self._space.width)


def _overlap(tile: int, unit: int) -> int:
    return max(unit, tile // OVERLAP // unit * unit)


def _starts(side: int, tile: int, unit: int) -> list[int]:
    """Return where tiles begin along a side, multiples of the unit."""
    if side <= tile:
        return [0]
    return [*range(0, side - tile, tile - _overlap(tile, unit)), side - tile]


def _ramps(length: int, tile: int, start: int, side: int, unit: int) -> Floats:
    """Return the weights of a tile along a side.

    They are 1 in the middle and at the edges of the image. Towards a neighbour they fall to 0 in the
    middle half of the overlap, so that what the network makes of a tile's own edge is left out.
    """
    overlap = _overlap(tile, unit)
    rising = np.clip((np.arange(length) + 0.5 - overlap / 4) / (overlap / 2), 0, 1)
    weights = np.ones(length)
    if start > 0:
        weights *= rising
    if start + length < side:
        weights *= rising[::-1]
    return weights.astype(np.float32)


def translate_files(
    translator: PictureTranslator, source: Path, output: Path | None = None, *, force: bool = False
) -> list[Path]:
    """Translate an image, or all images in a folder or a zip file; write PNG files.

    Args:
        translator: what translates them.
        source: the image, the folder or the zip file.
        output: the PNG file to write for one image, else a new or empty folder; None for the name of
            the source with ``-translated``, in the current folder.
        force: whether an existing file is overwritten.

    Returns:
        What was written: the file, or the folder. Nothing is where something is wrong with an image.

    Raises:
        ganzoo.errors.UsageError: an image cannot be read or translated, or the output is in the way.
    """
    if not source.exists():
        raise missing(source)
    several = source.is_dir() or zipfile.is_zipfile(source)
    stem = f"{source.resolve().stem}-translated"
    path = output or Path(stem if several else f"{stem}.png")
    if several:
        _translate_all(translator, source, path)
        return [path]
    if path.suffix.lower() != ".png" or path.is_dir():
        raise UsageError(f"{path}: must be a PNG file, such as {stem}.png")
    if path.exists() and not force:
        raise UsageError(f"{path}: exists already; name another with -o, or add --force")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: the folder {path.parent} does not exist; create it first")
    with _opened(partial(Image.open, source), str(source)) as image:
        save_image(translator(image, str(source)), path)
    return [path]


def _translate_all(translator: PictureTranslator, source: Path, path: Path) -> None:
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path}: exists already and is not an empty folder; name another with -o")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: the folder {path.parent} does not exist; create it first")
    names = [file.name for file in list_images(source).files]
    targets = {name: PurePosixPath(name).with_suffix(".png") for name in names}
    twice = [str(each) for each, count in Counter(targets.values()).items() if count > 1]
    if twice:
        raise UsageError(f"{source}: several images would be written as {twice[0]}; rename one")
    outside = [name for name, each in targets.items() if each.is_absolute() or ".." in each.parts]
    if outside:
        raise DataError(f"{source}: {outside[0]} would be written outside the folder; rename it")
    with (
        opener(source) as open_named,
        TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder,
    ):
        wheres = {name: f"{source}: {name}" for name in names}
        for name, where in wheres.items():  # all of them before the first is translated
            with _opened(partial(open_named, name), where) as image:
                translator.check(image, where)
        for number, (name, where) in enumerate(wheres.items()):
            report("translating images", number, len(names))
            written = Path(folder, "images", targets[name])
            written.parent.mkdir(parents=True, exist_ok=True)
            with _opened(partial(open_named, name), where) as image:
                save_image(translator(image, where), written)
        report("translating images", len(names), len(names))
        Path(folder, "images").replace(path)  # an empty folder may be there


@contextmanager
def _opened(open_image: Callable[[], Image.Image], where: str) -> Iterator[Image.Image]:
    try:
        image = open_image()
    except UNREADABLE as error:
        reason = "is not an image" if isinstance(error, UnidentifiedImageError) else error
        raise UsageError(f"{where}: cannot be read: {reason}") from None
    with image:
        yield image
