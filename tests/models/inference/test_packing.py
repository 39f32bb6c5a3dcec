"""Packed convolution weights."""

import pytest
import torch
from torch import nn

from models.fusion_settings import FusionSettings
from models.inference.packing import PackedConv2d, can_pack, packed
from models.network import Network

pytestmark = pytest.mark.skipif(not can_pack(), reason="this PyTorch packs no weights")


def original(arch: str) -> Network:
    torch.manual_seed(0)
    return Network(arch, 5, FusionSettings()).for_inference()


@pytest.mark.parametrize("arch", ["resnet18", "resnext50_32x4d", "tf_efficientnet_lite0", "inception_v3"])
def test_packed_network_gives_the_same_outputs_at_any_size_and_batch(arch: str) -> None:
    network = original(arch)
    found = packed(network, (1, 3, 96, 80))
    assert any(isinstance(module, PackedConv2d) for module in found.modules())
    assert not any(isinstance(module, PackedConv2d) for module in network.modules())
    for shape in ((1, 3, 96, 80), (3, 3, 96, 80), (2, 3, 128, 75)):
        images = torch.randn(shape)
        for layout in (torch.contiguous_format, torch.channels_last):
            with torch.no_grad():
                expected = network(images)
                assert (found(images.to(memory_format=layout)) - expected).abs().max() < 1e-5 * expected.abs().max()


@pytest.mark.essential
def test_weights_are_shared_with_the_network_given() -> None:
    network = original("resnet18")
    found = packed(network, (1, 3, 64, 64))
    theirs = dict(network.named_parameters())
    assert all(parameter.data_ptr() == theirs[name].data_ptr() for name, parameter in found.named_parameters())
    assert found.state_dict().keys() == network.state_dict().keys()


@pytest.mark.essential
def test_gradients_and_other_dtypes_use_the_plain_convolution() -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(6, 8, 3, stride=2, padding=1, groups=2).requires_grad_(False)
    found = PackedConv2d.of(plain, torch.Size((1, 6, 20, 20)))
    images = torch.randn(1, 6, 20, 20)
    torch.testing.assert_close(found(images), plain(images))
    gradients = []
    for module in (plain, found):
        leaf = images.clone().requires_grad_()
        gradients.append(torch.autograd.grad(module(leaf).square().sum(), leaf)[0])
    torch.testing.assert_close(*gradients)
    torch.testing.assert_close(found.double()(images.double()), plain.double()(images.double()))


def test_another_number_of_threads_uses_the_plain_convolution() -> None:
    """Weights are packed for a number of threads; for another they would be repacked in every call."""
    plain = nn.Conv2d(6, 8, 3).requires_grad_(False)
    images, threads = torch.randn(1, 6, 20, 20), torch.get_num_threads()

    def operations(module: nn.Module) -> set[str]:
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
            module(images)
        return {event.name for event in profiler.events()}

    found = PackedConv2d.of(plain, images.shape)
    assert "mkldnn::_convolution_pointwise" in operations(found)
    torch.set_num_threads(threads + 1)
    try:
        assert "mkldnn::_convolution_pointwise" not in operations(found)
        assert "mkldnn::_convolution_pointwise" in operations(PackedConv2d.of(plain, images.shape))
    finally:
        torch.set_num_threads(threads)
