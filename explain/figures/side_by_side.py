"""The side-by-side figure of one image: image, both overlays, their difference."""

from io import BytesIO

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from PIL import Image
from scipy.ndimage import binary_erosion

from explain.cam.methods import METHODS
from explain.explanation import Explanation
from explain.figures.labels import TITLES, layer_label, panel_title, percent
from explain.figures.overlay import difference, difference_end, difference_overlay, overlay, scaled
from explain.figures.style import DIVERGING, PLAIN, SCALED_BY, Style
from explain.figures.text import blank_figure, rasterised, text, to_points
from explain.metrics.localisation import Region

__all__ = ["side_by_side", "side_by_side_png"]

_OUTLINE = (255, 225, 77)
_LONGEST_NAME = 40  # characters
_LEAST_PANEL = 400  # in pixels; smaller images are enlarged by a whole factor, without interpolation


def side_by_side_png(explanation: Explanation, name: str, style: Style, region: Region | None = None) -> bytes:
    """The side-by-side figure as PNG."""
    data = BytesIO()
    side_by_side(explanation, name, style, region).save(data, "PNG")
    return data.getvalue()


def side_by_side(
    explanation: Explanation, name: str, style: Style = PLAIN, region: Region | None = None
) -> Image.Image:
    """A figure of the image, both overlays and their difference, at the image's own resolution, with colour bars.

    Args:
        explanation: the image's explanation.
        name: the image's name, for its title.
        style: style of the overlays.
        region: region of the image, outlined in every panel.

    Returns:
        The figure, in which each image pixel is one pixel; an image less than 400 pixels wide is enlarged by a whole
        factor.
    """
    analysis, knows_class = explanation.analysis, METHODS[explanation.question.method].knows_class
    image, shares = analysis.image, scaled(explanation.heatmaps, style)
    panels = {"Image\n" + _shortened(name): image}
    for role, heatmap in explanation.heatmaps.items():
        title = panel_title(role, analysis.networks[role], heatmap, knows_class)
        panels[title] = overlay(image, shares[role], style)
    change = difference(explanation.heatmaps, style)
    end = difference_end(change)
    panels["Difference\nSCFF minus baseline"] = difference_overlay(image, change, end, style)
    factor = max(1, -(-_LEAST_PANEL // image.shape[1]))
    height, width = (side * factor for side in image.shape[:2])
    line = max(12, min(width // 32, height // 12))  # height of a line of text, in pixels
    top, bottom, bar = 4 * line, 3 * line, 6 * line
    figure = Image.new("RGB", (4 * width + 5 * line + 2 * bar, top + height + bottom), "white")
    left = line
    for column, (title, panel) in enumerate(panels.items()):
        shown = panel if region is None else _outlined(panel, region.mask, max(1, line // (6 * factor)))
        figure.paste(_enlarged(shown, factor), (left, top))
        figure.paste(text(title, (width, top), line, centred=True), (left, 0))
        left += width + line
        if column == 2:
            figure.paste(
                _colour_bar((bar, height), line, style.colour_map, (0, 1), SCALED_BY[style.scale]), (left, top)
            )
            left += bar
    figure.paste(
        _colour_bar((bar, height), line, DIVERGING, (-end, end), "← lower with SCFF, higher with SCFF →"), (left, top)
    )
    figure.paste(
        text(_caption(explanation, region), (4 * width, bottom), 0.8 * line, centred=False),
        (line, top + height),
    )
    return figure


def _shortened(name: str) -> str:
    half = _LONGEST_NAME // 2
    return name if len(name) <= _LONGEST_NAME else f"{name[:half]}…{name[1 - half :]}"


def _enlarged(panel: np.ndarray, factor: int) -> Image.Image:
    picture = Image.fromarray(panel)
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)


def _outlined(panel: np.ndarray, mask: np.ndarray, thickness: int) -> np.ndarray:
    """A panel [H, W, 3] with the inner edge of a mask [H, W] in yellow; thickness in pixels."""
    edge = mask & ~np.asarray(binary_erosion(mask, iterations=thickness), dtype=bool)
    return np.where(edge[..., None], np.array(_OUTLINE, dtype=np.uint8), panel)


def _caption(explanation: Explanation, region: Region | None) -> str:
    pair, question = explanation.analysis.pair, explanation.question
    cells = " x ".join(str(side) for side in reversed(explanation.heatmaps["scff"].values.shape))
    smoothing = "" if question.smoothing is None else f", SmoothGrad over {question.smoothing.samples} samples"
    return (
        f"{pair.name} ({pair.baseline.header.arch}). {METHODS[question.method].title} of "
        f"{layer_label(question.layer)}{smoothing}, {cells} cells, interpolated.{_energy(explanation, region)}"
    )


def _energy(explanation: Explanation, region: Region | None) -> str:
    """Text: the fraction of each heatmap's energy inside a region."""
    if region is None:
        return ""
    found = explanation.localisation(region)
    shares = (f"{TITLES[role]}: {'none' if one is None else percent(one.energy)}" for role, one in found.items())
    return f" Energy inside the outlined region, {region.mask.mean():.1%} of the image: {', '.join(shares)}."


def _colour_bar(
    size: tuple[int, int], line: float, colour_map: str, ends: tuple[float, float], label: str
) -> Image.Image:
    """A colour bar between two values as an RGB image of a given (width, height) in pixels."""
    figure = blank_figure(size)
    margin = 0.4 * line / size[1]  # half a tick label
    axes = figure.add_axes((0, margin, 0.14, 1 - 2 * margin))
    shades = ScalarMappable(Normalize(*ends), colour_map)
    colours = figure.colorbar(shades, cax=axes, ticks=[ends[0], sum(ends) / 2, ends[1]])
    colours.ax.tick_params(labelsize=to_points(0.8 * line))
    colours.set_label(label, fontsize=to_points(0.8 * line))
    return rasterised(figure)
