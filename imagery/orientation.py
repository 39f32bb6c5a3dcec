"""The Orientation tag of EXIF and TIFF: how stored pixels are rotated and mirrored for display."""

import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image

from imagery.tiff_tags import tiff_tags

__all__ = ["apply_orientation", "read_orientation", "swaps_sides", "undo_orientation"]

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_WITH_EXIF = ("JPEG", "WEBP")


def read_orientation(path: Path) -> int:
    """The tag's value, 1 to 8; 1 (no change) where a file has no valid one."""
    try:
        value = (tiff_tags(path) or _exif(path)).get(ExifTags.Base.Orientation)
    except Exception:  # damaged tags count as none, and Pillow raises nearly anything for them
        return 1
    return value if value in _FLIPS else 1


def swaps_sides(value: int) -> bool:
    """Whether an orientation exchanges height and width."""
    return value >= 5


def apply_orientation(pixels: np.ndarray, value: int) -> np.ndarray:
    """A view of stored pixels [H, W, ...] in display orientation."""
    if swaps_sides(value):
        pixels = pixels.swapaxes(0, 1)
    down, across = _FLIPS[value]
    return pixels[:: -1 if down else 1, :: -1 if across else 1]


def undo_orientation(pixels: np.ndarray, value: int) -> np.ndarray:
    """The inverse: a view of displayed pixels [H, W, ...] in stored orientation."""
    down, across = _FLIPS[value]
    pixels = pixels[:: -1 if down else 1, :: -1 if across else 1]
    return pixels.swapaxes(0, 1) if swaps_sides(value) else pixels


def _exif(path: Path) -> Mapping[int, Any]:
    """EXIF tags, without decoding pixels; for a PNG, whose EXIF chunk may be its last, Pillow would decode them."""
    with path.open("rb") as file:
        if file.read(len(_PNG_MAGIC)) != _PNG_MAGIC:
            with Image.open(path, formats=_WITH_EXIF) as image:
                return image.getexif()
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"eXIf":
                exif = Image.Exif()
                exif.load(file.read(length))
                return exif
            file.seek(length + 4, os.SEEK_CUR)  # the chunk and its checksum
    return {}


# Whether to flip vertically and horizontally, after height and width are exchanged where they must be.
_FLIPS = {
    1: (False, False),
    2: (False, True),
    3: (True, True),
    4: (True, False),
    5: (False, False),
    6: (False, True),
    7: (True, True),
    8: (True, False),
}
