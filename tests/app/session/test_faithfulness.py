"""Faithfulness of a session's heatmaps."""

import pytest

from app.session.faithfulness import faithfulness_steps
from app.session.settings import Settings
from app.storage.analyses import AnalysisCache, CachedAnalysis
from app.storage.source_image import SourceImage
from explain.metrics.faithfulness import faithfulness
from pairs.pair import Pair
from tests.conftest import texture


@pytest.fixture
def cached(pair: Pair) -> CachedAnalysis:
    image = texture(1, 0, side=80)
    return AnalysisCache().make(SourceImage("a.tif", lambda: image, "k"), pair, image)


def test_faithfulness_is_computed_once_per_network_and_target(cached: CachedAnalysis, pair: Pair) -> None:
    analyses = {"tiny": cached}
    assert list(faithfulness_steps(analyses, Settings("roof"))) == [(0, 2), (1, 2), (2, 2)]
    assert list(faithfulness_steps(analyses, Settings("roof"))) == [(0, 0)]
    assert list(faithfulness_steps(analyses, Settings("water"))) == [(0, 2), (1, 2), (2, 2)]
    question = Settings("roof").question(pair)
    for role, result in cached.faithfulness[question].items():
        run, heatmap = cached.analysis.networks[role].forward_pass, cached.heatmaps(question)[role]
        assert result == faithfulness(run.network, run.images, heatmap.values[None], [1])[0]


def test_stopped_computation_keeps_finished_networks(cached: CachedAnalysis, pair: Pair) -> None:
    steps = faithfulness_steps({"tiny": cached}, Settings("roof"))
    assert [next(steps), next(steps)] == [(0, 2), (1, 2)]
    steps.close()
    assert list(cached.faithfulness[Settings("roof").question(pair)]) == ["baseline"]
    assert list(faithfulness_steps({"tiny": cached}, Settings("roof"))) == [(0, 1), (1, 1)]
