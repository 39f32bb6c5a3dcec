"""Many images and many pairs in one figure, as the paper's Figure 9: before and after, side by side."""

from collections.abc import Sequence
from io import BytesIO

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from explain.analysis import PairAnalysis, Question
from explain.cam import METHODS
from explain.figure import FONTS, SCALED_BY, TITLES, Style, layer_words, overlay, percent, scaled

__all__ = ["FORMATS", "grid"]

FORMATS = (".pdf", ".svg", ".png")
"""By the file's ending."""

_PANEL = 1.5  # inches
_NAMES = 1.5  # inches for the names of images
_HEAD, _FOOT = 0.85, 0.7
_DPI = 200


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
        The file: in PDF and SVG text is text, its fonts embedded or named.
    """
    across = 1 + 2 * len(columns)
    size = (_NAMES + across * _PANEL + 0.9, len(names) * (_PANEL + 0.24) + _HEAD + _FOOT)
    figure = Figure(figsize=size, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.subplots(
        len(names),
        across,
        squeeze=False,
        gridspec_kw={
            "left": _NAMES / size[0],
            "right": 1 - 0.9 / size[0],
            "top": 1 - _HEAD / size[1],
            "bottom": _FOOT / size[1],
            "wspace": 0.06,
            "hspace": 0.24,
        },
    )
    words = {"family": FONTS, "parse_math": False}
    for row, name in enumerate(names):
        first = next(iter(columns.values()))[row]
        _show(axes[row][0], first.image)
        axes[row][0].set_ylabel(_lines(name), rotation=0, ha="right", va="center", fontsize=7, labelpad=6, **words)
        for pair, (title, analyses) in enumerate(columns.items()):
            maps = analyses[row].heatmaps(questions[title])
            for i, (role, share) in enumerate(scaled(maps, style).items()):
                axis, run = axes[row][1 + 2 * pair + i], analyses[row].runs[role]
                _show(axis, overlay(analyses[row].image, share, style))
                said = f"{run.loaded.header.classes[run.prediction]}, {percent(run.probabilities[run.prediction])}"
                axis.set_xlabel(said + (" (empty)" if share is None else ""), fontsize=6, labelpad=2, **words)
    axes[0][0].set_title("image", fontsize=8)
    for pair, (title, analyses) in enumerate(columns.items()):
        left, right = (axes[0][1 + 2 * pair + i].get_position() for i in range(2))
        arch = analyses[0].pair.baseline.header.arch
        place = ((left.x0 + right.x1) / 2, 1 - 0.12 / size[1])
        figure.text(*place, f"{title}\n{arch}", ha="center", va="top", fontsize=8, **words)
        for i, role in enumerate(TITLES):
            axes[0][1 + 2 * pair + i].set_title(TITLES[role], fontsize=8)
    top, bottom = axes[0][-1].get_position(), axes[-1][-1].get_position()
    bar = figure.add_axes((top.x1 + 0.12 / size[0], bottom.y0, 0.1 / size[0], top.y1 - bottom.y0))
    colours = figure.colorbar(ScalarMappable(cmap=style.colour_map), cax=bar, ticks=[0, 0.5, 1])
    colours.set_label(SCALED_BY[style.scale], fontsize=7)
    bar.tick_params(labelsize=7)
    caption = _caption(columns, questions)
    figure.text(_NAMES / size[0], 0.12 / size[1], caption, fontsize=7, va="bottom", wrap=True, **words)
    data = BytesIO()
    with matplotlib.rc_context({"pdf.fonttype": 42, "svg.fonttype": "none"}):
        figure.savefig(data, format=ending.removeprefix("."), dpi=_DPI)
    return data.getvalue()


def _caption(columns: dict[str, Sequence[PairAnalysis]], questions: dict[str, Question]) -> str:
    question = next(iter(questions.values()))
    explained = "each network's own prediction"
    if question.target is not None:
        pair = next(iter(columns.values()))[0].pair
        explained = pair.classes[question.target]
    return (
        f"{METHODS[question.method].title} of {layer_words(question.layer)}, for {explained}; "
        "beneath each map the network's prediction and its probability. Maps are interpolated."
    )


def _show(axis: matplotlib.axes.Axes, image: object) -> None:
    axis.imshow(image, interpolation="none")
    axis.set_xticks([])
    axis.set_yticks([])
    for side in axis.spines.values():
        side.set_visible(False)


def _lines(name: str, width: int = 22) -> str:
    """A long name over several lines."""
    return "\n".join(name[i : i + width] for i in range(0, min(len(name), 3 * width), width))
