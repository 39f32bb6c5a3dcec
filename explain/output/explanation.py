"""An image whose question is answered, and what is made of it: the figure, the raw maps, what is said of it."""

import dataclasses
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from explain.cam.analysis import Heatmap, PairAnalysis
from explain.cam.question import Question
from explain.figures.overlay import Style
from explain.figures.side_by_side import side_by_side
from explain.metrics.faithfulness import Faithfulness
from explain.metrics.localisation import Region, against_region
from explain.output.geotiff import geotiff_tags
from explain.output.image_json import image_json
from imagery.geotiff import write_geotiff
from pairs.checkpoint import ROLES
from pairs.pair import Pair

__all__ = ["ASKED", "GEOTIFF", "Explanation", "asked"]

ASKED = "asked"
"""The key by which a later call knows an earlier answer to its question."""
GEOTIFF = "-heatmaps.tif"
"""Ends the GeoTIFF's name, after the image's, because the image may well be a .tif beside it."""


@dataclasses.dataclass(frozen=True)
class Explanation:
    """A pair's heatmaps of one image, and all that they answer."""

    image: str
    """What the image is called."""
    place: str
    """Where it is: its absolute path, or what it is called where nobody is to know that."""
    bands: Sequence[int] | None
    """That were read, as imagery.reading.read_image takes them."""
    analysis: PairAnalysis
    maps: dict[str, Heatmap]
    """Both networks', by role."""
    question: Question
    """That they answer."""
    region: Region | None = None
    """Of the image at its own size, to hold them against."""
    worth: dict[str, Faithfulness] | None = None
    """By role, where it was measured."""

    def said(self) -> dict[str, Any]:
        """The JSON object of `python -m explain --json`, in which all files are None."""
        pair = self.analysis.pair
        result = {
            "image": self.image,
            ASKED: asked(self.place, pair, self.question, self.bands),
            "bands": None if self.bands is None else list(self.bands),
            **image_json(self.analysis, self.maps, self.question, self.worth),
            "geotiff": None,
            "figure": None,
            "maps": None,
        }
        if self.region is not None:
            for role, heatmap in self.maps.items():
                found = against_region(heatmap.values, self.region)
                result[role]["region"] = None if found is None else dataclasses.asdict(found)
        return result

    def figure(self, style: Style, region: Region | None = None) -> bytes:
        """PNG: the image, both overlays and their difference; a region of the analysis's own image is outlined."""
        data = BytesIO()
        name = Path(self.image).name
        side_by_side(self.analysis, self.maps, name, self.question, style, region).save(data, format="PNG")
        return data.getvalue()

    def arrays(self) -> bytes:
        """NPZ: float32 [h, w] of the layer, by role."""
        data = BytesIO()
        np.savez(data, **{role: heatmap.values for role, heatmap in self.maps.items()})
        return data.getvalue()

    def write_geotiff(self, path: Path, source: Path) -> None:
        """Writes both maps over the ground of the image, which source is the georeferenced file of.

        Raises:
            BadInputError: it cannot be read any more.
        """
        pair = self.analysis.pair
        tags = geotiff_tags(
            pair.name, self.question, {role: pair.classes[heatmap.target] for role, heatmap in self.maps.items()}
        )
        write_geotiff(path, source, {role: heatmap.values for role, heatmap in self.maps.items()}, tags)


def asked(image: str, pair: Pair, question: Question, bands: Sequence[int] | None) -> dict[str, Any]:
    """What is asked of which networks and image; image is where that is."""
    networks = [pair.networks[role].digest for role in ROLES]
    seen = {"image": image, "bands": None if bands is None else list(bands), "networks": networks}
    return {**seen, **dataclasses.asdict(question)}
