"""Initialisation of a run from pre-trained weights or a trained baseline."""

import json
import shutil
from pathlib import Path

import pytest
import timm
import torch
from huggingface_hub import constants
from PIL import Image

from models.state import at_stored_precision
from pairs.pair import load_pair
from pairs.report_reading import read_report
from tests.training.conftest import Command, rejected, train


def test_both_networks_start_from_the_weights_of_a_file(command: Command, scenes: Path, tmp_path: Path) -> None:
    torch.manual_seed(9)
    original = timm.create_model("resnet18", num_classes=5)
    torch.save(original.state_dict(), tmp_path / "weights.pth")
    out = tmp_path / "pair"
    more = ("--weights", tmp_path / "weights.pth", "--freeze-backbone", "--fusion-start", "identity")
    ended = train(command, scenes, out, "--epochs", 1, *more)
    assert ended.status == 0, ended.err
    assert ended.err.count("tensors loaded; 2 keep their initial values: fc.weight, fc.bias; 2 in the file unused") == 2
    pair, report = load_pair(out), read_report(out)
    assert pair.preprocessing.mean == tuple(original.pretrained_cfg["mean"])
    for loaded, network in zip((pair.baseline, pair.scff), report.networks.values(), strict=True):
        assert loaded.header.recipe == "fine-tune"
        assert loaded.header.initial.startswith("weights.pth (SHA-256 ")
        assert network.settings.freeze_backbone
        state = loaded.network.backbone.state_dict()
        frozen = {name: value for name, value in original.state_dict().items() if not name.startswith("fc.")}
        for name, value in at_stored_precision(frozen).items():  # statistics of normalisation included
            assert torch.equal(state[name], value.to(state[name].dtype)), name
    assert "backbone frozen" in (out / "README.md").read_text()


def test_fine_tuning_changes_the_backbone(command: Command, scenes: Path, tmp_path: Path) -> None:
    original = timm.create_model("resnet18")
    torch.save(original.state_dict(), tmp_path / "weights.pth")
    train(command, scenes, tmp_path / "pair", "--epochs", 1, "--weights", tmp_path / "weights.pth")
    found = load_pair(tmp_path / "pair").scff.network.backbone
    assert not torch.allclose(found.layer4[0].conv1.weight, original.layer4[0].conv1.weight, atol=1e-4)


def test_scff_is_added_to_a_trained_baseline(command: Command, scenes: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert train(command, scenes, first, "--epochs", 2, "--fusion", "none", "--seed", 3).status == 0
    arguments = ("--data", scenes, "--out", second, "--fusion-from", first, "--epochs", 1, "--batch-size", 4)
    ended = command("training", "train", *arguments, "--freeze-backbone", "--fusion-start", "identity")
    assert ended.status == 0, ended.err
    assert (second / "baseline.safetensors").read_bytes() == (first / "baseline.safetensors").read_bytes()
    pair, report = load_pair(second), read_report(second)
    assert pair.scff.header.initial.startswith("the baseline of first (SHA-256 ")
    assert report.networks["baseline"] == read_report(first).networks["baseline"]
    assert (report.networks["baseline"].settings.epochs, report.networks["scff"].settings.epochs) == (2, 1)
    assert report.split == read_report(first).split
    frozen = pair.baseline.network.backbone.conv1.weight
    assert torch.equal(pair.scff.network.backbone.conv1.weight, frozen)
    card = (second / "README.md").read_text()
    assert "Initial weights: random." in card
    assert "Initial weights: the baseline of first (SHA-256 " in card
    assert "same initial" not in card

    shutil.rmtree(second)
    Image.open(scenes / "roof" / "0001.tif").rotate(90).save(scenes / "roof" / "new.tif")
    ended = command("training", "train", *arguments)
    rejected(ended, "does not hold the scenes that first was trained on")
    assert ended.err.count("\n") == 1


def test_baseline_that_differs_from_its_report_is_rejected(command: Command, scenes: Path, tmp_path: Path) -> None:
    pair = tmp_path / "pair"
    train(command, scenes, pair, "--epochs", 1)
    arguments = ("training", "train", "--data", scenes, "--out", tmp_path / "new", "--fusion-from", pair)
    report = json.loads((pair / "report.json").read_text())
    report["split"]["train"].pop()
    (pair / "report.json").write_text(json.dumps(report))
    rejected(command(*arguments), "pair: its report does not describe its baseline")
    shutil.copy(pair / "scff.safetensors", pair / "baseline.safetensors")
    rejected(command(*arguments), "pair/baseline.safetensors holds a network with SCFF; the files may be swapped")


def test_scff_is_added_to_a_pair_with_an_earlier_report(command: Command, scenes: Path, tmp_path: Path) -> None:
    """A report of the first version: fewer settings, stored once for both networks."""
    first, second = tmp_path / "first", tmp_path / "second"
    train(command, scenes, first, "--epochs", 1)
    report = json.loads((first / "report.json").read_text())
    del report["version"]
    for network in report["networks"].values():
        report |= {name: network.pop(name) for name in ("settings", "precision", "device", "versions")}
    for name in ("fusion", "small_stem", "initial", "freeze_backbone"):
        del report["settings"][name]
    report["settings"]["image_size"] = 32
    former = read_report(first)
    (first / "report.json").write_text(json.dumps(report))
    assert read_report(first) == former
    arguments = ("--data", scenes, "--out", second, "--fusion-from", first, "--epochs", 1, "--batch-size", 4)
    assert command("training", "train", *arguments).status == 0
    assert "resized to 32 x 32 pixels" in (second / "README.md").read_text()


def test_unavailable_pretrained_weights_are_rejected(
    command: Command, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    rejected(
        train(command, scenes, tmp_path / "pair", "--pretrained"),
        "the pre-trained weights of resnet18 cannot be fetched",
    )
    assert not list(tmp_path.glob(".pair*"))
