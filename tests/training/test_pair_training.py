"""Training of a pair with its report."""

import json
from pathlib import Path

import pytest
import timm
import torch
from PIL import Image

from models.scff import SCFF
from pairs.pair import load_pair
from pairs.report_reading import read_report
from tests.conftest import CLASSES, SHIPPED
from tests.training.conftest import Command, rejected, train


def test_training_writes_pair_and_report(command: Command, scenes: Path, tmp_path: Path) -> None:
    (scenes / "roof" / "bad.tif").write_text("not pixels")
    out = tmp_path / "checkpoints" / "tiny"
    ended = train(command, scenes, out, "--epochs", 3, "--seed", 5)
    assert ended.status == 0, ended.err
    assert "baseline: " in ended.out
    assert sorted(path.name for path in out.iterdir()) == [
        "README.md", "baseline.safetensors", "report.json", "scff.safetensors"
    ]  # fmt: skip
    assert [path.name for path in out.parent.iterdir()] == ["tiny"]  # nothing unfinished is left

    pair, report = load_pair(out), read_report(out)
    assert pair.classes == CLASSES
    assert report.unreadable == ("roof/bad.tif",)
    assert {network.settings.seed for network in report.networks.values()} == {5}
    assert report.mean == pytest.approx(pair.preprocessing.mean)
    for role in ("baseline", "scff"):
        network, header = report.networks[role], pair.networks[role].header
        assert [result.epoch for result in network.curves] == [1, 2, 3]
        assert network.val_accuracy == max(result.val_accuracy for result in network.curves)
        assert network.curves[network.best_epoch - 1].val_accuracy == network.val_accuracy
        assert network.test.images == len(report.split["test"]) == sum(map(sum, network.test.confusion))
        assert header.test_accuracy == network.test.accuracy
        assert header.split_fingerprint == report.split_fingerprint
        assert (header.epochs, header.seed) == (3, 5)
    card = (out / "README.md").read_text()
    assert card.startswith("# tiny\n")
    assert f"{report.networks['scff'].test.accuracy:.1%}" in card

    evaluated = command("training", "evaluate", out, "--data", scenes, "--json")
    assert json.loads(evaluated.out) == {
        "split": "test",
        "images": report.networks["baseline"].test.images,
        **{role: {"accuracy": network.test.accuracy} for role, network in report.networks.items()},
    }


def test_training_reduces_the_loss(command: Command, scenes: Path, tmp_path: Path) -> None:
    train(command, scenes, tmp_path / "pair", "--epochs", 8)
    report = read_report(tmp_path / "pair")
    for network in report.networks.values():
        assert network.curves[-1].train_loss < network.curves[0].train_loss
        assert network.test.accuracy == 1.0  # classes differ in colour


def test_same_seed_gives_the_same_weights(command: Command, scenes: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        train(command, scenes, tmp_path / name, "--epochs", 1)
    first, second = (load_pair(tmp_path / name).scff.network.state_dict() for name in ("a", "b"))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_diverged_run_leaves_no_files(command: Command, scenes: Path, tmp_path: Path) -> None:
    ended = train(command, scenes, tmp_path / "pair", "--epochs", 1, "--lr", 1e30)
    rejected(ended, "baseline: training has diverged: the loss")
    assert "in epoch 1; try a learning rate below 1e+30" in ended.err
    assert not list(tmp_path.glob("*pair*"))


def test_finished_baseline_is_kept_when_scff_diverges(
    command: Command, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(SCFF, "forward", lambda _, stages: stages[-1] * torch.inf)
        ended = train(command, scenes, tmp_path / "pair", "--epochs", 1)
    rejected(ended, "scff: training has diverged: the loss is nan in epoch 1")
    assert "pair holds baseline, which was finished before" in ended.err
    assert not list(tmp_path.glob(".pair*"))
    ended = train(command, scenes, tmp_path / "pair", "--epochs", 1, "--fusion", "scff", "--fusion-variant", "se")
    assert ended.status == 0, ended.err
    load_pair(tmp_path / "pair")


def test_weights_of_another_architecture_cause_a_warning(command: Command, scenes: Path, tmp_path: Path) -> None:
    weights = tmp_path / "resnet34.pth"
    torch.save(timm.create_model("resnet34").state_dict(), weights)
    ended = train(command, scenes, tmp_path / "pair", "--epochs", 1, "--weights", weights, "--fusion", "none")
    assert ended.status == 0, ended.err
    assert "warning: resnet34.pth (SHA-256 " in ended.err
    assert "only partly fits resnet18; it may belong to another architecture" in ended.err


def test_training_set_of_one_image_is_rejected(command: Command, scenes: Path, tmp_path: Path) -> None:
    fixed = tmp_path / "fixed"
    fixed.mkdir()
    for subset, number in (("train", 0), ("val", 1), ("test", 2)):
        (fixed / f"{subset}.csv").write_text(f"field/{number:04}.tif,field\n")
    rejected(train(command, scenes, tmp_path / "pair", "--split-dir", fixed), "the training set has one image")
    assert not list(tmp_path.glob(".pair*"))


def test_duplicates_across_subsets_are_reported(command: Command, scenes: Path, tmp_path: Path) -> None:
    Image.open(scenes / "roof" / "0001.tif").save(scenes / "roof" / "0005.tif")
    fixed = tmp_path / "fixed"
    fixed.mkdir()
    for subset, numbers in (("train", (0, 1)), ("val", (2, 3)), ("test", (4, 5))):
        rows = [f"{name}/{number:04}.tif,{name}" for name in CLASSES for number in numbers]
        (fixed / f"{subset}.csv").write_text("\n".join(rows))
    ended = train(command, scenes, tmp_path / "pair", "--epochs", 1, "--split-dir", fixed)
    assert "duplicate images in different subsets of the split: roof/0001 = roof/0005" in ended.err
    assert read_report(tmp_path / "pair").split_shared == (("roof/0001", "roof/0005"),)
    assert "roof/0001 = roof/0005" in (tmp_path / "pair" / "README.md").read_text()


@pytest.mark.parametrize(("name", "least"), [("efficientnet-lite0-siri-whu", 0.94), ("resnet18-siri-whu", 0.86)])
def test_shipped_pairs_match_their_reports(name: str, least: float) -> None:
    pair, report = load_pair(SHIPPED[name]), read_report(SHIPPED[name])
    for role in ("baseline", "scff"):
        header, network = pair.networks[role].header, report.networks[role]
        assert header.test_accuracy == network.test.accuracy >= least
        assert (header.seed, header.epochs) == (network.settings.seed, network.settings.epochs)
        assert header.initial == network.settings.initial
        assert network.test.images == 480
        assert len(network.curves) == header.epochs
    assert report.split_source == "files of AiTLAS"
    assert (len(report.split["train"]), len(report.split["val"])) == (1438, 480)
