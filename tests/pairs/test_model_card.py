"""Model card: accuracies with intervals, cost, and the bound on McNemar's test."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pairs.inference import inference_ready
from pairs.model_card import accuracy, read_card
from pairs.pair import Pair
from pairs.statistics import wilson_interval
from tests.conftest import CLASSES
from tests.pairs.reports import complete_report

pytestmark = pytest.mark.essential


def test_card_combines_weights_and_report(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(complete_report()))
    card = read_card(replace(pair, path=tmp_path))
    assert card.test["scff"] == accuracy(0.5, 30)
    assert card.val["scff"] == accuracy(0.75, 40)
    assert card.class_recall("scff") == dict(zip(CLASSES, (0.6, 0.5, 0.4), strict=True))
    assert (card.mcnemar.baseline_only, card.mcnemar.scff_only) == (1, 1)  # one class better by one image each
    assert card.mcnemar.least_p == 1
    assert card.headers["scff"].fusion is not None
    assert card.common.fusion is None


def test_interval_needs_a_whole_number_of_correct_images() -> None:
    assert accuracy(0.25, 20).interval == wilson_interval(5, 20)
    assert accuracy(0.89375001, 480).interval == wilson_interval(429, 480)  # float32
    assert accuracy(0.5, None).interval is None
    assert accuracy(0.5, 0).interval is None
    assert accuracy(0.5, 3).interval is None  # one and a half of three images


def test_cost_is_that_of_the_network_as_trained(pair: Pair) -> None:
    """Not of the inference-ready one, whose batch norms are folded."""
    for card in (read_card(pair), read_card(inference_ready(pair))):
        for role, loaded in pair.networks.items():
            assert card.parameters(role) == sum(p.numel() for p in loaded.network.parameters())
        assert card.macs("scff") > card.macs("baseline") > 0


def test_missing_cost_falls_back_to_reported_parameters(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(json.dumps(complete_report()))
    card = replace(read_card(replace(pair, path=tmp_path)), cost=None)
    assert card.parameters("scff") == 11
    assert card.macs("scff") is None


def test_missing_confusion_matrix_gives_no_mcnemar_bound(pair: Pair, tmp_path: Path) -> None:
    report = complete_report()
    del report["networks"]["scff"]["test"]["confusion"]
    (tmp_path / "report.json").write_text(json.dumps(report))
    assert read_card(replace(pair, path=tmp_path)).mcnemar is None
