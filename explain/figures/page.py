"""Figures for print: laid out in inches, and saved as PDF, SVG or PNG."""

from io import BytesIO
from threading import Lock
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from explain.figures.text import FONTS

__all__ = ["Page", "line_height", "printable", "wrapped"]

# PDF embeds TrueType fonts, which publishers ask for. SVG has no way to embed a font that all viewers support: text
# would be set in another font and overflow. So its letters are outlines, with the text beside them as comments.
_SETTINGS: Any = {"pdf.fonttype": 42, "svg.fonttype": "path", "svg.hashsalt": "scff-lens"}
_NO_DATE = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": {}}
_saving = Lock()  # Matplotlib's settings are global
_POINTS = 72  # per inch


class Page:
    """A figure laid out in inches, from its top left corner.

    Args:
        size: (width, height) in inches, rounded to whole pixels.
        dpi: resolution of a PNG; frames are aligned to whole pixels.
    """

    def __init__(self, size: tuple[float, float], dpi: int) -> None:
        self.dpi = dpi
        self.size = (round(size[0] * dpi) / dpi, round(size[1] * dpi) / dpi)
        self.figure = Figure(figsize=self.size, dpi=dpi, facecolor="white")
        FigureCanvasAgg(self.figure)

    def axes(self, position: tuple[float, float], size: tuple[float, float]) -> Axes:
        """Adds a frame.

        Args:
            position: (left, top) in inches.
            size: (width, height) in inches.
        """
        (left, top), (width, height), (across, down) = position, size, self.size
        left, right, top, bottom = (round(at * self.dpi) / self.dpi for at in (left, left + width, top, top + height))
        return self.figure.add_axes((left / across, 1 - bottom / down, (right - left) / across, (bottom - top) / down))

    def show(self, image: np.ndarray, position: tuple[float, float], size: tuple[float, float]) -> Axes:
        """Adds an image that fills a frame, as axes takes it, without interpolation."""
        axes = self.axes(position, size)
        axes.imshow(image, interpolation="none", aspect="auto")
        axes.set_axis_off()
        return axes

    def write(
        self,
        text: str,
        position: tuple[float, float],
        points: int,
        *,
        ha: str = "left",
        va: str = "top",
        weight: str = "normal",
    ) -> None:
        """Adds text at a position (left, top) in inches, aligned by Matplotlib's ha and va."""
        x, y = position[0] / self.size[0], 1 - position[1] / self.size[1]
        font: dict[str, Any] = {"fontsize": points, "family": FONTS, "weight": weight}
        self.figure.text(x, y, text, ha=ha, va=va, parse_math=False, **font)

    def file(self, ending: str) -> bytes:
        """Renders the page as a file, deterministically.

        Args:
            ending: a suffix in explain.figures.style.FORMATS.

        Returns:
            In PDF fonts are embedded; in SVG letters are outlines.
        """
        data = BytesIO()
        with _saving, matplotlib.rc_context(_SETTINGS):
            self.figure.savefig(data, format=ending.removeprefix("."), metadata=_NO_DATE[ending])
        return data.getvalue()


def printable(name: str) -> str:
    """A file name with line breaks, control characters and invalid Unicode replaced."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in name)


def line_height(points: float) -> float:
    """Line height in inches."""
    return 1.2 * points / _POINTS


def wrapped(text: str, width: float, points: float, weight: str = "normal") -> list[str]:
    """Wraps text to the width of a column; a longer word is broken.

    Args:
        text: text with any fixed line breaks.
        width: width of the column in inches.
        points, weight: font size and weight.
    """
    font, ruler = FontProperties(family=FONTS, size=points, weight=weight), RendererAgg(1, 1, 4 * _POINTS)

    def fits(line: str) -> bool:
        return ruler.get_text_width_height_descent(line, font, ismath=False)[0] / ruler.dpi <= width

    lines = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            if line and fits(f"{line} {word}"):
                line = f"{line} {word}"
                continue
            lines += [line] if line else []
            while not fits(word):
                most = max(1, next(i for i in range(len(word)) if not fits(word[: i + 1])))
                lines.append(word[:most])
                word = word[most:]
            line = word
        lines.append(line)
    return lines
