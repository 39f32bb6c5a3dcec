"""From a folder of scenes to a pair, as a student types it."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import timm
import torch
from huggingface_hub import constants
from PIL import Image

from models.network import NETWORKS
from models.scff import SCFF, FusionSettings
from models.state import at_stored_precision
from pairs.checkpoint import load_network
from pairs.pair import load_pair
from tests.conftest import CLASSES, SHIPPED, Ended
from training.report import read_report

Command = Callable[..., Ended]
ARGUMENTS = ("--arch", "resnet18", "--image-size", "32", "--batch-size", "4", "--device", "cpu")


def train(command: Command, scenes: Path, out: Path, *more: object) -> Ended:
    return command("training", "train", "--data", scenes, "--out", out, *ARGUMENTS, *more)


def test_data_as_json(command: Command, scenes: Path) -> None:
    Image.open(scenes / "roof" / "0001.tif").save(scenes / "roof" / "again.png")
    (scenes / "water" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    ended = command("training", "data", scenes, "--json")
    assert ended.status == 0
    assert json.loads(ended.out) == {
        "images": 19,
        "classes": {"field": 6, "roof": 7, "water": 6},
        "sizes": {"40x40": 19},
        "unreadable": ["water/broken.jpg"],
        "duplicates": [["roof/0001.tif", "roof/again.png"]],
    }
    assert "water/broken.jpg" in ended.err


def test_data_in_words(command: Command, scenes: Path) -> None:
    ended = command("training", "data", scenes)
    assert "18 images of 3 classes" in ended.out
    assert "40x40 (18)" in ended.out


def test_a_pair_is_trained_alike_and_reported(command: Command, scenes: Path, tmp_path: Path) -> None:
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
    assert report.unreadable == ["roof/bad.tif"]
    assert {network.settings["seed"] for network in report.networks.values()} == {5}
    assert report.mean == pytest.approx(pair.preprocessing.mean)
    for role in ("baseline", "scff"):
        network, header = report.networks[role], getattr(pair, role).header
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

    measured = command("training", "evaluate", out, "--data", scenes, "--json")
    assert json.loads(measured.out) == {
        "split": "test",
        "images": report.networks["baseline"].test.images,
        **{role: {"accuracy": network.test.accuracy} for role, network in report.networks.items()},
    }


def test_it_learns(command: Command, scenes: Path, tmp_path: Path) -> None:
    train(command, scenes, tmp_path / "pair", "--epochs", 8)
    report = read_report(tmp_path / "pair")
    for network in report.networks.values():
        assert network.curves[-1].train_loss < network.curves[0].train_loss
        assert network.test.accuracy == 1.0  # classes differ in colour


def test_the_same_seed_gives_the_same_weights(command: Command, scenes: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        train(command, scenes, tmp_path / name, "--epochs", 1)
    first, second = (load_pair(tmp_path / name).scff.network.state_dict() for name in ("a", "b"))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_an_interrupted_run_goes_on_where_it_was(scenes: Path, tmp_path: Path, command: Command) -> None:
    """A process killed in mid-training, resumed, gives the weights of one that was left alone."""
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(command, scenes, whole, "--epochs", 4, "--fusion", "scff")
    script = (
        "import os, runpy, sys\n"
        "from training.progress_bar import TrainingProgress\n"
        "def stop(self, trainer, *_):\n"
        "    if trainer.current_epoch == 2: os._exit(9)\n"
        "TrainingProgress.on_train_batch_end = stop\n"
        "runpy.run_module('training', run_name='__main__', alter_sys=True)\n"
    )
    arguments = (*ARGUMENTS, "--data", scenes, "--out", cut, "--epochs", "4", "--fusion", "scff")
    killed = subprocess.run([sys.executable, "-c", script, "train", *arguments], check=False, capture_output=True)
    assert killed.returncode == 9
    assert not cut.exists()
    state = torch.load(tmp_path / ".cut.training" / "scff" / "last.ckpt", weights_only=True)
    assert [result["epoch"] for result in state["curves"]] == [1, 2]  # the last whole epoch, though not the best
    refused = train(command, scenes, cut, "--epochs", 4, "--fusion", "scff")
    assert refused.status == 2
    assert "add --resume" in refused.err
    other = train(command, scenes, cut, "--epochs", 5, "--fusion", "scff", "--resume")
    assert other.status == 2
    assert "has other settings" in other.err
    ended = train(command, scenes, cut, "--epochs", 4, "--fusion", "scff", "--resume")
    assert ended.status == 0, ended.err
    first, second = (load_network(folder / "scff.safetensors").network.state_dict() for folder in (whole, cut))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    curves = [read_report(folder).networks["scff"].curves for folder in (whole, cut)]
    assert curves[0] == curves[1]


def test_interrupting_says_how_to_go_on(scenes: Path, tmp_path: Path) -> None:
    arguments = (*ARGUMENTS, "--data", scenes, "--out", tmp_path / "pair", "--epochs", "1000")
    command = [sys.executable, "-m", "training", "train", *arguments]
    # As from a terminal: a shell's background jobs, such as this test may be a part of, ignore interrupts.
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / ".pair.training" / "baseline" / "last.ckpt").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    try:
        for _ in range(6):  # as a user does when an interrupt falls into a moment that swallows it
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
                break
        assert process.poll() == 130
    finally:
        process.kill()
        err = process.communicate()[1]
    assert "with --resume goes on from the last whole epoch" in err
    assert "Traceback" not in err
    assert not (tmp_path / "pair").exists()


def test_half_a_pair_is_completed_by_its_partner(command: Command, scenes: Path, tmp_path: Path) -> None:
    out, whole = tmp_path / "pair", tmp_path / "whole"
    half = train(command, scenes, out, "--epochs", 1, "--fusion", "none")
    assert "half a pair: train scff into it" in half.out
    again = train(command, scenes, out, "--epochs", 1, "--fusion", "none")
    assert again.status == 2
    assert "already holds baseline" in again.err
    other = train(command, scenes, out, "--epochs", 2, "--fusion", "scff")
    assert other.status == 2
    assert "no partner for this one" in other.err
    assert train(command, scenes, out, "--epochs", 1, "--fusion", "scff").status == 0
    train(command, scenes, whole, "--epochs", 1)
    for role in ("baseline", "scff"):
        first, second = (getattr(load_pair(path), role).network.state_dict() for path in (out, whole))
        assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_a_baseline_takes_a_partner_of_any_variant(command: Command, scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "pair"
    train(command, scenes, out, "--epochs", 1, "--fusion", "none")
    ended = train(command, scenes, out, "--epochs", 1, "--fusion", "scff", "--fusion-variant", "add")
    assert ended.status == 0, ended.err
    assert load_pair(out).scff.header.fusion.fusion == "add"
    networks = read_report(out).networks
    assert networks["baseline"].settings["fusion"] is None
    assert networks["scff"].settings["fusion"]["fusion"] == "add"
    assert "from the same initial backbone weights" in (out / "README.md").read_text()


def test_fixed_split_is_followed(command: Command, scenes: Path, tmp_path: Path) -> None:
    fixed = tmp_path / "fixed"
    fixed.mkdir()
    for part, numbers in (("train", (0, 1, 2, 9)), ("val", (3,)), ("test", (4, 5))):
        rows = [f"{name}/{number:04}.tif,{name}" for name in CLASSES for number in numbers]
        (fixed / f"{part}.csv").write_text("\n".join(rows))
    ended = train(command, scenes, tmp_path / "pair", "--epochs", 1, "--split-dir", fixed)
    assert ended.status == 0, ended.err
    assert "3 scene(s) of the split are not in the folder: field/0009, roof/0009, water/0009" in ended.err
    report = read_report(tmp_path / "pair")
    assert report.split["test"] == [f"{name}/{number:04}" for name in CLASSES for number in (4, 5)]
    assert report.split_missing == ["field/0009", "roof/0009", "water/0009"]


def test_training_that_diverges_leaves_nothing(command: Command, scenes: Path, tmp_path: Path) -> None:
    ended = train(command, scenes, tmp_path / "pair", "--epochs", 1, "--lr", 1e30)
    one_line(ended, "baseline: training has diverged: the loss")
    assert "in epoch 1; try a learning rate below 1e+30" in ended.err
    assert not list(tmp_path.glob("*pair*"))


def test_weights_too_large_to_be_stored(command: Command, scenes: Path, tmp_path: Path) -> None:
    """Normalisation makes them harmless in float32; a weights file keeps kernels in float16."""
    state, weights = timm.create_model("resnet18").state_dict(), tmp_path / "weights.pth"
    state["conv1.weight"] *= 1e7
    torch.save(state, weights)
    ended = train(command, scenes, tmp_path / "pair", "--epochs", 1, "--weights", weights, "--freeze-backbone")
    one_line(ended, "baseline: backbone.conv1.weight has ended with numbers too large to be stored")
    assert not list(tmp_path.glob("*pair*"))


def test_a_baseline_that_was_done_outlives_its_partner(
    command: Command, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(SCFF, "forward", lambda _, stages: stages[-1] * torch.inf)
        ended = train(command, scenes, tmp_path / "pair", "--epochs", 1)
    one_line(ended, "scff: training has diverged: the loss is nan in epoch 1")
    assert "pair holds baseline, which was done before" in ended.err
    assert not list(tmp_path.glob(".pair*"))
    ended = train(command, scenes, tmp_path / "pair", "--epochs", 1, "--fusion", "scff", "--fusion-variant", "se")
    assert ended.status == 0, ended.err
    load_pair(tmp_path / "pair")


def one_line(ended: Ended, words: str) -> None:
    """Exit status 2, and the error as the last line on standard error."""
    assert ended.status == 2
    last = ended.err.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert words in last
    assert "Traceback" not in ended.err


# Variants, and where the weights start.


def test_a_variant_is_trained_and_kept(command: Command, scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "pair"
    more = ("--fusion-variant", "se", "--downsample", "max", "--gradient-cut", "--reduction", 8, "--min-width", 4)
    ended = train(command, scenes, out, "--epochs", 1, "--image-size", "48x32", "--small-stem", *more)
    assert ended.status == 0, ended.err
    pair = load_pair(out)
    assert pair.scff.header.fusion == FusionSettings(8, 4, "max", "se", True)
    assert pair.preprocessing.size == (32, 48)
    for loaded in (pair.baseline, pair.scff):
        assert loaded.header.small_stem
        assert loaded.network.backbone.conv1.stride == (1, 1)
    card = (out / "README.md").read_text()
    assert "with the small-image stem as baseline and with SCFF" in card
    assert "max + se, start: neutral, gradient cut" in card
    assert "at 48 x 32 pixels" in card


def test_weights_of_a_file_are_where_both_networks_start(command: Command, scenes: Path, tmp_path: Path) -> None:
    torch.manual_seed(9)
    original = timm.create_model("resnet18", num_classes=5)
    torch.save(original.state_dict(), tmp_path / "weights.pth")
    out = tmp_path / "pair"
    more = ("--weights", tmp_path / "weights.pth", "--freeze-backbone", "--fusion-start", "identity")
    ended = train(command, scenes, out, "--epochs", 1, *more)
    assert ended.status == 0, ended.err
    assert ended.err.count("tensors taken; 2 left as they start: fc.weight, fc.bias; 2 in the file unused") == 2
    pair, report = load_pair(out), read_report(out)
    assert pair.preprocessing.mean == tuple(original.pretrained_cfg["mean"])
    for loaded, network in zip((pair.baseline, pair.scff), report.networks.values(), strict=True):
        assert loaded.header.recipe == "fine-tune"
        assert loaded.header.initial.startswith("weights.pth (SHA-256 ")
        assert network.settings["freeze_backbone"]
        state = loaded.network.backbone.state_dict()
        frozen = {name: value for name, value in original.state_dict().items() if not name.startswith("fc.")}
        for name, value in at_stored_precision(frozen).items():  # statistics of normalisation included
            assert torch.equal(state[name], value.to(state[name].dtype)), name
    assert "backbone frozen" in (out / "README.md").read_text()


def test_fine_tuning_moves_the_backbone(command: Command, scenes: Path, tmp_path: Path) -> None:
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
    assert (report.networks["baseline"].settings["epochs"], report.networks["scff"].settings["epochs"]) == (2, 1)
    assert report.split == read_report(first).split
    frozen = pair.baseline.network.backbone.conv1.weight
    assert torch.equal(pair.scff.network.backbone.conv1.weight, frozen)
    card = (second / "README.md").read_text()
    assert "Weights at the start: random." in card
    assert "Weights at the start: the baseline of first (SHA-256 " in card
    assert "same initial" not in card

    shutil.rmtree(second)
    Image.open(scenes / "roof" / "0001.tif").rotate(90).save(scenes / "roof" / "new.tif")
    refused = command("training", "train", *arguments)
    one_line(refused, "does not hold the scenes that first was trained on")
    assert refused.err.count("\n") == 1


def test_a_baseline_that_is_none(command: Command, scenes: Path, tmp_path: Path) -> None:
    pair = tmp_path / "pair"
    train(command, scenes, pair, "--epochs", 1)
    arguments = ("training", "train", "--data", scenes, "--out", tmp_path / "new", "--fusion-from", pair)
    report = json.loads((pair / "report.json").read_text())
    report["split"]["train"].pop()
    (pair / "report.json").write_text(json.dumps(report))
    one_line(command(*arguments), "pair: its report is not that of its baseline")
    shutil.copy(pair / "scff.safetensors", pair / "baseline.safetensors")
    one_line(command(*arguments), "pair/baseline.safetensors holds a network with SCFF; the files may be swapped")


def test_scff_is_added_to_a_pair_with_an_earlier_report(command: Command, scenes: Path, tmp_path: Path) -> None:
    """As the first version wrote them: settings said once, and fewer of them."""
    first, second = tmp_path / "first", tmp_path / "second"
    train(command, scenes, first, "--epochs", 1)
    report = json.loads((first / "report.json").read_text())
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
    assert "at 32 x 32 pixels" in (second / "README.md").read_text()


def test_an_untrained_part_is_not_frozen(command: Command, scenes: Path, tmp_path: Path) -> None:
    weights = tmp_path / "weights.pth"
    torch.save(timm.create_model("resnet18").state_dict(), weights)
    more = ("--weights", weights, "--freeze-backbone", "--small-stem")
    ended = train(command, scenes, tmp_path / "pair", *more)
    one_line(ended, "1 tensor(s) of the backbone would be frozen untrained, the first is conv1.weight")
    assert not list(tmp_path.glob(".pair*"))


def test_what_cannot_be_trained_is_refused_before_anything_is_fetched(
    command: Command, scenes: Path, tmp_path: Path
) -> None:
    ended = train(command, scenes, tmp_path / "pair", "--pretrained", "--arch", "vit_tiny_patch16_224")
    one_line(ended, "vit_tiny_patch16_224 is not a network of convolutions alone")
    assert "fetching" not in ended.err


def test_pretrained_weights_that_cannot_be_had(
    command: Command, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    one_line(
        train(command, scenes, tmp_path / "pair", "--pretrained"),
        "the pre-trained weights of resnet18 cannot be fetched",
    )
    assert not list(tmp_path.glob(".pair*"))


def test_bad_starts_and_variants(command: Command, scenes: Path, tmp_path: Path) -> None:
    out, weights, base = tmp_path / "pair", tmp_path / "weights.pth", tmp_path / "base"
    torch.save(timm.create_model("regnety_002").state_dict(), weights)
    for more in ((), ("--resume",)):
        one_line(train(command, scenes, out, "--weights", weights, *more), "no tensor of weights.pth")
        assert not list(tmp_path.glob(".pair*"))
    one_line(train(command, scenes, out, "--weights", tmp_path / "no.pth"), "no such file of weights")
    one_line(train(command, scenes, out, "--weights", weights, "--pretrained"), "choose one")
    one_line(train(command, scenes, out, "--freeze-backbone"), "a frozen backbone must be trained already")
    one_line(train(command, scenes, out, "--fusion-variant", "sum"), "unknown fusion 'sum'; known: add, concat, se, sk")
    one_line(train(command, scenes, out, "--downsample", "min"), "unknown downsample 'min'; known: avg, max")
    one_line(train(command, scenes, out, "--fusion-start", "one"), "unknown start 'one'; known: neutral, identity")
    one_line(train(command, scenes, out, "--reduction", 0), "reduction must be at least 1")
    one_line(train(command, scenes, out, "--image-size", "3x4x5"), "'3x4x5' is no image size")
    one_line(train(command, scenes, out, "--arch", "vgg11", "--small-stem"), "vgg11 has no ResNet's stem")
    one_line(command("training", "train", "--data", scenes, "--out", out), "which network? add --arch")
    one_line(train(command, scenes, out, "--fusion-from", base), "base: no such folder of a checkpoint pair")
    train(command, scenes, base, "--epochs", 1, "--fusion", "none")
    one_line(train(command, scenes, out, "--fusion-from", base, "--arch", "resnet34"), "leave those options out")
    one_line(
        command("training", "train", "--data", scenes, "--out", out, "--fusion-from", base, "--fusion", "none"),
        "leave out --fusion none",
    )
    assert not out.exists()


# What a network costs.


def test_cost_of_resnet50_is_as_known(command: Command) -> None:
    """Multiply-accumulates: 4.087 to 4.397 G at 224 pixels, 3.497 to 3.771 at 200, small stem 1.298 to 1.400 at 32."""
    for size, stem, baseline, scff in (
        ("224", (), 4.087, 4.397),
        ("200", (), 3.497, 3.771),
        ("32", ("--small-stem",), 1.298, 1.400),
    ):
        ended = command("training", "profile", "--arch", "resnet50", "--image-size", size, *stem, "--json")
        found = json.loads(ended.out)
        assert found["image_size"] == int(size)
        assert found["baseline"]["macs"] / 1e9 == pytest.approx(baseline, abs=0.001)
        assert found["scff"]["macs"] / 1e9 == pytest.approx(scff, abs=0.001)
        assert (found["scff"]["params"] - found["baseline"]["params"]) / 1e6 == pytest.approx(3.80, abs=0.005)
        for role in ("baseline", "scff"):
            parts = [found[role]["backbone"], found[role]["classifier"], *found[role].get("fusions", {}).values()]
            for key in ("params", "macs"):
                assert found[role][key] == sum(part[key] for part in parts)
        assert list(found["scff"]["fusions"]) == ["Y2", "Y3", "Y4"]


def test_cost_counts_what_is_multiplied(command: Command) -> None:
    """A plain sum of convolutions' and matrices' sizes, for two fusions that can be written down."""
    for variant, extra in (("add", 0), ("concat", 2)):
        arguments = ("--arch", "resnet18", "--image-size", "64x32", "--fusion-variant", variant)
        fusions = json.loads(command("training", "profile", *arguments, "--json").out)["scff"]["fusions"]
        for (width, height), before, after, found in (
            ((8, 4), 64, 128, fusions["Y2"]), ((4, 2), 128, 256, fusions["Y3"]), ((2, 1), 256, 512, fusions["Y4"])
        ):  # fmt: skip
            assert found["macs"] == width * height * (before * after + extra * after * after)


def test_cost_in_words_and_as_a_table(command: Command) -> None:
    ended = command("training", "profile", "--arch", "resnet18", "--image-size", "224")
    assert "resnet18, 224 x 224 pixels" in ended.out
    assert "fusion to Y4" in ended.out
    table = command("training", "profile", "--all", "--image-size", "224").out
    assert [line.split(" | ")[0] for line in table.splitlines()[2:]] == [f"| {name}" for name in NETWORKS]
    assert table in (Path(__file__).parents[2] / "docs" / "networks.md").read_text()


def test_networks_that_have_no_such_cost_are_left_out_of_the_table(command: Command) -> None:
    ended = command("training", "profile", "--all", "--small-stem", "--image-size", "32", "--json")
    assert ended.status == 0
    names = [json.loads(line)["arch"] for line in ended.out.splitlines()]
    assert {"resnet18", "resnet50", "resnetv2_50"} <= set(names) < set(NETWORKS)
    assert "left out: vgg16 has no ResNet's stem" in ended.err


def test_cost_of_what_cannot_be(command: Command) -> None:
    one_line(command("training", "profile"), "name one network with --arch, or take --all")
    one_line(command("training", "profile", "--arch", "resnet18", "--classes", "0"), "classes must be at least 1")
    one_line(command("training", "profile", "--arch", "resnet_50"), "unknown arch 'resnet_50'")
    one_line(command("training", "profile", "--arch", "resnet50", "--image-size", "0x"), "is no image size")
    one_line(command("training", "profile", "--arch", "vit_tiny_patch16_224"), "is not a network of convolutions alone")
    one_line(command("training", "profile", "--arch", "resnet50", "--image-size", "0"), "'0' is no image size")


def test_bad_arguments_of_train(command: Command, scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "pair"
    one_line(
        train(command, scenes, out, "--arch", "resnet_18"),
        "unknown arch 'resnet_18'; the nearest that can be used are resnet18",
    )
    one_line(train(command, scenes, out, "--fusion", "both"), "unknown fusion 'both'; known: pair, none, scff")
    one_line(train(command, scenes, out, "--fusion", "none", "--gradient-cut"), "--fusion none trains no network with")
    one_line(train(command, scenes, out, "--recipe", "x"), "unknown recipe 'x'; known: siri-whu, fine-tune")
    one_line(train(command, scenes, out, "--device", "tpu"), "unknown device 'tpu'; known: auto, cpu, cuda")
    one_line(train(command, scenes, out, "--split-dir", tmp_path / "no"), "no such folder of split files")
    one_line(train(command, tmp_path / "no", out), "no such folder")
    one_line(
        train(command, scenes, out, "--arch", "vit_tiny_patch16_224", "--image-size", 224),
        "vit_tiny_patch16_224 is not a network of convolutions alone",
    )
    one_line(train(command, scenes, out, "--arch", "inception_v3"), "inception_v3 cannot take images of 32 x 32 pixels")
    (tmp_path / "file").write_text("words")
    one_line(train(command, scenes, tmp_path / "file" / "pair"), "Not a directory")
    one_line(train(command, scenes, tmp_path / "file"), "is a file; name a folder for the pair")
    assert not out.exists()
    assert not list(tmp_path.glob(".pair*"))


def test_no_cuda_is_said(command: Command, scenes: Path, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    one_line(train(command, scenes, tmp_path / "pair", "--device", "cuda"), "no CUDA device can be used here")


def test_an_empty_folder_can_be_the_pairs(command: Command, scenes: Path, tmp_path: Path) -> None:
    (tmp_path / "pair").mkdir()
    (tmp_path / "pair" / ".gitkeep").touch()
    ended = train(command, scenes, tmp_path / "pair", "--epochs", 1, "--resume")
    assert ended.status == 0
    assert "there is no interrupted run of pair to go on with; a new one starts" in ended.err
    load_pair(tmp_path / "pair")


def test_a_folder_of_other_things_is_left_alone(command: Command, scenes: Path) -> None:
    one_line(train(command, scenes, scenes / "roof"), "roof is not empty, and holds no pair; choose another --out")
    assert len(list((scenes / "roof").iterdir())) == 6


def test_doubtful_weights_are_said(command: Command, scenes: Path, tmp_path: Path) -> None:
    weights = tmp_path / "resnet34.pth"
    torch.save(timm.create_model("resnet34").state_dict(), weights)
    ended = train(command, scenes, tmp_path / "pair", "--epochs", 1, "--weights", weights, "--fusion", "none")
    assert ended.status == 0, ended.err
    assert "warning: resnet34.pth (SHA-256 " in ended.err
    assert "does not fit resnet18 throughout; it may be another network's" in ended.err


def test_one_image_to_train_on_is_too_few(command: Command, scenes: Path, tmp_path: Path) -> None:
    fixed = tmp_path / "fixed"
    fixed.mkdir()
    for part, number in (("train", 0), ("val", 1), ("test", 2)):
        (fixed / f"{part}.csv").write_text(f"field/{number:04}.tif,field\n")
    one_line(train(command, scenes, tmp_path / "pair", "--split-dir", fixed), "the training part has one image")
    assert not list(tmp_path.glob(".pair*"))


def test_equal_pictures_in_different_parts_are_said(command: Command, scenes: Path, tmp_path: Path) -> None:
    Image.open(scenes / "roof" / "0001.tif").save(scenes / "roof" / "0005.tif")
    fixed = tmp_path / "fixed"
    fixed.mkdir()
    for part, numbers in (("train", (0, 1)), ("val", (2, 3)), ("test", (4, 5))):
        rows = [f"{name}/{number:04}.tif,{name}" for name in CLASSES for number in numbers]
        (fixed / f"{part}.csv").write_text("\n".join(rows))
    ended = train(command, scenes, tmp_path / "pair", "--epochs", 1, "--split-dir", fixed)
    assert "the same picture lies in different parts of the split: roof/0001 = roof/0005" in ended.err
    assert read_report(tmp_path / "pair").split_shared == [["roof/0001", "roof/0005"]]
    assert "roof/0001 = roof/0005" in (tmp_path / "pair" / "README.md").read_text()


def test_class_with_one_image(command: Command, scenes: Path, tmp_path: Path) -> None:
    for path in sorted((scenes / "roof").iterdir())[1:]:
        path.unlink()
    one_line(train(command, scenes, tmp_path / "pair"), "class 'roof' has 1 different image(s)")
    ended = command("training", "data", scenes, "--json")
    one_line(ended, "class 'roof' has 1 different image(s)")
    assert json.loads(ended.out)["classes"]["roof"] == 1


def test_bad_arguments_of_evaluate(command: Command, scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "pair"
    train(command, scenes, out, "--epochs", 1)
    one_line(command("training", "evaluate", out, "--data", scenes, "--split", "all"), "unknown split 'all'")
    one_line(command("training", "evaluate", tmp_path / "no", "--data", scenes), "no such folder of a checkpoint pair")
    shutil.copytree(scenes / "roof", scenes / "tower")
    one_line(command("training", "evaluate", out, "--data", scenes), "has classes field, roof, tower, water")
    shutil.rmtree(scenes / "tower")
    for path in scenes.rglob("*.tif"):
        path.rename(path.with_name(f"other-{path.name}"))
    one_line(command("training", "evaluate", out, "--data", scenes), "holds no scene of the test part")
    (out / "report.json").write_text("{}")
    one_line(command("training", "evaluate", out, "--data", scenes), "report.json cannot be read")


@pytest.mark.parametrize(("name", "least"), [("efficientnet-lite0-siri-whu", 0.94), ("resnet18-siri-whu", 0.86)])
def test_shipped_pairs_are_what_they_say(name: str, least: float) -> None:
    pair, report = load_pair(SHIPPED[name]), read_report(SHIPPED[name])
    for role in ("baseline", "scff"):
        header, network = getattr(pair, role).header, report.networks[role]
        assert header.test_accuracy == network.test.accuracy >= least
        assert (header.seed, header.epochs) == (network.settings["seed"], network.settings["epochs"])
        assert header.initial == network.settings["initial"]
        assert network.test.images == 480
        assert len(network.curves) == header.epochs
    assert report.split_source == "files of AiTLAS"
    assert (len(report.split["train"]), len(report.split["val"])) == (1438, 480)


@pytest.mark.parametrize("path", SHIPPED.values(), ids=SHIPPED)
def test_shipped_pairs_are_as_good_as_they_say(command: Command, siri_whu: Path, path: Path) -> None:
    measured = json.loads(command("training", "evaluate", path, "--data", siri_whu, "--json").out)
    report = read_report(path)
    for role in ("baseline", "scff"):
        # other processors round differently: an image on the edge between two classes may fall the other way
        assert measured[role]["accuracy"] == pytest.approx(report.networks[role].test.accuracy, abs=2.5 / 480)
