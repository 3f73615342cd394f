"""Images of any kind, decoded to one size and one mode."""

from __future__ import annotations

import hashlib
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageColor, ImageOps

from ganzoo.components import Images
from ganzoo.data.cache import cached_rows
from ganzoo.errors import DataError
from ganzoo.utils.notes import note
from ganzoo.utils.progress import chunks

T = TypeVar("T")

Mode = Literal["rgb", "grey", "rgba"]
Unreadable = Literal["error", "skip"]
Size = int | tuple[int, int]
"""Height and width in pixels, or one number for both."""

Pixels = npt.NDArray[Any]
Floats = npt.NDArray[np.floating[Any]]

CHANNELS: dict[Mode, int] = {"rgb": 3, "grey": 1, "rgba": 4}

CHUNK = 256  # images decoded between two progress reports, and written at a time

NOTHING_YET: Mapping[str, Any] = {"seen": {}, "skipped": []}

REVISION = 2  # part of each cache key; raise it with every change to what ``fit`` returns

SAMPLEFORMAT = 339  # the tag of a TIFF file that says whether numbers have a sign

MOST_USED = 12  # bits that 16-bit images take at most where they probably have no more

LUMA = np.array((0.299, 0.587, 0.114), np.float32)
"""Parts of red, green and blue in grey, as in Pillow."""


@dataclass(frozen=True)
class Form:
    """What images of any kind are turned into.

    Attributes:
        size: height and width in pixels.
        mode: whether they have three channels, one, or four with the opacity as the last.
        bits: of each number, 8 or 16.
        background: the colour that transparent parts become, in any form that Pillow reads.
        span: the stored numbers that are black and white in images of more than 8 bits; None for 0 and
            65,535 where they have 16 bits, and for none where their range is unknown.
    """

    size: Size
    mode: Mode = "rgb"
    bits: Literal[8, 16] = 8
    background: str = "white"
    span: tuple[float, float] | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width)."""
        return (CHANNELS[self.mode], *height_and_width(self.size))

    @property
    def space(self) -> Images:
        """What the images become."""
        return Images(*self.shape, self.bits)

    @property
    def key(self) -> str:
        """All that pixels depend on besides the images."""
        return repr((REVISION, self.shape, self.bits, self.background, self.span))


def plain(image: Image.Image, mode: Mode, background: str = "white") -> Image.Image:
    """Turn an opened image, which may be changed, into 8-bit RGB, grey or RGBA in its own size.

    The orientation a camera noted is applied, transparent parts take the colour of the background
    unless the result has a fourth channel, 16-bit greys are scaled to 8 bits, and of an animation the
    first frame is taken.

    Raises:
        ValueError: the image has pixels of unknown range.
    """
    if _is_deep(image):
        colours = _composed(*_levels(image, None), mode, background)
        pixels = np.rint(colours * 255).astype(np.uint8)
        return Image.fromarray(pixels[..., 0] if mode == "grey" else pixels)
    _refuse_signed(image)
    ImageOps.exif_transpose(image, in_place=True)
    if mode == "rgba":
        return image.convert("RGBA")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, background), layer)
    if image.mode in {"LAB", "HSV"}:  # Pillow turns neither into grey
        image = image.convert("RGB") if image.mode == "HSV" else _from_lab(image)
    return image.convert("RGB" if mode == "rgb" else "L")


def channels_first(image: Image.Image) -> Pixels:
    """Return the pixels of an RGB, grey or RGBA image as (channels, height, width)."""
    pixels = np.asarray(image)
    return pixels.transpose(2, 0, 1) if pixels.ndim == 3 else pixels[None]


def height_and_width(size: Size) -> tuple[int, int]:
    """Return the height and the width that a size stands for."""
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def fit(
    image: Image.Image,
    size: Size,
    mode: Mode,
    bits: Literal[8, 16] = 8,
    background: str = "white",
    span: tuple[float, float] | None = None,
) -> Pixels:
    """Turn an opened image, best not yet loaded, into pixels (channels, height, width) of one size.

    The arguments are those of ``Form``. The largest part in the middle of the image that has the shape
    of the result is resized with a Lanczos filter.

    Raises:
        ValueError: the image has pixels of unknown range, or outside the one that is stated; or its
            precision would be lost.
    """
    height, width = height_and_width(size)
    enough = 2 * max(height, width)  # in both directions, since the image may still be turned
    image.draft(None, (enough, enough))  # JPEG alone: decode no more than the filter needs
    if bits == 8 and not _is_deep(image):
        image = plain(image, mode, background)
        resized = image.resize((width, height), Image.Resampling.LANCZOS, _middle(image, size))
        return channels_first(resized)
    colours = _composed(*_levels(image, span), mode, background)
    planes = [Image.fromarray(plane) for plane in np.moveaxis(colours, -1, 0)]
    box = _middle(planes[0], size)
    resized_planes = [
        np.asarray(plane.resize((width, height), Image.Resampling.LANCZOS, box)) for plane in planes
    ]
    largest = np.float32((1 << bits) - 1)
    levels = np.clip(np.stack(resized_planes), 0, 1) * largest
    pixels: Pixels = np.rint(levels).astype(f"uint{bits}")
    return pixels


def _middle(image: Image.Image, size: Size) -> tuple[int, int, int, int]:
    """Return the box of the largest part in the middle of an image that has the shape of a size."""
    height, width = height_and_width(size)
    kept_width = min(image.width, max(1, round(image.height * width / height)))
    kept_height = min(image.height, max(1, round(image.width * height / width)))
    left, top = (image.width - kept_width) // 2, (image.height - kept_height) // 2
    return left, top, left + kept_width, top + kept_height


def _is_deep(image: Image.Image) -> bool:
    """Return whether Pillow holds more than 8 bits for each number."""
    return image.mode.startswith("I") or image.mode == "F"


def _refuse_signed(image: Image.Image) -> None:
    """Refuse 8-bit numbers with a sign, which Pillow reads as if they had none."""
    if 2 in getattr(image, "tag_v2", {}).get(SAMPLEFORMAT, ()):
        raise ValueError("its 8-bit numbers have a sign; save them without one, from 0 to 255")


def _has_deep_colours(image: Image.Image) -> bool:
    """Return whether an image that is not yet decoded has colours of 16 bits, read by Pillow as 8."""
    tiles = getattr(image, "tile", None) or [()]
    return not _is_deep(image) and any(";16" in str(part) for part in tiles[0])


def _levels(image: Image.Image, span: tuple[float, float] | None) -> tuple[Floats, Floats | None]:
    """Return grey or colours (H, W, 1 or 3) from 0 to 1, and the opacity (H, W, 1) or None."""
    if _has_deep_colours(image):
        raise ValueError(
            "Pillow reads 16-bit colours as 8 bits; set 'bits' to 8, or keep them in an array of"
            " uint16 for the data set 'arrays'"
        )
    transparent = image.info.get("transparency")
    ImageOps.exif_transpose(image, in_place=True)
    if not _is_deep(image):
        _refuse_signed(image)
        pixels = np.asarray(image.convert("RGBA")).astype(np.float32) / 255
        return pixels[..., :3], pixels[..., 3:]
    stored = np.asarray(image)[..., None].astype(np.float64)
    # Pillow's mode I has 32 bits in TIFF files, and the 16 of a file in these formats.
    has_16_bits = image.mode.startswith("I") and (
        ";" in image.mode or image.format in {"PNG", "PPM"}
    )
    if span is None and not has_16_bits:
        kind = "floating-point" if image.mode == "F" else "32-bit"
        raise ValueError(f"{kind} pixels have no stated range; set 'range' to it, such as [0, 255]")
    opacity = (stored != transparent).astype(np.float32) if isinstance(transparent, int) else None
    return _scaled(stored, span), opacity


def _scaled(stored: npt.NDArray[Any], span: tuple[float, float] | None) -> Floats:
    """Return stored numbers as levels from 0 to 1."""
    low, high = span or (0, 65535)
    if not (stored.min() >= low and stored.max() <= high):  # NaN is neither
        found = f"{stored.min():g} to {stored.max():g}"
        raise ValueError(f"its pixels go from {found}, outside the range [{low:g}, {high:g}]")
    return ((stored - low) / (high - low)).astype(np.float32)


def _composed(colours: Floats, opacity: Floats | None, mode: Mode, background: str) -> Floats:
    """Return levels (H, W, channels) of a mode."""
    if mode == "rgba":
        whole = np.ones_like(colours[..., :1]) if opacity is None else opacity
        return np.concatenate([np.broadcast_to(colours, (*colours.shape[:2], 3)), whole], axis=2)
    if opacity is not None:
        behind = np.array(ImageColor.getrgb(background)[:3], np.float32) / 255
        colours = colours * opacity + behind * (1 - opacity)
    if mode == "rgb":
        return np.broadcast_to(colours, (*colours.shape[:2], 3))
    return colours if colours.shape[2] == 1 else (colours @ LUMA)[..., None]


def _from_lab(image: Image.Image) -> Image.Image:
    lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, lab, rgb, outputMode="RGB")
    if converted is None:
        raise ValueError("its LAB colours cannot be converted")
    return converted


def decoded_images(
    name: str,  # first part of the name in the cache
    names: Sequence[str],  # of each image, for messages
    open_image: Callable[[int], Image.Image],  # by its index; called from several threads
    *,
    fingerprint: Iterable[object],  # all that the pixels depend on besides the form
    form: Form,
    where: str,  # the images come from, for messages
    unreadable: Unreadable | None = None,  # None where the user cannot choose: an error
) -> tuple[Pixels, npt.NDArray[np.int64] | None]:
    """Return many images as one array (N, channels, height, width), from the cache where it has them.

    Also return the indices of the images in it, where some cannot be read and are skipped, else None.
    How many were skipped, animated or of more bits than the form is a ``DataWarning``.

    Raises:
        DataError: some images cannot be read; the message names the first few.
    """
    seen: Counter[str] = Counter()
    problems: dict[int, str] = {}

    def facts() -> dict[str, Any]:
        return {"seen": dict(seen), "skipped": [[*each] for each in problems.items()]}

    def decoded(rows: int = 0, kept: Mapping[str, Any] = NOTHING_YET) -> Iterator[Pixels]:
        seen.clear()
        seen.update(kept["seen"])
        problems.clear()
        problems.update(kept["skipped"])
        for indices in chunks(len(names), CHUNK, f"decoding {where}", rows + len(problems)):

            def decode(place: int, indices: range = indices) -> tuple[Pixels, list[str]]:
                with open_image(indices[place]) as image:
                    look = _remarkable(image, form)
                    options = form.bits, form.background, form.span
                    pixels = fit(image, form.size, form.mode, *options)
                    return pixels, look + _used_bits(image, form, pixels)

            read, failed = in_threads(decode, [names[index] for index in indices])
            problems.update((indices[place], reason) for place, reason in failed.items())
            seen.update(kind for _, look in read for kind in look)
            if read and (unreadable == "skip" or not problems):
                yield np.stack([pixels for pixels, _ in read])
        if problems and (unreadable != "skip" or len(problems) == len(names)):
            hint = ", or set 'unreadable' to skip" if unreadable == "error" else ""
            raise DataError(complaint([*problems.values()], len(names), where) + hint)

    key = hashlib.sha256(repr((form.key, unreadable == "skip")).encode())
    for part in fingerprint:
        key.update(repr(part).encode() + b"\n")
    pixels, kept_facts = cached_rows(
        f"{name}-{key.hexdigest()[:32]}",
        form.shape,
        form.space.dtype,
        decoded,
        facts,
        rows=None if unreadable == "skip" else len(names),
        resumable=True,
    )
    _tell(kept_facts, len(names), where)
    skipped = {index for index, _ in kept_facts.get("skipped", [])}
    if not skipped:
        return pixels, None
    return pixels, np.array([i for i in range(len(names)) if i not in skipped], np.int64)


def _remarkable(image: Image.Image, form: Form) -> list[str]:
    """Return what is lost of an image that is not yet decoded."""
    kinds = []
    if image.format != "MPO" and getattr(image, "is_animated", False):
        kinds.append("animated")
    if form.bits == 8 and (image.mode.startswith("I") or _has_deep_colours(image)):
        kinds.append("deep")
    return kinds


def _used_bits(image: Image.Image, form: Form, pixels: Pixels) -> list[str]:
    """Return how many bits the largest number of a decoded image of 16 bits takes, in words."""
    if not image.mode.startswith("I"):
        return [] if pixels.any() else ["black"]
    if form.span is not None:
        return []
    return [f"{max(8, int(np.asarray(image).max()).bit_length())} bits used"]


def _tell(facts: dict[str, Any], total: int, where: str) -> None:
    """Give a warning for what was skipped and what was lost."""
    skipped, seen = facts.get("skipped", []), facts.get("seen", {})
    if skipped:
        listed = ", ".join(reason for _, reason in skipped)
        count = f"{len(skipped):,} of {total:,} images in {where}"
        note(f"{count} cannot be read and are skipped: {listed}")
    if "animated" in seen:
        count = f"{seen['animated']:,} of {total:,} images in {where} have several frames or pages"
        note(f"{count}; the first of each is used")
    if "deep" in seen:
        count = f"{seen['deep']:,} of {total:,} images in {where} have more than 8 bits"
        note(f"{count} and are scaled to 8; set 'bits' to 16 to keep them")
    used = [bits for bits in range(8, 17) if f"{bits} bits used" in seen]
    if used and used[-1] <= MOST_USED:
        top = (1 << used[-1]) - 1
        note(
            f"the images of 16 bits in {where} have no number above {top:,}, and so are nearly black;"
            f" set 'range' to [0, {top}] if that is white"
        )
    elif not used and "deep" in seen and seen.get("black") == total:
        note(
            f"all images in {where} are black: of 16-bit colours Pillow reads the upper 8 bits, and they"
            " may use the lower ones only; save them with 8 bits"
        )


def in_threads(work: Callable[[int], T], names: Sequence[str]) -> tuple[list[T], dict[int, str]]:
    """Call a function on the place of each name; Pillow works outside the interpreter lock.

    Return the results in order, and what went wrong at each place that failed.
    """

    def attempt(place: int) -> tuple[list[T], dict[int, str]]:
        try:
            return [work(place)], {}
        except Exception as error:  # decoders raise anything on a damaged file
            return [], {place: f"{names[place]} ({error or type(error).__name__})"}

    # Odd metadata gives a warning for each image.
    with ThreadPoolExecutor() as pool, warnings.catch_warnings(action="ignore"):
        attempts = list(pool.map(attempt, range(len(names))))
    done = [result for results, _ in attempts for result in results]
    return done, {place: why for _, failed in attempts for place, why in failed.items()}


def complaint(unreadable: Sequence[str], total: int, where: str) -> str:
    """Return a message about images that cannot be read: how many, and the first of them."""
    first = ", ".join(unreadable[:3]) + (", …" if len(unreadable) > 3 else "")
    how_many = f"{len(unreadable)} of {total} images in {where}"
    return f"{how_many} cannot be read: {first}; fix or remove them"
