"""Faithfulness over a part of the scenes: what single images give, put together, and kept in the report."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from explain.cam.forward_pass import forward_pass
from explain.cam.question import Target
from explain.metrics.faithfulness import faithfulness
from explain.metrics.randomisation import randomised, randomised_similarity
from pairs.checkpoint import ROLES
from pairs.pair import Pair, load_pair
from pairs.statistics import Interval, bootstrap_mean
from tests.conftest import Ended, texture
from training.faithfulness_evaluation import MEASURES, FaithfulnessReport, MeasureReport, measure_faithfulness
from training.faithfulness_figure import draw_faithfulness
from training.report import read_report

Command = Callable[..., Ended]


def batches(*sizes: int) -> list[torch.Tensor]:
    """Seven scenes, uint8 [B, 3, 64, 64], in batches of these sizes."""
    scenes = [torch.from_numpy(texture(number % 3, number, side=64)).permute(2, 0, 1) for number in range(7)]
    return list(torch.stack(scenes).split(sizes))


@pytest.fixture(scope="module")
def judged(pair: Pair) -> FaithfulnessReport:
    """Of the tiny pair."""
    return measure_faithfulness(pair, batches(4, 3))


def test_figures_are_those_of_the_images_one_by_one(pair: Pair, judged: FaithfulnessReport) -> None:
    assert judged.images == 7
    assert list(judged.measures) == list(MEASURES)
    values: dict[str, dict[str, list]] = {role: {name: [] for name in MEASURES} for role in ROLES}
    for image in torch.cat(batches(7)):
        given = pair.preprocessing.normalise(image[None])
        for role in ROLES:
            network = getattr(pair, role).network
            run = forward_pass(network, given)
            maps = run.heatmaps([Target(run.predictions[0])])
            found = faithfulness(network, given, maps, run.predictions)[0]
            mine = values[role]
            mine["drop"].append(found.values.get("drop"))
            mine["increase"].append(found.values.get("increase"))
            mine["insertion"].append(found.values.get("insertion"))
            mine["deletion"].append(found.values.get("deletion"))
            mine["road"].append(found.values.get("road"))
            random = randomised(network)
            mine["randomised"] += randomised_similarity(maps, random, given, run.predictions, "fused", "gradcam++")
    for role in ROLES:
        assert judged.empty[role] == values[role]["drop"].count(None)
        for name, measure in judged.measures.items():
            expected, found = bootstrap_mean(values[role][name]), measure.by_role()[role]
            assert (found is None) == (expected is None), name
            if expected is not None:
                assert found.count == expected.count
                assert found.mean == pytest.approx(expected.mean, abs=2e-3), name
                assert found.low <= found.mean <= found.high


def test_batches_make_no_difference(pair: Pair, judged: FaithfulnessReport) -> None:
    again = measure_faithfulness(pair, batches(1, 5, 1))
    for name, measure in judged.measures.items():
        for role, found in measure.by_role().items():
            other = again.measures[name].by_role()[role]
            assert (found is None) == (other is None)
            if found is not None:
                assert other.mean == pytest.approx(found.mean, abs=2e-3), name


def test_road_is_left_out_on_request(pair: Pair) -> None:
    assert "road" not in measure_faithfulness(pair, batches(7)[:1], road=False).measures


def test_what_is_written_is_read_again(judged: FaithfulnessReport) -> None:
    text = json.dumps(judged.as_json(), allow_nan=False)
    assert FaithfulnessReport.of_json(json.loads(text)) == judged


def test_maps_that_are_all_empty_have_no_figures(pair_folder: Path) -> None:
    pair = load_pair(pair_folder)
    for role in ROLES:  # a classifier without weights finds no evidence anywhere
        getattr(pair, role).network.backbone.fc.weight.zero_()
    found = measure_faithfulness(pair, batches(7)[:1], road=False)
    assert found.empty == {"baseline": 7, "scff": 7}
    assert found.insertion == {"baseline": [], "scff": []}
    assert all(measure.baseline is measure.paired.difference is None for measure in found.measures.values())
    assert b"Insertion" in draw_faithfulness(found)


def test_the_figure_shows_curves_and_differences(judged: FaithfulnessReport) -> None:
    drawn = draw_faithfulness(judged).decode()
    for words in ("Insertion: higher is better", "Deletion: lower is better", "SCFF minus baseline, 95 % interval"):
        assert words in drawn
    for name, measure in judged.measures.items():
        assert (MEASURES[name].title in drawn) == (measure.paired.difference is not None)
    shifted = replace(judged, insertion={role: list(np.linspace(0, 1, 21)) for role in ROLES})
    assert draw_faithfulness(shifted) != drawn.encode()
    assert draw_faithfulness(judged) == drawn.encode()  # no date, no random names


def test_measure_reports_without_values_are_read() -> None:
    interval = {"mean": 0.5, "low": 0.4, "high": 0.6, "count": 3}
    both = {"difference": None, "scff_better": 0, "baseline_better": 0, "equal": 0}
    found = MeasureReport.of_json({"baseline": interval, "scff": None, "paired": both})
    assert found.by_role() == {"baseline": Interval(0.5, 0.4, 0.6, 3), "scff": None}


def test_evaluate_writes_it_into_report_and_card(command: Command, scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "pair"
    small = ("--epochs", 1, "--image-size", 32, "--batch-size", 4)
    trained = command("training", "train", "--data", scenes, "--arch", "resnet18", "--out", out, *small)
    assert trained.status == 0, trained.err
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    ended = command("training", "evaluate", out, "--data", scenes, "--explain", "--json")
    assert ended.status == 0, ended.err
    said = json.loads(ended.out)
    report = read_report(out)
    assert said["faithfulness"] == report.faithfulness["test"].as_json()
    assert report.faithfulness["test"].images == said["images"] == 3
    card = (out / "README.md").read_text()
    assert card.startswith(before["README.md"].decode().rstrip())
    for words in ("What the heatmaps are worth", "95 % bootstrap interval", "ROAD", "faithfulness-test.svg"):
        assert words in card
    assert (out / "faithfulness-test.svg").read_text().startswith("<?xml")
    for role in ROLES:
        assert (out / f"{role}.safetensors").read_bytes() == before[f"{role}.safetensors"]
    link = tmp_path / "link"
    link.symlink_to(out)
    ended = command("training", "evaluate", link, "--data", scenes, "--split", "val", "--explain", "--no-road")
    assert link.is_symlink()
    assert "average drop in confidence: " in ended.out
    assert "ROAD" not in ended.out
    assert "What the heatmaps are worth: val part" in (out / "README.md").read_text()
    ended = command("training", "evaluate", out, "--data", scenes, "--no-road")
    assert (ended.status, ended.err) == (2, "error: --no-road leaves a part of --explain out; add --explain\n")
    report = read_report(out)
    assert list(report.faithfulness) == ["test", "val"]
    assert "road" not in report.faithfulness["val"].measures
    assert {path.name for path in out.iterdir()} == before.keys() | {"faithfulness-test.svg", "faithfulness-val.svg"}
