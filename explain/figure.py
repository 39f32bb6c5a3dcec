"""Heatmaps as pictures: laid over the image, and side by side in a figure."""

import math
import warnings
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from PIL import Image
from scipy.ndimage import binary_erosion

from explain.analysis import Heatmap, NetworkAnalysis, PairAnalysis, Question
from explain.cam import METHODS
from explain.layers import FUSED
from explain.region import Region, against_region
from models.errors import BadInputError

__all__ = [
    "COLOUR_MAPS",
    "DIVERGING",
    "FONTS",
    "PLAIN",
    "SCALED_BY",
    "SCALES",
    "TITLES",
    "Style",
    "difference",
    "difference_end",
    "difference_overlay",
    "interpolated",
    "layer_words",
    "levels",
    "overlay",
    "panel_title",
    "panel_words",
    "percent",
    "scaled",
    "side_by_side",
    "text",
]

COLOUR_MAPS = ("inferno", "viridis", "cividis", "jet")
"""matplotlib's names: three perceptually uniform ones, dark where there is nothing, then the one of many papers."""
_LEAST_DIFFERENCE = 0.1
DIVERGING = "RdBu_r"
"""For differences: blue below zero, red above; told apart by the colour-blind."""
SCALES = ("own", "shared")
TITLES = {"baseline": "Baseline", "scff": "With SCFF"}

SCALED_BY = {"own": "share of each map's maximum", "shared": "share of both maps' maximum"}
_DPI = 100
_OUTLINE = (255, 225, 77)
_LEAST_PANEL = 400  # pixels; smaller images are enlarged by a whole factor, each pixel a square
_installed = {font.name for font in font_manager.fontManager.ttflist}
FONTS = [
    name
    for name in ("DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei", "PingFang SC", "SimHei")
    if name in _installed
]
# A name in a script that no installed font has is drawn as boxes; the file itself is named beside the figure.
warnings.filterwarnings("ignore", message="Glyph .* missing from font")


@dataclass(frozen=True)
class Style:
    """How heatmaps are drawn.

    Raises:
        BadInputError: a value is unknown or out of range.
    """

    colour_map: str = COLOUR_MAPS[0]
    """A name in COLOUR_MAPS."""
    scale: str = SCALES[0]
    """own: from zero to each map's own maximum; shared: to the larger maximum of both."""
    opacity: float = 0.55
    """Of the heatmap, 0 to 1."""

    def __post_init__(self) -> None:
        for name, known in (("colour_map", COLOUR_MAPS), ("scale", SCALES)):
            if getattr(self, name) not in known:
                words = name.replace("_", " ")
                raise BadInputError(f"unknown {words} {getattr(self, name)!r}; known: {', '.join(known)}")
        if not 0 <= self.opacity <= 1:
            raise BadInputError(f"opacity must be from 0 to 1, got {self.opacity}")


PLAIN = Style()


def scaled(heatmaps: dict[str, Heatmap], style: Style) -> dict[str, np.ndarray | None]:
    """Heatmaps as shares from 0 to 1 of what the style scales them by, by role; None for an empty one."""
    largest = max(heatmap.values.max() for heatmap in heatmaps.values())
    return {
        role: None if heatmap.empty else heatmap.values / (largest if style.scale == "shared" else heatmap.values.max())
        for role, heatmap in heatmaps.items()
    }


def difference(heatmaps: dict[str, Heatmap], style: Style) -> np.ndarray | None:
    """SCFF's map minus the baseline's, as scaled, from -1 to 1; None where both are empty."""
    shares = scaled(heatmaps, style)
    if all(share is None for share in shares.values()):
        return None
    baseline, scff = (
        np.zeros_like(heatmaps[role].values) if shares[role] is None else shares[role] for role in ("baseline", "scff")
    )
    return scff - baseline


def interpolated(values: np.ndarray, width: int, height: int) -> np.ndarray:
    """A map [h, w] of any size, bilinearly: float32 [height, width]."""
    large = Image.fromarray(values.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(large)


def overlay(image: np.ndarray, share: np.ndarray | None, style: Style) -> np.ndarray:
    """Lays a scaled heatmap over its image.

    Args:
        image: RGB uint8 [H, W, 3].
        share: 0 to 1, [h, w] of any size; interpolated bilinearly to the image's. None for an empty map.
        style: of drawing.

    Returns:
        RGB uint8 [H, W, 3]; the image itself where the map is empty.
    """
    return _laid_over(image, share, style.colour_map, style.opacity)


def difference_end(*changes: np.ndarray | None) -> float:
    """What the colours of differences run to in either direction: the largest of all, in hundredths.

    It is 0.1 at least, so that maps that are nearly alike look it.
    """
    largest = max((float(np.abs(change).max()) for change in changes if change is not None), default=0.0)
    return max(_LEAST_DIFFERENCE, math.ceil(round(100 * largest, 6)) / 100)


def difference_overlay(image: np.ndarray, values: np.ndarray | None, end: float, style: Style) -> np.ndarray:
    """The same of a difference, from -end to end, in diverging colours centred at zero."""
    return _laid_over(image, None if values is None else (values / end + 1) / 2, DIVERGING, style.opacity)


def side_by_side(
    analysis: PairAnalysis,
    heatmaps: dict[str, Heatmap],
    name: str,
    question: Question,
    style: Style = PLAIN,
    region: Region | None = None,
) -> Image.Image:
    """A figure of the image, both overlays and their difference, at the image's own resolution, with colour bars.

    Args:
        analysis: of the image.
        heatmaps: both networks', by role.
        name: of the image, for its title.
        question: that the heatmaps answer.
        style: of drawing.
        region: of the image, which is outlined in every panel.

    Returns:
        The figure; pixels of the image are pixels of the figure. An image less than 400 pixels wide is enlarged by
        a whole factor.
    """
    image, shares = analysis.image, scaled(heatmaps, style)
    panels = {"Image\n" + _shortened(name): image}
    for role, heatmap in heatmaps.items():
        title = panel_title(role, analysis.runs[role], heatmap, METHODS[question.method].knows_class)
        panels[title] = overlay(image, shares[role], style)
    change = difference(heatmaps, style)
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
        _colour_bar((bar, height), line, DIVERGING, (-end, end), "less with SCFF, more with SCFF"), (left, top)
    )
    figure.paste(
        text(_caption(analysis, heatmaps, question, region), (4 * width, bottom), 0.8 * line, centred=False),
        (line, top + height),
    )
    return figure


def panel_title(role: str, run: NetworkAnalysis, heatmap: Heatmap, of_class: bool = True) -> str:
    """Two lines: which network predicts what, and what its heatmap shows."""
    return f"{TITLES[role]}: {panel_words(run, heatmap, of_class)}"


def panel_words(run: NetworkAnalysis, heatmap: Heatmap, of_class: bool = True) -> str:
    """Two lines: what a network predicts, and what its heatmap, by a method that knows a class or not, shows."""
    classes = run.loaded.header.classes
    first = f"{classes[run.prediction]}, {percent(run.probabilities[run.prediction])}"
    over = "" if heatmap.against is None else f" over {classes[heatmap.against]}"
    if not of_class:
        return f"{first}\n{'empty map' if heatmap.empty else 'heatmap of no class'}"
    if heatmap.empty:
        return f"{first}\nempty map: no evidence for {classes[heatmap.target]}{over}"
    if heatmap.target == run.prediction:
        return f"{first}\nheatmap of its prediction{over}"
    return f"{first}\nheatmap of {classes[heatmap.target]}, {percent(run.probabilities[heatmap.target])}{over}"


def layer_words(layer: str) -> str:
    """What a layer is, for captions."""
    if layer == FUSED:
        return "the classifier's input"
    return f"stage {layer}" if layer[0] == "X" else f"fused map {layer} (without SCFF: stage X{layer[1:]})"


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


def text(words: str, size: tuple[int, int], line: float, centred: bool) -> Image.Image:
    """Lines of a height in pixels, at the bottom of a strip (centred) or at its middle left."""
    figure = _canvas(size)
    x, align, y, base = (0.5, "center", 0.6 * line / size[1], "bottom") if centred else (0, "left", 0.5, "center")
    figure.text(x, y, words, ha=align, va=base, fontsize=_points(line), linespacing=1.3, family=FONTS, parse_math=False)
    return _drawn(figure)


def levels(share: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """What of a colour map each pixel of an overlay takes.

    Args:
        share: 0 to 1, [h, w] of any size; interpolated bilinearly.
        size: (H, W) of the image in pixels.

    Returns:
        uint8 [H, W], from the map's first colour, 0, to its last, 255.
    """
    return np.rint(interpolated(share, size[1], size[0]) * 255).astype(np.uint8)


def _laid_over(image: np.ndarray, share: np.ndarray | None, colour_map: str, opacity: float) -> np.ndarray:
    if share is None:
        return image.copy()
    colours = matplotlib.colormaps[colour_map](levels(share, image.shape[:2]), bytes=True)[..., :3]
    return np.asarray(Image.blend(Image.fromarray(image), Image.fromarray(colours), opacity))


def _outlined(panel: np.ndarray, mask: np.ndarray, thickness: int) -> np.ndarray:
    """A panel [H, W, 3] with the inner edge of a mask [H, W] in yellow, of a thickness in pixels."""
    edge = mask & ~binary_erosion(mask, iterations=thickness)
    return np.where(edge[..., None], np.array(_OUTLINE, dtype=np.uint8), panel)


def _caption(
    analysis: PairAnalysis, heatmaps: dict[str, Heatmap], question: Question, region: Region | None = None
) -> str:
    cells = " x ".join(str(side) for side in reversed(next(iter(heatmaps.values())).values.shape))
    smoothing = ""
    if question.smoothing is not None:
        smoothing = f", the mean over {question.smoothing.samples} noisy copies"
    return (
        f"{analysis.pair.name} ({analysis.pair.baseline.header.arch}). {METHODS[question.method].title} of "
        f"{layer_words(question.layer)}{smoothing}, {cells} cells, interpolated.{_inside(heatmaps, region)}"
    )


def _inside(heatmaps: dict[str, Heatmap], region: Region | None) -> str:
    """How much of each map lies in a region."""
    if region is None:
        return ""
    found = {role: against_region(heatmap.values, region) for role, heatmap in heatmaps.items()}
    shares = (f"{TITLES[role]}: {'none' if one is None else percent(one.energy)}" for role, one in found.items())
    return f" Of each map's sum, inside the outlined region of {region.mask.mean():.1%}: {', '.join(shares)}."


def _colour_bar(
    size: tuple[int, int], line: float, colour_map: str, ends: tuple[float, float], words: str
) -> Image.Image:
    """The colours between two values, as high as the panels."""
    figure = _canvas(size)
    margin = 0.4 * line / size[1]  # half a tick label
    axes = figure.add_axes((0, margin, 0.14, 1 - 2 * margin))
    shades = ScalarMappable(Normalize(*ends), colour_map)
    colours = figure.colorbar(shades, cax=axes, ticks=[ends[0], sum(ends) / 2, ends[1]])
    colours.ax.tick_params(labelsize=_points(0.8 * line))
    colours.set_label(words, fontsize=_points(0.8 * line))
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
