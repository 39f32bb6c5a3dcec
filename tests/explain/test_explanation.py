"""Explanation of an image by a pair: heatmaps, faithfulness and localisation."""

import numpy as np
import pytest

from explain.cam.analysis import analyse
from explain.cam.question import Question
from explain.explanation import Explanation
from explain.metrics.faithfulness import faithfulness
from explain.metrics.localisation import Region, localise
from pairs.pair import Pair
from tests.conftest import texture

pytestmark = pytest.mark.essential


@pytest.fixture(scope="module")
def explanation(pair: Pair) -> Explanation:
    return Explanation.of(analyse(pair, texture(1, 0)), Question(1, layer="Y3"))


def test_heatmaps_are_those_of_the_question(explanation: Explanation) -> None:
    for role, expected in explanation.analysis.heatmaps(explanation.question).items():
        assert np.array_equal(explanation.heatmaps[role].values, expected.values)
        assert explanation.heatmaps[role].target == 1


def test_faithfulness_is_of_each_networks_own_heatmap(explanation: Explanation) -> None:
    assert explanation.faithfulness("none") is None
    found = explanation.faithfulness("quick")
    assert found is not None
    for role, each in explanation.analysis.networks.items():
        values = explanation.heatmaps[role].values[None]
        assert found[role] == faithfulness(each.forward_pass.network, each.forward_pass.images, values, [1], "quick")[0]


def test_localisation_is_computed_for_a_given_region(explanation: Explanation) -> None:
    region = Region.from_box((5, 5, 20, 30), (40, 40))
    assert explanation.localisation(None) == {}
    assert explanation.localisation(region) == {
        role: localise(heatmap.values, region) for role, heatmap in explanation.heatmaps.items()
    }
