"""The image that a visitor works on, its marked region, and its size on the page."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explain.metrics.localisation import Region
from models.preprocessing import resize_image

__all__ = ["Marking", "SourceImage", "display_size", "resized_for_display"]

_SHOWN = 1024  # pixels of a picture's longer side on the page


@dataclass(frozen=True)
class SourceImage:
    """The image that a visitor has chosen."""

    name: str
    read: Callable[[], np.ndarray]
    """RGB uint8 [H, W, 3] at its own size; kept as a file and not in memory."""
    key: str
    """What a link calls it: an example's name, or an upload's key."""
    path: Path | None = None
    """Of an uploaded file."""
    georeferenced: bool = False
    """Whether that has a place on the ground."""
    bands: tuple[int, ...] | None = None
    """Which of its bands are read, counted from 1, where the visitor has chosen: three, or one as grey."""
    band_names: tuple[str, ...] = ()
    """Of its bands, where there is something to choose."""

    @property
    def stem(self) -> str:
        """What names of files that are made of it begin with."""
        return self.key if self.path is None else Path(self.name).stem


@dataclass(frozen=True)
class Marking:
    """A region that a visitor has marked."""

    region: Region
    """At the size of the page's image."""
    box: tuple[int, int, int, int] | None
    """Left, top, right, bottom in pixels of the image itself; None for one that was brushed."""


def display_size(height: int, width: int) -> tuple[int, int]:
    """Height and width in pixels that an image of that size has on the page: at most 1,024 on its longer side."""
    factor = max(1, max(height, width) / _SHOWN)
    return max(1, round(height / factor)), max(1, round(width / factor))


def resized_for_display(image: np.ndarray) -> np.ndarray:
    """An image, RGB uint8 [H, W, 3], at the size of the page."""
    height, width = display_size(*image.shape[:2])
    if (height, width) == image.shape[:2]:
        return image
    return np.ascontiguousarray(resize_image(image, (height, width)).permute(1, 2, 0).numpy())
