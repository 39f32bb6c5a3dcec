"""Reading of reports, strict and partial."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInputError
from models.fusion_settings import FusionSettings
from pairs.report import NetworkReport, Report
from pairs.report_reading import PartialReport, read_partial_report, read_report
from tests.conftest import CLASSES, SHIPPED
from tests.pairs.reports import complete_report, once_for_both, without_version


def partial(folder: Path, report: object) -> PartialReport:
    """Partial reading of a report, given as values or text."""
    (folder / "report.json").write_text(report if isinstance(report, str) else json.dumps(report))
    return read_partial_report(folder, CLASSES)


def strict(folder: Path, report: object) -> Report:
    (folder / "report.json").write_text(json.dumps(report))
    return read_report(folder)


def fields(values: Any, path: tuple = ()) -> list[tuple]:
    """Paths of all named values of a report, including nested ones."""
    if not isinstance(values, dict):
        return []
    return [found for key, value in values.items() for found in ((*path, key), *fields(value, (*path, key)))]


def at(values: Any, path: tuple) -> Any:
    for key in path:
        values = values[key]
    return values


@pytest.mark.essential
def test_report_round_trips(tmp_path: Path) -> None:
    report = strict(tmp_path, complete_report())
    assert json.loads(report.to_json()) == complete_report()
    assert strict(tmp_path, json.loads(report.to_json())) == report
    assert partial(tmp_path, complete_report()) == PartialReport(report)


def test_the_values_are_typed(tmp_path: Path) -> None:
    report = strict(tmp_path, complete_report())
    assert report.networks["scff"].settings.fusion == FusionSettings()
    assert report.networks["baseline"].curves[1].val_loss == 1.0
    assert report.faithfulness["test"].metrics["road"].paired.difference.mean == 0.02
    assert report.image_count == 150
    assert report.subset_sizes == {"train": 80, "val": 40, "test": 30}
    assert list(report.sizes_by_frequency.items()) == [("40x30", 140), ("41x30", 10)]
    assert report.shared_across_subsets() == (("train/1 (train)", "test/2 (test)"),)


OPTIONAL = {"version", "faithfulness", "title", "unit", "higher_is_better", "layer_title", "method_title"}
ENTRIES = {"per_class", "images", "sizes", "versions", "fusion", "metrics", "faithfulness"}
"""Fields of which a complete report may lack an entry."""


@pytest.mark.essential
def test_a_missing_field_is_named_and_the_others_are_kept(tmp_path: Path) -> None:
    for path in fields(complete_report()):
        report = complete_report()
        del at(report, path[:-1])[path[-1]]
        found = partial(tmp_path, report)
        if path[-1] in OPTIONAL or ENTRIES & {*path[-2:-1]}:
            assert found.missing == found.invalid == (), path
        else:
            (named,) = found.missing + found.invalid
            assert path[: len(named)] == named
            if path[:-1] != ("networks",):  # an incomplete pair has a complete report
                with pytest.raises(BadInputError, match=r"/report\.json cannot be read: (missing|invalid): "):
                    strict(tmp_path, report)
        for other in {"dataset", "split_source", "duplicates"} - {path[0]}:
            assert getattr(found.report, other) == complete_report()[other]


@pytest.mark.parametrize("invalid", [True, -1, 10**30, "12", [], {}, 0.5, [{}], {"odd": [float("nan")]}, float("inf")])
def test_invalid_field_is_named_and_the_others_are_kept(tmp_path: Path, invalid: object) -> None:
    for path in fields(complete_report()):
        report = complete_report()
        at(report, path[:-1])[path[-1]] = invalid
        found = partial(tmp_path, report)
        named = found.missing + found.invalid
        try:
            strict(tmp_path, report)
        except BadInputError:
            assert any(path[: len(each)] == each or each[: len(path)] == path for each in named)
        else:
            assert not named
        other = "baseline" if path[:2] == ("networks", "scff") else "scff"
        if path not in (("networks",), ("classes",)) and path[:2] != ("networks", other):
            assert found.report.networks[other] == NetworkReport(**complete_report()["networks"][other])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("images", "field"), -1),
        (("images", "field"), 10**13),
        (("duplicates",), True),
        (("duplicates",), 2.0),
        (("split_source",), 7),
        (("unreadable",), "field/bad"),
        (("mean",), [0.5, 0.5]),
        (("networks", "scff", "val_accuracy"), 1.01),
        (("networks", "scff", "val_accuracy"), float("nan")),
        (("networks", "scff", "val_accuracy"), True),
        (("networks", "scff", "val_accuracy"), "0.5"),
        (("networks", "scff", "seconds"), -1.0),
        (("networks", "scff", "seconds"), 1e10),
        (("networks", "scff", "seconds"), 10**400),
        (("networks", "scff", "settings", "lr"), float("inf")),
        (("networks", "scff", "settings", "freeze_backbone"), 1),
        (("networks", "scff", "settings", "fusion"), {"fusion": "unknown"}),
        (("networks", "scff", "curves"), []),
        (("networks", "scff", "test", "per_class", "roof"), 2),
        (("networks", "scff", "test", "confusion"), [[10, 0], [0, 20]]),  # not of three classes
        (("networks", "scff", "test", "confusion"), [[10, 0, 0], [0, 10, 0], [0, 0, 9]]),  # of 29 images
        (("networks", "scff", "test", "confusion"), [[10, 0, 0], [0, 10, 0], [0, 10]]),
        (("faithfulness", "test", "empty"), {"baseline": 0}),
        (("faithfulness", "test", "insertion"), {"baseline": [0.5], "scff": [2.0]}),
        (("faithfulness", "test", "metrics", "road", "scff"), {"mean": "0.5", "low": 0, "high": 1, "count": 3}),
        (("faithfulness", "test", "metrics", "road", "paired"), {"difference": None, "scff_better": 1}),
    ],
)
@pytest.mark.essential
def test_values_out_of_bounds_are_invalid(tmp_path: Path, path: tuple, value: object) -> None:
    report = complete_report()
    at(report, path[:-1])[path[-1]] = value
    found = partial(tmp_path, report)
    assert found.missing == ()
    assert found.invalid in ((path,), (path[:-1],))
    with pytest.raises(BadInputError, match=r"report\.json cannot be read: invalid: "):
        strict(tmp_path, report)


def test_accuracy_just_above_one_is_rounded_to_one(tmp_path: Path) -> None:
    report = complete_report()
    report["networks"]["scff"]["val_accuracy"] = 1 + 1e-7
    assert strict(tmp_path, report).networks["scff"].val_accuracy == 1


def test_nulls_that_are_results_are_valid(tmp_path: Path) -> None:
    report = complete_report()
    report["networks"]["scff"]["test"]["per_class"]["roof"] = None
    road = report["faithfulness"]["test"]["metrics"]["road"]
    road |= {"baseline": None, "paired": {**road["paired"], "difference": None}}
    found = strict(tmp_path, report)
    assert found.networks["scff"].test.per_class["roof"] is None
    assert found.faithfulness["test"].metrics["road"].by_role["baseline"] is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "\x00", '{"a": ' + "9" * 5000 + "}"])
def test_a_file_that_is_no_report_is_an_error(tmp_path: Path, text: str) -> None:
    found = partial(tmp_path, text)
    assert found.error in ("report.json cannot be read", "report.json is not a report")
    assert found.report.networks == {"baseline": NetworkReport(), "scff": NetworkReport()}
    with pytest.raises(BadInputError, match=rf"{tmp_path.name}/report\.json (cannot be read|is not a report)"):
        read_report(tmp_path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    assert read_partial_report(tmp_path, CLASSES).error == "report.json is missing"
    with pytest.raises(BadInputError, match=rf"{tmp_path.name}/report.json is missing"):
        read_report(tmp_path)


@pytest.mark.parametrize("earlier", [once_for_both, without_version])
@pytest.mark.essential
def test_earlier_reports_are_migrated(tmp_path: Path, earlier: Callable[[dict], dict]) -> None:
    expected = complete_report()
    section = expected["faithfulness"]["test"]
    section |= {"layer_title": None, "method_title": None}
    for metric in section["metrics"].values():
        metric |= {"title": None, "unit": None, "higher_is_better": None}
    found = strict(tmp_path, earlier(complete_report()))
    assert json.loads(found.to_json()) == expected
    assert partial(tmp_path, earlier(complete_report())) == PartialReport(found)
    assert strict(tmp_path, json.loads(found.to_json())) == found


def test_settings_given_once_are_kept_without_the_networks(tmp_path: Path) -> None:
    report = once_for_both(complete_report())
    del report["networks"]
    found = partial(tmp_path, report)
    assert {network.settings.lr for network in found.report.networks.values()} == {0.001}
    assert ("networks", "scff", "seconds") in found.missing


def test_later_version_is_rejected_or_read_partially(tmp_path: Path) -> None:
    report = complete_report() | {"version": 3, "later": "field"}
    with pytest.raises(BadInputError, match="its version is 3, this program reads 1 and 2"):
        strict(tmp_path, report)
    found = partial(tmp_path, report)
    assert found.invalid == (("version",),)
    assert found.report.dataset == "scenes"


def test_report_of_one_network_is_valid_but_lacks_the_other(tmp_path: Path) -> None:
    report = complete_report()
    del report["networks"]["scff"]
    assert list(strict(tmp_path, report).networks) == ["baseline"]
    assert partial(tmp_path, report).missing == (("networks", "scff"),)
    with pytest.raises(BadInputError, match="missing: networks"):
        strict(tmp_path, {**report, "networks": {}})


def test_error_names_the_first_missing_fields(tmp_path: Path) -> None:
    message = r"missing: dataset, classes, images and \d+ more"
    with pytest.raises(BadInputError, match=message):
        strict(tmp_path, {})


def test_text_that_cannot_be_encoded_is_kept(tmp_path: Path) -> None:
    report = complete_report() | {"split_source": "\ud800"}
    assert partial(tmp_path, report).report.split_source == "\ud800"


@pytest.mark.parametrize("folder", SHIPPED.values(), ids=SHIPPED)
@pytest.mark.essential
def test_shipped_reports_are_complete_and_of_this_version(folder: Path) -> None:
    values = json.loads((folder / "report.json").read_text())
    report = read_report(folder)
    assert json.loads(report.to_json()) == values
    assert read_partial_report(folder, report.classes) == PartialReport(report)
    for metric in report.faithfulness["test"].metrics.values():
        assert None not in (metric.title, metric.unit, metric.higher_is_better)


def test_reading_does_not_modify_the_given_values(tmp_path: Path) -> None:
    report = once_for_both(complete_report())
    before = deepcopy(report)
    partial(tmp_path, report)
    assert report == before
