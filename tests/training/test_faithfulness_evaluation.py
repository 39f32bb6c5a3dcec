"""Faithfulness evaluation over a subset of the scenes: aggregated results and their report."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from explain.cam.forward_pass import forward_pass
from explain.cam.question import Target
from explain.metrics.catalogue import METRICS
from explain.metrics.faithfulness import faithfulness
from explain.metrics.randomisation import randomised, randomised_similarity
from pairs.faithfulness_figure import draw_faithfulness
from pairs.layout import ROLES
from pairs.pair import Pair, load_pair
from pairs.report import FaithfulnessReport
from pairs.report_reading import read_report
from pairs.statistics import bootstrap_mean
from tests.conftest import Ended, texture
from training.faithfulness_evaluation import evaluate_faithfulness

Command = Callable[..., Ended]


def batches(*sizes: int) -> list[torch.Tensor]:
    """Seven scenes, uint8 [B, 3, 64, 64], in batches of these sizes."""
    scenes = [torch.from_numpy(texture(number % 3, number, side=64)).permute(2, 0, 1) for number in range(7)]
    return list(torch.stack(scenes).split(sizes))


@pytest.fixture(scope="module")
def evaluated(pair: Pair) -> FaithfulnessReport:
    """Evaluation of the tiny pair."""
    return evaluate_faithfulness(pair, batches(4, 3))


def test_results_match_those_of_single_images(pair: Pair, evaluated: FaithfulnessReport) -> None:
    assert evaluated.images == 7
    assert list(evaluated.metrics) == list(METRICS)
    values: dict[str, dict[str, list]] = {role: {name: [] for name in METRICS} for role in ROLES}
    for image in torch.cat(batches(7)):
        given = pair.preprocessing.normalise(image[None])
        for role in ROLES:
            network = pair.networks[role].network
            run = forward_pass(network, given)
            maps = run.heatmaps([Target(run.predictions[0])])
            found = faithfulness(network, given, maps, run.predictions)[0]
            results = values[role]
            results["drop"].append(found.values.get("drop"))
            results["increase"].append(found.values.get("increase"))
            results["insertion"].append(found.values.get("insertion"))
            results["deletion"].append(found.values.get("deletion"))
            results["road"].append(found.values.get("road"))
            random = randomised(network)
            results["randomised"] += randomised_similarity(maps, random, given, run.predictions, "fused", "gradcam++")
    for role in ROLES:
        assert evaluated.empty[role] == values[role]["drop"].count(None)
        for name, metric in evaluated.metrics.items():
            expected, found = bootstrap_mean(values[role][name]), metric.by_role[role]
            assert (found is None) == (expected is None), name
            if expected is not None:
                assert found.count == expected.count
                assert found.mean == pytest.approx(expected.mean, abs=2e-3), name
                assert found.low <= found.mean <= found.high


def test_results_are_independent_of_the_batches(pair: Pair, evaluated: FaithfulnessReport) -> None:
    again = evaluate_faithfulness(pair, batches(1, 5, 1))
    for name, metric in evaluated.metrics.items():
        for role, found in metric.by_role.items():
            other = again.metrics[name].by_role[role]
            assert (found is None) == (other is None)
            if found is not None:
                assert other.mean == pytest.approx(found.mean, abs=2e-3), name


def test_road_is_left_out_on_request(pair: Pair) -> None:
    assert "road" not in evaluate_faithfulness(pair, batches(7)[:1], road=False).metrics


def test_section_has_titles_and_round_trips_through_json(evaluated: FaithfulnessReport) -> None:
    for name, metric in evaluated.metrics.items():
        described = (metric.title, metric.unit, metric.higher_is_better)
        assert described == (METRICS[name].title, METRICS[name].unit, METRICS[name].higher_is_better)
        assert metric.direction == METRICS[name].direction
    assert evaluated.method_title == "Grad-CAM++"
    text = json.dumps(evaluated.model_dump(mode="json"), allow_nan=False)
    assert FaithfulnessReport.model_validate_json(text) == evaluated


def test_maps_that_are_all_empty_have_no_results(pair_folder: Path) -> None:
    pair = load_pair(pair_folder)
    for role in ROLES:  # a classifier without weights finds no evidence anywhere
        pair.networks[role].network.backbone.fc.weight.zero_()
    found = evaluate_faithfulness(pair, batches(7)[:1], road=False)
    assert found.empty == {"baseline": 7, "scff": 7}
    assert found.insertion == {"baseline": (), "scff": ()}
    assert all(metric.baseline is metric.paired.difference is None for metric in found.metrics.values())
    assert b"Insertion" in draw_faithfulness(found)


def test_evaluate_writes_faithfulness_into_report_and_card(command: Command, scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "pair"
    small = ("--epochs", 1, "--image-size", 32, "--batch-size", 4)
    trained = command("training", "train", "--data", scenes, "--arch", "resnet18", "--out", out, *small)
    assert trained.status == 0, trained.err
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    ended = command("training", "evaluate", out, "--data", scenes, "--explain", "--json")
    assert ended.status == 0, ended.err
    printed = json.loads(ended.out)
    report = read_report(out)
    section = report.faithfulness["test"].model_dump(mode="json")
    metrics = section.pop("metrics")
    assert printed["faithfulness"] == {**section, "measures": metrics}
    assert report.faithfulness["test"].images == printed["images"] == 3
    card = (out / "README.md").read_text()
    assert card.startswith(before["README.md"].decode().rstrip())
    for text in ("Faithfulness evaluation: test set", "95 % bootstrap interval", "ROAD", "faithfulness-test.svg"):
        assert text in card
    assert (out / "faithfulness-test.svg").read_text().startswith("<?xml")
    for role in ROLES:
        assert (out / f"{role}.safetensors").read_bytes() == before[f"{role}.safetensors"]
    link = tmp_path / "link"
    link.symlink_to(out)
    ended = command("training", "evaluate", link, "--data", scenes, "--split", "val", "--explain", "--no-road")
    assert link.is_symlink()
    assert f"{METRICS['drop'].title}: baseline " in ended.out
    assert "ROAD" not in ended.out
    assert "Faithfulness evaluation: val set" in (out / "README.md").read_text()
    ended = command("training", "evaluate", out, "--data", scenes, "--no-road")
    assert (ended.status, ended.err) == (2, "error: --no-road leaves out part of --explain; add --explain\n")
    report = read_report(out)
    assert list(report.faithfulness) == ["test", "val"]
    assert "road" not in report.faithfulness["val"].metrics
    assert {path.name for path in out.iterdir()} == before.keys() | {"faithfulness-test.svg", "faithfulness-val.svg"}
