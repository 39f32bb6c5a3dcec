"""Figure of one image for publication: one row per pair, with a complete caption."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from PIL import Image

from core.errors import BadInputError
from core.version import versions
from explain.cam.methods import METHODS
from explain.cam.question import Question
from explain.explanation import Explanation
from explain.figures.labels import TITLES, layer_label, panel_label, resized_text
from explain.figures.overlay import difference, difference_end, difference_overlay, overlay, scaled
from explain.figures.page import Page, line_height, printable, wrapped
from explain.figures.style import DIVERGING, FORMATS, SCALED_BY, Style
from explain.metrics.localisation import Region

__all__ = ["DPI", "LARGEST_PANEL", "print_figure"]

DPI = 300
"""Resolution of a PNG in dots per inch."""
LARGEST_PANEL = 2000
"""Limit on a panel's longer side in PDF and SVG, in pixels; larger images are reduced to it."""

# In inches. Four panels stand side by side across two columns of a journal; those of a wide image one below another.
_EDGE, _GAP, _COLUMN = 0.1, 0.1, 1.67
_WIDTH = 2 * _EDGE + 4 * _COLUMN + 3 * _GAP
_TALLEST, _TALLEST_OF_WIDE = 4.5, 1.0
_WIDE = 3  # width over height
_BAR, _BAR_WORDS = 0.1, 0.42
_TITLE, _SMALL = 8, 7  # points


@dataclass(frozen=True)
class _Panel:
    """A picture with its title above and its caption lines below."""

    title: str
    picture: np.ndarray
    """RGB uint8 [h, w, 3]."""
    lines: list[str]


@dataclass(frozen=True)
class _ColourBar:
    """A horizontal colour bar with its label below."""

    colour_map: str
    """Matplotlib's name."""
    ends: tuple[float, float]
    """Values at its ends."""
    label: str

    def draw(self, page: Page, position: tuple[float, float], width: float) -> None:
        """Draws it at a position (left, top), in inches as its width."""
        bar, (left, top), middle = page.axes(position, (width, _BAR)), position, sum(self.ends) / 2
        shades = ScalarMappable(Normalize(*self.ends), self.colour_map)
        ticks = [self.ends[0], middle, self.ends[1]]
        page.figure.colorbar(shades, cax=bar, orientation="horizontal", ticks=ticks)
        bar.tick_params(labelsize=_SMALL, length=2, pad=1.5)
        page.write(self.label, (left + width / 2, top + _BAR + 0.2), _SMALL, ha="center")


def print_figure(
    rows: Sequence[Explanation], name: str, style: Style, ending: str, region: Region | None = None
) -> bytes:
    """Figure with one row per pair: image, baseline, SCFF and difference; for a wide image the panels are stacked.

    Args:
        rows: explanations of one image at full size, one per pair.
        name: the image's name.
        style: style of the overlays.
        ending: a suffix in explain.figures.style.FORMATS.
        region: region of the image, outlined on every panel.

    Returns:
        The file: 7.18 inches wide, a PNG of 300 dpi. Pixels of the image are not blended with others, unless there
        are more than LARGEST_PANEL along its longer side, or, in a PNG, more than the panel has.

    Raises:
        BadInputError: the ending is not that of a known format.
    """
    if ending not in FORMATS:
        raise BadInputError(f"unknown format {ending!r}; known: {', '.join(FORMATS)}")
    image = rows[0].analysis.image
    stacked = image.shape[1] > _WIDE * image.shape[0]
    column = _WIDTH - 2 * _EDGE if stacked else _COLUMN
    width, height = _fitted(image.shape, column, _TALLEST_OF_WIDE if stacked else _TALLEST)
    most = round(max(width, height) * DPI) if ending == ".png" else LARGEST_PANEL
    small = _reduced(image, most)
    outline = None if region is None else _reduced_mask(region.mask, small.shape[:2])
    headings = [wrapped(_heading(row), _WIDTH - 2 * _EDGE, _TITLE, "bold") for row in rows]
    end = difference_end(*(difference(row.heatmaps, style) for row in rows))
    panels = [_panels(row, small, end, style, column) for row in rows]
    lines = [[[panel] for panel in four] if stacked else [four] for four in panels]
    caption = wrapped(_unbroken(_caption(rows, name, style, region)), _WIDTH - 2 * _EDGE, _SMALL)
    above = line_height(_TITLE) + 0.03

    def height_of(line: list[_Panel]) -> float:
        return above + height + 0.04 + max(len(panel.lines) for panel in line) * line_height(_SMALL) + 0.08

    down = sum(len(heading) * line_height(_TITLE) + 0.06 for heading in headings)
    down += sum(height_of(line) for row in lines for line in row) + _GAP * len(rows)
    down += 2 * _EDGE + _BAR + _BAR_WORDS + len(caption) * line_height(_SMALL)
    page, top = Page((_WIDTH, down), DPI), _EDGE
    for heading, row in zip(headings, lines, strict=True):
        page.write("\n".join(heading), (_EDGE, top), _TITLE, weight="bold")
        top += len(heading) * line_height(_TITLE) + 0.06
        for line in row:
            for i, panel in enumerate(line):
                middle = _EDGE + i * (column + _GAP) + column / 2
                page.write(panel.title, (middle, top), _TITLE, ha="center")
                axes = page.show(panel.picture, (middle - width / 2, top + above), (width, height))
                if outline is not None:
                    _draw_outline(axes, outline)
                page.write("\n".join(panel.lines), (middle, top + above + height + 0.04), _SMALL, ha="center")
            top += height_of(line)
        top += _GAP
    bar, beside = (_WIDTH - 2 * _EDGE - 5 * _GAP) / 2, _EDGE + (_WIDTH - 2 * _EDGE) / 2
    maps = _ColourBar(style.colour_map, (0, 1), f"maps: {SCALED_BY[style.scale]}")
    maps.draw(page, (_EDGE + _GAP, top), bar)
    label = "difference of these fractions: ← lower with SCFF, higher with SCFF →"
    _ColourBar(DIVERGING, (-end, end), label).draw(page, (beside + 1.5 * _GAP, top), bar)
    page.write("\n".join(caption), (_EDGE, top + _BAR + _BAR_WORDS), _SMALL)
    return page.file(ending)


def _panels(row: Explanation, image: np.ndarray, end: float, style: Style, column: float) -> list[_Panel]:
    """The four panels of a pair: image, both overlays and the difference.

    Args:
        row: explanation of the image at full size.
        image: RGB uint8 [h, w, 3], reduced to the panels' size.
        end: the difference's largest absolute value on the colour bar.
        style: style of the overlays.
        column: width of the panels' captions in inches.
    """
    shares, change = scaled(row.heatmaps, style), difference(row.heatmaps, style)
    full = row.analysis.image.shape
    pictures = {
        "Image": (image, f"{full[1]} x {full[0]} pixels"),
        **{TITLES[role]: (overlay(image, shares[role], style), _label(row, role)) for role in row.analysis.networks},
        "Difference": (
            difference_overlay(image, change, end, style),
            "SCFF minus baseline" if change is not None else "none: both heatmaps are empty",
        ),
    }
    return [
        _Panel(
            title, picture, [part for line in label.split("\n") for part in wrapped(printable(line), column, _SMALL)]
        )
        for title, (picture, label) in pictures.items()
    ]


def _label(row: Explanation, role: str) -> str:
    """Prediction and the heatmap's class; for a class-agnostic method, the prediction alone."""
    lines = panel_label(row.analysis.networks[role], row.heatmaps[role])
    if METHODS[row.question.method].knows_class:
        return lines
    return lines.split("\n")[0] + ("\nempty map" if row.heatmaps[role].empty else "")


def _heading(row: Explanation) -> str:
    pair = row.analysis.pair
    return printable(f"{pair.name} ({pair.baseline.header.arch})")


def _caption(rows: Sequence[Explanation], name: str, style: Style, region: Region | None) -> str:
    explained = [_explained(row) for row in rows]
    alike = len(set(explained)) == 1
    pairs = "; ".join(
        f"{_heading(row)}: {resized_text(row.analysis)}, heatmaps of {_cells(row)} cells{'' if alike else f', {each}'}"
        for row, each in zip(rows, explained, strict=True)
    )
    smooth = {_smoothing(row.question) for row in rows}
    known = versions()
    sentences = [
        name,
        f"Baseline and the same network with SCFF, {pairs}",
        explained[0] if alike else "",
        "Below each heatmap: the network's prediction and its confidence",
        f"Colours ({style.colour_map}): {SCALED_BY[style.scale]}, interpolated bilinearly from the cells, at "
        f"{style.opacity * 100:.0f} % over the image; difference: SCFF minus baseline",
        " ".join(sorted(smooth)) if len(smooth) == 1 else "Smoothing differs: " + "; ".join(sorted(smooth)),
        "Outlined: the marked region" if region is not None else "",
        f"SCFF Lens {known['scff-lens']}, torch {known['torch']}, timm {known['timm']}",
    ]
    return printable(" ".join(f"{sentence}." for sentence in sentences if sentence))


def _unbroken(caption: str) -> str:
    """Text with no-break spaces between numbers and units."""
    for sign in (" %", " x "):
        caption = caption.replace(sign, sign.replace(" ", "\xa0"))
    return caption


def _explained(row: Explanation) -> str:
    """Method, layer and target class."""
    question, classes = row.question, row.analysis.pair.classes
    method = METHODS[question.method]
    heatmap = f"{method.title} of {layer_label(question.layer)}"
    if not method.knows_class:
        return f"{heatmap}, class-agnostic"
    target = "each network's own prediction" if question.target is None else classes[question.target]
    if question.against is None:
        return f"{heatmap}, for {target} (its logit)"
    return f"{heatmap}, for {target} over {classes[question.against]} (the difference of their logits)"


def _cells(row: Explanation) -> str:
    height, width = row.heatmaps["scff"].values.shape
    return f"{width} x {height}"


def _smoothing(question: Question) -> str:
    smoothing = question.smoothing
    if smoothing is None:
        return "Not smoothed"
    return f"SmoothGrad: {smoothing.samples} samples with noise of {smoothing.spread * 100:g} % of the image's range"


def _fitted(shape: tuple[int, ...], width: float, height: float) -> tuple[float, float]:
    """The largest (width, height) in a frame of the image's shape [H, W, ...]."""
    scale = min(width / shape[1], height / shape[0])
    return shape[1] * scale, shape[0] * scale


def _reduced(image: np.ndarray, most: int) -> np.ndarray:
    """An image box-filtered to at most so many pixels along its longer side."""
    factor = max(image.shape[:2]) / most
    if factor <= 1:
        return image
    height, width = (max(1, round(side / factor)) for side in image.shape[:2])
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BOX))


def _reduced_mask(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A mask [H, W] resized to another (height, width) by the maximum over each pixel's area."""
    for axis, side in enumerate(size):
        mask = np.logical_or.reduceat(mask, np.arange(side) * mask.shape[axis] // side, axis=axis)
    return mask


def _draw_outline(axes: Axes, mask: np.ndarray) -> None:
    """Outlines a region in white with a dark rim, visible on any colour, also along the image's edge."""
    axes.autoscale(False)  # otherwise the contour, which extends beyond the picture, would shrink it
    framed = np.pad(mask, 1).astype(np.float32)
    down, across = (np.arange(side) - 1 for side in framed.shape)
    for colour, points in (("black", 1.8), ("white", 0.8)):
        axes.contour(across, down, framed, [0.5], colors=colour, linewidths=points).set_clip_on(False)
