"""Small-image stem of ResNets."""

import pytest
import torch

from core.errors import BadInputError
from models.architectures import check_input_size
from models.fusion_settings import FusionSettings
from models.network import Network


@pytest.mark.parametrize("arch", ["resnet18", "resnet50", "resnest50d", "resnetv2_50", "wide_resnet50_2"])
def test_small_stem_keeps_the_resolution(arch: str) -> None:
    torch.manual_seed(7)
    small, usual = (Network(arch, 3, FusionSettings(), small_stem=value).eval() for value in (True, False))
    with torch.no_grad():
        stages, former = (network.stages(torch.randn(2, 3, 32, 32)) for network in (small, usual))
        assert [stage.shape[-1] for stage in stages] == [32, 16, 8, 4]
        assert [stage.shape[-1] for stage in former] == [8, 4, 2, 1]
        assert [a.shape[1] for a in stages] == [b.shape[1] for b in former]
    assert small(torch.randn(2, 3, 32, 32)).shape == (2, 3)


def test_one_seed_gives_both_networks_the_same_small_stem() -> None:
    torch.manual_seed(8)
    baseline = Network("resnet18", 3, small_stem=True).state_dict()
    torch.manual_seed(8)
    with_scff = Network("resnet18", 3, FusionSettings(), small_stem=True).state_dict()
    assert all(torch.equal(value, with_scff[name]) for name, value in baseline.items())


@pytest.mark.parametrize("arch", ["vgg16", "densenet121", "tf_efficientnet_lite0"])
def test_networks_without_resnet_stem_are_rejected(arch: str) -> None:
    with pytest.raises(BadInputError, match=f"{arch} has no ResNet stem that the small-image stem could replace"):
        check_input_size(arch, (32, 32), small_stem=True)
