"""Heatmaps of an inference-ready pair, against the pair as loaded."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from explain.cam.forward_pass import forward_pass
from explain.cam.layers import layer_names
from explain.cam.question import Target
from models.inference.packing import PackedConv2d, can_pack
from pairs.inference import inference_ready
from pairs.pair import Pair, load_pair
from tests.conftest import SHIPPED


def pixels(pair: Pair, batch: int) -> torch.Tensor:
    return torch.randn(batch, 3, *pair.preprocessing.size, generator=torch.Generator().manual_seed(0))


def agree(first: Pair, second: Pair, layers: Callable, batch: int) -> None:
    """Asserts that both networks' maps and logits agree to 1e-4 of the largest value.

    Through the backbone a gradient jumps where rounding turns a unit on or off, and of layers with negative values
    Grad-CAM++ has poles: there it is Grad-CAM, to 1e-3.
    """
    images = pixels(first, batch)
    for role in ("baseline", "scff"):
        networks = [pair.networks[role].network for pair in (first, second)]
        runs = [forward_pass(network, images) for network in networks]
        logits = [run.logits for run in runs]
        assert (logits[0] - logits[1]).abs().max() < 1e-4 * logits[0].abs().max()
        targets = [Target(index) for index in runs[0].predictions]
        for method, names, share in (("gradcam++", ("fused",), 1e-4), ("gradcam", layers(networks[0]), 1e-3)):
            maps = [run.all_heatmaps(targets, names, method) for run in runs]
            for name, expected in maps[0].items():
                assert (maps[1][name] - expected).abs().max() < share * expected.max(), (name, method)


@pytest.mark.parametrize("path", SHIPPED.values(), ids=SHIPPED)
def test_inference_ready_pair_gives_the_same_maps_of_every_layer(path: str) -> None:
    pair = load_pair(path)
    found = inference_ready(pair)
    agree(pair, found, layer_names, batch=1)  # of one image, packed weights and the tails are used
    agree(pair, found, lambda _: ("fused",), batch=2)
    agree(pair, inference_ready(pair, batch=2), layer_names, batch=2)
    packed = [isinstance(module, PackedConv2d) for module in found.scff.network.modules()]
    assert any(packed) == can_pack()
    assert not any(isinstance(module, PackedConv2d) for module in pair.scff.network.modules())


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_compiled_networks_give_the_same_maps(pair: Pair) -> None:
    agree(pair, inference_ready(pair, compiled=True), lambda _: ("fused", "Y2", "X1"), batch=2)


class Convolutions(TorchDispatchMode):
    """Counts convolutions, except those on meta tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        convolutions = (torch.ops.aten.convolution.default, torch.ops.mkldnn._convolution_pointwise.default)
        self.count += func in convolutions and not args[0].is_meta
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(("layer", "behind"), [("X4", 0), ("Y3", 5), ("X3", 5), ("X2", 10), ("X1", 15)])
def test_only_backbone_layers_behind_the_stage_run_again(pair: Pair, layer: str, behind: int) -> None:
    """Of a ResNet-18, whose stages have two blocks of two convolutions and one downsampling convolution."""
    run = forward_pass(inference_ready(pair).baseline.network, pixels(pair, batch=1))
    with Convolutions() as counted:
        run.heatmaps([Target(0)], layer)
    assert counted.count == behind
