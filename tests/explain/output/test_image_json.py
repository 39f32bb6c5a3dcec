"""JSON object of one image."""

import json

import pytest

from explain.cam.analysis import analyse
from explain.cam.question import Question
from explain.explanation import Explanation
from explain.metrics.localisation import Region
from explain.output.image_json import REQUEST, ImageSource, image_json, request_json, result_json
from pairs.pair import Pair
from tests.conftest import texture


@pytest.fixture
def explanation(pair: Pair) -> Explanation:
    return Explanation.of(analyse(pair, texture(0, 0)), Question(target=1))


def test_probabilities_and_targets_are_the_networks_own(pair: Pair, explanation: Explanation) -> None:
    found = image_json(explanation)
    for role, run in explanation.analysis.networks.items():
        each = found[role]
        assert each["prediction"] == max(each["probabilities"], key=each["probabilities"].get)
        assert each["confidence"] == max(each["probabilities"].values())
        assert sum(each["probabilities"].values()) == pytest.approx(1)
        assert (each["target"], each["against"]) == (pair.classes[1], None)
        assert each["logit"] == run.forward_pass.logits[0, 1].item()
    assert found["earlier_weights"].keys() == {"Y2", "Y3", "Y4"}
    assert found["stage_shares"].keys() == {"X1", "X2", "X3", "X4"}


def test_result_is_plain_json_with_null_files(explanation: Explanation) -> None:
    source = ImageSource("a.tif", "/scenes/a.tif", (4, 3, 2))
    found = result_json(
        source, explanation, Region.from_box((0, 0, 20, 20), (40, 40)), explanation.faithfulness("quick")
    )
    again = json.loads(json.dumps(found, allow_nan=False))
    assert again["scff"]["probabilities"] == found["scff"]["probabilities"]
    assert (found["image"], found["bands"]) == ("a.tif", [4, 3, 2])
    assert (found["geotiff"], found["figure"], found["maps"]) == (None, None, None)
    for role in ("baseline", "scff"):
        assert {"region", "faithfulness"} <= found[role].keys()


def test_requests_differ_by_image_bands_and_parameters(pair: Pair, explanation: Explanation) -> None:
    source = ImageSource("a.tif", "/scenes/a.tif")
    same = request_json(source, pair, explanation.question)
    assert result_json(source, explanation)[REQUEST] == same
    for other in (
        request_json(ImageSource("a.tif", "/other/a.tif"), pair, explanation.question),
        request_json(ImageSource("a.tif", "/scenes/a.tif", (1, 1, 1)), pair, explanation.question),
        request_json(source, pair, Question(target=2)),
    ):
        assert other != same
