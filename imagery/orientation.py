"""How a stored picture is to be turned before it is shown: the Orientation tag of EXIF and TIFF."""

import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image

from imagery.tiff_tags import tiff_tags

__all__ = ["is_turned", "orientation", "stored", "upright"]

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_WITH_EXIF = ("JPEG", "WEBP")


def orientation(path: Path) -> int:
    """The tag's value, 1 to 8; 1 (as it is) where a file has none, or none that means anything."""
    try:
        value = (tiff_tags(path) or _exif(path)).get(ExifTags.Base.Orientation)
    except Exception:  # damaged tags turn nothing, and Pillow raises nearly anything
        return 1
    return value if value in _MIRRORED else 1


def is_turned(value: int) -> bool:
    """Whether height and width change places."""
    return value >= 5


def upright(pixels: np.ndarray, value: int) -> np.ndarray:
    """A view of stored pixels [H, W, ...] as they are to be shown."""
    if is_turned(value):
        pixels = pixels.swapaxes(0, 1)
    down, across = _MIRRORED[value]
    return pixels[:: -1 if down else 1, :: -1 if across else 1]


def stored(pixels: np.ndarray, value: int) -> np.ndarray:
    """The inverse: a view of shown pixels [H, W, ...] as they are stored."""
    down, across = _MIRRORED[value]
    pixels = pixels[:: -1 if down else 1, :: -1 if across else 1]
    return pixels.swapaxes(0, 1) if is_turned(value) else pixels


def _exif(path: Path) -> Mapping[int, Any]:
    """EXIF tags, without a look at the pixels; Pillow decodes a PNG for them, whose chunk may be its last."""
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


# Upside down and left to right, once height and width are in their places.
_MIRRORED = {
    1: (False, False),
    2: (False, True),
    3: (True, True),
    4: (True, False),
    5: (False, False),
    6: (False, True),
    7: (True, True),
    8: (True, False),
}
