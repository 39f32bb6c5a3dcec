"""Cache of image analyses, bounded in number and bytes."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Lock
from typing import Any

import numpy as np

from app.storage.source_image import SourceImage, resized_for_display
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
from pairs.report_reading import read_partial_report

__all__ = ["AnalysisCache", "CachedAnalysis", "ClassRecall"]

ClassRecall = Mapping[str, float | None]
"""Recall on the test images by class, 0 to 1; None for a class without test images."""

_SLOW_METHOD = Lock()


@dataclass(frozen=True)
class CachedAnalysis:
    """A pair's analysis of an image, with the heatmaps and metrics computed from it so far."""

    analysis: PairAnalysis
    """The analysis, with the image at display size."""
    size: tuple[int, int]
    """Height and width of the full-size image in pixels."""
    faithfulness: dict[Question, dict[str, Faithfulness]] = field(default_factory=dict)
    """Faithfulness by role, for each question where it was measured."""
    _heatmaps: dict[Question, dict[str, Heatmap]] = field(default_factory=dict, repr=False)

    @cached_property
    def recall(self) -> dict[str, ClassRecall]:
        """Test recall by role, where the pair's report has it; the report is read once per analysis."""
        pair = self.analysis.pair
        report = read_partial_report(pair.path, pair.classes).report
        return {role: network.test.per_class for role, network in report.networks.items()}

    def heatmaps(self, question: Question) -> dict[str, Heatmap]:
        """Heatmaps by role, cached."""
        return self.all_heatmaps(question, [question.layer])[question.layer]

    def explanation(self, question: Question) -> Explanation:
        """The analysis with its heatmaps."""
        return Explanation(self.analysis, question, self.heatmaps(question))

    def all_heatmaps(self, question: Question, layers: Sequence[str]) -> dict[str, dict[str, Heatmap]]:
        """Heatmaps by layer and role, cached; the question's own layer is ignored.

        Raises:
            BadInputError: the method is slow, and the server is computing another slow heatmap.
        """
        questions = {layer: replace(question, layer=layer) for layer in layers}
        if missing := [layer for layer in layers if questions[layer] not in self._heatmaps]:
            with _one_slow_method_at_a_time(question.method):
                for layer, maps in self.analysis.all_heatmaps(question, missing).items():
                    self._heatmaps[questions[layer]] = maps
        return {layer: self._heatmaps[questions[layer]] for layer in layers}

    def json_report(
        self, source: SourceImage, image: np.ndarray, question: Question, style: Style, region: Region | None = None
    ) -> dict[str, Any]:
        """The JSON report of this image and pair (explain.output.json_report), with the bands that were read.

        Args:
            source: the analysed image.
            image: its pixels at full size, RGB uint8 [H, W, 3].
            question: request parameters; faithfulness is included where it was measured for both networks.
            style: style of the heatmaps.
            region: region of the full-size image.
        """
        explanation = replace(self.explanation(question), analysis=replace(self.analysis, image=image))
        measured = self.faithfulness.get(question)
        complete = measured if measured and len(measured) == len(self.analysis.networks) else None
        report = json_report(explanation, source.name, style, region, complete)
        return {"bands": None if source.bands is None else list(source.bands)} | report


@contextmanager
def _one_slow_method_at_a_time(method: str) -> Iterator[None]:
    """Runs methods that need hundreds of forward passes one at a time; other requests are not delayed."""
    if not METHODS[method].scores:
        yield
        return
    if not _SLOW_METHOD.acquire(blocking=False):
        raise BadInputError(
            f"{METHODS[method].title} is slow, and the server is already computing one such heatmap; try again in a "
            "minute, or choose another method"
        )
    try:
        yield
    finally:
        _SLOW_METHOD.release()


class AnalysisCache:
    """LRU cache of analyses of visitors' images. Thread-safe.

    Args:
        most: maximum number of analyses.
        most_bytes: maximum size of their feature maps (the latest is always kept); a ResNet-50 at 224 pixels has 15 MB.
    """

    def __init__(self, most: int = 64, most_bytes: int = 2 * 2**30) -> None:
        self.most = most
        self.most_bytes = most_bytes
        self._analyses: OrderedDict[tuple, CachedAnalysis] = OrderedDict()
        self._lock = Lock()

    def find(self, source: SourceImage, pair: str) -> CachedAnalysis | None:
        """The cached analysis of an image by a pair of that name; None if there is none."""
        key = _key(source, pair)
        with self._lock:
            found = self._analyses.get(key)
            if found is not None:
                self._analyses.move_to_end(key)
            return found

    def make(self, source: SourceImage, pair: Pair, image: np.ndarray) -> CachedAnalysis:
        """Runs both networks of a pair over an image, RGB uint8 [H, W, 3]."""
        made = CachedAnalysis(replace(analyse(pair, image), image=resized_for_display(image)), image.shape[:2])
        key = _key(source, pair.name)
        with self._lock:
            self._analyses[key] = made
            self._analyses.move_to_end(key)
            while len(self._analyses) > self.most or (len(self._analyses) > 1 and self._bytes() > self.most_bytes):
                self._analyses.popitem(last=False)
        return made

    def _bytes(self) -> int:
        runs = (each.forward_pass for cached in self._analyses.values() for each in cached.analysis.networks.values())
        return sum(values.nbytes for run in runs for values in run.maps.values())


def _key(source: SourceImage, pair: str) -> tuple:
    return source.key, source.bands, pair
