"""The baseline is timm's network, and SCFF sits in front of its classifier."""

import pytest
import timm
import torch

from models.errors import BadInputError
from models.network import Network, check_input_size
from models.scff import FusionSettings

ARCHS = ["resnet18", "resnet50", "efficientnet_b0"]


@pytest.mark.parametrize("arch", ARCHS)
def test_baseline_is_timms_own_network(arch: str) -> None:
    torch.manual_seed(0)
    ours = Network(arch, 7).eval()
    torch.manual_seed(0)
    theirs = timm.create_model(arch, num_classes=7).eval()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(ours(images), theirs(images))


@pytest.mark.parametrize("arch", ARCHS)
@pytest.mark.parametrize("size", [(64, 64), (75, 110)])
def test_fused_map_takes_the_last_maps_place(arch: str, size: tuple[int, int]) -> None:
    baseline, scff = Network(arch, 4).eval(), Network(arch, 4, FusionSettings()).eval()
    images = torch.randn(2, 3, *size)
    with torch.no_grad():
        fused = scff.features(images)
        assert fused.shape == baseline.features(images).shape
        assert scff(images).shape == (2, 4)
        assert torch.equal(scff(images), scff.backbone.forward_head(fused))


@pytest.mark.parametrize("arch", ARCHS)
def test_one_seed_gives_both_the_same_backbone(arch: str) -> None:
    torch.manual_seed(5)
    baseline = Network(arch, 4).state_dict()
    torch.manual_seed(5)
    scff = Network(arch, 4, FusionSettings()).state_dict()
    assert baseline.keys() < scff.keys()
    assert all(torch.equal(value, scff[name]) for name, value in baseline.items())


def test_unknown_arch_names_the_nearest() -> None:
    with pytest.raises(BadInputError, match=r"unknown arch 'resnet_50'; the nearest that can be used are .*resnet50"):
        Network("resnet_50", 4)


def test_for_inference_stops_training() -> None:
    network = Network("resnet18", 4, FusionSettings()).for_inference()
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_networks_that_cannot_be_fused_are_refused() -> None:
    check_input_size("resnet18", (32, 48))
    with pytest.raises(BadInputError, match="vit_tiny_patch16_224 is not a network of convolutions alone"):
        check_input_size("vit_tiny_patch16_224", (224, 224))
    with pytest.raises(BadInputError, match="inception_v3 cannot take images of 40 x 32 pixels"):
        check_input_size("inception_v3", (32, 40))
