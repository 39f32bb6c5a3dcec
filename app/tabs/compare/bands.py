"""Which bands of a raster file are displayed as red, green and blue."""

from collections.abc import Sequence
from pathlib import Path

from core.errors import BadInputError
from imagery.band_selection import parse_bands
from imagery.reading import ImageFile
from imagery.tiff_tags import TIFF_MAGIC

__all__ = ["bands_text", "chosen_bands", "displayed_bands", "linked_bands", "offered_bands"]

_TRANSPARENCY = "alpha"


def offered_bands(path: Path, file: ImageFile) -> tuple[str, ...]:
    """Names of a file's bands if it has more than are displayed; otherwise empty.

    A single further band marked as transparency does not count, except in a TIFF, where the mark is often wrong.

    Args:
        path: path of the file.
        file: its header.
    """
    more = file.bands - (3 if file.bands >= 3 else 1)
    if more == 0 or (more == 1 and file.band_names[-1] == _TRANSPARENCY and not _is_tiff(path)):
        return ()
    return file.band_names


def displayed_bands(bands: tuple[int, ...] | None, names: Sequence[str]) -> tuple[int, int, int]:
    """The bands, counted from 1, shown as red, green and blue: those chosen, by default the first."""
    default = (1, 2, 3) if len(names) >= 3 else (1,)
    match bands or default:
        case (red, green, blue):
            return red, green, blue
        case (grey, *_):
            return grey, grey, grey
    raise ValueError(f"one or three bands, got {bands}")


def chosen_bands(values: Sequence[object], names: Sequence[str]) -> tuple[int, ...]:
    """Parses the values of the three band controls, which are free text; three equal bands are one, shown as grey.

    Raises:
        BadInputError: a value is not the number of a band.
    """
    bands = tuple(int(text) if (text := str(value)).isascii() and text.isdigit() else 0 for value in values)
    for band, value in zip(bands, values, strict=True):
        if not 1 <= band <= len(names):
            raise BadInputError(f"{str(value)!r} is not a band of this file; choose a number from 1 to {len(names)}")
    return bands[:1] if len(set(bands)) == 1 else bands


def linked_bands(text: str | None, names: Sequence[str]) -> tuple[int, ...] | None:
    """The bands in a link; None, for the default, if the file has no such bands."""
    try:
        bands = parse_bands(text)
    except BadInputError:
        return None
    return bands if bands and max(bands) <= len(names) else None


def bands_text(bands: tuple[int, ...] | None) -> str:
    """Description of the displayed bands, appended to the image's name; empty for the default."""
    if bands is None:
        return ""
    if len(bands) == 1:
        return f", band {bands[0]} as greyscale"
    return f", bands {bands[0]}, {bands[1]}, {bands[2]} as red, green, blue"


def _is_tiff(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith(TIFF_MAGIC)
