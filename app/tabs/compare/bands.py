"""Which bands of a visitor's file are shown as red, green and blue."""

from collections.abc import Sequence
from pathlib import Path

from core.command_line import parse_bands
from core.errors import BadInputError
from imagery.reading import ImageFile
from imagery.tiff_tags import TIFF_MAGIC

__all__ = ["as_colours", "bands_text", "chosen_bands", "linked_bands", "offered_bands"]

_TRANSPARENCY = "alpha"


def offered_bands(path: Path, file: ImageFile) -> tuple[str, ...]:
    """Names of a file's bands where it has more than a picture shows; none where there is nothing to choose.

    One more that is marked as transparency is none to look at, but in a TIFF, where the mark is often wrong.

    Args:
        path: of the file.
        file: what its header says.
    """
    more = file.bands - (3 if file.bands >= 3 else 1)
    if more == 0 or (more == 1 and file.band_names[-1] == _TRANSPARENCY and not _is_tiff(path)):
        return ()
    return file.band_names


def as_colours(bands: tuple[int, ...] | None, names: Sequence[str]) -> tuple[int, int, int]:
    """The bands, counted from 1, that are red, green and blue: those chosen, or what is read where none are."""
    usual = (1, 2, 3) if len(names) >= 3 else (1,)
    red, *others = bands or usual
    return (red, *others) if others else (red, red, red)


def chosen_bands(values: Sequence[object], names: Sequence[str]) -> tuple[int, ...]:
    """The bands of three controls, which may hold what a visitor has typed; three alike are one, shown as grey.

    Raises:
        BadInputError: one is no number of a band.
    """
    bands = tuple(int(text) if (text := str(value)).isascii() and text.isdigit() else 0 for value in values)
    for band, value in zip(bands, values, strict=True):
        if not 1 <= band <= len(names):
            raise BadInputError(f"{str(value)!r} is no band of this file; choose a number from 1 to {len(names)}")
    return bands[:1] if len(set(bands)) == 1 else bands


def linked_bands(text: str | None, names: Sequence[str]) -> tuple[int, ...] | None:
    """The bands that a link asks for; None, for what is usual, where the file has none such."""
    try:
        bands = parse_bands(text)
    except BadInputError:
        return None
    return bands if bands and max(bands) <= len(names) else None


def bands_text(bands: tuple[int, ...] | None) -> str:
    """What a picture is made of, to follow its name; nothing where it is as usual."""
    if bands is None:
        return ""
    if len(bands) == 1:
        return f", band {bands[0]} as grey"
    return f", bands {bands[0]}, {bands[1]}, {bands[2]} as red, green, blue"


def _is_tiff(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith(TIFF_MAGIC)
