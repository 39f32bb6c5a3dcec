"""Contact sheets: many images with their heatmaps on one page."""

from collections.abc import Iterator, Sequence
from io import BytesIO

from PIL import Image

from explain.figures.text import text

__all__ = ["CELL", "PER_SHEET", "contact_sheets"]

CELL = 160
"""Longer side of a thumbnail in pixels."""

PER_SHEET = 36
"""Number of images per page."""

_ACROSS = 3
_GAP = 12
_HEAD = 30
_LINE = 13  # height of a line of text, in pixels
_CAPTION = 3 * _LINE + 16


def contact_sheets(cells: Sequence[tuple[str, bytes | None]], heading: str = "") -> Iterator[Image.Image]:
    """Contact sheets with PER_SHEET cells per page.

    Args:
        cells: for each image, a caption of up to three lines, and the encoded thumbnails of the image and both
            overlays side by side, or None.
        heading: line at the top of every page.
    """
    width, height = 3 * CELL, CELL + _CAPTION
    for first in range(0, len(cells), PER_SHEET):
        page = cells[first : first + PER_SHEET]
        rows = -(-len(page) // _ACROSS)
        size = (_ACROSS * (width + _GAP) + _GAP, rows * (height + _GAP) + _GAP + _HEAD)
        sheet = Image.new("RGB", size, "white")
        number = f"page {first // PER_SHEET + 1} of {-(-len(cells) // PER_SHEET)}"
        title = f"{heading}; {number}" if heading else number
        sheet.paste(text(title, (size[0] - 2 * _GAP, _HEAD), _LINE, centred=False), (_GAP, 0))
        for i, (caption, picture) in enumerate(page):
            left, top = _GAP + i % _ACROSS * (width + _GAP), _HEAD + i // _ACROSS * (height + _GAP)
            if picture is not None:
                strip = Image.open(BytesIO(picture))
                sheet.paste(strip, (left, top + CELL - strip.height))
            short = "\n".join(line if len(line) < 70 else f"{line[:34]}…{line[-34:]}" for line in caption.split("\n"))
            sheet.paste(text(short, (width, _CAPTION), _LINE, centred=False), (left, top + CELL))
        yield sheet
