"""The JSON report of an image: everything that the page shows, in one object."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from core.version import versions
from explain.cam.methods import METHODS
from explain.explanation import Explanation
from explain.figures.labels import resized_text
from explain.figures.style import SCALED_BY, Style
from explain.metrics.faithfulness import Faithfulness
from explain.metrics.localisation import Region
from explain.output.image_json import image_json
from explain.output.summary import comparison_summary
from pairs.checkpoint import Header

__all__ = ["MOST_RUNS", "json_report"]

MOST_RUNS = 100_000
"""Maximum number of run lengths written for a region; beyond it, only box and number of pixels are written."""


def json_report(
    explanation: Explanation,
    name: str,
    style: Style,
    region: Region | None = None,
    faithfulness: Mapping[str, Faithfulness] | None = None,
) -> dict[str, Any]:
    """The keys of explain.output.image_json, together with image, question, style, checkpoints and versions.

    It has the shape and range of the heatmaps; their values are exported as NPZ.

    Args:
        explanation: the explanation, with the image at full size.
        name: the image's name.
        style: style of the overlays.
        region: region of that image, to compare both heatmaps with.
        faithfulness: faithfulness by role, if it was measured.

    Returns:
        Plain dictionaries, lists, strings and numbers; None for a number that is not finite.
    """
    analysis, question = explanation.analysis, explanation.question
    result = {"image": name, **image_json(explanation, faithfulness)}
    for role, run in analysis.networks.items():
        values = explanation.heatmaps[role].values
        result[role] |= {"map": _of_map(values), "checkpoint": _of_header(run.loaded.header)}
    regions = explanation.localisation(region)
    for role, found in regions.items():
        result[role]["region"] = None if found is None else {**asdict(found), "covered": found.covered}
    height, width = analysis.image.shape[:2]
    input_height, input_width = analysis.pair.preprocessing.size
    target, against = (None if i is None else analysis.pair.classes[i] for i in (question.target, question.against))
    result |= {
        "size": {"width": width, "height": height},
        "seen": {"width": input_width, "height": input_height, "words": resized_text(analysis)},
        "question": {
            "target": target,  # None for each network's own prediction
            "against": against,
            "layer": question.layer,
            "method": METHODS[question.method].title,
            "smoothing": None if question.smoothing is None else asdict(question.smoothing),
        },
        "style": {**asdict(style), "colours": SCALED_BY[style.scale]},
        "comparison": {
            "words": comparison_summary(explanation, regions),
            "hottest_fifths_overlap": explanation.overlap(),
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
    """A weights file's header without the classes, which are listed with their probabilities."""
    return {name: value for name, value in asdict(header).items() if name != "classes"}


def _of_region(mask: np.ndarray) -> dict[str, Any]:
    """Compact form of a mask [H, W]: its bounding box, and run lengths if it does not fill the box.

    Run lengths follow the image's rows, alternately outside and inside the region, beginning outside; their sum is the
    number of pixels.
    """
    down, across = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    left, top, right, bottom = int(across[0]), int(down[0]), int(across[-1]) + 1, int(down[-1]) + 1
    pixels = int(mask.sum())
    runs = None
    if pixels < (right - left) * (bottom - top):
        flat = mask.ravel()
        ends = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        lengths = np.diff(np.array([0, *([0] if flat[0] else []), *ends, flat.size]))
        runs = lengths.tolist() if len(lengths) <= MOST_RUNS else None
    return {"box": [left, top, right, bottom], "pixels": pixels, "runs": runs}


def _plain(value: Any) -> Any:
    """Converts values to JSON types."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
