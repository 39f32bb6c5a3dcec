"""Heatmaps as pictures: laid over the image, and side by side in a figure."""

from io import BytesIO

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from PIL import Image

from explain.analysis import Heatmap, NetworkAnalysis, PairAnalysis
from models.checkpoint import Pair

__all__ = ["COLOUR_MAP", "OPACITY", "TITLES", "overlay", "percent", "side_by_side"]

COLOUR_MAP = "inferno"
"""matplotlib's name of a perceptually uniform map that is dark where there is nothing."""
OPACITY = 0.55
TITLES = {"baseline": "Baseline", "scff": "With SCFF"}

_DPI = 100
_LEAST_PANEL = 400  # pixels; smaller images are enlarged by a whole factor, each pixel a square
_MOST_PIXELS = 60_000  # the canvas allows 65,536 a side


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
    analysis: PairAnalysis, baseline: Heatmap, scff: Heatmap, name: str, opacity: float = OPACITY
) -> bytes:
    """A figure of the image and both overlays at the image's own resolution, with a colour bar.

    Args:
        analysis: of the image.
        baseline: the baseline's heatmap.
        scff: the heatmap with SCFF.
        name: of the image, for the caption.
        opacity: of the heatmaps, 0 to 1.

    Returns:
        PNG. An image less than 400 pixels wide is enlarged by a whole factor; one too wide for three beside each
        other in a figure is reduced.
    """
    panels = {
        f"Image\n{_shortened(name)}": analysis.image,
        _title("baseline", analysis.baseline, baseline): overlay(analysis.image, baseline, opacity),
        _title("scff", analysis.scff, scff): overlay(analysis.image, scff, opacity),
    }
    panels = {title: _fitted(panel) for title, panel in panels.items()}
    height, width = next(iter(panels.values())).shape[:2]
    unit = max(12, width // 32)  # height of a line of text, in pixels
    gap, top, bottom, bar = unit, 4 * unit, 3 * unit, 5 * unit
    size = (3 * width + 4 * gap + bar, height + top + bottom)
    figure = Figure(figsize=(size[0] / _DPI, size[1] / _DPI), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    points = unit * 72 / _DPI
    for column, (title, panel) in enumerate(panels.items()):
        left = gap + column * (width + gap)
        figure.figimage(panel, left, bottom, origin="upper")
        figure.text(
            (left + width / 2) / size[0],
            (bottom + height + unit * 0.6) / size[1],
            title,
            ha="center",
            va="bottom",
            fontsize=points,
            linespacing=1.3,
        )
    axes = figure.add_axes(((3 * width + 4 * gap) / size[0], bottom / size[1], 0.7 * unit / size[0], height / size[1]))
    colours = figure.colorbar(ScalarMappable(cmap=COLOUR_MAP), cax=axes, ticks=[0, 0.5, 1])
    colours.ax.tick_params(labelsize=0.8 * points)
    colours.set_label("share of each map's maximum", fontsize=0.8 * points)
    figure.text(gap / size[0], unit / size[1], _caption(analysis.pair), fontsize=0.8 * points, color="0.3", va="center")
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    return buffer.getvalue()


def percent(share: float) -> str:
    """A probability in words that never round to certainty: at most 99.9 %, at least 0.1 %."""
    if share > 0.999:
        return "> 99.9 %"
    if share < 0.001:
        return "< 0.1 %"
    return f"{share:.1%}".replace("%", " %")


def _title(role: str, run: NetworkAnalysis, heatmap: Heatmap) -> str:
    classes = run.loaded.header.classes
    lines = [f"{TITLES[role]}: {classes[run.prediction]}, {percent(run.probabilities[run.prediction])}"]
    if heatmap.empty:
        lines.append(f"no evidence for {classes[heatmap.target]}: empty map")
    elif heatmap.target == run.prediction:
        lines.append("heatmap of its prediction")
    else:
        lines.append(f"heatmap of {classes[heatmap.target]}, {percent(run.probabilities[heatmap.target])}")
    return "\n".join(lines)


def _shortened(name: str, most: int = 40) -> str:
    return name if len(name) <= most else f"{name[: most // 2]}…{name[-most // 2 + 1 :]}"


def _caption(pair: Pair) -> str:
    return f"{pair.name} ({pair.baseline.header.arch}). Grad-CAM++ of the classifier's input."


def _fitted(panel: np.ndarray) -> np.ndarray:
    height, width = panel.shape[:2]
    if width < _LEAST_PANEL:
        factor = -(-_LEAST_PANEL // width)
        return panel.repeat(factor, axis=0).repeat(factor, axis=1)
    factor = max(3.5 * width, 1.5 * height) / _MOST_PIXELS
    if factor <= 1:
        return panel
    return np.asarray(Image.fromarray(panel).resize((int(width / factor), int(height / factor))))
