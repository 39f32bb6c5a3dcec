"""An image that a visitor has chosen, and its size on the page."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.preprocessing import resize_image

__all__ = ["SourceImage", "display_size", "resized_for_display"]

_LONGEST_SIDE = 1024  # pixels of an image on the page


@dataclass(frozen=True)
class SourceImage:
    """An uploaded image or an example; decoded when it is needed and not kept in memory."""

    name: str
    read: Callable[[], np.ndarray]
    """Decodes it: RGB uint8 [H, W, 3] at full size."""
    key: str
    """Its name in links: an example's name, or an upload's key."""
    path: Path | None = None
    """Of an uploaded file."""
    georeferenced: bool = False
    bands: tuple[int, ...] | None = None
    """The bands to read, counted from 1, where the visitor has chosen: three, or one as grey."""
    band_names: tuple[str, ...] = ()
    """Of the file, where there are more bands than are displayed."""

    @property
    def stem(self) -> str:
        """Beginning of the names of files made from it."""
        return self.key if self.path is None else Path(self.name).stem


def display_size(height: int, width: int) -> tuple[int, int]:
    """Height and width on the page of an image of that size: at most 1,024 pixels on the longer side."""
    factor = max(1, max(height, width) / _LONGEST_SIDE)
    return max(1, round(height / factor)), max(1, round(width / factor))


def resized_for_display(image: np.ndarray) -> np.ndarray:
    """An image, RGB uint8 [H, W, 3], at its display size."""
    height, width = display_size(*image.shape[:2])
    if (height, width) == image.shape[:2]:
        return image
    return np.ascontiguousarray(resize_image(image, (height, width)).permute(1, 2, 0).numpy())
