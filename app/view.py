"""What the page shows, as values: pictures, tables of confidence, sentences."""

from dataclasses import dataclass
from html import escape

import matplotlib
import numpy as np
from PIL import Image

from app.model_card import ModelCard
from explain.analysis import Heatmap, NetworkAnalysis, PairAnalysis, Question
from explain.figure import Style, overlay, percent, scaled

__all__ = ["OWN_PREDICTION", "View", "for_screen", "legend", "message", "view"]

OWN_PREDICTION = "own"
"""The target that leaves each network its own prediction."""

_SHOWN = 1024  # pixels of a picture's longer side on the page
_TOP = 5


@dataclass(frozen=True)
class View:
    """One state of the page's results."""

    image: np.ndarray
    baseline: np.ndarray
    scff: np.ndarray
    """RGB uint8 pictures of one size."""
    baseline_top: dict[str, float]
    scff_top: dict[str, float]
    """The five likeliest classes with their probabilities."""
    baseline_caption: str
    scff_caption: str
    """HTML: what each heatmap shows."""
    sentence: str
    """HTML: what both networks say."""


def view(analysis: PairAnalysis, card: ModelCard, target: str, opacity: float) -> View:
    """Both heatmaps of an analysed image over it; runs the classifiers alone.

    Args:
        analysis: of the image, which is shown at the size that it has there.
        card: of the pair.
        target: a class of the pair, or OWN_PREDICTION.
        opacity: of the heatmaps, 0 to 1.
    """
    index = None if target == OWN_PREDICTION else analysis.pair.class_index(target)
    maps, style = analysis.heatmaps(Question(index)), Style(opacity=opacity)
    shares = scaled(maps, style)
    return View(
        analysis.image,
        overlay(analysis.image, shares["baseline"], style),
        overlay(analysis.image, shares["scff"], style),
        _top(analysis.baseline),
        _top(analysis.scff),
        *(_caption(run, maps[role], card.class_accuracy(role)) for role, run in analysis.runs.items()),
        _sentence(analysis),
    )


def legend() -> str:
    """HTML: the colour bar of the overlays, in words and colours."""
    stops = ", ".join(
        matplotlib.colors.to_hex(matplotlib.colormaps[Style.colour_map](share)) for share in np.linspace(0, 1, 9)
    )
    return (
        f"<span class='bar' style='background: linear-gradient(to right, {stops})' role='img' "
        "aria-label='Colour bar from dark, no evidence, to bright, the strongest evidence in the map'></span>"
        "<div class='ends'><span>no evidence</span><span>the map's strongest</span></div>"
        "<p class='fine'>Each map runs from zero to its own maximum: a colour says where a network looks, "
        "not which network is surer. Colours mix with the image beneath; at strength 1 they are the bar's.</p>"
    )


def message(text: str, kind: str = "note") -> str:
    """HTML: a line that stays until the next action; kind is note or error."""
    role = "alert" if kind == "error" else "status"
    return f"<div class='message {kind}' role='{role}'>{text}</div>"


def for_screen(image: np.ndarray) -> np.ndarray:
    """An image at the size of the page: RGB uint8, at most 1,024 pixels on its longer side, in its own shape."""
    factor = max(image.shape[:2]) / _SHOWN
    if factor <= 1:
        return image
    height, width = (max(1, round(side / factor)) for side in image.shape[:2])
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BOX))


def _top(run: NetworkAnalysis) -> dict[str, float]:
    classes = run.loaded.header.classes
    best = np.argsort(-run.probabilities, kind="stable")[:_TOP]
    return {classes[i]: float(run.probabilities[i]) for i in best}


def _caption(run: NetworkAnalysis, heatmap: Heatmap, class_accuracy: dict[str, float | None]) -> str:
    name = run.loaded.header.classes[heatmap.target]
    height, width = heatmap.values.shape
    share = percent(run.probabilities[heatmap.target])
    shown = f"Evidence for <b>{escape(name)}</b> ({share})."
    if heatmap.empty:
        shown = f"<b>Empty map:</b> nothing in the image speaks for {escape(name)} ({share})."
    accuracy = class_accuracy.get(name)
    tested = ""
    if accuracy is not None:
        tested = f" Of the test images of {escape(name)}, {accuracy * 100:.1f} % were recognised."
    return f"<p class='fine'>{shown} {width} × {height} cells, interpolated.{tested}</p>"


def _sentence(analysis: PairAnalysis) -> str:
    classes = analysis.pair.classes
    said = {role: escape(classes[run.prediction]) for role, run in analysis.runs.items()}
    sure = {role: percent(run.probabilities[run.prediction]) for role, run in analysis.runs.items()}
    if said["baseline"] == said["scff"]:
        return f"Both networks say <b>{said['scff']}</b> ({sure['baseline']} without SCFF, {sure['scff']} with it)."
    return (
        f"The networks disagree: the baseline says <b>{said['baseline']}</b> ({sure['baseline']}), "
        f"with SCFF it is <b>{said['scff']}</b> ({sure['scff']})."
    )
