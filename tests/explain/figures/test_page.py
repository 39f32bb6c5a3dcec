"""Page layout in inches, line wrapping and printable text."""

import re
import zlib
from io import BytesIO

import numpy as np
import pytest
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties
from PIL import Image

from explain.figures.page import Page, line_height, printable, wrapped
from explain.figures.style import FORMATS
from explain.figures.text import FONTS


def page() -> Page:
    """A page of 2 x 1 inches with a picture of 7 x 3 pixels and a line of text."""
    made = Page((2.003, 1), 100)
    made.show(colours(), (0.5, 0.25), (0.7, 0.3))
    made.write("a$x_{$ <&> -- 1", (0.1, 0.7), 7)
    return made


def colours() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, 7, 3), dtype=np.uint8)


def test_picture_is_placed_exactly_and_not_interpolated() -> None:
    picture = np.asarray(Image.open(BytesIO(page().file(".png"))).convert("RGB"))
    assert picture.shape == (100, 200, 3)
    assert np.array_equal(picture[25:55, 50:120], colours().repeat(10, axis=0).repeat(10, axis=1))
    assert (picture[:25] == 255).all()


@pytest.mark.parametrize("ending", FORMATS)
def test_file_is_reproducible(ending: str) -> None:
    assert page().file(ending) == page().file(ending)


def test_pdf_embeds_its_fonts_and_pixels() -> None:
    data = page().file(".pdf")
    fonts = re.findall(rb"/FontName /(\S+)", data)
    assert fonts
    assert data.count(b"/FontFile2") == len(fonts)
    assert b"/Subtype /Type3" not in data
    assert b"CreationDate" not in data
    (picture,) = re.findall(rb"<<[^<>]*(?:<<[^<>]*>>[^<>]*)*/Subtype /Image.*?>>", data, re.DOTALL)[:1]
    assert b"/Width 7" in picture
    assert b"/Height 3" in picture
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", data, re.DOTALL)
    assert any(b"BT" in zlib.decompress(stream) for stream in streams)


def test_svg_needs_no_font() -> None:
    text = page().file(".svg").decode()
    assert "<text" not in text
    assert "font" not in text
    assert "a$x_{$" in text  # as a comment, beside its outlines
    assert "image-rendering:pixelated" in text
    assert "<dc:date>" not in text


@pytest.mark.parametrize("text", ["one two three four five six seven", "n" * 90, "场景" * 20, "a  b", "", "two\nlines"])
def test_wrapped_lines_fit_their_column_and_keep_all_text(text: str) -> None:
    lines = wrapped(text, 0.6, 7)
    ruler, font = RendererAgg(1, 1, 288), FontProperties(family=FONTS, size=7)
    assert all(ruler.get_text_width_height_descent(line, font, False)[0] / 288 <= 0.6 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "").replace("\n", "")
    if text == "two\nlines":
        assert lines == ["two", "lines"]
    assert line_height(72) == pytest.approx(1.2)


def test_unprintable_characters_are_replaced() -> None:
    assert printable("a\n\t\x00b\udcff.tif") == "a���b�.tif"
    assert printable("场景 $x_{ é.tif") == "场景 $x_{ é.tif"
