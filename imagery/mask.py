"""Reading a mask: which pixels of an image are marked."""

from pathlib import Path

import numpy as np

from core.errors import BadInputError
from imagery.reading import open_image

__all__ = ["read_mask"]


def read_mask(path: Path) -> np.ndarray:
    """Reads a mask as it was saved, without the stretching that makes pictures of deep samples.

    Args:
        path: a file of a kind that images may have; it is read alone, as they are.

    Returns:
        bool [H, W]: where any of the first three bands is not zero. Where the file says that there is nothing (nodata,
        NaN, transparency) nothing is marked.

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
