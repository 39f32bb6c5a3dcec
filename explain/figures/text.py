"""Text rendered by Matplotlib into an image of a given size."""

import numpy as np
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

__all__ = ["FONTS", "blank_figure", "rasterised", "text", "to_points"]

_DPI = 100
_installed = {font.name for font in font_manager.fontManager.ttflist}
FONTS = [
    name
    for name in ("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei", "PingFang SC", "SimHei")
    if name in _installed
]


def text(content: str, size: tuple[int, int], line: float, centred: bool) -> Image.Image:
    """Text as an RGB image of a given (width, height) in pixels, centred at its bottom, or at its middle left.

    Args:
        content: the text, with any line breaks.
        size: (width, height) of the image in pixels.
        line: line height in pixels.
        centred: centred at the bottom; otherwise at the middle left.
    """
    figure = blank_figure(size)
    x, align, y, base = (0.5, "center", 0.6 * line / size[1], "bottom") if centred else (0, "left", 0.5, "center")
    figure.text(
        x, y, content, ha=align, va=base, fontsize=to_points(line), linespacing=1.3, family=FONTS, parse_math=False
    )
    return rasterised(figure)


def blank_figure(size: tuple[int, int]) -> Figure:
    """A white figure of a width and height in pixels."""
    return Figure(figsize=(size[0] / _DPI, size[1] / _DPI), dpi=_DPI, facecolor="white")


def rasterised(figure: Figure) -> Image.Image:
    """A figure as an RGB image."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])


def to_points(pixels: float) -> float:
    """Font size in points for a height in pixels."""
    return pixels * 72 / _DPI
