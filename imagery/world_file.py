"""World files: the affine transform of an image, as six numbers in a text file beside it."""

import math
from pathlib import Path

from rasterio import Affine

__all__ = ["MAX_BYTES", "world_file_suffixes", "world_transform"]

MAX_BYTES = 2**12
"""Size limit of a world file; six numbers take some hundred bytes."""


def world_file_suffixes(suffix: str) -> tuple[str, ...]:
    """Suffixes of the world files of an image, in order of precedence: `.tfw`, `.tifw`, `.wld` for `.tif`."""
    return f".{suffix[1]}{suffix[-1]}w", f"{suffix}w", ".wld"


def world_transform(image: Path) -> Affine | None:
    """The transform in the world file beside an image, from pixel corners to ground coordinates.

    A world file's lines are a, d, b, e, c, f, with (c, f) the centre of the top left pixel. Each suffix is tried in
    lower and upper case; the image's folder is not listed.

    Args:
        image: path of the image.

    Returns:
        None where there is no world file with the six numbers of an invertible transform.
    """
    if not image.suffix:
        return None
    for suffix in world_file_suffixes(image.suffix):
        for path in (image.with_suffix(suffix.lower()), image.with_suffix(suffix.upper())):
            if (transform := _read(path)) is not None:
                return transform
    return None


def _read(path: Path) -> Affine | None:
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
        lines = [line.strip().replace(",", ".") for line in text.decode("latin-1").splitlines() if line.strip()]
        a, d, b, e, c, f = (float(line) for line in lines[:6])
    except (OSError, ValueError):
        return None
    if len(text) > MAX_BYTES or not all(map(math.isfinite, (a, b, c, d, e, f))) or a * e == b * d:
        return None
    return Affine(a, b, c, d, e, f) @ Affine.translation(-0.5, -0.5)
