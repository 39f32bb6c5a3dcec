"""PNG of images and heatmaps."""

from io import BytesIO

import numpy as np
from matplotlib import colormaps
from PIL import Image

from app.components.png import palette_png, png
from tests.conftest import texture


def test_png_preserves_pixels() -> None:
    image = texture(0, 0)
    assert np.array_equal(Image.open(BytesIO(png(image))), image)


def test_palette_png_uses_the_colour_map() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    drawn = np.asarray(Image.open(BytesIO(palette_png(levels, "inferno"))).convert("RGB"))
    expected = colormaps["inferno"](np.linspace(0, 1, 256))[:, :3].reshape(16, 16, 3) * 255
    assert np.abs(drawn - expected).max() <= 1
