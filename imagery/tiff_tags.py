"""Tags of a TIFF's first page, including TIFFs that Pillow cannot decode and tags that GDAL does not report."""

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import TiffImagePlugin

__all__ = ["TIFF_MAGIC", "tiff_tags"]

TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""Magic bytes of TIFF and BigTIFF, in either byte order."""

_BIG_LITTLE_ENDIAN, _BIG_BIG_ENDIAN = TIFF_MAGIC[2:]


def tiff_tags(path: Path) -> Mapping[int, Any]:
    """Tag values by number; empty where the file is not a TIFF or its tags are damaged."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
            if not head.startswith(TIFF_MAGIC):
                return {}
            tags = TiffImagePlugin.ImageFileDirectory_v2(head if head.startswith(_BIG_LITTLE_ENDIAN) else head[:8])
            if head.startswith(_BIG_BIG_ENDIAN):  # Pillow takes it for an ordinary TIFF
                tags._bigtiff = True
                (tags.next,) = struct.unpack(">Q", head[8:])
            file.seek(tags.next)
            tags.load(file)
            return dict(tags)
    except Exception:  # Pillow raises nearly anything
        return {}
