"""JSON report of a view."""

import json
from dataclasses import replace

import numpy as np
import pytest

from core.version import versions
from explain.cam.analysis import Heatmap, PairAnalysis, analyse
from explain.cam.question import Question, Smoothing
from explain.explanation import Explanation
from explain.figures.style import Style
from explain.metrics.localisation import Region, localise
from explain.output import json_report as module
from explain.output.image_json import image_json
from explain.output.json_report import json_report
from explain.output.summary import comparison_summary
from pairs.pair import Pair
from tests.conftest import texture


@pytest.fixture(scope="module")
def analysis(pair: Pair) -> PairAnalysis:
    return analyse(pair, texture(0, 0, side=80)[:60])


def written(found: dict) -> dict:
    """The report, encoded as JSON and decoded."""
    back = json.loads(json.dumps(found, allow_nan=False))
    assert back == found
    return back


def test_report_extends_the_image_json(analysis: PairAnalysis) -> None:
    question, style = Question(1, against=2, layer="Y3", smoothing=Smoothing(2)), Style("viridis", "shared", 0.3)
    explanation, region = Explanation.of(analysis, question), Region.from_box((5, 10, 45, 30), (60, 80))
    maps, results = explanation.heatmaps, explanation.faithfulness("quick")
    found = written(json_report(explanation, "场景 $x.tif", style, region, results))
    of_image = json.loads(json.dumps(image_json(explanation, results)))
    for name, value in of_image.items():
        assert found[name] == value if name not in ("baseline", "scff") else value.items() <= found[name].items()
    assert found["image"] == "场景 $x.tif"
    assert found["size"] == {"width": 80, "height": 60}
    text = "resized from 80 x 60 to 64 x 64 pixels, downsampled 1.25x horizontally and upsampled 1.07x vertically"
    assert found["seen"] == {"width": 64, "height": 64, "words": text}
    assert found["question"] == {
        "target": "roof",
        "against": "water",
        "layer": "Y3",
        "method": "Grad-CAM++",
        "smoothing": {"samples": 2, "spread": 0.1, "seed": 0},
    }
    assert found["style"]["colour_map"] == "viridis"
    assert found["style"]["colours"] == "fraction of the larger of the two maxima"
    assert found["versions"] == versions()
    assert found["region"] == {"box": [5, 10, 45, 30], "pixels": 800, "runs": None}
    regions = {role: localise(maps[role].values, region) for role in maps}
    assert found["comparison"] == {
        "words": comparison_summary(explanation, regions),
        "hottest_fifths_overlap": explanation.overlap(),
    }
    for role, heatmap in maps.items():
        of_map, checkpoint = found[role]["map"], found[role]["checkpoint"]
        assert of_map["shape"] == list(heatmap.values.shape)
        assert of_map["max"] == heatmap.values.max()
        assert of_map["sum"] == pytest.approx(heatmap.values.sum())
        assert found[role]["region"]["covered"] == regions[role].covered
        assert len(found[role]["faithfulness"]["insertion"]) == 21
        assert checkpoint["arch"] == "resnet18"
        assert (checkpoint["seed"], checkpoint["dataset"], checkpoint["test_accuracy"]) == (0, "scenes", 0.5)
        assert (checkpoint["fusion"] is None) == (role == "baseline")


def test_sections_not_requested_are_null_or_absent(analysis: PairAnalysis) -> None:
    found = written(json_report(Explanation.of(analysis), "a.tif", Style()))
    assert found["region"] is None
    assert found["question"]["target"] is found["question"]["against"] is found["question"]["smoothing"] is None
    assert "region" not in found["scff"]
    assert "faithfulness" not in found["scff"]


@pytest.mark.parametrize("value", [0, np.nan, np.inf])
def test_empty_and_non_finite_maps_give_valid_json(analysis: PairAnalysis, value: float) -> None:
    values = np.full((2, 2), value, dtype=np.float32)
    maps = {role: Heatmap(values, 0) for role in ("baseline", "scff")}
    with np.errstate(invalid="ignore"):
        found = written(
            json_report(
                Explanation(analysis, Question(0), maps), "a.tif", Style(), Region.from_box((0, 0, 9, 9), (60, 80))
            )
        )
    assert found["scff"]["map"]["max"] == (0 if value == 0 else None)
    if value == 0:
        assert found["scff"]["region"] is None
        assert found["comparison"]["hottest_fifths_overlap"] is None


def test_missing_test_accuracy_is_null(analysis: PairAnalysis) -> None:
    loaded = analysis.scff.loaded
    loaded = replace(loaded, header=replace(loaded.header, test_accuracy=float("nan")))
    untested = replace(analysis, scff=replace(analysis.scff, loaded=loaded))
    found = written(json_report(Explanation.of(untested), "a.tif", Style()))
    assert found["scff"]["checkpoint"]["test_accuracy"] is None


@pytest.mark.parametrize("corner", [False, True])
def test_mask_is_restored_from_its_run_lengths(analysis: PairAnalysis, corner: bool) -> None:
    mask = np.random.default_rng(0).random((60, 80)) > 0.7
    mask[0, 0], mask[:, 70:], mask[:3, 1:] = corner, False, False
    found = written(json_report(Explanation.of(analysis), "a.tif", Style(), Region(mask)))["region"]
    inside = np.arange(len(found["runs"])) % 2 == 1
    assert np.array_equal(np.repeat(inside, found["runs"]), mask.ravel())
    assert found["pixels"] == mask.sum()
    left, top, right, bottom = found["box"]
    assert mask[top:bottom, left:right].sum() == mask.sum()
    assert mask[top].any()
    assert mask[bottom - 1].any()
    assert mask[:, left].any()
    assert mask[:, right - 1].any()


def test_mask_with_too_many_runs_is_stored_as_its_box(analysis: PairAnalysis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_RUNS", 100)
    mask = np.random.default_rng(0).random((60, 80)) > 0.5
    found = json_report(Explanation.of(analysis), "a.tif", Style(), Region(mask))["region"]
    assert found["runs"] is None
    assert found["pixels"] == mask.sum()
