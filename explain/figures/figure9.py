"""Many images and pairs in one figure, as the paper's Figure 9: heatmaps without and with SCFF side by side."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from matplotlib.cm import ScalarMappable

from explain.cam.analysis import NetworkAnalysis
from explain.cam.methods import METHODS
from explain.explanation import Explanation
from explain.figures.labels import TITLES, layer_label, percent
from explain.figures.overlay import overlay, scaled
from explain.figures.page import Page, printable, wrapped
from explain.figures.style import SCALED_BY, Style

__all__ = ["grid"]

# In inches: panel width, gap, and room for names, labels, colour bar, header, caption, margins.
_PANEL, _GAP = 1.5, 0.09
_NAMES, _WORDS, _BAR = 1.5, 0.24, 0.9
_HEAD, _FOOT, _EDGE = 0.85, 0.5, 0.15
_DPI = 200
_NAME_LINES = 3


def grid(names: Sequence[str], columns: Mapping[str, Sequence[Explanation]], style: Style, ending: str) -> bytes:
    """Figure with one row per image; its columns are the image, then two heatmaps for each pair.

    Args:
        names: the images' names, one per row.
        columns: the images' explanations in that order, keyed by pair; layer and method are the same for all.
        style: style of the overlays.
        ending: a suffix in explain.figures.style.FORMATS.

    Returns:
        The file's content, from explain.figures.page.Page.
    """
    images = [explanation.analysis.image for explanation in next(iter(columns.values()))]
    panels = {name: _panel(image) for name, image in zip(names, images, strict=True)}
    across = 1 + 2 * len(columns)
    width = _NAMES + across * (_PANEL + _GAP) + _BAR
    page = Page((width, sum(height + _WORDS for _, height in panels.values()) + _HEAD + _FOOT), _DPI)
    top = _HEAD
    for row, (name, (panel, height)) in enumerate(panels.items()):
        page.write(_lines(name), (_NAMES - 0.1, top + height / 2), 7, ha="right", va="center")
        page.show(images[row], (_NAMES + (_PANEL - panel) / 2, top), (panel, height))
        for i, (run, share) in enumerate(_heatmaps([column[row] for column in columns.values()], style), start=1):
            left = _NAMES + i * (_PANEL + _GAP)
            page.show(overlay(images[row], share, style), (left + (_PANEL - panel) / 2, top), (panel, height))
            label = f"{run.loaded.header.classes[run.prediction]}, {percent(run.probabilities[run.prediction])}"
            label += " (empty map)" if share is None else ""
            page.write(label, (left + _PANEL / 2, top + height + 0.05), 6, ha="center", va="top")
        top += height + _WORDS
    page.write("Image", (_NAMES + _PANEL / 2, _HEAD - 0.06), 8, ha="center", va="bottom")
    for pair, (title, column) in enumerate(columns.items()):
        left = _NAMES + (1 + 2 * pair) * (_PANEL + _GAP)
        arch = column[0].analysis.pair.baseline.header.arch
        page.write(f"{title}\n{arch}", (left + _PANEL + _GAP / 2, 0.12), 8, ha="center", va="top")
        for i, heading in enumerate(TITLES.values()):
            page.write(heading, (left + i * (_PANEL + _GAP) + _PANEL / 2, _HEAD - 0.06), 8, ha="center", va="bottom")
    bar = page.axes((width - _BAR + 0.08, _HEAD), (0.1, top - _WORDS - _HEAD))
    colours = page.figure.colorbar(ScalarMappable(cmap=style.colour_map), cax=bar, ticks=[0, 0.5, 1])
    colours.set_label(SCALED_BY[style.scale], fontsize=7)
    bar.tick_params(labelsize=7)
    caption = wrapped(_caption(next(iter(columns.values()))[0]), width - 2 * _EDGE, 7)
    page.write("\n".join(caption), (_EDGE, top + 0.12), 7)
    return page.file(ending)


def _caption(explanation: Explanation) -> str:
    question = explanation.question
    target = "each network's own prediction"
    if question.target is not None:
        target = explanation.analysis.pair.classes[question.target]
    return (
        f"{METHODS[question.method].title} of {layer_label(question.layer)}, for {target}; below each heatmap: the "
        "network's prediction and its confidence. Heatmaps are interpolated."
    )


def _panel(image: np.ndarray) -> tuple[float, float]:
    """Width and height in inches, with the image's aspect ratio: as wide as a column unless that makes it too high."""
    shape = image.shape[0] / image.shape[1]
    height = min(_PANEL * shape, 1.5 * _PANEL)
    return height / shape, height


def _heatmaps(explanations: Sequence[Explanation], style: Style) -> Iterator[tuple[NetworkAnalysis, np.ndarray | None]]:
    """An image's normalised heatmaps from left to right, each with its network's analysis."""
    for explanation in explanations:
        for role, share in scaled(explanation.heatmaps, style).items():
            yield explanation.analysis.networks[role], share


def _lines(name: str) -> str:
    """A long name over several lines, truncated where it needs more than fit."""
    lines = wrapped(printable(name), _NAMES - 2 * _EDGE, 7)
    if len(lines) > _NAME_LINES:
        lines = [*lines[: _NAME_LINES - 1], f"{lines[_NAME_LINES - 1][:-1]}…"]
    return "\n".join(lines)
