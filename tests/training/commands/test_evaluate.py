"""`python -m training evaluate`."""

import json
import shutil
from pathlib import Path

import pytest

from pairs.folder import FIRST
from pairs.report import FaithfulnessReport, MetricResult
from pairs.report_reading import read_report
from pairs.statistics import Interval
from tests.conftest import SHIPPED
from tests.training.conftest import Command, rejected, train
from training.commands.evaluate import print_faithfulness


def test_invalid_arguments_are_rejected(command: Command, scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "pair"
    train(command, scenes, out, "--epochs", 1)
    rejected(command("training", "evaluate", out, "--data", scenes, "--split", "all"), "unknown split 'all'")
    rejected(command("training", "evaluate", tmp_path / "no", "--data", scenes), "no such folder of a model pair")
    shutil.copytree(scenes / "roof", scenes / "tower")
    rejected(command("training", "evaluate", out, "--data", scenes), "has classes field, roof, tower, water")
    shutil.rmtree(scenes / "tower")
    for path in scenes.rglob("*.tif"):
        path.rename(path.with_name(f"other-{path.name}"))
    rejected(command("training", "evaluate", out, "--data", scenes), "holds no scene of the test set")
    (out / "report.json").write_text("{}")
    rejected(command("training", "evaluate", out, "--data", scenes), "report.json cannot be read")


def test_a_metric_without_values_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    mean = Interval(-0.0001, -0.1, 0.1, 3)
    metrics = {"road": MetricResult(title="ROAD", baseline=mean), "randomised": MetricResult(title="Sanity check")}
    print_faithfulness(FaithfulnessReport(metrics=metrics))
    assert capsys.readouterr().out.splitlines() == [
        "ROAD: baseline 0.000; images where it is better: -",
        "Sanity check: cannot be computed for any image",
    ]


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=name, marks=[] if name == FIRST else [pytest.mark.exhaustive])
        for name, path in SHIPPED.items()
    ],
)
def test_shipped_pairs_reach_their_reported_accuracy(command: Command, siri_whu: Path, path: Path) -> None:
    evaluated = json.loads(command("training", "evaluate", path, "--data", siri_whu, "--json").out)
    report = read_report(path)
    for role in ("baseline", "scff"):
        # other processors round differently: an image near the decision boundary may change its class
        assert evaluated[role]["accuracy"] == pytest.approx(report.networks[role].test.accuracy, abs=2.5 / 480)
