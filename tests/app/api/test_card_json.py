"""Model card as JSON."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from app.api.card_json import card_json
from pairs.layout import REPORT
from pairs.model_card import read_card
from pairs.pair import load_pair
from tests.conftest import SHIPPED


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """A copy of a shipped pair whose report can be modified."""
    return Path(shutil.copytree(SHIPPED["resnet18-siri-whu"], tmp_path / "resnet18-siri-whu"))


def card(folder: Path) -> dict[str, Any]:
    """The card, encoded as JSON and decoded."""
    return json.loads(json.dumps(card_json(read_card(load_pair(folder))), allow_nan=False))


def edit(folder: Path, change: Any) -> None:
    report = json.loads((folder / REPORT).read_text())
    change(report)
    (folder / REPORT).write_text(json.dumps(report))


def test_card_of_complete_report_has_every_value(shipped: Path) -> None:
    found, report = card(shipped), json.loads((shipped / REPORT).read_text())
    assert (found["problem"], found["missing_fields"], found["invalid_fields"]) == (None, [], [])
    assert found["data"]["images"] == sum(report["images"].values())
    assert found["data"]["parts"] == {subset: len(names) for subset, names in report["split"].items()}
    for role in ("baseline", "scff"):
        network = report["networks"][role]
        assert found[role]["confusion"] == network["test"]["confusion"]
        assert found[role]["training"]["seconds"] == network["seconds"]
        assert len(found[role]["training"]["curves"]) == len(network["curves"])
    expected, section = report["faithfulness"]["test"], found["faithfulness"]["test"]
    assert list(section["measures"]) == list(expected["metrics"])
    drop = section["measures"]["drop"]
    assert drop["by_role"]["scff"] == expected["metrics"]["drop"]["scff"]
    assert drop["paired"] == expected["metrics"]["drop"]["paired"]
    assert drop["higher_is_better"] is False


def test_report_without_faithfulness_gives_empty_faithfulness(shipped: Path) -> None:
    edit(shipped, lambda report: report.pop("faithfulness"))
    assert card(shipped)["faithfulness"] == {}


def test_invalid_metric_is_null_and_listed_as_invalid(shipped: Path) -> None:
    edit(shipped, lambda report: report["faithfulness"]["test"]["metrics"]["drop"]["scff"].update(mean="half"))
    found = card(shipped)
    measures = found["faithfulness"]["test"]["measures"]
    assert measures["drop"] is None
    assert measures["increase"]["by_role"]["scff"]["count"] == 480
    assert found["invalid_fields"] == ["faithfulness.test.metrics.drop.scff"]


@pytest.mark.parametrize(
    ("value", "expected", "name"),
    [([], None, "faithfulness"), ({"test": 3}, {"test": None}, "faithfulness.test")],
    ids=["all", "a subset"],
)
def test_invalid_faithfulness_is_null_and_listed_as_invalid(
    shipped: Path, value: Any, expected: Any, name: str
) -> None:
    edit(shipped, lambda report: report.update(faithfulness=value))
    found = card(shipped)
    assert found["faithfulness"] == expected
    assert found["invalid_fields"] == [name]


def test_unreadable_report_leaves_values_of_the_weights_files(shipped: Path) -> None:
    (shipped / REPORT).write_text("{")
    found = card(shipped)
    assert "report.json" in found["problem"]
    assert found["arch"] == "resnet18"
    assert found["data"]["images"] is None
    assert found["scff"]["test"]["images"] is None
    assert found["scff"]["training"]["curves"] is None
