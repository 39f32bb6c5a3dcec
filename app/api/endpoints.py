"""What a program asks of the app, and what it is told: one method for each endpoint."""

import hashlib
import secrets
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from app.api.card_json import card_json
from app.components.widgets import marking
from app.session.faithfulness import faithfulness_steps
from app.session.image import SourceImage, display_size
from app.session.settings import NO_CLASS, OWN_PREDICTION, Settings
from app.storage.analyses import AnalysisCache, CachedAnalysis
from core.command_line import parse_bands
from core.errors import BadInputError
from explain.cam.analysis import Heatmap
from explain.cam.layers import FUSED, find_layer
from explain.cam.methods import DEFAULT_METHOD, METHODS
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
from imagery.geotiff import is_georeferenced
from imagery.reading import read_image
from pairs.checkpoint import ROLES
from pairs.folder import PairFolder
from pairs.model_card import read_card

__all__ = ["Endpoints"]

_MOST = 16  # analyses that are kept; a program that goes through a thousand images is to take no page's away


class Endpoints:
    """Answers to programs. Safe to share among threads.

    What a pair has seen is kept by the file's content, for the next question about it.

    Args:
        pairs: that can be asked.
        results: where files are put that are given back, each in a folder of its own.
    """

    def __init__(self, pairs: PairFolder, results: Path) -> None:
        self._pairs = pairs
        self._results = results
        self._analyses = AnalysisCache(_MOST)

    def pairs(self) -> list[str]:
        """Names of the pairs of networks; the first is the one that the page opens with."""
        return self._pairs.names()

    def card(self, pair: str) -> dict[str, Any]:
        """What is known of a pair: networks, classes, data, training, accuracies with intervals, costs, faithfulness.

        Null is what the pair's report does not say.
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
        """The side-by-side figure, with at most 1,024 pixels a side for the image, and what is said of the image.

        The keys are those of python -m explain --json: image and figure are names of files, maps and geotiff are null,
        as these come from /maps.
        """
        style = Style(colour_map, scale)
        asked = self._ask(image, pair, Settings(target, against or NO_CLASS, layer, method, bool(smooth)), bands)
        region = RegionOption(box or None).region(*asked.seen.size)
        figure = self._result(f"{asked.path.stem}.png")
        figure.write_bytes(side_by_side_png(asked.explanation, asked.path.name, style, region and _on_page(region)))
        return str(figure), result_json(asked.source, asked.explanation, region) | {"figure": figure.name}

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
        """The raw heatmaps: NPZ with float32 arrays baseline and scff, and of a georeferenced image a GeoTIFF."""
        asked = self._ask(image, pair, Settings(target, against or NO_CLASS, layer, method, bool(smooth)), bands)
        arrays, geotiff = self._result(f"{asked.path.stem}.npz"), None
        arrays.write_bytes(heatmaps_npz(asked.maps))
        if is_georeferenced(asked.path):
            geotiff = self._result(f"{asked.path.stem}{GEOTIFF}")
            write_heatmaps(geotiff, asked.path, asked.seen.analysis.pair, asked.question, asked.maps)
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
        """What both heatmaps are worth: drop and increase in confidence, insertion, deletion, ROAD; takes seconds."""
        settings = Settings(target, against or NO_CLASS, layer, method, bool(smooth))
        asked = self._ask(image, pair, settings, bands)
        for _ in faithfulness_steps({pair: asked.seen}, settings):
            pass
        said = result_json(asked.source, asked.explanation, faithfulness=asked.seen.worth[asked.question])
        return {
            **{name: said[name] for name in ("image", "pair", "layer", "method")},
            **{role: {"target": said[role]["target"], **said[role]["faithfulness"]} for role in ROLES},
        }

    def inside(
        self,
        image: str | None,
        pair: str,
        target: str = OWN_PREDICTION,
        against: str | None = None,
        bands: str | None = None,
    ) -> dict[str, Any]:
        """What SCFF chose: each channel's weights in each fusion, and what each stage adds to the target's score.

        Fusions are null where the variant chooses nothing by the image.
        """
        asked = self._ask(image, pair, Settings(target, against or NO_CLASS), bands)
        return {"image": asked.path.name, **inside(asked.seen.analysis, asked.question)}

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
        """All that the page shows of the image, as its file "Everything, JSON" has it for each pair.

        Beside the answer: the comparison in words, sizes, question, style, checkpoints, versions.
        """
        style = Style(colour_map, scale)
        asked = self._ask(image, pair, Settings(target, against or NO_CLASS, layer, method, bool(smooth)), bands)
        region = RegionOption(box or None).region(*asked.seen.size)
        return asked.seen.record(asked.picture, asked.picture.read(), asked.question, style, region)

    def _ask(self, image: str | None, pair: str, settings: Settings, bands: str | None) -> "_Asked":
        """Runs a pair over an image, unless what it sees in it is kept.

        Raises:
            BadInputError: something of it is not there, or cannot be read.
        """
        if image is None:
            raise BadInputError("no image was sent")
        loaded = self._pairs.load(pair)
        question, chosen = settings.question(loaded), parse_bands(bands or None)
        find_layer(loaded.scff.network, question.layer)
        if question.method not in METHODS:
            raise BadInputError(f"unknown method {question.method!r}; known: {', '.join(METHODS)}")
        path = Path(image)
        read = partial(read_image, path, path.name, chosen)
        picture = SourceImage(path.name, read, _digest(path), path, bands=chosen)
        seen = self._analyses.find(picture, loaded) or self._analyses.make(picture, loaded, picture.read())
        return _Asked(picture, chosen, seen, question)

    def _result(self, name: str) -> Path:
        """Where a file goes that is given back; nobody guesses it."""
        folder = self._results / secrets.token_urlsafe(18)
        folder.mkdir(parents=True)
        return folder / name


@dataclass(frozen=True)
class _Asked:
    """A question about an image, and what its pair sees there."""

    picture: SourceImage
    bands: tuple[int, ...] | None
    seen: CachedAnalysis
    question: Question

    @property
    def path(self) -> Path:
        """Of the image's file."""
        return self.picture.path

    @property
    def maps(self) -> dict[str, Heatmap]:
        """Both heatmaps by role."""
        return self.seen.heatmaps(self.question)

    @property
    def explanation(self) -> Explanation:
        """Both heatmaps with what they explain."""
        return self.seen.explanation(self.question)

    @property
    def source(self) -> ImageSource:
        """The image; where it lies on this machine is nobody's business."""
        return ImageSource(self.picture.name, self.picture.name, self.bands)


def _digest(path: Path) -> str:
    """Of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _on_page(region: Region) -> Region:
    """A box of an image at its own size, at that of the page."""
    down, across = (np.flatnonzero(region.mask.any(axis=axis)) for axis in (1, 0))
    box = [int(side) for side in (across[0], down[0], across[-1] + 1, down[-1] + 1)]
    size = region.mask.shape
    return marking({"box": box}, size, display_size(*size)).region
