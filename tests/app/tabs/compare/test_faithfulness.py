"""Faithfulness on request."""

import pytest

from app.session.faithfulness import faithfulness_steps
from app.session.image import SourceImage
from app.session.settings import Settings
from app.storage.analyses import AnalysisCache, CachedAnalysis
from app.tabs.compare.faithfulness import faithfulness_table
from explain.metrics.faithfulness import faithfulness
from pairs.pair import Pair
from tests.conftest import texture


@pytest.fixture
def seen(pair: Pair) -> dict[str, CachedAnalysis]:
    image = texture(1, 0, side=80)
    return {"tiny": AnalysisCache().make(SourceImage("a.tif", lambda: image, "k"), pair, image)}


def test_steps_are_counted_and_figures_kept(seen: dict[str, CachedAnalysis], pair: Pair) -> None:
    settings = Settings("roof")
    assert "passes of each network tell" in faithfulness_table(seen, settings)
    steps = []
    for done, of in faithfulness_steps(seen, settings):
        steps.append((done, of))
        assert ("<table" in faithfulness_table(seen, settings)) == (done > 0)
    assert steps == [(0, 2), (1, 2), (2, 2)]
    assert list(faithfulness_steps(seen, settings)) == [(0, 0)]  # nothing is measured twice
    question = settings.question(pair)
    for role, found in seen["tiny"].worth[question].items():
        run, heatmap = seen["tiny"].analysis.runs[role].run, seen["tiny"].heatmaps(question)[role]
        assert found == faithfulness(run.network, run.images, heatmap.values[None], [1])[0]
        if found.values:
            assert f"{found.values['insertion']:.3f}" in faithfulness_table(seen, settings)
    assert "passes of each network tell" in faithfulness_table(seen, Settings("water"))
