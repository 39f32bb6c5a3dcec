"""The rest of a backbone's way from each of its stages, against the whole way."""

import copy

import pytest
import torch
from torch import Tensor, nn

from models.network import Network
from models.rest import Rest
from models.scff import FusionSettings

ARCHS = (
    "resnet18", "resnetv2_50", "resnest50d", "densenet121", "tf_efficientnet_lite0", "mobilenetv3_large_100",
    "convnext_tiny", "regnety_008", "inception_v3",
)  # fmt: skip
SIDE = 96


def made(arch: str) -> Network:
    torch.manual_seed(0)
    return Network(arch, 6, FusionSettings()).for_inference()


def pixels(batch: int = 1, side: int = SIDE) -> Tensor:
    return torch.randn(batch, 3, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("arch", ARCHS)
def test_maps_and_gradients_are_those_of_the_whole_way(arch: str) -> None:
    network = made(arch)
    rest = Rest.of(network, (1, 3, SIDE, SIDE))
    whole = network.stages(pixels().requires_grad_())
    wanted = torch.autograd.grad(whole[-1].square().sum(), whole[:-1])
    for number in range(1, network.depth):
        stage = whole[number - 1].detach().clone().requires_grad_()
        before = stage.detach().clone()
        later = rest.after(number, stage)
        assert len(later) == network.depth - number
        for found, known in zip(later, whole[number:], strict=True):
            torch.testing.assert_close(found, known, rtol=0, atol=1e-6 * float(known.detach().abs().max()))
        (gradient,) = torch.autograd.grad(later[-1].square().sum(), stage)
        largest = float(wanted[number - 1].abs().max())
        torch.testing.assert_close(gradient, wanted[number - 1], rtol=0, atol=1e-5 * largest)
        assert torch.equal(stage, before)


def test_weights_are_shared_and_go_with_a_copy() -> None:
    network = made("resnet18")
    network.rest = Rest.of(network, (1, 3, SIDE, SIDE))
    other = copy.deepcopy(network)
    with torch.no_grad():
        network.backbone.layer4[1].bn2.weight.add_(0.5)
        stages, former = network.stages(pixels()), other.stages(pixels())
        assert not torch.allclose(stages[3], former[3])
        assert torch.allclose(network.rest.after(3, stages[2])[0], stages[3])
        assert torch.allclose(other.rest.after(3, stages[2])[0], former[3])


def test_other_shapes_go_the_whole_way() -> None:
    network = made("resnet18")
    rest = Rest.of(network, (1, 3, SIDE, SIDE))
    with torch.no_grad():
        for images in (pixels(batch=2), pixels(side=128)):
            assert rest.after(2, network.stages(images)[1]) is None


def test_from_the_last_stage_there_is_no_way() -> None:
    network = made("resnet18")
    assert Rest.of(network, (1, 3, SIDE, SIDE)).after(4, network.stages(pixels())[3]) is None


def test_networks_whose_stages_lead_nowhere() -> None:
    network = made("legacy_xception")
    rest = Rest.of(network, (1, 3, SIDE, SIDE))
    with torch.no_grad():
        stages = network.stages(pixels())
    assert all(rest.after(number, stage) is None for number, stage in enumerate(stages, start=1))


class Odd(nn.Module):
    """Two stages, the second made of the first in one way or another."""

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
            case "with a map made on the way":
                return [stage, self.second(stage) + torch.ones(stage.shape, device=stage.device)]


@pytest.mark.parametrize(
    ("way", "found"),
    [
        ("of it alone", True),
        ("of an earlier map too", False),
        ("written over", True),  # the stage is what it ends as, and the rest begins there
        ("written over through a view", False),
        ("with a map made on the way", False),
    ],
)
def test_there_is_a_rest_where_a_stage_alone_leads_on(way: str, found: bool) -> None:
    torch.manual_seed(0)
    network = Odd(way).eval().requires_grad_(False)
    stages = network.stages(pixels(side=8))
    later = Rest.of(network, (1, 3, 8, 8)).after(1, stages[0])
    assert (later is not None) == found
    if found:
        assert torch.equal(later[0], stages[1])
