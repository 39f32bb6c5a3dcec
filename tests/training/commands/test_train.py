"""Options of `python -m training train`."""

import json
from pathlib import Path

import pytest
import timm
import torch

from models.fusion_settings import FusionSettings
from pairs.pair import load_pair
from pairs.report_reading import read_report
from tests.conftest import CLASSES
from tests.training.conftest import Command, rejected, train


def test_invalid_arguments_are_rejected(command: Command, scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "pair"
    rejected(
        train(command, scenes, out, "--arch", "resnet_18"),
        "unknown architecture 'resnet_18'; the nearest supported networks are resnet18",
    )
    rejected(train(command, scenes, out, "--fusion", "both"), "unknown fusion 'both'; known: pair, none, scff")
    rejected(train(command, scenes, out, "--fusion", "none", "--gradient-cut"), "--fusion none trains no network with")
    rejected(train(command, scenes, out, "--recipe", "x"), "unknown recipe 'x'; known: siri-whu, fine-tune")
    rejected(train(command, scenes, out, "--device", "tpu"), "unknown device 'tpu'; known: auto, cpu, cuda")
    rejected(train(command, scenes, out, "--split-dir", tmp_path / "no"), "no such folder of split files")
    rejected(train(command, tmp_path / "no", out), "no such folder")
    rejected(
        train(command, scenes, out, "--arch", "vit_tiny_patch16_224", "--image-size", 224),
        "vit_tiny_patch16_224 is not purely convolutional",
    )
    rejected(train(command, scenes, out, "--arch", "inception_v3"), "inception_v3 cannot take images of 32 x 32 pixels")
    (tmp_path / "file").write_text("message")
    rejected(train(command, scenes, tmp_path / "file" / "pair"), "Not a directory")
    rejected(train(command, scenes, tmp_path / "file"), "is a file; give a folder for the pair")
    assert not out.exists()
    assert not list(tmp_path.glob(".pair*"))


def test_invalid_initial_weights_and_variants_are_rejected(command: Command, scenes: Path, tmp_path: Path) -> None:
    out, weights, base = tmp_path / "pair", tmp_path / "weights.pth", tmp_path / "base"
    torch.save(timm.create_model("regnety_002").state_dict(), weights)
    for more in ((), ("--resume",)):
        rejected(train(command, scenes, out, "--weights", weights, *more), "no tensor of weights.pth")
        assert not list(tmp_path.glob(".pair*"))
    rejected(train(command, scenes, out, "--weights", tmp_path / "no.pth"), "no such weights file")
    rejected(train(command, scenes, out, "--weights", weights, "--pretrained"), "choose one")
    rejected(train(command, scenes, out, "--freeze-backbone"), "a frozen backbone needs trained weights")
    rejected(train(command, scenes, out, "--fusion-variant", "sum"), "unknown fusion 'sum'; known: add, concat, se, sk")
    rejected(train(command, scenes, out, "--downsample", "min"), "unknown downsample 'min'; known: avg, conv1x1")
    rejected(train(command, scenes, out, "--fusion-start", "one"), "unknown start 'one'; known: neutral, identity")
    rejected(train(command, scenes, out, "--reduction", 0), "reduction must be at least 1")
    rejected(train(command, scenes, out, "--image-size", "3x4x5"), "'3x4x5' is not an image size")
    rejected(train(command, scenes, out, "--arch", "vgg11", "--small-stem"), "vgg11 has no ResNet stem")
    rejected(command("training", "train", "--data", scenes, "--out", out), "no network given; add --arch")
    rejected(train(command, scenes, out, "--fusion-from", base), "base: no such folder of a model pair")
    train(command, scenes, base, "--epochs", 1, "--fusion", "none")
    rejected(train(command, scenes, out, "--fusion-from", base, "--arch", "resnet34"), "leave those options out")
    rejected(
        command("training", "train", "--data", scenes, "--out", out, "--fusion-from", base, "--fusion", "none"),
        "leave out --fusion none",
    )
    assert not out.exists()


def test_unsupported_network_is_rejected_before_any_download(command: Command, scenes: Path, tmp_path: Path) -> None:
    ended = train(command, scenes, tmp_path / "pair", "--pretrained", "--arch", "vit_tiny_patch16_224")
    rejected(ended, "vit_tiny_patch16_224 is not purely convolutional")
    assert "downloading" not in ended.err


def test_missing_cuda_device_is_rejected(command: Command, scenes: Path, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    rejected(train(command, scenes, tmp_path / "pair", "--device", "cuda"), "no CUDA device is available")


def test_class_with_one_image_is_rejected(command: Command, scenes: Path, tmp_path: Path) -> None:
    for path in sorted((scenes / "roof").iterdir())[1:]:
        path.unlink()
    rejected(train(command, scenes, tmp_path / "pair"), "class 'roof' has 1 distinct image(s)")
    ended = command("training", "data", scenes, "--json")
    rejected(ended, "class 'roof' has 1 distinct image(s)")
    assert json.loads(ended.out)["classes"]["roof"] == 1


def test_fixed_split_is_used_and_missing_scenes_are_named(command: Command, scenes: Path, tmp_path: Path) -> None:
    fixed = tmp_path / "fixed"
    fixed.mkdir()
    for subset, numbers in (("train", (0, 1, 2, 9)), ("val", (3,)), ("test", (4, 5))):
        rows = [f"{name}/{number:04}.tif,{name}" for name in CLASSES for number in numbers]
        (fixed / f"{subset}.csv").write_text("\n".join(rows))
    ended = train(command, scenes, tmp_path / "pair", "--epochs", 1, "--split-dir", fixed)
    assert ended.status == 0, ended.err
    assert "3 scene(s) of the split are not in the folder: field/0009, roof/0009, water/0009" in ended.err
    report = read_report(tmp_path / "pair")
    assert report.split["test"] == tuple(f"{name}/{number:04}" for name in CLASSES for number in (4, 5))
    assert report.split_missing == ("field/0009", "roof/0009", "water/0009")


def test_variant_is_trained_and_stored(command: Command, scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "pair"
    more = ("--fusion-variant", "se", "--downsample", "max", "--gradient-cut", "--reduction", 8, "--min-width", 4)
    ended = train(command, scenes, out, "--epochs", 1, "--image-size", "48x32", "--small-stem", *more)
    assert ended.status == 0, ended.err
    pair = load_pair(out)
    expected = FusionSettings(reduction=8, min_width=4, downsample="max", fusion="se", gradient_cut=True)
    assert pair.scff.header.fusion == expected
    assert pair.preprocessing.size == (32, 48)
    for loaded in (pair.baseline, pair.scff):
        assert loaded.header.small_stem
        assert loaded.network.backbone.conv1.stride == (1, 1)
    card = (out / "README.md").read_text()
    assert "with the small-image stem as baseline and with SCFF" in card
    assert "max + se, initialisation: neutral, gradient cut" in card
    assert "resized to 48 x 32 pixels" in card
