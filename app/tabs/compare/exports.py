"""What a visitor takes away of a view: figures for print, raw maps, and everything in one file."""

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from app.components.html import links
from app.session.settings import Settings
from app.session.state import SessionState
from app.storage.analyses import CachedAnalysis
from app.storage.downloads import DownloadStore
from app.tabs.compare.bands import bands_text
from explain.figures.publication import print_figure
from explain.metrics.localisation import Region
from explain.output.geotiff import write_heatmaps
from explain.output.npz import heatmaps_npz

__all__ = ["export_links"]

_FIGURES = {".png": "image/png", ".svg": "image/svg+xml", ".pdf": "application/pdf"}


def export_links(
    visit: SessionState, look: Callable[[], Mapping[str, CachedAnalysis]], settings: Settings, shelf: DownloadStore
) -> str:
    """HTML: links to files of this view; each is made when it is first fetched.

    Args:
        visit: of the image.
        look: what each of its pairs sees in it, by name; asked for when a file is made, so that links that nobody
            follows keep nothing in memory.
        settings: what is asked, and how it is drawn.
        shelf: where the files are put.
    """
    view = _View(visit, look, settings)
    stem = f"{visit.picture.stem}-{visit.pairs[0]}" if len(visit.pairs) == 1 else visit.picture.stem
    files: list[tuple[str, str, str, Callable[[], bytes]]] = [
        (f"Figure, {ending[1:].upper()}", f"{stem}{ending}", kind, lambda ending=ending: view.figure(ending))
        for ending, kind in _FIGURES.items()
    ]
    files.append(("Raw maps, NPZ", f"{stem}.npz", "application/octet-stream", view.maps))
    files.append(("Everything, JSON", f"{stem}.json", "application/json", view.record))
    if visit.picture.georeferenced:
        for name in visit.pairs:
            title = "Maps, GeoTIFF" if len(visit.pairs) == 1 else f"Maps of {name}, GeoTIFF"
            files.append(
                (title, f"{visit.picture.stem}-{name}.tif", "image/tiff", lambda name=name: view.geotiff(name))
            )
    return links(shelf, files, "Files of this view")


@dataclass(frozen=True)
class _View:
    """A view, from which files are made with the image at its own size."""

    visit: SessionState
    look: Callable[[], Mapping[str, CachedAnalysis]]
    settings: Settings

    def figure(self, ending: str) -> bytes:
        """For print."""
        image = self.visit.picture.read()
        explanations = [each.explanation(self.settings.question(each.analysis.pair)) for each in self.look().values()]
        rows = [replace(each, analysis=replace(each.analysis, image=image)) for each in explanations]
        name = self.visit.picture.name + bands_text(self.visit.picture.bands)
        return print_figure(rows, name, self.settings.style, ending, self._region(image))

    def maps(self) -> bytes:
        """Float32 [h, w] by role; of several pairs by pair and role."""
        seen = self.look()
        arrays = {
            role if len(seen) == 1 else f"{name}/{role}": heatmap
            for name, each in seen.items()
            for role, heatmap in each.heatmaps(self.settings.question(each.analysis.pair)).items()
        }
        return heatmaps_npz(arrays)

    def record(self) -> bytes:
        """All that is shown, an object a pair."""
        picture, style = self.visit.picture, self.settings.style
        image = picture.read()
        region = self._region(image)
        records = [
            each.record(picture, image, self.settings.question(each.analysis.pair), style, region)
            for each in self.look().values()
        ]
        return json.dumps({"link": self.visit.link(self.settings), "pairs": records}, indent=1).encode()

    def geotiff(self, name: str) -> bytes:
        """A pair's maps over the ground of the image."""
        picture, seen = self.visit.picture, self.look()[name]
        question = self.settings.question(seen.analysis.pair)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "maps.tif"
            write_heatmaps(path, picture.path, seen.analysis.pair, question, seen.heatmaps(question))
            return path.read_bytes()

    def _region(self, image: np.ndarray) -> Region | None:
        """What is marked, at the image's own size."""
        marking, (height, width) = self.visit.marking, image.shape[:2]
        if marking is None:
            return None
        if marking.box is not None:
            return Region.box(height, width, *marking.box)
        large = Image.fromarray(marking.region.mask).resize((width, height), Image.Resampling.NEAREST)
        return Region(np.asarray(large))
