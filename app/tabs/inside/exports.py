"""Files exported from the Layers and fusion tab."""

import json
from collections.abc import Callable, Mapping

from app.components.download_links import ExportedFile, download_links
from app.storage.analyses import CachedAnalysis
from app.storage.downloads import DownloadStore
from explain.cam.analysis import Heatmap
from explain.cam.layers import FUSED, explainable_layers
from explain.cam.question import Question
from explain.metrics.fusion_attribution import inside
from explain.output.npz import heatmaps_npz

__all__ = ["export_links", "heatmaps_by_layer"]


def export_links(
    stem: str, cached: Callable[[], CachedAnalysis], question: Question, downloads: DownloadStore, label: str
) -> str:
    """HTML: links to all heatmaps and to the fusion weights of a pair.

    Args:
        stem: prefix of the file names.
        cached: returns the analysis; called when a file is rendered.
        question: request parameters; its layer is ignored.
        downloads: store for the files.
        label: accessible name of the list.
    """
    files = (
        ExportedFile("All heatmaps, NPZ", f"{stem}.npz", "application/octet-stream", lambda: _npz(cached(), question)),
        ExportedFile("Fusion attribution, JSON", f"{stem}.json", "application/json", lambda: _json(cached(), question)),
    )
    return download_links(downloads, files, label)


def heatmaps_by_layer(cached: CachedAnalysis, question: Question) -> Mapping[str, Mapping[str, Heatmap]]:
    """Heatmaps by layer and role, at every stage and fused map on the path to the classifier."""
    names = explainable_layers(cached.analysis.pair.scff.network)
    return cached.all_heatmaps(question, [name for name in names if name != FUSED])


def _npz(cached: CachedAnalysis, question: Question) -> bytes:
    """NPZ of raw heatmaps, float32 [h, w], keyed by role and layer; fused maps for the network with SCFF alone."""
    heatmaps = {
        f"{role}/{layer}": heatmap
        for layer, maps in heatmaps_by_layer(cached, question).items()
        for role, heatmap in maps.items()
        if role == "scff" or layer[0] == "X"
    }
    return heatmaps_npz(heatmaps)


def _json(cached: CachedAnalysis, question: Question) -> bytes:
    """JSON: fusion weights of each channel, and each stage's contribution."""
    return json.dumps(inside(cached.analysis, question), indent=1).encode()
