"""Cache of image analyses, bounded in number and bytes."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import numpy as np

from app.session.image import SourceImage, resized_for_display
from core.errors import BadInputError
from explain.cam.analysis import Heatmap, PairAnalysis, analyse
from explain.cam.methods import METHODS
from explain.cam.question import Question
from explain.explanation import Explanation
from explain.figures.style import Style
from explain.metrics.faithfulness import Faithfulness
from explain.metrics.localisation import Region
from explain.output.json_report import json_report
from pairs.pair import Pair

__all__ = ["AnalysisCache", "CachedAnalysis"]

_LONG = Lock()


@dataclass(frozen=True)
class CachedAnalysis:
    """An image as one pair sees it, with what was asked of it so far."""

    analysis: PairAnalysis
    """Its image is reduced to the size of the page."""
    size: tuple[int, int]
    """Height and width of the image itself in pixels."""
    worth: dict[Question, dict[str, Faithfulness]] = field(default_factory=dict)
    """By role, where it was measured."""
    _maps: dict[Question, dict[str, Heatmap]] = field(default_factory=dict, repr=False)

    def heatmaps(self, question: Question) -> dict[str, Heatmap]:
        """By role; asked again, they are not computed again."""
        return self.all_heatmaps(question, [question.layer])[question.layer]

    def explanation(self, question: Question) -> Explanation:
        """Analysis and heatmaps together."""
        return Explanation(self.analysis, question, self.heatmaps(question))

    def all_heatmaps(self, question: Question, layers: Sequence[str]) -> dict[str, dict[str, Heatmap]]:
        """By layer and role, whichever layer the question names.

        Raises:
            BadInputError: it takes long, and another that does is being answered.
        """
        asked = {layer: replace(question, layer=layer) for layer in layers}
        if missing := [layer for layer in layers if asked[layer] not in self._maps]:
            with _long_ones_alone(question.method):
                for layer, maps in self.analysis.all_heatmaps(question, missing).items():
                    self._maps[asked[layer]] = maps
        return {layer: self._maps[asked[layer]] for layer in layers}

    def record(
        self, picture: SourceImage, image: np.ndarray, question: Question, style: Style, region: Region | None = None
    ) -> dict[str, Any]:
        """All that is shown of the image, as explain.output.json_report has it, with the bands that were read.

        Args:
            picture: that was seen.
            image: the same at its own size, RGB uint8 [H, W, 3].
            question: that is answered; its faithfulness is in it where both networks' was measured.
            style: of drawing.
            region: of that image.
        """
        explanation = replace(self.explanation(question), analysis=replace(self.analysis, image=image))
        worth = self.worth.get(question)
        whole = worth if worth and len(worth) == len(self.analysis.runs) else None
        said = json_report(explanation, picture.name, style, region, whole)
        return {"bands": None if picture.bands is None else list(picture.bands)} | said


@contextmanager
def _long_ones_alone(method: str) -> Iterator[None]:
    """Lets one answer at a time run the networks many times, so that others need not wait for several of them."""
    if not METHODS[method].scores:
        yield
        return
    if not _LONG.acquire(blocking=False):
        raise BadInputError(
            f"{METHODS[method].title} takes long, and this server is at one already; try again in a minute, or choose "
            "another method"
        )
    try:
        yield
    finally:
        _LONG.release()


class AnalysisCache:
    """What pairs see in visitors' images; the latest are kept, others are made anew. Safe to share among threads.

    Args:
        most: how many are kept.
        most_bytes: of the maps in them, but for the latest; for one of a ResNet-50 at 224 pixels they are 15 million.
    """

    def __init__(self, most: int = 64, most_bytes: int = 2 * 2**30) -> None:
        self.most = most
        self.most_bytes = most_bytes
        self._kept: OrderedDict[tuple, CachedAnalysis] = OrderedDict()
        self._lock = Lock()

    def find(self, picture: SourceImage, pair: Pair) -> CachedAnalysis | None:
        """What that pair, as it is loaded now, has seen in an image; None where that is not kept."""
        key = _key(picture, pair)
        with self._lock:
            seen = self._kept.get(key)
            if seen is None or seen.analysis.pair is not pair:
                return None
            self._kept.move_to_end(key)
            return seen

    def make(self, picture: SourceImage, pair: Pair, image: np.ndarray) -> CachedAnalysis:
        """Runs a pair over an image, RGB uint8 [H, W, 3]."""
        seen = CachedAnalysis(replace(analyse(pair, image), image=resized_for_display(image)), image.shape[:2])
        key = _key(picture, pair)
        with self._lock:
            self._kept[key] = seen
            self._kept.move_to_end(key)
            while len(self._kept) > self.most or (len(self._kept) > 1 and self._bytes() > self.most_bytes):
                self._kept.popitem(last=False)
        return seen

    def _bytes(self) -> int:
        runs = (each.run for seen in self._kept.values() for each in seen.analysis.runs.values())
        return sum(values.nbytes for run in runs for values in run.maps.values())


def _key(picture: SourceImage, pair: Pair) -> tuple:
    return picture.key, picture.bands, pair.name
