"""Model cards as HTML: reported and derived values, and missing or invalid fields."""

import ast
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

import app
from app.tabs.models.view import broken_html, card_html, variant_text
from models.downsample import DOWNSAMPLES
from models.fusion import FUSIONS
from models.fusion_settings import FusionSettings
from pairs.layout import ROLES
from pairs.model_card import ModelCard, read_card
from pairs.pair import Pair, load_pair
from pairs.report_reading import PartialReport, read_report
from tests.conftest import CLASSES, SHIPPED
from tests.pairs.reports import METRICS, complete_report, faithfulness, once_for_both, without_version

HOSTILE = "<script>alert('x')</script> \"quoted\" ${x} {{y}} `z` \ud800"


@pytest.fixture
def card_of(pair: Pair, tmp_path: Path) -> Callable[..., ModelCard]:
    """Reads the card of the tiny pair with this report, as values or text, and changed header fields."""

    def made(report: object, **changes: object) -> ModelCard:
        (tmp_path / "report.json").write_text(report if isinstance(report, str) else json.dumps(report))
        networks = {
            role: replace(loaded, header=replace(loaded.header, **changes)) for role, loaded in pair.networks.items()
        }
        return read_card(replace(pair, path=tmp_path, **networks))

    return made


class _Balanced(HTMLParser):
    """Parser that fails on tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:  # noqa: ARG002 - HTMLParser's
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def text_of(html: str) -> str:
    """The displayed text on one line."""
    parser = _Balanced()
    parser.feed(html)
    parser.close()
    assert not parser.open
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html))).strip()


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_card_matches_its_report(name: str) -> None:
    card, report = read_card(load_pair(SHIPPED[name])), read_report(SHIPPED[name])
    assert card.name == name
    assert card.partial == PartialReport(report)
    for role, network in report.networks.items():
        assert card.test[role].share == network.test.accuracy
        assert card.test[role].images == network.test.images
        assert card.val[role].share == network.val_accuracy
        assert card.val[role].images == len(report.split["val"])
        assert card.parameters(role) == network.parameters
        assert card.class_recall(role) == network.test.per_class
    html = card_html(card)
    assert "not in this report" not in html
    assert "missing or invalid" not in html


@pytest.mark.essential
def test_shipped_card_shows_the_expected_values() -> None:
    text = text_of(card_html(read_card(load_pair(SHIPPED["efficientnet-lite0-siri-whu"]))))
    # Wilson's interval of 457 of 480, by the closed form: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)
    assert "Test accuracy 95.2 % [92.9, 96.8] of 480" in text
    assert "Parameters 3,386,380 3,862,988" in text
    assert "Multiply-accumulates 0.340 G 0.349 G" in text
    assert "average pooling, then 1x1 convolution; SK attention preceded by a softmax (the paper's)" in text
    assert "1,438 training, 480 validation, 480 test" in text
    assert "agriculture/0002 (train) = agriculture/0106 (test)" in text
    assert "both: mixed bfloat16" in text
    assert "efficientnet-lite0-57934424.pth" in text
    assert "meadow 90.0 % 85.0 % −5.0 40" in text
    assert "Average drop in confidence" in text
    other = text_of(card_html(read_card(load_pair(SHIPPED["resnet18-siri-whu"]))))
    assert "Average drop in confidence" in other
    assert "ROAD" in other


def test_a_complete_report_is_displayed_completely(card_of: Callable) -> None:
    card = card_of(complete_report())
    text = text_of(card_html(card))
    assert "not in this report" not in text
    assert "Test accuracy 50.0 % [33.2, 66.8] of 30" in text
    assert "Validation accuracy 75.0 % [59.8, 85.8] of 40" in text
    assert "40 × 30 (140), 41 × 30 (10)" in text
    assert "train/1 (train) = test/2 (test)" in text
    assert "Training time (h:min:s) 0:01:00 1:01:40" in text
    assert "Paired comparison (McNemar's exact test): not possible" in text
    assert "at least 1 images are classified correctly by the baseline alone and at least 1 by SCFF alone" in text
    assert "field 50.0 % 60.0 % +10.0 10" in text
    assert "Grad-CAM++, last feature map, for each network's own prediction, over 30 images" in text
    assert "Empty heatmaps, excluded from all metrics: Baseline 0, With SCFF 1" in text
    assert "The road higher 0.250 [0.200, 0.300] 0.270 [0.100, 0.400] +0.020 [+0.010, +0.030]" in text
    assert "The deletion lower 0.250 [0.200, 0.300] 0.230 [0.100, 0.400] −0.020 [−0.030, −0.010]" in text
    assert text.count("baseline 8, SCFF 20, equal 2 SCFF better") == len(METRICS)
    assert card_html(card).count("<svg") == card_html(card).count("role='img'") == 6


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (("images",), "an unknown number of images"),
        (("sizes",), "Image sizes (pixels) not in this report"),
        (("unreadable",), "Unreadable files not in this report"),
        (("duplicates",), "Duplicate images not in this report"),
        (("split_source",), "Split not in this report"),
        (("split",), "training not in this report , validation not in this report , test not in this report"),
        (("split", "val"), "validation not in this report"),
        (("split_shared",), "Images shared across subsets not in this report"),
        (("split_missing",), "Images of the split missing from the folder not in this report"),
        (("networks",), "The training curves are not in this report"),
        (("networks", "scff"), "The training curves of With SCFF are not in this report"),
        (("networks", "scff", "best_epoch"), "Selected epoch (best validation accuracy) 2 not in this report"),
        (("networks", "baseline", "val_accuracy"), "Validation accuracy not in this report 75.0 %"),
        (("networks", "scff", "curves"), "The training curves of With SCFF are not in this report"),
        (("networks", "scff", "curves", 1, "val_loss"), "The training curves of With SCFF are not in this report"),
        (("networks", "scff", "seconds"), "Training time (h:min:s) 0:01:00 not in this report"),
        (("networks", "scff", "settings"), "Batch size 4 not in this report"),
        (("networks", "scff", "settings", "lr"), "Peak learning rate 0.001 not in this report"),
        (("networks", "scff", "settings", "freeze_backbone"), "Backbone weights trained not in this report"),
        (("networks", "scff", "precision"), "Precision mixed bfloat16 not in this report"),
        (("networks", "scff", "device"), "Device cpu not in this report"),
        (("networks", "scff", "versions"), "Versions torch 2.0 not in this report"),
        (("networks", "scff", "test", "confusion"), "The confusion matrix is not in this report"),
        (("networks", "scff", "test", "per_class"), "field 50.0 % not in this report – 10"),
        (("networks", "scff", "test", "per_class", "roof"), "roof 50.0 % not in this report – 10"),
        (("networks", "scff", "test"), "two confusion matrices of the same images, which would bound it, are missing"),
        (("faithfulness",), "Faithfulness has not been evaluated for this pair"),
        (("faithfulness", "test", "metrics"), "The faithfulness evaluation of this subset is invalid or incomplete"),
        (("faithfulness", "test", "metrics", "road", "scff"), "The road higher not in this report"),
        (("faithfulness", "test", "empty"), "excluded from all metrics: not in this report"),
        (("faithfulness", "test", "insertion"), "This curve is not in this report"),
    ],
)
def test_missing_field_is_named(card_of: Callable, path: tuple, sentence: str) -> None:
    report = complete_report()
    holder = report
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    card = card_of(report)
    text = text_of(card_html(card))
    assert sentence in text
    if path != ("faithfulness",) and "per_class" not in path[:-1]:
        named = text.partition("Fields of report.json that are missing or invalid ")[2]
        assert named.startswith(("Missing: ", "Invalid: "))
        assert ".".join(path[:3] if "curves" in path else path) in named  # curves are read as a whole
    assert card.test["baseline"].share == 0.5  # from the weights files, independent of the report
    if path != ("faithfulness",):  # a value of another type counts as missing
        holder[path[-1]] = {"odd": [float("nan")]}
        assert text_of(card_html(card_of(report)))


@pytest.mark.parametrize("invalid", [None, True, -1, 10**30, "12", [], {}, 0.5])
def test_invalid_values_in_every_field_are_rendered(card_of: Callable, invalid: object) -> None:
    def replaced(values: object) -> object:
        if isinstance(values, dict):
            return {name: replaced(value) for name, value in values.items()}
        if isinstance(values, list):
            return [replaced(value) for value in values]
        return invalid

    assert text_of(card_html(card_of(replaced(complete_report()))))
    assert text_of(card_html(card_of(dict.fromkeys(complete_report(), invalid))))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"networks": []}', "\x00"])
def test_unreadable_report_leaves_values_of_the_weights_files(card_of: Callable, text: str) -> None:
    card = card_of(text)
    shown = text_of(card_html(card))
    assert "50.0 %" in shown
    assert "not in this report" in shown
    assert bool(card.partial.error) != text.startswith('{"')
    if card.partial.error:
        assert "this card is based on the weights files alone" in shown


def test_conflicting_test_accuracies_are_named(card_of: Callable) -> None:
    report = complete_report()
    report["networks"]["scff"]["test"]["accuracy"] = 0.9
    assert "With SCFF: report.json states a test accuracy of 90.0 %, but the weights file states 50.0 %" in text_of(
        card_html(card_of(report))
    )


@pytest.mark.parametrize("earlier", [once_for_both, without_version])
def test_earlier_reports_are_displayed_completely(card_of: Callable, earlier: Callable[[dict], dict]) -> None:
    text = text_of(card_html(card_of(earlier(complete_report()))))
    assert "not in this report" not in text
    assert "missing or invalid" not in text
    assert "ROAD higher 0.250 [0.200, 0.300] 0.270" in text  # the title in the metric's definition
    assert "Deletion AUC lower 0.250 [0.200, 0.300] 0.230" in text
    assert "Grad-CAM++, " in text


def test_fields_of_the_wrong_type_are_named(card_of: Callable) -> None:
    report = complete_report()
    report["networks"]["scff"]["seconds"] = "long"
    report["faithfulness"]["test"]["metrics"]["road"]["baseline"] = 5
    text = text_of(card_html(card_of(report)))
    assert "Invalid: networks.scff.seconds, faithfulness.test.metrics.road.baseline." in text
    assert "Training time (h:min:s) 0:01:00 not in this report" in text
    assert "The road higher not in this report" in text
    report["faithfulness"] = 5
    assert "The faithfulness evaluation of this report is invalid" in text_of(card_html(card_of(report)))


@pytest.mark.parametrize("role", ROLES)
def test_networks_trained_differently_are_distinguished(card_of: Callable, role: str) -> None:
    report = complete_report()
    report["networks"][role]["settings"]["freeze_backbone"] = True
    assert f"Backbone weights {'frozen trained' if role == 'baseline' else 'trained frozen'}" in text_of(
        card_html(card_of(report))
    )


@pytest.mark.essential
def test_text_from_files_is_escaped(card_of: Callable) -> None:
    report = json.loads(json.dumps(complete_report()).replace('"field"', json.dumps(HOSTILE)))
    report.update(split_source=HOSTILE, sizes={HOSTILE: 1}, split_shared=[[HOSTILE, HOSTILE]])
    report["faithfulness"] = {HOSTILE: {**faithfulness(), "layer": HOSTILE, "method": HOSTILE}}
    report["faithfulness"][HOSTILE]["metrics"][HOSTILE] = None
    for one in report["networks"].values():
        one.update(precision=HOSTILE, device=HOSTILE, versions={HOSTILE: HOSTILE})
    text = dict.fromkeys(("dataset", "initial", "recipe", "data_fingerprint", "split_fingerprint"), HOSTILE)
    card = replace(card_of(report, classes=(HOSTILE, *CLASSES[1:]), **text), name=HOSTILE)
    assert card.class_recall("scff")[HOSTILE] == 0.6
    for html in (card_html(card), broken_html(HOSTILE, HOSTILE)):
        assert text_of(html)
        html.encode()
        assert not re.search(r"<script|\$\{|\{\{|`|\"quoted|'x'", html)
        assert "&lt;script&gt;" in html


def test_broken_pair_shows_its_error() -> None:
    text = text_of(broken_html("torn", "torn/scff.safetensors is missing"))
    assert text == "torn This pair cannot be used: torn/scff.safetensors is missing."
    assert text_of(broken_html("torn", "it is torn.")).endswith("it is torn.")


def test_every_variant_has_a_description() -> None:
    assert variant_text(FusionSettings()).endswith("(the paper's)")
    others = [FusionSettings(downsample=d, fusion=f) for d in DOWNSAMPLES for f in FUSIONS]
    assert sum("the paper's" in variant_text(fusion) for fusion in others) == 1
    assert len({variant_text(fusion) for fusion in others}) == len(others)
    ours = {name for name, fusion in FUSIONS.items() if fusion.ours}
    assert {f.fusion for f in others if "our own variant" in variant_text(f)} == ours


def test_app_does_not_import_training() -> None:
    for path in Path(app.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "training" for name in names), path


def test_missing_cost_falls_back_to_reported_parameters(card_of: Callable) -> None:
    text = text_of(card_html(replace(card_of(complete_report()), cost=None)))
    assert "Parameters 11 11" in text
    assert "Multiply-accumulates cannot be counted cannot be counted" in text


def test_confusion_matrix_of_many_classes_is_not_drawn(card_of: Callable) -> None:
    report = complete_report()
    diagonal = [[int(i == j) for j in range(61)] for i in range(61)]
    for one in report["networks"].values():
        one["test"].update(images=61, confusion=diagonal)
    text = text_of(card_html(card_of(report, classes=tuple(f"class {n}" for n in range(61)))))
    assert "Too large to display for 61 classes; see report.json" in text
