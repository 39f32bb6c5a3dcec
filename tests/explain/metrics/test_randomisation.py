"""Sanity check by weight randomisation: similarity of heatmaps."""

import math
from collections.abc import Callable

import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

from core.errors import BadInputError
from explain.cam.forward_pass import forward_pass
from explain.cam.question import Target
from explain.metrics.randomisation import randomised, randomised_similarity
from models.fusion_settings import FusionSettings
from models.inference.folding import folded
from models.inference.packing import can_pack, packed
from models.network import Network
from tests.explain.metrics.networks import images, similarity, trained_like


@pytest.mark.essential
@pytest.mark.parametrize(
    ("fusion", "layer", "method"),
    [(None, "Y2", "gradcam++"), (FusionSettings(), "X1", "gradcam")],
    ids=["baseline", "scff, maps with many zeros"],
)
def test_similarity_is_the_absolute_spearman_correlation(
    fusion: FusionSettings | None, layer: str, method: str
) -> None:
    network, targets = trained_like(fusion), [Target(1), Target(4)]
    found = similarity(network, images(), [1, 4], layer, method, seed=5)
    maps, others = (
        forward_pass(each, images()).heatmaps(targets, layer, method) for each in (network, randomised(network, 5))
    )
    expected = [abs(spearmanr(a.ravel(), b.ravel()).statistic) for a, b in zip(maps, others, strict=True)]
    assert found == pytest.approx(expected, abs=1e-9)
    assert max(found) < 0.9
    assert found == similarity(network, images(), [1, 4], layer, method, seed=5)
    assert found != similarity(network, images(), [1, 4], layer, method, seed=6)


def test_already_randomised_network_has_similarity_1() -> None:
    random_already = randomised(trained_like(FusionSettings()), seed=2)
    found = similarity(random_already, images(), [1, 4], "X2", "gradcam++", seed=2)
    assert found == pytest.approx([1, 1])


def test_negated_map_has_the_same_similarity() -> None:
    network = trained_like(FusionSettings())
    maps = forward_pass(network, images()).heatmaps([Target(1), Target(4)], "X2")
    alike = [randomised_similarity(each, network, images(), [1, 4], "X2", "gradcam++") for each in (maps, -maps)]
    assert alike[0] == pytest.approx([1, 1], abs=1e-6)
    assert alike[1] == pytest.approx(alike[0])


def test_many_images_are_compared_in_their_order() -> None:
    network = trained_like(None)
    found = similarity(network, images(35), [i % 5 for i in range(35)], "X2", "gradcam++")
    assert len(found) == 35
    assert found[33] == pytest.approx(similarity(network, images(35)[33:34], [33 % 5], "X2", "gradcam++")[0], abs=1e-3)


def test_a_constant_map_has_no_similarity() -> None:
    network = trained_like(None)
    with torch.no_grad():
        network.backbone.fc.weight[2] = 0
    found = similarity(network, images(), [2, 1], "X2", "gradcam++")
    assert found[0] is None
    assert isinstance(found[1], float)
    # At 32 pixels the classifier's input is one position.
    assert similarity(network, images()[..., :32, :32], [1, 1], "fused", "gradcam") == [None, None]


@pytest.mark.essential
def test_all_learned_parameters_are_reinitialised() -> None:
    network = trained_like(FusionSettings())
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.fill_(3)
            module.weight.fill_(5)
            module.bias.fill_(7)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = randomised(network)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not found.training
    assert not any(parameter.requires_grad for parameter in found.parameters())
    for name, parameter in found.named_parameters():
        if parameter.ndim > 1:
            assert torch.isclose(parameter, before[name]).float().mean() < 0.001, name
            expected = math.sqrt(2 / parameter[0].numel())
            assert parameter.std().item() == pytest.approx(expected, rel=5 / math.sqrt(parameter.numel())), name
    for module in found.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            for values, wanted in ((module.running_mean, 0), (module.running_var, 1), (module.weight, 1)):
                assert (values == wanted).all()
            assert (module.bias == 0).all()


def compiled() -> Network:
    network = trained_like(None)
    network.compile_maps()
    return network


@pytest.mark.parametrize(
    "prepare",
    [
        pytest.param(
            lambda: packed(trained_like(None), (1, 3, 64, 64)),
            marks=pytest.mark.skipif(not can_pack(), reason="this build of PyTorch does not pack weights"),
            id="packed",
        ),
        pytest.param(compiled, id="compiled"),
        pytest.param(lambda: folded(trained_like(None), (64, 64)), id="folded"),
    ],
)
def test_inference_ready_network_is_rejected(prepare: Callable[[], Network]) -> None:
    with pytest.raises(BadInputError, match="an inference-ready network cannot be randomised; use it as it was loaded"):
        randomised(prepare())
