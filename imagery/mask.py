"""Region masks: which pixels of an image lie inside a region."""

from pathlib import Path

import numpy as np

from core.errors import BadInputError
from imagery.reading import open_image

__all__ = ["read_mask"]


def read_mask(path: Path) -> np.ndarray:
    """Reads a mask with its stored values, without the contrast stretch of images.

    Args:
        path: a file of any supported image format; like an image it is opened without files beside it.

    Returns:
        bool [H, W]: True inside the region, where any of the first three bands is not zero. Missing pixels (nodata,
        NaN, transparency) are outside.

    Raises:
        BadInputError: the file is missing or cannot be read.
    """
    if not path.is_file():
        raise BadInputError(f"{path}: no such file")
    try:
        with open_image(path) as raster:
            bands = raster.read(list(range(1, min(raster.count, 3) + 1)), masked=True)
            valid = raster.dataset_mask() > 0
    except BadInputError:
        raise BadInputError(f"{path}: cannot be read as a mask; save it as TIFF or PNG") from None
    return (np.ma.masked_invalid(bands).filled(0) != 0).any(axis=0) & valid
