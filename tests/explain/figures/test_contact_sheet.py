"""Contact sheets: their pages, cells and captions."""

from io import BytesIO

import numpy as np
from PIL import Image

from explain.figures.contact_sheet import CELL, PER_SHEET, contact_sheets


def strip(colour: tuple[int, int, int]) -> bytes:
    data = BytesIO()
    Image.new("RGB", (3 * CELL, CELL), colour).save(data, "PNG")
    return data.getvalue()


def test_images_beyond_one_sheet_are_on_the_next() -> None:
    cells = [(f"{number}.png", strip((255, 0, 0))) for number in range(PER_SHEET + 1)]
    first, second = contact_sheets(cells)
    assert first.width == second.width
    assert first.height > 5 * second.height
    assert not list(contact_sheets([]))


def test_images_follow_the_order_of_the_cells() -> None:
    colours = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (9, 9, 9)]  # three in a row, then the next
    (sheet,) = contact_sheets([("image", strip(colour)) for colour in colours])
    pixels = np.asarray(sheet)
    corners = [np.argwhere((pixels == colour).all(axis=2)).min(axis=0) for colour in colours]
    (top, left), (_, middle), (_, right), (below, under) = corners
    assert left < middle < right
    assert (under, top < below) == (left, True)


def test_an_image_without_thumbnails_has_its_caption() -> None:
    (empty,) = contact_sheets([("", None)])
    (captioned,) = contact_sheets([("bad.tif\nnot an image", None)])
    difference = np.argwhere(np.asarray(empty) != np.asarray(captioned))
    assert difference[:, 0].min() > CELL  # below where the thumbnails would be
