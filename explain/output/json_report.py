"""All that can be shown of an image and a pair, as one JSON object to take away."""

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from core.version import versions
from explain.cam.analysis import Heatmap, PairAnalysis
from explain.cam.methods import METHODS
from explain.cam.question import Question
from explain.figures.overlay import SCALED_BY, Style
from explain.metrics.faithfulness import Faithfulness
from explain.metrics.localisation import Region, against_region
from explain.metrics.overlap import hottest_overlap
from explain.output.image_json import image_json
from explain.output.summary import comparison_summary, scale_text
from pairs.checkpoint import Header

__all__ = ["MOST_RUNS", "json_report"]

MOST_RUNS = 100_000
"""Run lengths of a region that are written; of a mask in more pieces its box and its pixels alone."""


def json_report(
    analysis: PairAnalysis,
    heatmaps: dict[str, Heatmap],
    question: Question,
    style: Style,
    name: str,
    region: Region | None = None,
    faithfulness: dict[str, Faithfulness] | None = None,
) -> dict[str, Any]:
    """The keys of explain.output.image_json, with image, question, style, checkpoints and versions.

    The maps' values are not in it, but their size and range; they go into an NPZ.

    Args:
        analysis: of the image, which is there at its own size.
        heatmaps: both networks', by role.
        question: that they answer.
        style: that they are drawn in.
        name: of the image.
        region: of that image, to hold both maps against.
        faithfulness: by role, where it was measured.

    Returns:
        Plain dictionaries, lists, words and numbers; None for a number that is not finite.
    """
    found = None
    if region is not None:
        found = {role: against_region(heatmap.values, region) for role, heatmap in heatmaps.items()}
    result = {"image": name, **image_json(analysis, heatmaps, question, faithfulness)}
    for role, run in analysis.runs.items():
        result[role] |= {"map": _of_map(heatmaps[role].values), "checkpoint": _of_header(run.loaded.header)}
        if found is not None:
            inside = found[role]
            result[role]["region"] = None if inside is None else {**asdict(inside), "covered": inside.covered}
    height, width = analysis.image.shape[:2]
    seen = analysis.pair.preprocessing.size
    target, against = (None if i is None else analysis.pair.classes[i] for i in (question.target, question.against))
    result |= {
        "size": {"width": width, "height": height},
        "seen": {"width": seen[1], "height": seen[0], "words": scale_text(analysis)},
        "question": {
            "target": target,  # None for each network's own prediction
            "against": against,
            "layer": question.layer,
            "method": METHODS[question.method].title,
            "smoothing": None if question.smoothing is None else asdict(question.smoothing),
        },
        "style": {**asdict(style), "colours": SCALED_BY[style.scale]},
        "comparison": {
            "words": comparison_summary(analysis, heatmaps, found, question.method),
            "hottest_fifths_overlap": hottest_overlap(analysis, heatmaps),
        },
        "region": None if region is None else _of_region(region.mask),
        "versions": versions(),
    }
    return _plain(result)


def _of_map(values: np.ndarray) -> dict[str, Any]:
    return {
        "shape": list(values.shape),
        "min": float(values.min()),
        "max": float(values.max()),
        "sum": float(values.sum(dtype=np.float64)),
    }


def _of_header(header: Header) -> dict[str, Any]:
    """What a weights file says of itself, but the classes, which stand with their probabilities."""
    return {name: value for name, value in asdict(header).items() if name != "classes"}


def _of_region(mask: np.ndarray) -> dict[str, Any]:
    """A mask [H, W] in few words: the box around it, and where it is not all of that box, run lengths.

    These are of the image's rows, one after the other, from the top left: so many pixels outside, so many inside,
    so many outside, and so on; their sum is the image's.
    """
    down, across = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    left, top, right, bottom = int(across[0]), int(down[0]), int(across[-1]) + 1, int(down[-1]) + 1
    pixels = int(mask.sum())
    runs = None
    if pixels < (right - left) * (bottom - top):
        flat = mask.ravel()
        ends = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        lengths = np.diff([0, *([0] if flat[0] else []), *ends, flat.size])
        runs = lengths.tolist() if len(lengths) <= MOST_RUNS else None
    return {"box": [left, top, right, bottom], "pixels": pixels, "runs": runs}


def _plain(value: Any) -> Any:
    """The same in what JSON knows."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
