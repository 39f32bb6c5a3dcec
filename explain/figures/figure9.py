"""Many images and many pairs in one figure, as the paper's Figure 9: before and after, side by side."""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.cm import ScalarMappable

from explain.cam.analysis import PairAnalysis
from explain.cam.methods import METHODS
from explain.cam.question import Question
from explain.figures.labels import TITLES, layer_label, percent
from explain.figures.overlay import SCALED_BY, Style, overlay, scaled
from explain.figures.page import FORMATS, Page, printable, wrapped

__all__ = ["FORMATS", "grid"]

# In inches: a panel's width, what lies between two, and what is left for names, words beneath, colour bar, margins.
_PANEL, _GAP = 1.5, 0.09
_NAMES, _WORDS, _BAR = 1.5, 0.24, 0.9
_HEAD, _FOOT, _EDGE = 0.85, 0.5, 0.15
_DPI = 200
_NAME_LINES = 3


def grid(
    names: Sequence[str],
    columns: dict[str, Sequence[PairAnalysis]],
    questions: dict[str, Question],
    style: Style,
    ending: str,
) -> bytes:
    """Images by rows; the image, then two heatmaps for each pair, by columns.

    Args:
        names: of the images, a row each.
        columns: for each pair, by name, the images' analyses in that order.
        questions: what each pair is asked; layer and method are the same for all.
        style: of drawing; a scale shared by both maps of a pair and image, or each its own.
        ending: a name in FORMATS.

    Returns:
        The file, as explain.figures.page.Page makes it.
    """
    panels = {name: _panel(next(iter(columns.values()))[row].image) for row, name in enumerate(names)}
    across = 1 + 2 * len(columns)
    width = _NAMES + across * (_PANEL + _GAP) + _BAR
    page = Page((width, sum(height + _WORDS for _, height in panels.values()) + _HEAD + _FOOT), _DPI)
    top = _HEAD
    for row, (name, (panel, height)) in enumerate(panels.items()):
        page.write(_lines(name), _NAMES - 0.1, top + height / 2, 7, ha="right", va="center")
        page.show(next(iter(columns.values()))[row].image, _NAMES + (_PANEL - panel) / 2, top, panel, height)
        for i, (analysis, role, share) in enumerate(_maps(row, columns, questions, style), start=1):
            left, run = _NAMES + i * (_PANEL + _GAP), analysis.runs[role]
            page.show(overlay(analysis.image, share, style), left + (_PANEL - panel) / 2, top, panel, height)
            said = f"{run.loaded.header.classes[run.prediction]}, {percent(run.probabilities[run.prediction])}"
            said += " (empty)" if share is None else ""
            page.write(said, left + _PANEL / 2, top + height + 0.05, 6, ha="center", va="top")
        top += height + _WORDS
    page.write("Image", _NAMES + _PANEL / 2, _HEAD - 0.06, 8, ha="center", va="bottom")
    for pair, (title, analyses) in enumerate(columns.items()):
        left = _NAMES + (1 + 2 * pair) * (_PANEL + _GAP)
        arch = analyses[0].pair.baseline.header.arch
        page.write(f"{title}\n{arch}", left + _PANEL + _GAP / 2, 0.12, 8, ha="center", va="top")
        for i, heading in enumerate(TITLES.values()):
            page.write(heading, left + i * (_PANEL + _GAP) + _PANEL / 2, _HEAD - 0.06, 8, ha="center", va="bottom")
    bar = page.axes(width - _BAR + 0.08, _HEAD, 0.1, top - _WORDS - _HEAD)
    colours = page.figure.colorbar(ScalarMappable(cmap=style.colour_map), cax=bar, ticks=[0, 0.5, 1])
    colours.set_label(SCALED_BY[style.scale], fontsize=7)
    bar.tick_params(labelsize=7)
    caption = wrapped(_caption(columns, questions), width - 2 * _EDGE, 7)
    page.write("\n".join(caption), _EDGE, top + 0.12, 7)
    return page.file(ending)


def _caption(columns: dict[str, Sequence[PairAnalysis]], questions: dict[str, Question]) -> str:
    question = next(iter(questions.values()))
    explained = "each network's own prediction"
    if question.target is not None:
        pair = next(iter(columns.values()))[0].pair
        explained = pair.classes[question.target]
    return (
        f"{METHODS[question.method].title} of {layer_label(question.layer)}, for {explained}; "
        "beneath each map the network's prediction and its probability. Maps are interpolated."
    )


def _panel(image: np.ndarray) -> tuple[float, float]:
    """Width and height in inches, in the image's own shape: as wide as a column, unless that made it too high."""
    shape = image.shape[0] / image.shape[1]
    height = min(_PANEL * shape, 1.5 * _PANEL)
    return height / shape, height


def _maps(
    row: int, columns: dict[str, Sequence[PairAnalysis]], questions: dict[str, Question], style: Style
) -> Iterator[tuple[PairAnalysis, str, np.ndarray | None]]:
    """An image's heatmaps from left to right, with whose they are."""
    for title, analyses in columns.items():
        maps = analyses[row].heatmaps(questions[title])
        for role, share in scaled(maps, style).items():
            yield analyses[row], role, share


def _lines(name: str) -> str:
    """A long name over several lines, and what is too long even for these cut off."""
    lines = wrapped(printable(name), _NAMES - 2 * _EDGE, 7)
    if len(lines) > _NAME_LINES:
        lines = [*lines[: _NAME_LINES - 1], f"{lines[_NAME_LINES - 1][:-1]}…"]
    return "\n".join(lines)
