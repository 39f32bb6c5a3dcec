"""Computational cost as text, table and JSON."""

import pytest

from models.cost import Cost, PairCost
from training.cost_table import as_json_object, as_row, as_text, heading

pytestmark = pytest.mark.essential

COST = PairCost(
    backbone=Cost(params=10_000_000, macs=3_000_000_000),
    classifier=Cost(params=2_000_000, macs=1_000_000_000),
    fusions=(Cost(params=1_000_000, macs=500_000_000), Cost(params=2_000_000, macs=300_000_000)),
)


def test_json_sums_the_parts() -> None:
    found = as_json_object("net", (64, 48), 5, COST)
    assert (found["arch"], found["image_size"], found["classes"]) == ("net", [48, 64], 5)
    assert (found["baseline"]["params"], found["baseline"]["macs"]) == (12_000_000, 4_000_000_000)
    assert (found["scff"]["params"], found["scff"]["macs"]) == (15_000_000, 4_800_000_000)
    assert found["scff"]["fusions"] == {
        "Y2": {"params": 1_000_000, "macs": 500_000_000},
        "Y3": {"params": 2_000_000, "macs": 300_000_000},
    }
    assert found["ratio"] == {"params": 1.25, "macs": 1.2}
    assert as_json_object("net", (64, 64), 5, COST)["image_size"] == 64


def test_row_has_a_cell_per_column() -> None:
    assert as_row("net", COST) == "| net | 12.00 | 15.00 | 3.000 | 1.000 | 0.500 + 0.300 | 4.000 | 4.800 | 1.200 |"
    assert as_row("net", COST).count("|") == heading().splitlines()[0].count("|")


def test_text_has_a_line_per_part() -> None:
    text = as_text("net", (64, 48), COST)
    assert text.startswith("net, 48 x 64 pixels\n")
    assert "fusion to Y3      2.00 M               0.300 G" in text
    assert text.splitlines()[-1].split() == ["ratio", "1.250", "1.200"]
