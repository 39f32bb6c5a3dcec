"""The region that a visitor marks on an image, to and from the region marker of the page."""

import base64
import binascii
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from core.errors import BadInputError
from explain.metrics.localisation import Region

__all__ = ["Marking", "marker_value", "parse_marking"]

_PNG = "data:image/png;base64,"
_UNREADABLE = "the marked region cannot be read; mark it again"


@dataclass(frozen=True)
class Marking:
    """A region marked by a visitor."""

    region: Region
    """The region at the image's display size."""
    box: tuple[int, int, int, int] | None
    """Left, top, right, bottom in pixels of the full-size image; None for a brushed region."""


def marker_value(url: str, alt: str, caption: str, size: tuple[int, int], marking: Marking | None) -> dict[str, object]:
    """Value of the region marker.

    Args:
        url: URL of the image at its display size.
        alt: the image's text alternative.
        caption: text below it.
        size: height and width of the full-size image, pixels.
        marking: the region marked on this image; a box is drawn, a brushed region stays as it is on the page.
    """
    height, width = size
    box = list(marking.box) if marking is not None and marking.box is not None else None
    return {
        "picture": {"src": url, "alt": alt, "caption": caption, "width": width, "height": height},
        "box": box,
        "brushed": marking is not None and box is None,
    }


def parse_marking(value: object, size: tuple[int, int], display: tuple[int, int]) -> Marking | None:
    """Parses a marker's value, which comes from the browser and is not trusted.

    Args:
        value: as the marker returns it.
        size: height and width of the full-size image, pixels.
        display: height and width of the image on the page, pixels.

    Returns:
        None where nothing is marked.

    Raises:
        BadInputError: it is not a region of this image.
    """
    if isinstance(value, dict):
        value = {name: value[name] for name in ("box", "mask") if value.get(name)}
    if not value:
        return None
    match value:
        case {"box": [left, top, right, bottom]} if all(type(side) is int for side in (left, top, right, bottom)):
            if right <= left or bottom <= top:
                raise BadInputError("the box has no area; draw it again")
            down, across = display[0] / size[0], display[1] / size[1]
            y0, x0 = int(top * down), int(left * across)
            y1, x1 = max(y0 + 1, round(bottom * down)), max(x0 + 1, round(right * across))
            return Marking(Region.from_box((x0, y0, x1, y1), display), (left, top, right, bottom))
        case {"mask": str(url)} if url.startswith(_PNG):
            return Marking(Region.from_mask(_mask(url), display), None)
    raise BadInputError(_UNREADABLE)


def _mask(url: str) -> np.ndarray:
    """Opaque pixels of a PNG, bool [H, W]."""
    try:
        with Image.open(BytesIO(base64.b64decode(url[len(_PNG) :], validate=True)), formats=["PNG"]) as picture:
            if picture.width * picture.height > 2**22:
                raise BadInputError("the marked region is larger than any supported image; mark it again")
            return np.asarray(picture.convert("RGBA"))[..., 3] > 127
    except BadInputError:
        raise
    except (binascii.Error, UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise BadInputError(_UNREADABLE) from None
