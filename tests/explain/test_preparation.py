"""A prepared pair gives the maps of the pair as loaded."""

import shutil
from collections.abc import Callable

import pytest
import torch

from explain.layers import layer_names
from explain.preparation import prepared
from explain.run import Target, run_network
from models.checkpoint import Pair, load_pair
from models.packing import PackedConv2d, can_pack
from tests.conftest import SHIPPED


def agree(first: Pair, second: Pair, layers: Callable) -> None:
    """Both networks' maps and logits, to 1e-4 of the largest value.

    Through the backbone a gradient jumps where rounding turns a unit on or off, and of layers with negative values
    Grad-CAM++ has poles: there it is Grad-CAM, to 1e-3.
    """
    images = torch.randn(2, 3, *first.preprocessing.size, generator=torch.Generator().manual_seed(0))
    for role in ("baseline", "scff"):
        networks = [getattr(pair, role).network for pair in (first, second)]
        runs = [run_network(network, images) for network in networks]
        logits = [run.logits for run in runs]
        assert (logits[0] - logits[1]).abs().max() < 1e-4 * logits[0].abs().max()
        targets = [Target(index) for index in runs[0].predictions]
        for method, names, share in (("gradcam++", ("fused",), 1e-4), ("gradcam", layers(networks[0]), 1e-3)):
            maps = [run.all_heatmaps(targets, names, method) for run in runs]
            for name, expected in maps[0].items():
                assert (maps[1][name] - expected).abs().max() < share * expected.max(), (name, method)


@pytest.mark.parametrize("path", SHIPPED.values(), ids=SHIPPED)
def test_maps_of_every_layer_are_the_same(path: str) -> None:
    pair = load_pair(path)
    found = prepared(pair)
    agree(pair, found, layer_names)
    packed = [isinstance(module, PackedConv2d) for module in found.scff.network.modules()]
    assert any(packed) == can_pack()
    assert not any(isinstance(module, PackedConv2d) for module in pair.scff.network.modules())


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_compiled_networks_give_the_same_maps(pair: Pair) -> None:
    agree(pair, prepared(pair, compiled=True), lambda _: ("fused", "Y2", "X1"))
