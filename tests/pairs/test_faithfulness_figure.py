"""Figure of a faithfulness evaluation."""

import pytest

from pairs.faithfulness_figure import draw_faithfulness, faithfulness_file
from pairs.report import FaithfulnessReport
from tests.pairs.reports import faithfulness

pytestmark = pytest.mark.essential


def test_the_figure_shows_curves_and_differences() -> None:
    report = FaithfulnessReport(**faithfulness())
    drawn = draw_faithfulness(report).decode()
    for text in ("Insertion: higher is better", "Deletion: lower is better", "SCFF minus baseline, 95 % interval"):
        assert text in drawn
    for metric in report.metrics.values():
        assert metric.title in drawn
        assert f"({metric.direction})" in drawn
    shifted = report.model_copy(update={"insertion": {"baseline": (0.1, 0.2), "scff": (0.3, 0.4)}})
    assert draw_faithfulness(shifted) != drawn.encode()
    assert draw_faithfulness(report) == drawn.encode()  # no date, no random names


def test_metrics_without_a_difference_are_left_out() -> None:
    values = faithfulness()
    road = values["metrics"]["road"]
    road["paired"] = {"difference": None, "scff_better": 0, "baseline_better": 0, "equal": 0}
    drawn = draw_faithfulness(FaithfulnessReport(**values)).decode()
    assert road["title"] not in drawn
    assert values["metrics"]["deletion"]["title"] in drawn


def test_images_without_curves_leave_empty_axes() -> None:
    values = faithfulness() | {"insertion": {"baseline": [], "scff": []}, "metrics": {}}
    assert b"Insertion" in draw_faithfulness(FaithfulnessReport(**values))


def test_each_subset_has_a_file() -> None:
    assert faithfulness_file("val") == "faithfulness-val.svg"
