"""Heatmaps of a georeferenced image as a GeoTIFF."""

from collections.abc import Mapping
from pathlib import Path

from explain.cam.analysis import Heatmap
from explain.cam.question import Question
from imagery.geotiff import write_geotiff
from pairs.pair import Pair

__all__ = ["GEOTIFF", "write_heatmaps"]

GEOTIFF = "-heatmaps.tif"
"""Suffix appended to the image's name, because the image may itself be a .tif in the same folder."""


def write_heatmaps(path: Path, source: Path, pair: Pair, question: Question, heatmaps: Mapping[str, Heatmap]) -> None:
    """Writes heatmaps as a GeoTIFF with the georeference of their image.

    Args:
        path: path of the GeoTIFF.
        source: the georeferenced image.
        pair, question: pair and request parameters of the heatmaps, written as tags.
        heatmaps: heatmaps by role, one band each.

    Raises:
        BadInputError: the source can no longer be read.
    """
    tags = {
        "TIFFTAG_SOFTWARE": "SCFF Lens",
        "pair": pair.name,
        "layer": question.layer,
        "method": question.method,
        **{f"{role}_target": pair.classes[heatmap.target] for role, heatmap in heatmaps.items()},
    }
    write_geotiff(path, source, {role: heatmap.values for role, heatmap in heatmaps.items()}, tags)
