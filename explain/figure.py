"""Heatmaps as pictures: laid over the image, and side by side in a figure."""

import warnings

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from PIL import Image

from explain.analysis import Heatmap, NetworkAnalysis, PairAnalysis

__all__ = ["COLOUR_MAP", "OPACITY", "TITLES", "overlay", "panel_title", "percent", "side_by_side"]

COLOUR_MAP = "inferno"
"""matplotlib's name of a perceptually uniform map that is dark where there is nothing."""
OPACITY = 0.55
TITLES = {"baseline": "Baseline", "scff": "With SCFF"}

_DPI = 100
_LEAST_PANEL = 400  # pixels; smaller images are enlarged by a whole factor, each pixel a square
_installed = {font.name for font in font_manager.fontManager.ttflist}
_FONTS = [
    name
    for name in ("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei", "PingFang SC", "SimHei")
    if name in _installed
]
# A name in a script that no installed font has is drawn as boxes; the file itself is named beside the figure.
warnings.filterwarnings("ignore", message="Glyph .* missing from font")


def overlay(image: np.ndarray, heatmap: Heatmap, opacity: float = OPACITY) -> np.ndarray:
    """Lays a heatmap over its image, coloured from zero to the map's own maximum.

    Args:
        image: RGB uint8 [H, W, 3].
        heatmap: of any size; interpolated bilinearly to the image's.
        opacity: of the heatmap, 0 to 1.

    Returns:
        RGB uint8 [H, W, 3]; the image itself where the heatmap is empty.
    """
    if heatmap.empty:
        return image.copy()
    height, width = image.shape[:2]
    share = Image.fromarray(heatmap.values / heatmap.values.max())
    shade = np.asarray(share.resize((width, height), Image.Resampling.BILINEAR))
    colours = matplotlib.colormaps[COLOUR_MAP](np.rint(shade * 255).astype(np.uint8), bytes=True)[..., :3]
    return np.asarray(Image.blend(Image.fromarray(image), Image.fromarray(colours), opacity))


def side_by_side(
    analysis: PairAnalysis, heatmaps: dict[str, Heatmap], name: str, opacity: float = OPACITY
) -> Image.Image:
    """A figure of the image and both overlays at the image's own resolution, with a colour bar.

    Args:
        analysis: of the image.
        heatmaps: both networks', by role.
        name: of the image, for its title.
        opacity: of the heatmaps, 0 to 1.

    Returns:
        The figure; pixels of the image are pixels of the figure. An image less than 400 pixels wide is enlarged by
        a whole factor.
    """
    panels = {"Image\n" + _shortened(name): analysis.image}
    for role, heatmap in heatmaps.items():
        panels[panel_title(role, analysis.runs[role], heatmap)] = overlay(analysis.image, heatmap, opacity)
    factor = max(1, -(-_LEAST_PANEL // analysis.image.shape[1]))
    height, width = (side * factor for side in analysis.image.shape[:2])
    line = max(12, width // 32)  # height of a line of text, in pixels
    top, bottom, bar = 4 * line, 3 * line, 5 * line
    figure = Image.new("RGB", (3 * width + 4 * line + bar, top + height + bottom), "white")
    for column, (title, panel) in enumerate(panels.items()):
        left = line + column * (width + line)
        figure.paste(_enlarged(panel, factor), (left, top))
        figure.paste(_text(title, (width, top), line, centred=True), (left, 0))
    figure.paste(_colour_bar(bar, height, line), (3 * width + 4 * line, top))
    cells = " x ".join(str(side) for side in reversed(next(iter(heatmaps.values())).values.shape))
    caption = (
        f"{analysis.pair.name} ({analysis.pair.baseline.header.arch}). "
        f"Grad-CAM++ of the classifier's input, {cells} cells, interpolated."
    )
    figure.paste(_text(caption, (3 * width, bottom), 0.8 * line, centred=False), (line, top + height))
    return figure


def panel_title(role: str, run: NetworkAnalysis, heatmap: Heatmap) -> str:
    """Two lines: what a network predicts, and what its heatmap shows."""
    classes = run.loaded.header.classes
    first = f"{TITLES[role]}: {classes[run.prediction]}, {percent(run.probabilities[run.prediction])}"
    if heatmap.empty:
        return f"{first}\nempty map: no evidence for {classes[heatmap.target]}"
    if heatmap.target == run.prediction:
        return f"{first}\nheatmap of its prediction"
    return f"{first}\nheatmap of {classes[heatmap.target]}, {percent(run.probabilities[heatmap.target])}"


def percent(share: float) -> str:
    """A probability in words that never round to certainty: at most 99.9 %, at least 0.1 %."""
    if share > 0.999:
        return "> 99.9 %"
    if share < 0.001:
        return "< 0.1 %"
    return f"{share * 100:.1f} %"


def _shortened(name: str, most: int = 40) -> str:
    return name if len(name) <= most else f"{name[: most // 2]}…{name[-most // 2 + 1 :]}"


def _enlarged(panel: np.ndarray, factor: int) -> Image.Image:
    picture = Image.fromarray(panel)
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


def _text(words: str, size: tuple[int, int], line: float, centred: bool) -> Image.Image:
    """Lines of a height in pixels, at the bottom of a strip (centred) or at its middle left."""
    figure = _canvas(size)
    x, align, y, base = (0.5, "center", 0.6 * line / size[1], "bottom") if centred else (0, "left", 0.5, "center")
    figure.text(
        x, y, words, ha=align, va=base, fontsize=_points(line), linespacing=1.3, family=_FONTS, parse_math=False
    )
    return _drawn(figure)


def _colour_bar(width: int, height: int, line: float) -> Image.Image:
    """The colours from zero to a map's maximum, as high as the panels."""
    figure = _canvas((width, height))
    margin = 0.4 * line / height  # half a tick label
    axes = figure.add_axes((0, margin, 0.14, 1 - 2 * margin))
    colours = figure.colorbar(ScalarMappable(cmap=COLOUR_MAP), cax=axes, ticks=[0, 0.5, 1])
    colours.ax.tick_params(labelsize=_points(0.8 * line))
    colours.set_label("share of each map's maximum", fontsize=_points(0.8 * line))
    return _drawn(figure)


def _canvas(size: tuple[int, int]) -> Figure:
    figure = Figure(figsize=(size[0] / _DPI, size[1] / _DPI), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def _drawn(figure: Figure) -> Image.Image:
    figure.canvas.draw()
    return Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3])


def _points(pixels: float) -> float:
    return pixels * 72 / _DPI
