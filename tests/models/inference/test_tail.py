"""Tail of a backbone behind each stage, against the whole backbone."""

import copy

import pytest
import torch
from torch import Tensor, nn

from models.fusion_settings import FusionSettings
from models.inference.preparation import inference_ready_network
from models.inference.tail import Tail
from models.network import Network
from tests.models.networks import EACH_NETWORK

ARCHS = (
    "resnet18", "resnet50_gn", "resnetv2_50", "resnest50d", "densenet121", "tf_efficientnet_lite0",
    "mobilenetv3_large_100", "convnext_tiny", "regnety_008", "inception_v3",
)  # fmt: skip
SIDE = 96


def made(arch: str) -> Network:
    torch.manual_seed(0)
    return Network(arch, 6, FusionSettings()).for_inference()


def pixels(batch: int = 1, side: int = SIDE) -> Tensor:
    return torch.randn(batch, 3, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("ready", [False, True], ids=["as loaded", "inference_ready"])
@pytest.mark.parametrize("arch", ARCHS)
def test_maps_and_gradients_match_the_whole_backbone(arch: str, ready: bool) -> None:
    network = inference_ready_network(made(arch), (SIDE, SIDE)) if ready else made(arch)
    tail = network.tail or Tail.of(network, (SIDE, SIDE))
    whole = network.stages(pixels().requires_grad_())
    wanted = torch.autograd.grad(whole[-1].square().sum(), whole[:-1])
    for number in range(1, network.num_stages):
        stage = whole[number - 1].detach().requires_grad_()
        before = stage.detach().clone()
        later = tail.after(number, stage)
        assert len(later) == network.num_stages - number
        for found, known in zip(later, whole[number:], strict=True):
            torch.testing.assert_close(found, known, rtol=0, atol=1e-5 * float(known.detach().abs().max()))
        (gradient,) = torch.autograd.grad(later[-1].square().sum(), stage)
        largest = float(wanted[number - 1].abs().max())
        torch.testing.assert_close(gradient, wanted[number - 1], rtol=0, atol=1e-5 * largest)
        assert torch.equal(stage, before)


@pytest.mark.parametrize("arch", [each for each in EACH_NETWORK if each.values != ("legacy_xception",)])
def test_every_stage_has_a_tail(arch: str) -> None:
    network = Network(arch, 6).for_inference()
    tail = Tail.of(network, (SIDE, SIDE))
    with torch.no_grad():
        stages = network.stages(pixels())
        for number in range(1, network.num_stages):
            torch.testing.assert_close(tail.after(number, stages[number - 1]), stages[number:])


def test_another_memory_layout_gives_the_same_maps() -> None:
    network = made("resnet50_gn")
    tail = Tail.of(network, (SIDE, SIDE))
    with torch.no_grad():
        stages = network.stages(pixels())
        other = stages[1].contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(tail.after(2, other), stages[2:])


def test_tail_works_in_half_precision() -> None:
    network = made("resnet18").to(torch.bfloat16)
    with torch.autocast("cpu", torch.float16):
        tail = Tail.of(network, (SIDE, SIDE))
    with torch.no_grad():
        stages = network.stages(pixels().to(torch.bfloat16))
        later = tail.after(2, stages[1])
    assert later[0].dtype == torch.bfloat16
    torch.testing.assert_close(later, stages[2:])


def test_weights_are_shared_and_copied_with_the_network() -> None:
    network = made("resnet18")
    network.tail = Tail.of(network, (SIDE, SIDE))
    other = copy.deepcopy(network)
    with torch.no_grad():
        network.backbone.layer4[1].bn2.weight.add_(0.5)
        stages, former = network.stages(pixels()), other.stages(pixels())
        assert not torch.allclose(stages[3], former[3])
        assert torch.allclose(network.tail.after(3, stages[2])[0], stages[3])
        assert torch.allclose(other.tail.after(3, stages[2])[0], former[3])


def test_no_tail_for_images_of_another_shape() -> None:
    network = made("resnet18")
    tail = Tail.of(network, (SIDE, SIDE))
    with torch.no_grad():
        for images in (pixels(batch=2), pixels(side=128)):
            assert tail.after(2, network.stages(images)[1]) is None


def test_no_tail_behind_the_last_stage() -> None:
    network = made("resnet18")
    assert Tail.of(network, (SIDE, SIDE)).after(4, network.stages(pixels())[3]) is None


def test_no_tail_for_stages_off_the_forward_path() -> None:
    network = made("legacy_xception")
    tail = Tail.of(network, (SIDE, SIDE))
    with torch.no_grad():
        stages = network.stages(pixels())
    assert all(tail.after(number, stage) is None for number, stage in enumerate(stages, start=1))


class TwoStages(nn.Module):
    """Two stages, the second computed from the first in different ways."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 4, 3, padding=1)

    def stages(self, images: Tensor) -> list[Tensor]:
        before = self.first(images)
        stage = before.sigmoid()
        match self.way:
            case "of it alone":
                return [stage, self.second(stage)]
            case "of an earlier map too":
                return [stage, self.second(stage) + before]
            case "written over":
                return [stage, self.second(torch.relu_(stage))]
            case "written over through a view":
                kept = stage.clone()
                kept.view(-1).sub_(0.5)
                stage.view(-1).sub_(0.5)
                return [stage, self.second(stage)]
            case "with itself added in place":
                return [stage, self.second(stage).add_(stage)]
            case "with a map made on the way":
                return [stage, self.second(stage) + torch.ones(stage.shape, device=stage.device)]


@pytest.mark.essential
@pytest.mark.parametrize(
    ("way", "found"),
    [
        ("of it alone", True),
        ("of an earlier map too", False),
        ("written over", True),  # the stage is its final value, where the tail begins
        ("written over through a view", False),
        ("with itself added in place", True),
        ("with a map made on the way", False),
    ],
)
def test_tail_exists_where_a_stage_alone_determines_the_next(way: str, found: bool) -> None:
    torch.manual_seed(0)
    network = TwoStages(way).eval().requires_grad_(False)
    stages = network.stages(pixels(side=8))
    later = Tail.of(network, (8, 8)).after(1, stages[0])
    assert (later is not None) == found
    if found:
        assert torch.equal(later[0], stages[1])
