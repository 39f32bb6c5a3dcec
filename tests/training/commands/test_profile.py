"""`python -m training profile`."""

import json
from pathlib import Path

import pytest

from models.architectures import NETWORKS
from tests.training.conftest import Command, rejected


def test_cost_of_resnet50_matches_the_derivation(command: Command) -> None:
    """SCFF adds a 1x1 convolution at each fused map's size, and three linear layers of the attention."""
    for size, stem, baseline, sides in (
        ("224", (), 4.087, (28, 14, 7)),
        ("200", (), 3.497, (25, 13, 7)),
        ("32", ("--small-stem",), 1.298, (16, 8, 4)),
    ):
        steps = zip(sides, (256, 512, 1024), (512, 1024, 2048), strict=True)
        added = [side**2 * before * after + 3 * after * max(after // 16, 32) for side, before, after in steps]
        ended = command("training", "profile", "--arch", "resnet50", "--image-size", size, *stem, "--json")
        found = json.loads(ended.out)
        assert found["image_size"] == int(size)
        assert found["baseline"]["macs"] / 1e9 == pytest.approx(baseline, abs=0.001)  # as in docs/networks.md
        assert [fusion["macs"] for fusion in found["scff"]["fusions"].values()] == added
        assert found["scff"]["macs"] - found["baseline"]["macs"] == sum(added)
        assert found["scff"]["params"] - found["baseline"]["params"] == 3_799_488  # tests/models/test_scff.py
        for role in ("baseline", "scff"):
            parts = [found[role]["backbone"], found[role]["classifier"], *found[role].get("fusions", {}).values()]
            for key in ("params", "macs"):
                assert found[role][key] == sum(part[key] for part in parts)
        assert list(found["scff"]["fusions"]) == ["Y2", "Y3", "Y4"]


def test_macs_of_fusions_match_the_derivation(command: Command) -> None:
    """A plain sum of convolutions' and matrices' sizes, for two fusions that can be written down."""
    for variant, extra in (("add", 0), ("concat", 2)):
        arguments = ("--arch", "resnet18", "--image-size", "64x32", "--fusion-variant", variant)
        fusions = json.loads(command("training", "profile", *arguments, "--json").out)["scff"]["fusions"]
        for (width, height), before, after, found in (
            ((8, 4), 64, 128, fusions["Y2"]), ((4, 2), 128, 256, fusions["Y3"]), ((2, 1), 256, 512, fusions["Y4"])
        ):  # fmt: skip
            assert found["macs"] == width * height * (before * after + extra * after * after)


def test_text_describes_the_cost(command: Command) -> None:
    ended = command("training", "profile", "--arch", "resnet18", "--image-size", "224")
    assert "resnet18, 224 x 224 pixels" in ended.out
    assert "fusion to Y4" in ended.out


SOME = ("resnet18", "resnet50", "resnetv2_50", "vgg16", "tf_efficientnet_lite0")


@pytest.fixture(params=[SOME, pytest.param(NETWORKS, marks=pytest.mark.exhaustive)], ids=["some", "all"])
def networks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The tested networks, of which --all prints a line each: a few of them, or, exhaustively, all."""
    monkeypatch.setattr("models.architectures.NETWORKS", request.param)
    return request.param


def test_table_is_that_of_the_documentation(command: Command, networks: tuple[str, ...]) -> None:
    documented = (Path(__file__).parents[3] / "docs" / "networks.md").read_text().splitlines()
    head, rule, *rows = command("training", "profile", "--all", "--image-size", "224").out.splitlines()
    assert [row.split(" | ")[0] for row in rows] == [f"| {name}" for name in networks]
    start = documented.index(head)
    table = dict(zip(NETWORKS, documented[start + 2 :][: len(NETWORKS)], strict=True))
    assert documented[start + 1] == rule
    assert [table[name] for name in networks] == rows


def test_networks_without_resnet_stem_are_skipped(command: Command, networks: tuple[str, ...]) -> None:
    ended = command("training", "profile", "--all", "--small-stem", "--image-size", "32", "--json")
    assert ended.status == 0
    names = [json.loads(line)["arch"] for line in ended.out.splitlines()]
    assert {"resnet18", "resnet50", "resnetv2_50"} <= set(names) < set(networks)
    assert "skipped: vgg16 has no ResNet stem" in ended.err


def test_invalid_arguments_are_rejected(command: Command) -> None:
    rejected(command("training", "profile"), "give one network with --arch, or --all")
    rejected(command("training", "profile", "--arch", "resnet18", "--classes", "0"), "classes must be at least 1")
    rejected(command("training", "profile", "--arch", "resnet_50"), "unknown architecture 'resnet_50'")
    rejected(command("training", "profile", "--arch", "resnet50", "--image-size", "0x"), "is not an image size")
    rejected(command("training", "profile", "--arch", "vit_tiny_patch16_224"), "is not purely convolutional")
    rejected(command("training", "profile", "--arch", "resnet50", "--image-size", "0"), "'0' is not an image size")
