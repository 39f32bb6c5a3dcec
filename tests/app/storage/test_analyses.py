"""Cache of analyses: lookup, eviction, and serial computation of slow methods."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

import pytest

from app.storage.analyses import AnalysisCache
from app.storage.source_image import SourceImage
from core.errors import BadInputError
from explain.cam.analysis import Heatmap, PairAnalysis
from explain.cam.question import Question
from pairs.pair import Pair, load_pair
from tests.conftest import texture

pytestmark = pytest.mark.essential


def source(key: str = "k") -> SourceImage:
    return SourceImage("a.tif", lambda: texture(1, 0, side=80), key)


def test_latest_analyses_are_cached_by_image_bands_and_pair(pair: Pair, pair_folder: Path) -> None:
    cache = AnalysisCache(most=2)
    assert cache.find(source(), pair.name) is None
    cached = cache.make(source(), pair, texture(1, 0, side=1200))
    assert cached.analysis.image.shape == (1024, 1024, 3)
    assert cache.find(source(), pair.name) is cached
    assert cache.find(source("other"), pair.name) is None
    assert cache.find(source(), "other") is None
    assert cache.find(replace(source(), bands=(4, 3, 2)), pair.name) is None
    question = Question(1)
    assert cached.heatmaps(question) is cached.heatmaps(question)
    reloaded = replace(load_pair(pair_folder), path=pair.path)
    assert cache.make(source(), reloaded, texture(1, 0)) is cache.find(
        source(), pair.name
    )  # replaces the former analysis
    for key in ("b", "c"):
        cache.make(source(key), pair, texture(1, 0))
    assert cache.find(source(), pair.name) is None
    assert cache.find(source("c"), pair.name) is not None


def test_byte_limit_evicts_the_oldest_analyses(pair: Pair) -> None:
    size = sum(
        maps.nbytes
        for run in AnalysisCache().make(source(), pair, texture(1, 0)).analysis.networks.values()
        for maps in run.forward_pass.maps.values()
    )
    cache = AnalysisCache(most_bytes=2 * size)
    for key in ("a", "b", "c"):
        cache.make(source(key), pair, texture(1, 0))
    assert [cache.find(source(key), pair.name) is not None for key in ("a", "b", "c")] == [False, True, True]
    smallest = AnalysisCache(most_bytes=1)
    smallest.make(source("a"), pair, texture(1, 0))
    assert smallest.find(source("a"), pair.name) is not None


def test_slow_methods_run_one_at_a_time_and_others_concurrently(pair: Pair) -> None:
    first, second = (AnalysisCache().make(source(str(label)), pair, texture(label, 0, side=80)) for label in range(2))
    started, resume = Event(), Event()

    @dataclass(frozen=True)
    class Waiting(PairAnalysis):
        def all_heatmaps(self, question: Question, layers: Sequence[str]) -> dict[str, dict[str, Heatmap]]:
            started.set()
            assert resume.wait(30)
            return super().all_heatmaps(question, layers)

    waiting = replace(first, analysis=Waiting(**vars(first.analysis)))
    slow = Question(1, layer="X1", method="scorecam")
    with ThreadPoolExecutor(1) as pool:
        heatmaps = pool.submit(waiting.heatmaps, slow)
        assert started.wait(30)
        with pytest.raises(BadInputError, match="the server is already computing one such heatmap"):
            second.heatmaps(slow)
        assert second.heatmaps(Question(1)).keys() == {"baseline", "scff"}
        resume.set()
        assert heatmaps.result().keys() == {"baseline", "scff"}
    assert second.heatmaps(slow).keys() == {"baseline", "scff"}
