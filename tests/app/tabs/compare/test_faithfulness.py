"""Faithfulness on request."""

import pytest

from app.session.faithfulness import faithfulness_steps
from app.session.settings import Settings
from app.storage.analyses import AnalysisCache, CachedAnalysis
from app.storage.source_image import SourceImage
from app.tabs.compare.faithfulness import faithfulness_table
from explain.metrics.faithfulness import faithfulness
from pairs.pair import Pair
from tests.conftest import texture


@pytest.fixture
def analyses(pair: Pair) -> dict[str, CachedAnalysis]:
    image = texture(1, 0, side=80)
    return {"tiny": AnalysisCache().make(SourceImage("a.tif", lambda: image, "k"), pair, image)}


def test_steps_are_counted_and_figures_kept(analyses: dict[str, CachedAnalysis], pair: Pair) -> None:
    settings = Settings("roof")
    assert "about 50 forward passes per model" in faithfulness_table(analyses, settings)
    steps = []
    for done, of in faithfulness_steps(analyses, settings):
        steps.append((done, of))
        assert ("<table" in faithfulness_table(analyses, settings)) == (done > 0)
    assert steps == [(0, 2), (1, 2), (2, 2)]
    assert list(faithfulness_steps(analyses, settings)) == [(0, 0)]  # nothing is measured twice
    question = settings.question(pair)
    for role, found in analyses["tiny"].faithfulness[question].items():
        run, heatmap = analyses["tiny"].analysis.runs[role].run, analyses["tiny"].heatmaps(question)[role]
        assert found == faithfulness(run.network, run.images, heatmap.values[None], [1])[0]
        if found.values:
            assert f"{found.values['insertion']:.3f}" in faithfulness_table(analyses, settings)
    assert "about 50 forward passes per model" in faithfulness_table(analyses, Settings("water"))
