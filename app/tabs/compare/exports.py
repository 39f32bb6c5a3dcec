"""Files exported from a view: print figures, raw heatmaps, JSON report, GeoTIFF."""

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from app.components.download_links import ExportedFile, download_links
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
    state: SessionState,
    analyses: Callable[[], Mapping[str, CachedAnalysis]],
    settings: Settings,
    downloads: DownloadStore,
) -> str:
    """HTML: links to files of this view, each rendered when it is first fetched.

    Args:
        state: the session's state.
        analyses: returns the image's analyses, keyed by pair name; called when a file is rendered, so that links keep
            no analyses in memory.
        settings: request parameters and style.
        downloads: store for the files.
    """
    export = _Export(state, analyses, settings)
    source = state.source
    stem = f"{source.stem}-{state.pairs[0]}" if len(state.pairs) == 1 else source.stem
    files = [
        ExportedFile(f"Figure, {suffix[1:].upper()}", f"{stem}{suffix}", media_type, partial(export.figure, suffix))
        for suffix, media_type in _FIGURES.items()
    ]
    files.append(ExportedFile("Raw heatmaps, NPZ", f"{stem}.npz", "application/octet-stream", export.arrays))
    files.append(ExportedFile("JSON report", f"{stem}.json", "application/json", export.json_report))
    if source.georeferenced:
        for name in state.pairs:
            title = "Heatmaps, GeoTIFF" if len(state.pairs) == 1 else f"Heatmaps of {name}, GeoTIFF"
            files.append(ExportedFile(title, f"{source.stem}-{name}.tif", "image/tiff", partial(export.geotiff, name)))
    return download_links(downloads, files, "Export")


@dataclass(frozen=True)
class _Export:
    """A view, exported with the image at full size."""

    state: SessionState
    analyses: Callable[[], Mapping[str, CachedAnalysis]]
    settings: Settings

    def figure(self, suffix: str) -> bytes:
        """Figure for print."""
        image = self.state.source.read()
        explanations = [
            cached.explanation(self.settings.question(cached.analysis.pair)) for cached in self.analyses().values()
        ]
        rows = [replace(each, analysis=replace(each.analysis, image=image)) for each in explanations]
        name = self.state.source.name + bands_text(self.state.source.bands)
        return print_figure(rows, name, self.settings.style, suffix, self._region(image))

    def arrays(self) -> bytes:
        """NPZ: float32 [h, w], keyed by role; for several pairs by pair and role."""
        analyses = self.analyses()
        heatmaps = {
            role if len(analyses) == 1 else f"{name}/{role}": heatmap
            for name, cached in analyses.items()
            for role, heatmap in cached.heatmaps(self.settings.question(cached.analysis.pair)).items()
        }
        return heatmaps_npz(heatmaps)

    def json_report(self) -> bytes:
        """JSON: the link to the view and a report of each pair."""
        source, style = self.state.source, self.settings.style
        image = source.read()
        region = self._region(image)
        reports = [
            cached.json_report(source, image, self.settings.question(cached.analysis.pair), style, region)
            for cached in self.analyses().values()
        ]
        return json.dumps({"link": self.state.link(self.settings), "pairs": reports}, indent=1).encode()

    def geotiff(self, name: str) -> bytes:
        """GeoTIFF of a pair's heatmaps, on the image's grid."""
        source, cached = self.state.source, self.analyses()[name]
        question = self.settings.question(cached.analysis.pair)
        if source.path is None:
            raise FileNotFoundError(source.name)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "heatmaps.tif"
            write_heatmaps(path, source.path, cached.analysis.pair, question, cached.heatmaps(question))
            return path.read_bytes()

    def _region(self, image: np.ndarray) -> Region | None:
        """The marked region at full size."""
        marking, (height, width) = self.state.marking, image.shape[:2]
        if marking is None:
            return None
        if marking.box is not None:
            return Region.from_box(marking.box, (height, width))
        mask = Image.fromarray(marking.region.mask).resize((width, height), Image.Resampling.NEAREST)
        return Region(np.asarray(mask))
