"""Model card as Markdown (README.md of a pair's folder)."""

import pytest

from pairs.model_card_markdown import model_card_markdown
from pairs.report import Report
from pairs.report_reading import read_report
from tests.conftest import SHIPPED
from tests.pairs.reports import complete_report

pytestmark = pytest.mark.essential


def card(values: dict) -> str:
    return model_card_markdown("tiny", Report.model_validate(values, context={}))


def test_card_of_a_pair_states_the_values_of_its_report() -> None:
    lines = card(complete_report()).splitlines()
    assert lines[0] == "# tiny"
    assert "avg + sk_softmax, initialisation: neutral" in lines[2]
    assert "3 classes, 150 images, resized to 64 x 64 pixels." in lines[2]
    assert "| scff | 11 | 75.0% | 50.0% | 2 |" in lines
    assert "| field | 50.0% | 60.0% |" in lines
    text = "\n".join(lines)
    assert (
        "80 / 40 / 30 images for training, validation and test. Identical images in different subsets, 1 case(s): "
        in text
    )
    assert "baseline 0:01:00, scff 1:01:40. All networks here were trained on the same batches" in text
    assert "## Faithfulness evaluation: test set" in lines
    assert "Grad-CAM++, last feature map, for each network's own prediction, over the 30 images" in text
    assert (
        "| The deletion (lower is better) | 0.250 [0.200, 0.300] | 0.230 [0.100, 0.400] | -0.020 [-0.030, -0.010] | "
        "20 and 8 of 30 |"
    ) in lines
    assert "(faithfulness-test.svg)" in text


def test_card_of_an_incomplete_pair_omits_scff() -> None:
    values = complete_report()
    del values["networks"]["scff"], values["faithfulness"]
    text = card(values)
    assert "| class | baseline, test recall |\n| --- | --- |" in text
    assert "sk_softmax" not in text
    assert "Faithfulness" not in text


def test_networks_of_different_recipes_have_a_line_each() -> None:
    values = complete_report()
    values["networks"]["scff"]["settings"] |= {"epochs": 1, "freeze_backbone": True, "initial": "the baseline of x"}
    text = card(values)
    assert text.count("- **Recipe:**") == 2
    assert "siri-whu, backbone frozen, epochs: 1" in text
    assert "same initial" not in text


def test_a_class_without_a_test_image_has_no_recall() -> None:
    values = complete_report()
    values["networks"]["scff"]["test"]["per_class"]["roof"] = None
    assert "| roof | 50.0% | - |" in card(values)


def test_bounds_are_not_printed_as_minus_zero() -> None:
    values = complete_report()
    values["faithfulness"]["test"]["metrics"]["road"]["baseline"] |= {"low": -0.0001}
    assert "-0.000" not in card(values)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_cards_are_current(name: str) -> None:
    assert (SHIPPED[name] / "README.md").read_text() == model_card_markdown(name, read_report(SHIPPED[name]))
