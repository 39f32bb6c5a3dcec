"""Folding of batch normalisation into convolutions."""

import pytest
import torch
from torch import nn

from models.downsample import DOWNSAMPLES
from models.fusion import FUSIONS
from models.fusion_settings import FusionSettings
from models.inference.folding import folded
from models.network import Network


def with_random_norms(arch: str, fusion: FusionSettings | None) -> Network:
    """A network with statistics, scales and shifts unlike those of new ones."""
    torch.manual_seed(0)
    network = Network(arch, 5, fusion)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.2)
    return network.for_inference()


def norms(network: Network) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


@pytest.mark.parametrize(
    ("arch", "left"),
    [
        ("resnet18", 0),
        ("resnest50d", 0),
        ("resnetv2_50", 17),  # before a convolution and its activation, not behind one
        ("densenet121", 62),
        ("inception_v3", 0),
        ("vgg11_bn", 0),
        ("tf_efficientnet_lite0", 0),
        ("mobilenetv3_large_100", 0),
        ("convnext_tiny", 0),
        ("legacy_xception", 0),
    ],
)
def test_folded_network_gives_the_same_outputs(arch: str, left: int) -> None:
    network = with_random_norms(arch, FusionSettings())
    before, images = norms(network), torch.randn(2, 3, 96, 80)
    found = folded(network, (96, 80))
    assert norms(network) == before > 0  # the given network is unchanged
    assert norms(found) == left
    with torch.no_grad():
        expected = network(images)
        assert (found(images) - expected).abs().max() < 1e-5 * expected.abs().max()
    assert not any(parameter.requires_grad for parameter in found.parameters())


@pytest.mark.parametrize("downsample", DOWNSAMPLES)
@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_variant_is_folded(fusion: str, downsample: str) -> None:
    network = with_random_norms("resnet18", FusionSettings(downsample=downsample, fusion=fusion))
    images = torch.randn(2, 3, 72, 56)
    found = folded(network, (72, 56))
    assert norms(found) == 0
    with torch.no_grad():
        expected = network(images)
        assert (found(images) - expected).abs().max() < 1e-5 * expected.abs().max()


@pytest.mark.essential
def test_norm_of_a_convolution_used_elsewhere_is_not_folded() -> None:
    class SharedConvolution(Network):
        """A network that also uses the first convolution's output before its normalisation."""

        def stages(self, images: torch.Tensor) -> list[torch.Tensor]:
            raw = self.backbone.conv1(images)
            first = self.backbone.layer1(self.backbone.maxpool(self.backbone.act1(self.backbone.bn1(raw))))
            second = self.backbone.layer2(first)
            third = self.backbone.layer3(second)
            return [first, second, third, self.backbone.layer4(third) + raw.mean()]

        def features(self, images: torch.Tensor) -> torch.Tensor:
            return self.stages(images)[-1]

    network, images = SharedConvolution("resnet18", 5).for_inference(), torch.randn(2, 3, 64, 64)
    network.backbone.bn1.running_mean.fill_(0.5)
    found = folded(network, (64, 64))
    assert isinstance(found.backbone.bn1, nn.BatchNorm2d)
    assert norms(found) == 1
    with torch.no_grad():
        torch.testing.assert_close(found(images), network(images), rtol=1e-4, atol=1e-5)
