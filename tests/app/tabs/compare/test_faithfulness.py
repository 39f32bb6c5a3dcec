"""Table of faithfulness on the Compare tab."""

import pytest

from app.session.faithfulness import faithfulness_steps
from app.session.settings import Settings
from app.storage.analyses import AnalysisCache, CachedAnalysis
from app.storage.source_image import SourceImage
from app.tabs.compare.faithfulness import faithfulness_table
from pairs.pair import Pair
from tests.conftest import texture


@pytest.fixture
def analyses(pair: Pair) -> dict[str, CachedAnalysis]:
    image = texture(1, 0, side=80)
    return {"tiny": AnalysisCache().make(SourceImage("a.tif", lambda: image, "k"), pair, image)}


def test_table_appears_after_the_first_network(analyses: dict[str, CachedAnalysis], pair: Pair) -> None:
    settings = Settings("roof")
    assert "about 50 forward passes per model" in faithfulness_table(analyses, settings)
    for done, _ in faithfulness_steps(analyses, settings):
        assert ("<table" in faithfulness_table(analyses, settings)) == (done > 0)
    results = analyses["tiny"].faithfulness[settings.question(pair)]
    assert list(results) == ["baseline", "scff"]
    for found in results.values():
        if found.values:
            assert f"{found.values['insertion']:.3f}" in faithfulness_table(analyses, settings)
    assert "about 50 forward passes per model" in faithfulness_table(analyses, Settings("water"))
