"""Layer names of both networks of a pair."""

import pytest
import torch

from core.errors import BadInputError
from explain.cam.forward_pass import forward_pass
from explain.cam.layers import layer_names
from explain.cam.question import Target
from models.fusion_settings import FusionSettings
from models.network import Network
from tests.explain.cam.networks import FUSIONS, images, trained_like


@pytest.mark.parametrize("fusion", FUSIONS, ids=["baseline", "scff"])
def test_layers_have_the_same_names_with_and_without_scff(fusion: FusionSettings | None) -> None:
    network = trained_like(fusion)
    assert layer_names(network) == ("fused", "Y2", "Y3", "Y4", "X1", "X2", "X3", "X4")
    run = forward_pass(network, images())
    targets = [Target(0), Target(1)]
    maps = run.all_heatmaps(targets, layer_names(network), "hirescam")
    sizes = {"X1": (24, 18), "X2": (12, 9), "X3": (6, 5), "X4": (3, 3), "Y2": (12, 9), "Y3": (6, 5), "Y4": (3, 3)}
    assert {name: tuple(values.shape[1:]) for name, values in maps.items()} == sizes | {"fused": (3, 3)}
    assert torch.equal(maps["fused"], maps["Y4"])
    assert torch.equal(maps["Y3"], maps["X3"]) == (fusion is None)
    for name in layer_names(network):  # one by one, the same
        torch.testing.assert_close(run.heatmaps(targets, name, "hirescam"), maps[name], rtol=1e-4, atol=1e-8)


def test_stages_off_the_forward_path_are_rejected() -> None:
    for fusion in FUSIONS:
        torch.manual_seed(0)
        run = forward_pass(Network("legacy_xception", 6, fusion).for_inference(), images(1))
        with pytest.raises(BadInputError, match="X2 cannot be explained: the logits of legacy_xception do not"):
            run.heatmaps([Target(0)], "X2")
        for layer in ("fused", "Y4", "X4"):
            assert run.heatmaps([Target(0)], layer).shape == (1, 3, 3)
