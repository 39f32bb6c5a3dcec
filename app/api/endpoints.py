"""HTTP API: one method for each endpoint."""

import hashlib
import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from app.api.card_json import card_json
from app.components.controls import NO_CLASS, OWN_PREDICTION
from app.components.region import parse_marking
from app.session.faithfulness import faithfulness_steps
from app.session.settings import Settings
from app.storage.analyses import AnalysisCache, CachedAnalysis
from app.storage.source_image import SourceImage, display_size
from core.errors import BadInputError
from explain.cam.layers import FUSED, find_layer
from explain.cam.methods import DEFAULT_METHOD, check_method
from explain.cam.question import Question
from explain.explanation import Explanation
from explain.figures.side_by_side import side_by_side_png
from explain.figures.style import COLOUR_MAPS, SCALES, Style
from explain.metrics.fusion_attribution import inside
from explain.metrics.localisation import Region
from explain.output.geotiff import GEOTIFF, write_heatmaps
from explain.output.image_json import ImageSource, result_json
from explain.output.npz import heatmaps_npz
from explain.region_option import RegionOption
from imagery.band_selection import parse_bands
from imagery.geotiff import is_georeferenced
from imagery.reading import read_image
from pairs.folder import PairFolder
from pairs.layout import ROLES
from pairs.model_card import read_card

__all__ = ["Endpoints"]

_MOST_ANALYSES = 16  # in a separate cache: a client with a thousand images must not evict the page's analyses


class Endpoints:
    """The endpoints' methods. Thread-safe.

    Analyses are cached by the file's content, for further requests about the same image.

    Args:
        pairs: the model pairs that can be requested.
        results: folder for returned files, each in a sub-folder of its own.
    """

    def __init__(self, pairs: PairFolder, results: Path) -> None:
        self._pairs = pairs
        self._results = results
        self._analyses = AnalysisCache(_MOST_ANALYSES)

    def pairs(self) -> list[str]:
        """Names of the model pairs; the first is the default of the page."""
        return self._pairs.names()

    def card(self, pair: str) -> dict[str, Any]:
        """Model card of a pair: networks, classes, data, training, accuracies with intervals, cost, faithfulness.

        Values that the pair's report lacks are null.
        """
        return card_json(read_card(self._pairs.load(pair)))

    def explain(
        self,
        image: str | None,
        pair: str,
        target: str = OWN_PREDICTION,
        layer: str = FUSED,
        method: str = DEFAULT_METHOD,
        against: str | None = None,
        bands: str | None = None,
        smooth: bool = False,
        box: str | None = None,
        scale: str = SCALES[0],
        colour_map: str = COLOUR_MAPS[0],
    ) -> tuple[str, dict[str, Any]]:
        """Side-by-side figure, with the image at 1,024 pixels per side at most, and predictions and metrics.

        The keys are those of python -m explain --json: image and figure are file names; maps and geotiff are null, as
        /maps returns them.
        """
        style = Style(colour_map, scale)
        settings = _settings(target=target, against=against, layer=layer, method=method, smooth=smooth)
        request = self._analyse(image, pair, settings, bands)
        region = RegionOption(box or None).region(request.cached.size)
        figure, outline = self._result(f"{request.path.stem}.png"), region and _at_display_size(region)
        figure.write_bytes(side_by_side_png(request.explanation, request.path.name, style, outline))
        return str(figure), result_json(request.image_source, request.explanation, region) | {"figure": figure.name}

    def maps(
        self,
        image: str | None,
        pair: str,
        target: str = OWN_PREDICTION,
        layer: str = FUSED,
        method: str = DEFAULT_METHOD,
        against: str | None = None,
        bands: str | None = None,
        smooth: bool = False,
    ) -> tuple[str, str | None]:
        """Raw heatmaps: NPZ with float32 arrays baseline and scff, and a GeoTIFF for a georeferenced image."""
        settings = _settings(target=target, against=against, layer=layer, method=method, smooth=smooth)
        request = self._analyse(image, pair, settings, bands)
        explanation = request.explanation
        arrays, geotiff = self._result(f"{request.path.stem}.npz"), None
        arrays.write_bytes(heatmaps_npz(explanation.heatmaps))
        if is_georeferenced(request.path):
            geotiff = self._result(f"{request.path.stem}{GEOTIFF}")
            analysed_by = explanation.analysis.pair
            write_heatmaps(geotiff, request.path, analysed_by, request.question, explanation.heatmaps)
        return str(arrays), geotiff and str(geotiff)

    def faithfulness(
        self,
        image: str | None,
        pair: str,
        target: str = OWN_PREDICTION,
        layer: str = FUSED,
        method: str = DEFAULT_METHOD,
        against: str | None = None,
        bands: str | None = None,
        smooth: bool = False,
    ) -> dict[str, Any]:
        """Faithfulness of both heatmaps: drop and increase in confidence, insertion, deletion, ROAD; takes seconds."""
        settings = _settings(target=target, against=against, layer=layer, method=method, smooth=smooth)
        request = self._analyse(image, pair, settings, bands)
        for _ in faithfulness_steps({pair: request.cached}, settings):
            pass
        measured = request.cached.faithfulness[request.question]
        report = result_json(request.image_source, request.explanation, faithfulness=measured)
        return {
            **{name: report[name] for name in ("image", "pair", "layer", "method")},
            **{role: {"target": report[role]["target"], **report[role]["faithfulness"]} for role in ROLES},
        }

    def inside(
        self,
        image: str | None,
        pair: str,
        target: str = OWN_PREDICTION,
        against: str | None = None,
        bands: str | None = None,
    ) -> dict[str, Any]:
        """Fusion weights of each channel, and each stage's contribution to the target's score.

        Fusions are null where the variant's weights do not depend on the image.
        """
        request = self._analyse(image, pair, _settings(target=target, against=against), bands)
        return {"image": request.path.name, **inside(request.cached.analysis, request.question)}

    def record(
        self,
        image: str | None,
        pair: str,
        target: str = OWN_PREDICTION,
        layer: str = FUSED,
        method: str = DEFAULT_METHOD,
        against: str | None = None,
        bands: str | None = None,
        smooth: bool = False,
        box: str | None = None,
        scale: str = SCALES[0],
        colour_map: str = COLOUR_MAPS[0],
    ) -> dict[str, Any]:
        """JSON report of the image, as the page exports it for each pair.

        In addition to /explain: summary, sizes, request parameters, style, checkpoints, versions.
        """
        style = Style(colour_map, scale)
        settings = _settings(target=target, against=against, layer=layer, method=method, smooth=smooth)
        request = self._analyse(image, pair, settings, bands)
        region = RegionOption(box or None).region(request.cached.size)
        pixels = request.source.read()
        return request.cached.json_report(request.source, pixels, request.question, style, region)

    def _analyse(self, image: str | None, pair: str, settings: Settings, bands: str | None) -> "_Request":
        """Analyses an image by a pair, unless the analysis is cached.

        Raises:
            BadInputError: a parameter is invalid, or the image cannot be read.
        """
        if image is None:
            raise BadInputError("no image was sent")
        loaded = self._pairs.load(pair)
        question, chosen = settings.question(loaded), parse_bands(bands or None)
        find_layer(loaded.scff.network, question.layer)
        check_method(question.method)
        path = Path(image)
        read = partial(read_image, path, path.name, chosen)
        source = SourceImage(path.name, read, key=_digest(path), path=path, bands=chosen)
        cached = self._analyses.find(source, pair)
        if cached is None or cached.analysis.pair is not loaded:
            cached = self._analyses.make(source, loaded, source.read())
        return _Request(path=path, source=source, cached=cached, question=question)

    def _result(self, name: str) -> Path:
        """Path of a file to return, in an unguessable folder."""
        folder = self._results / secrets.token_urlsafe(18)
        folder.mkdir(parents=True)
        return folder / name


@dataclass(frozen=True)
class _Request:
    """Request parameters, and the analysis that answers them."""

    path: Path
    source: SourceImage
    cached: CachedAnalysis
    question: Question

    @property
    def explanation(self) -> Explanation:
        """The analysis with both heatmaps."""
        return self.cached.explanation(self.question)

    @property
    def image_source(self) -> ImageSource:
        """The image's entry in JSON, without its path on this machine."""
        return ImageSource(self.source.name, self.source.name, self.source.bands)


def _settings(
    *, target: str, against: str | None, layer: str = FUSED, method: str = DEFAULT_METHOD, smooth: bool = False
) -> Settings:
    """Settings of a request, whose contrast class may be null."""
    return Settings(target=target, against=against or NO_CLASS, layer=layer, method=method, smooth=bool(smooth))


def _digest(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _at_display_size(region: Region) -> Region | None:
    """A box of the full-size image, scaled to display size."""
    down, across = (np.flatnonzero(region.mask.any(axis=axis)) for axis in (1, 0))
    box = [int(side) for side in (across[0], down[0], across[-1] + 1, down[-1] + 1)]
    height, width = region.mask.shape
    marking = parse_marking({"box": box}, (height, width), display_size(height, width))
    return marking and marking.region
