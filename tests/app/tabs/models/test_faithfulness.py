"""Models tab: table of the faithfulness evaluation."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from app.tabs.models.faithfulness import faithfulness_html
from pairs.report_reading import read_partial_report
from tests.conftest import CLASSES
from tests.pairs.reports import complete_report


def html(folder: Path, report: dict[str, Any]) -> str:
    (folder / "report.json").write_text(json.dumps(report))
    return str(faithfulness_html(read_partial_report(folder, CLASSES), {"test": "test"}))


@pytest.mark.parametrize(
    ("mean", "low", "high", "deletion", "road"),
    [
        (0.1, 0.05, 0.2, "baseline better", "SCFF better"),  # deletion: lower is better; ROAD: higher
        (-0.1, -0.2, -0.05, "SCFF better", "baseline better"),
        (0.1, -0.05, 0.2, "no significant difference", "no significant difference"),
    ],
)
def test_the_conclusion_follows_from_the_interval_and_the_direction(
    tmp_path: Path, mean: float, low: float, high: float, deletion: str, road: str
) -> None:
    report = deepcopy(complete_report())
    for metric in report["faithfulness"]["test"]["metrics"].values():
        metric["paired"]["difference"] = {"mean": mean, "low": low, "high": high, "count": 30}
    rows = html(tmp_path, report).partition("</table>")[0].split("<tr>")
    (of_deletion,) = (row for row in rows if "The deletion" in row)
    (of_road,) = (row for row in rows if "The road" in row)
    assert deletion in of_deletion
    assert road in of_road


def test_missing_evaluation_names_the_option_to_run_it(tmp_path: Path) -> None:
    report = {name: value for name, value in complete_report().items() if name != "faithfulness"}
    assert "--explain" in html(tmp_path, report)


def test_invalid_metric_has_no_conclusion_and_the_others_are_shown(tmp_path: Path) -> None:
    report = deepcopy(complete_report())
    report["faithfulness"]["test"]["metrics"]["road"]["paired"]["difference"]["mean"] = "odd"
    rows = html(tmp_path, report).partition("</table>")[0].split("<tr>")
    (of_road,) = (row for row in rows if "The road" in row)
    assert "SCFF better" not in of_road
    assert any("SCFF better" in row for row in rows)
