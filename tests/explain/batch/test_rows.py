"""Rows of a folder's table."""

import json

import pytest

from explain.batch.rows import ImageRow, NetworkResult

pytestmark = pytest.mark.essential

RESULT = NetworkResult("roof", 0.75, "water", "", 0.25, False, {"drop": 0.5, "increase": False, "insertion_area": None})
OTHER = NetworkResult("field", 0.5, "field", "roof", 0.5, True)
ROW = ImageRow("a/b.tif", networks={"baseline": RESULT, "scff": OTHER}, geotiff="maps/a/b.tif.tif")


def test_columns_in_the_order_of_the_table() -> None:
    assert list(ROW.columns()) == [
        "image", "error", "baseline_prediction", "baseline_confidence", "baseline_target", "baseline_against",
        "baseline_target_confidence", "baseline_empty", "baseline_drop", "baseline_increase",
        "baseline_insertion_area", "scff_prediction", "scff_confidence", "scff_target", "scff_against",
        "scff_target_confidence", "scff_empty", "geotiff",
    ]  # fmt: skip
    assert ImageRow("c.png", "c.png: damaged").columns() == {"image": "c.png", "error": "c.png: damaged"}


@pytest.mark.parametrize("row", [ROW, ImageRow("c.png", "c.png: damaged")], ids=["explained", "failed"])
def test_row_round_trips_through_the_log(row: ImageRow) -> None:
    assert ImageRow.of_columns(json.loads(json.dumps(row.columns()))) == row


def test_line_without_a_column_is_rejected() -> None:
    values = ROW.columns()
    del values["scff_confidence"]
    with pytest.raises(KeyError):
        ImageRow.of_columns(values)


def test_agreement_compares_predictions() -> None:
    assert not ROW.agree
    assert ImageRow("a.tif", networks={"baseline": RESULT, "scff": RESULT}).agree
