"""What samples and conditions are: their shape, how they are stored, and how they are shown.

A data set stores samples compactly (8-bit pixels) and networks see floats. A *sample space* converts
between the two and draws a picture of samples. Whatever differs between images, points and sequences is
here, so that no other code asks which of them it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import torch
    from PIL import Image

    Array = npt.NDArray[Any]

ConditionKind = Literal["classes", "labels", "values"]


@dataclass(frozen=True)
class Condition:
    """What a conditional network is told about each sample.

    Attributes:
        kind: ``classes``, one of several, (N,) int64; ``labels``, any number of several, (N, size)
            float32 of 0 and 1; or ``values``, numbers, (N, size) float32.
        size: number of classes, of labels or of values.
        names: a name for each, or None.
    """

    kind: ConditionKind
    size: int
    names: tuple[str, ...] | None = None

    @property
    def display_names(self) -> tuple[str, ...]:
        """A name for each; its number if it has none."""
        return self.names or tuple(map(str, range(self.size)))

    def describe(self) -> str:
        """Return the kind and the size in words."""
        return f"{self.size} {self.kind}"


@dataclass(frozen=True)
class Images:
    """Images with any number of channels, height and width, of 8 or 16 bits a value.

    Networks see values in [-1, 1]: 0 is -1, and the largest stored number is 1.
    """

    channels: int
    height: int
    width: int
    bits: Literal[8, 16] = 8
    kind: Literal["images"] = "images"

    @property
    def shape(self) -> tuple[int, ...]:
        """(channels, height, width)."""
        return (self.channels, self.height, self.width)

    @property
    def dtype(self) -> str:
        """Name of the type in which samples are stored."""
        return f"uint{self.bits}"

    @property
    def quantization(self) -> str:
        """How generated samples become what is stored, in words, for protocols."""
        return f"clamp to [-1, 1], then round((x + 1) * {self._largest / 2})"

    @property
    def _largest(self) -> int:
        return (1 << self.bits) - 1

    def decode(self, stored: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Return what networks see of stored samples; 16-bit ones may come as int16 bit patterns."""
        if self.bits == 16:
            stored = stored.int().bitwise_and_(0xFFFF)
        return stored.to(dtype).mul_(2 / self._largest).sub_(1)

    def encode(self, samples: npt.ArrayLike) -> Array:
        """Return samples (N, C, H, W) in [-1, 1] as they are stored; what lies outside is clamped."""
        import numpy as np

        floats = np.asarray(samples, dtype=np.float32)
        clamped = np.clip(np.nan_to_num(floats), -1, 1)
        pixels: Array = np.rint((clamped + 1) * np.float32(self._largest / 2)).astype(self.dtype)
        return pixels

    def preview(self, samples: npt.ArrayLike, *, columns: int | None = None) -> Image.Image:
        """Draw samples, stored or as networks see them, as a grid with ``columns`` images in a row."""
        from ganzoo.utils.images import image_grid

        return image_grid(samples, columns=columns)


@dataclass(frozen=True)
class _Floats:
    """What samples that are stored as float32 share: networks see them as they are."""

    @property
    def dtype(self) -> str:
        """Name of the type in which samples are stored."""
        return "float32"

    @property
    def quantization(self) -> str:
        """How generated samples become what is stored, in words, for protocols."""
        return "none: float32 as generated"

    def decode(self, stored: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """Return what networks see of stored samples: the same numbers."""
        return stored.to(dtype)

    def encode(self, samples: npt.ArrayLike) -> Array:
        """Return samples as they are stored: the same numbers."""
        import numpy as np

        return np.asarray(samples, dtype=np.float32)


@dataclass(frozen=True)
class Points(_Floats):
    """Points of a space of ``size`` dimensions."""

    size: int
    kind: Literal["points"] = "points"

    @property
    def shape(self) -> tuple[int, ...]:
        """(size,)."""
        return (self.size,)

    def preview(self, samples: npt.ArrayLike, *, columns: int | None = None) -> Image.Image:
        """Draw the first two coordinates of all points in one plot."""
        from ganzoo.utils.images import point_plot

        del columns
        return point_plot(samples)


@dataclass(frozen=True)
class Sequences(_Floats):
    """Sequences of ``length`` steps with one or more channels, such as sound or a time series."""

    channels: int
    length: int
    kind: Literal["sequences"] = "sequences"

    @property
    def shape(self) -> tuple[int, ...]:
        """(channels, length)."""
        return (self.channels, self.length)

    def preview(self, samples: npt.ArrayLike, *, columns: int | None = None) -> Image.Image:
        """Draw each sequence as lines, one a channel, in a grid."""
        from ganzoo.utils.images import sequence_grid

        return sequence_grid(samples, columns=columns)


@dataclass(frozen=True)
class Arrays(_Floats):
    """Arrays of floats of any shape, such as fields or volumes; no range is assumed."""

    shape: tuple[int, ...]
    kind: Literal["arrays"] = "arrays"

    def preview(self, samples: npt.ArrayLike, *, columns: int | None = None) -> Image.Image:
        """Draw the mean over the leading axes as grey images, each scaled to its own range.

        Values that are not finite are drawn as the lowest that is.
        """
        import numpy as np

        from ganzoo.utils.images import image_grid

        array = np.asarray(samples, dtype=np.float32)
        array = np.where(
            np.isfinite(array), array, np.nan
        )  # the mean of both infinities would warn
        array = array.reshape(len(array), -1, *array.shape[-2:]).mean(axis=1, keepdims=True)
        low = np.where(np.isnan(array), np.inf, array).min(axis=(2, 3), keepdims=True)
        high = np.where(np.isnan(array), -np.inf, array).max(axis=(2, 3), keepdims=True)
        spread: npt.NDArray[np.float32] = np.where(high > low, high - low, 1)
        heights = np.where(np.isnan(array), 0, array - low) / spread
        return image_grid(heights * 2 - 1, columns=columns)


SampleSpace = Annotated[Images | Points | Sequences | Arrays, Field(discriminator="kind")]
"""Any of the four; each has ``shape``, ``dtype``, ``decode``, ``encode`` and ``preview``."""


def space_of(shape: tuple[int, ...], dtype: str) -> Images | Points | Sequences | Arrays:
    """Return the sample space of stored arrays.

    Args:
        shape: shape of one sample.
        dtype: name of the type that it is stored in.

    Raises:
        ValueError: no sample space stores such arrays.
    """
    if dtype in {"uint8", "uint16"} and len(shape) == 3:
        return Images(shape[0], shape[1], shape[2], 8 if dtype == "uint8" else 16)
    if dtype == "float32" and len(shape) == 1:
        return Points(shape[0])
    if dtype == "float32" and len(shape) == 2:
        return Sequences(shape[0], shape[1])
    if dtype == "float32" and len(shape) > 2:
        return Arrays(shape)
    raise ValueError(
        "samples must be uint8 or uint16 images (N, C, H, W), or float32 points (N, D), sequences"
        f" (N, C, L) or arrays; these are {dtype} (N, {', '.join(map(str, shape))})"
    )
