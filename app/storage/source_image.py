"""The image that a visitor has chosen, and its display size."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.preprocessing import resize_image

__all__ = ["SourceImage", "display_size", "resized_for_display"]

_LONGEST_SIDE = 1024  # of an image on the page, in pixels


@dataclass(frozen=True)
class SourceImage:
    """An uploaded image or an example; decoded when it is needed and not kept in memory."""

    name: str
    read: Callable[[], np.ndarray]
    """Decodes the image: RGB uint8 [H, W, 3] at full size."""
    key: str
    """The image's name in links: an example's name, or an upload's key."""
    path: Path | None = None
    """Path of an uploaded file; None for an example."""
    georeferenced: bool = False
    bands: tuple[int, ...] | None = None
    """The bands that the visitor has chosen, counted from 1: three, or one as grey; None for the default."""
    band_names: tuple[str, ...] = ()
    """Names of the file's bands, if it has more than are displayed."""

    @property
    def stem(self) -> str:
        """Stem of the names of exported files."""
        return self.key if self.path is None else Path(self.name).stem


def display_size(height: int, width: int) -> tuple[int, int]:
    """Display size (height, width) of an image: at most 1,024 pixels on the longer side."""
    factor = max(1, max(height, width) / _LONGEST_SIDE)
    return max(1, round(height / factor)), max(1, round(width / factor))


def resized_for_display(image: np.ndarray) -> np.ndarray:
    """An image, RGB uint8 [H, W, 3], resized to its display size."""
    height, width = display_size(*image.shape[:2])
    if (height, width) == image.shape[:2]:
        return image
    return np.ascontiguousarray(resize_image(image, (height, width)).permute(1, 2, 0).numpy())
