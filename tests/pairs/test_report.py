"""Schema of the report."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from pydantic import ValidationError

from models.fusion_settings import FusionSettings
from pairs.report import EvaluationResult, Report, json_schema
from tests.conftest import CLASSES, Ended
from tests.pairs.reports import complete_report

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"


def test_invalid_values_are_rejected_on_writing() -> None:
    with pytest.raises(ValidationError, match="accuracy"):
        EvaluationResult(images=3, accuracy=float("nan"))
    with pytest.raises(ValidationError, match="confusion"):
        EvaluationResult(images=3, confusion=((1, 0), (0, 1)))


def test_accuracies_follow_from_the_confusion_matrix() -> None:
    found = EvaluationResult.from_confusion([[3, 1, 0], [0, 0, 0], [2, 0, 4]], CLASSES)
    assert found.images == 10
    assert found.accuracy == 0.7  # three and four of ten
    assert found.per_class == {"field": 0.75, "roof": None, "water": 4 / 6}


def test_reports_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Report(dataset="scenes").dataset = "other"


@pytest.mark.essential
def test_the_published_schema_is_current(command: Callable[..., Ended]) -> None:
    printed = command("pairs", "schema")
    assert printed.status == 0
    assert json.loads(printed.out) == json_schema()
    assert printed.out == SCHEMA.read_text(), "python -m pairs schema > docs/report.schema.json"


def test_the_schema_requires_what_a_complete_report_holds() -> None:
    schema = json_schema()
    assert set(schema["required"]) == complete_report().keys() - {"faithfulness"}
    network = schema["$defs"]["NetworkReport"]
    assert set(network["required"]) == complete_report()["networks"]["scff"].keys()
    assert network["properties"]["parameters"]["type"] == "integer"  # null is not allowed
    fusion = schema["$defs"]["RunSettings"]["properties"]["fusion"]
    assert {"type": "null"} in fusion["anyOf"]
    assert schema["$defs"]["FusionSettings"]["properties"].keys() == asdict(FusionSettings()).keys()
