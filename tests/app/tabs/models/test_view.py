"""The cards of pairs: what is read from their files, what is computed of it, what is said and what is said to lack."""

import ast
import json
import re
from collections.abc import Callable
from dataclasses import asdict, replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

import app
from app.components.charts import line_chart
from app.tabs.models.faithfulness import MEASURES as CARD_MEASURES
from app.tabs.models.model_card import ModelCard, accuracy, paired_bound, read_card
from app.tabs.models.view import broken_html, card_html, summary_html, variant_text
from models.downsample import DOWNSAMPLES
from models.fusion import FUSIONS
from models.scff import FusionSettings
from pairs.checkpoint import ROLES
from pairs.pair import Pair, load_pair
from pairs.statistics import Interval, Paired
from tests.conftest import CLASSES, SHIPPED
from training.faithfulness_evaluation import MEASURES, FaithfulnessReport, MeasureReport
from training.report import read_report

HOSTILE = "<script>alert('x')</script> \"quoted\" ${x} {{y}} `z` \ud800"


def network(seconds: float, diagonal: tuple[int, int, int]) -> dict:
    """One network's part of a report, of ten test images a class."""
    confusion = [
        [10 - right if j == (i + 1) % 3 else right if i == j else 0 for j in range(3)]
        for i, right in enumerate(diagonal)
    ]
    return {
        "parameters": 11,
        "best_epoch": 2,
        "val_accuracy": 0.75,
        "test": {
            "images": 30,
            "accuracy": 0.5,
            "per_class": {name: right / 10 for name, right in zip(CLASSES, diagonal, strict=True)},
            "confusion": confusion,
        },
        "curves": [
            {"epoch": n, "train_loss": 1 / n, "train_accuracy": 0.5, "val_loss": 2 / n, "val_accuracy": 0.25 * n}
            for n in (1, 2, 3)
        ],
        "seconds": seconds,
        "settings": {"batch_size": 4, "lr": 0.001, "freeze_backbone": False},
        "precision": "bf16-mixed",
        "device": "cpu",
        "versions": {"torch": "2.0"},
    }


def faithfulness() -> dict:
    """Of a part, as training writes it; SCFF's maps are the better ones by what is higher and by what is lower."""

    def measure(higher_is_better: bool) -> MeasureReport:
        sign = 1 if higher_is_better else -1
        low, high = sorted((sign * 0.01, sign * 0.03))
        difference = Interval(sign * 0.02, low, high, 30)
        return MeasureReport(
            Interval(0.25, 0.2, 0.3, 30), Interval(0.25 + sign * 0.02, 0.1, 0.4, 30), Paired(difference, 20, 8, 2)
        )

    found = FaithfulnessReport(
        images=30,
        layer="fused",
        method="gradcam++",
        empty={"baseline": 0, "scff": 1},
        measures={name: measure(known.higher_is_better) for name, known in MEASURES.items()},
        insertion={role: [0.1, 0.5, 0.9] for role in ROLES},
        deletion={role: [0.9, 0.5, 0.1] for role in ROLES},
    )
    return asdict(found)


def whole() -> dict:
    """A report in which nothing is missing."""
    return {
        "images": dict.fromkeys(CLASSES, 50),
        "sizes": {"40x30": 140, "41x30": 10},
        "unreadable": ["field/bad"],
        "duplicates": 3,
        "split_source": "stratified 60/20/20, seed 0",
        "split": {
            part: [f"{part}/{n}" for n in range(count)] for part, count in (("train", 80), ("val", 40), ("test", 30))
        },
        "split_shared": [["train/1", "test/2"]],
        "split_missing": ["roof/gone", "roof/lost"],
        "networks": {"baseline": network(60.0, (5, 5, 5)), "scff": network(3700.0, (6, 5, 4))},
        "faithfulness": {"test": faithfulness()},
    }


@pytest.fixture
def card_of(pair: Pair, tmp_path: Path) -> Callable[..., ModelCard]:
    """The card of the tiny pair with a report of these values, or of this text, and these changes to its headers."""

    def made(report: object, **changes: object) -> ModelCard:
        (tmp_path / "report.json").write_text(report if isinstance(report, str) else json.dumps(report))
        networks = {
            role: replace(getattr(pair, role), header=replace(getattr(pair, role).header, **changes)) for role in ROLES
        }
        return read_card(replace(pair, path=tmp_path, **networks))

    return made


class _Balanced(HTMLParser):
    """Fails on tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:  # noqa: ARG002 - HTMLParser's
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def words(html: str) -> str:
    """What is read of it, on one line."""
    parser = _Balanced()
    parser.feed(html)
    parser.close()
    assert not parser.open
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html))).strip()


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_pairs_say_what_their_reports_say(name: str) -> None:
    card, report = read_card(load_pair(SHIPPED[name])), read_report(SHIPPED[name])
    assert card.name == name
    assert not card.report.problem
    for role, told in report.networks.items():
        read = card.report.networks[role]
        assert card.test[role].share == told.test.accuracy
        assert card.test[role].images == told.test.images
        assert card.val[role].share == told.val_accuracy
        assert card.val[role].images == len(report.split["val"])
        assert card.parameters(role) == told.parameters
        assert card.class_accuracy(role) == told.test.per_class
        assert [list(row) for row in read.confusion] == told.test.confusion
        assert [asdict(epoch) for epoch in read.curves] == [asdict(epoch) for epoch in told.curves]
        for field in ("best_epoch", "seconds", "precision", "device", "versions"):
            assert getattr(read, field) == getattr(told, field), field
        for field in ("batch_size", "lr", "freeze_backbone"):
            assert getattr(read, field) == told.settings[field], field
    assert card.report.images == sum(report.images.values())
    assert card.report.parts == {part: len(names) for part, names in report.split.items()}
    assert (card.report.sizes, card.report.duplicates) == (report.sizes, report.duplicates)
    assert len(card.report.shared) == len(report.split_shared) == 2
    assert "not in this report" not in card_html(card)


def test_the_shipped_card_in_words() -> None:
    said = words(card_html(read_card(load_pair(SHIPPED["efficientnet-lite0-siri-whu"]))))
    # Wilson's interval of 457 of 480, by the closed form: (p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)
    assert "Test accuracy 95.2 % [92.9, 96.8] of 480" in said
    assert "Parameters 3,386,380 3,862,988" in said
    assert "Multiply-accumulates 0.340 G 0.349 G" in said
    assert "average pooling, then 1x1 convolution; SK attention behind a softmax (the paper's)" in said
    assert "1,438 training, 480 validation, 480 test" in said
    assert "agriculture/0002 (train) = agriculture/0106 (test)" in said
    assert "both: mixed bfloat16" in said
    assert "efficientnet-lite0-57934424.pth" in said
    assert "meadow 90.0 % 85.0 % −5.0 40" in said
    assert "drop in confidence" in said
    other = words(card_html(read_card(load_pair(SHIPPED["resnet18-siri-whu"]))))
    assert "drop in confidence" in other
    assert "ROAD" in other


@pytest.mark.parametrize(
    ("right", "images", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_intervals_are_those_of_newcombe(right: int, images: int, low: float, high: float) -> None:
    """Newcombe, Statistics in Medicine 17, 1998, table I, method 3."""
    assert accuracy(right / images, images).interval == pytest.approx((low, high), abs=6e-5)


def test_no_interval_without_a_fitting_number_of_images() -> None:
    assert accuracy(0.5, None).interval is None
    assert accuracy(0.5, 0).interval is None
    assert accuracy(0.5, 3).interval is None  # one and a half of three images


def test_what_confusion_matrices_say_of_the_paired_comparison() -> None:
    baseline, scff = ((5, 5), (2, 8)), ((9, 1), (3, 7))
    bound = paired_bound(baseline, scff)
    assert (bound.baseline_only, bound.scff_only) == (1, 4)
    assert bound.least_p == pytest.approx(2 * (1 + 5) / 2**5)  # at most one of five by fair coins, on either side
    assert paired_bound(baseline, baseline).least_p == 1
    assert paired_bound(baseline, None) is None
    assert paired_bound(baseline, ((9, 2), (3, 7))) is None  # other images


def test_a_whole_report_is_said_whole(card_of: Callable) -> None:
    card = card_of(whole())
    said = words(card_html(card))
    assert "not in this report" not in said
    assert "Test accuracy 50.0 % [33.2, 66.8] of 30" in said
    assert "Validation accuracy 75.0 % [59.8, 85.8] of 40" in said
    assert "40 × 30 (140), 41 × 30 (10)" in said
    assert "train/1 (train) = test/2 (test)" in said
    assert "By the clock, h:min:s 0:01:00 1:01:40" in said
    assert "Paired comparison (McNemar): cannot be made" in said
    assert "the baseline alone recognised 1 images or more, SCFF alone 1 or more" in said
    assert "field 50.0 % 60.0 % +10.0 10" in said
    assert "Grad-CAM++ of the classifier's input" in said
    assert "Empty maps, which have no other figure: Baseline 0, With SCFF 1" in said
    assert "ROAD higher 0.250 [0.200, 0.300] 0.270 [0.100, 0.400] +0.020 [+0.010, +0.030]" in said
    assert "Area below deletion lower 0.250 [0.200, 0.300] 0.230 [0.100, 0.400] −0.020 [−0.030, −0.010]" in said
    assert said.count("baseline 8, SCFF 20, equal 2 SCFF better") == len(MEASURES)
    assert card_html(card).count("<svg") == card_html(card).count("role='img'") == 6


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (("images",), "an unknown number of images"),
        (("sizes",), "Their sizes, pixels not in this report"),
        (("unreadable",), "Files that could not be read not in this report"),
        (("duplicates",), "Pictures that are there twice not in this report"),
        (("split_source",), "Split not in this report"),
        (("split",), "training not in this report , validation not in this report , test not in this report"),
        (("split", "val"), "validation not in this report"),
        (("split_shared",), "Pictures shared between parts not in this report"),
        (("split_missing",), "Listed by the split, but not there not in this report"),
        (("networks",), "There are no curves in this report"),
        (("networks", "scff"), "There are no curves of With SCFF in this report"),
        (("networks", "scff", "best_epoch"), "Epoch kept (best on validation) 2 not in this report"),
        (("networks", "baseline", "val_accuracy"), "Validation accuracy not in this report 75.0 %"),
        (("networks", "scff", "curves"), "There are no curves of With SCFF in this report"),
        (("networks", "scff", "curves", 1, "val_loss"), "There are no curves of With SCFF in this report"),
        (("networks", "scff", "seconds"), "By the clock, h:min:s 0:01:00 not in this report"),
        (("networks", "scff", "settings"), "Batch size 4 not in this report"),
        (("networks", "scff", "settings", "lr"), "Highest learning rate 0.001 not in this report"),
        (("networks", "scff", "settings", "freeze_backbone"), "Backbone trained yes not in this report"),
        (("networks", "scff", "precision"), "Arithmetic mixed bfloat16 not in this report"),
        (("networks", "scff", "device"), "Device cpu not in this report"),
        (("networks", "scff", "versions"), "Versions torch 2.0 not in this report"),
        (("networks", "scff", "test", "confusion"), "There is no confusion matrix in this report"),
        (("networks", "scff", "test", "per_class"), "field 50.0 % not in this report – 10"),
        (("networks", "scff", "test", "per_class", "roof"), "roof 50.0 % not in this report – 10"),
        (("networks", "scff", "test"), "nor are there two confusion matrices"),
        (("faithfulness",), "there is no faithfulness in this report"),
        (("faithfulness", "test", "measures"), "The figures of this part cannot be read"),
        (("faithfulness", "test", "measures", "road", "scff"), "ROAD higher not in this report"),
        (("faithfulness", "test", "empty"), "which have no other figure: not in this report"),
        (("faithfulness", "test", "insertion"), "There is no such curve in this report"),
    ],
)
def test_what_is_missing_is_said(card_of: Callable, path: tuple, sentence: str) -> None:
    report = whole()
    holder = report
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    card = card_of(report)
    assert sentence in words(card_html(card))
    assert card.test["baseline"].share == 0.5  # the weights say it, whatever the report lacks
    if path != ("faithfulness",):  # what is of another kind altogether counts as missing
        holder[path[-1]] = {"odd": [float("nan")]}
        assert words(card_html(card_of(report)))


@pytest.mark.parametrize("odd", [None, True, -1, 10**30, "12", [], {}, 0.5])
def test_odd_values_everywhere_are_no_reason_to_fail(card_of: Callable, odd: object) -> None:
    def spoiled(values: object) -> object:
        if isinstance(values, dict):
            return {name: spoiled(value) for name, value in values.items()}
        if isinstance(values, list):
            return [spoiled(value) for value in values]
        return odd

    assert words(card_html(card_of(spoiled(whole()))))
    assert words(card_html(card_of(dict.fromkeys(whole(), odd))))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"networks": []}', "\x00"])
def test_a_report_that_is_none_leaves_the_weights(card_of: Callable, text: str) -> None:
    card = card_of(text)
    said = words(card_html(card))
    assert "50.0 %" in said
    assert "not in this report" in said
    assert bool(card.report.problem) != text.startswith('{"')
    if card.report.problem:
        assert "what is said here is from the weights alone" in said


def test_a_report_of_another_test_is_told(card_of: Callable) -> None:
    report = whole()
    report["networks"]["scff"]["test"]["accuracy"] = 0.9
    assert "With SCFF: report.json says 90.0 % on the test part, the weights say 50.0 %" in words(
        summary_html(card_of(report))
    )


def test_the_earlier_form_reads_as_todays(card_of: Callable) -> None:
    today = whole()
    card = card_of(today)
    for once in ("settings", "precision", "device", "versions"):
        today[once] = {role: one.pop(once) for role, one in today["networks"].items()}["scff"]
    del today["settings"]["freeze_backbone"]  # which was not said then
    assert card_of(today) == card


@pytest.mark.parametrize("role", ROLES)
def test_a_network_trained_otherwise_is_told_apart(card_of: Callable, role: str) -> None:
    report = whole()
    report["networks"][role]["settings"]["freeze_backbone"] = True
    assert f"Backbone trained {'no, frozen yes' if role == 'baseline' else 'yes no, frozen'}" in words(
        card_html(card_of(report))
    )


def test_words_from_files_are_no_html_and_no_template(card_of: Callable) -> None:
    report = json.loads(json.dumps(whole()).replace('"field"', json.dumps(HOSTILE)))
    report.update(split_source=HOSTILE, sizes={HOSTILE: 1}, split_shared=[[HOSTILE, HOSTILE]])
    report["faithfulness"] = {HOSTILE: {**faithfulness(), "layer": HOSTILE, "method": HOSTILE}}
    report["faithfulness"][HOSTILE]["measures"][HOSTILE] = None
    for one in report["networks"].values():
        one.update(precision=HOSTILE, device=HOSTILE, versions={HOSTILE: HOSTILE})
    said = dict.fromkeys(("dataset", "initial", "recipe", "data_fingerprint", "split_fingerprint"), HOSTILE)
    card = replace(card_of(report, classes=(HOSTILE, *CLASSES[1:]), **said), name=HOSTILE)
    assert card.class_accuracy("scff")[HOSTILE] == 0.6
    for html in (card_html(card), summary_html(card), broken_html(HOSTILE, HOSTILE)):
        assert words(html)
        html.encode()
        assert not re.search(r"<script|\$\{|\{\{|`|\"quoted|'x'", html)
        assert "&lt;script&gt;" in html


def test_a_broken_pair_says_why() -> None:
    said = words(broken_html("torn", "torn/scff.safetensors is missing"))
    assert said == "torn This pair cannot be used: torn/scff.safetensors is missing."
    assert words(broken_html("torn", "it is torn.")).endswith("it is torn.")


def test_every_variant_has_a_description() -> None:
    assert variant_text(FusionSettings()).endswith("(the paper's)")
    others = [FusionSettings(downsample=d, fusion=f) for d in DOWNSAMPLES for f in FUSIONS]
    assert sum("the paper's" in variant_text(fusion) for fusion in others) == 1
    assert len({variant_text(fusion) for fusion in others}) == len(others)
    assert {f.fusion for f in others if "this program's own" in variant_text(f)} == {"sk_scaled"}


def test_measures_point_the_way_they_were_measured() -> None:
    known = {name: (title.lower(), higher) for name, (title, higher, _) in CARD_MEASURES.items()}
    assert known == {name: (measure.title.lower(), measure.higher_is_better) for name, measure in MEASURES.items()}


def test_the_app_knows_nothing_of_training() -> None:
    for path in Path(app.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.split(".")[0] == "training" for name in names), path


def test_the_figures_are_of_the_network_as_trained(pair: Pair) -> None:
    """Not of the prepared one, whose normalisations are folded away."""
    card = read_card(pair)
    for role in ROLES:
        assert card.parameters(role) == sum(p.numel() for p in getattr(pair, role).network.parameters())
    assert card.macs("scff") > card.macs("baseline") > 0


def test_without_a_count_the_report_tells_the_parameters(card_of: Callable) -> None:
    said = words(card_html(replace(card_of(whole()), cost=None)))
    assert "Parameters 11 11" in said
    assert "Multiply-accumulates cannot be counted cannot be counted" in said


def test_a_chart_draws_each_point_where_it_belongs() -> None:
    lines = {"baseline": [(1, 0.0), (2, 1.0), (3, 0.5)], "scff": [(2, 0.5)]}
    drawn = line_chart("a & b", lines, "epoch", True, {"baseline": 2})
    assert "<title>a &amp; b</title>" in drawn
    paths = [
        [tuple(map(float, point.split(","))) for point in path.split()]
        for path in re.findall(r"points='([^']*)'", drawn)
    ]
    (start, top, end), (alone,) = sorted(paths, key=len, reverse=True)
    assert start[0] < top[0] < end[0]
    assert top[1] < end[1] < start[1]
    assert alone == (top[0], end[1])
    assert drawn.count("r='5'") == 1
    assert "stroke-dasharray='6 4'" in drawn
    labels = [float(y) for y in re.findall(r"<text class='line \w+' x='[\d.]+' y='([\d.]+)'", drawn)]
    assert abs(labels[0] - labels[1]) >= 14  # both at 0.5, and both can be read


def test_many_classes_are_not_drawn_as_a_matrix(card_of: Callable) -> None:
    report = whole()
    diagonal = [[int(i == j) for j in range(61)] for i in range(61)]
    for one in report["networks"].values():
        one["test"].update(images=61, confusion=diagonal)
    said = words(card_html(card_of(report, classes=tuple(f"class {n}" for n in range(61)))))
    assert "Of 61 classes they are too large to be shown; report.json holds them" in said
