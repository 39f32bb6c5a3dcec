"""The tags of a TIFF's first page, also of those TIFFs that Pillow cannot read and of what GDAL keeps to itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import TiffImagePlugin

__all__ = ["TIFF_MAGIC", "tiff_tags"]

TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of TIFF and BigTIFF, in either order of bytes."""

_BIG = TIFF_MAGIC[2:]


def tiff_tags(path: Path) -> Mapping[int, Any]:
    """Values by the tag's number; none where the file is no TIFF or its tags are damaged."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
            if not head.startswith(TIFF_MAGIC):
                return {}
            tags = TiffImagePlugin.ImageFileDirectory_v2(head if head.startswith(_BIG) else head[:8])
            file.seek(tags.next)
            tags.load(file)
            return dict(tags)
    except Exception:  # Pillow raises nearly anything
        return {}
