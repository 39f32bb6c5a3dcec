"""Baseline and SCFF networks of every architecture and variant."""

import shutil
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations, product

import pytest
import timm
import torch
from torch import Tensor

from models.architectures import NETWORKS
from models.fusion_settings import FusionSettings
from models.network import Network
from models.scff import SCFF
from models.variants import DOWNSAMPLE_NAMES, FUSION_NAMES
from tests.models.networks import EACH_NETWORK

INCEPTIONS = ("inception_v3", "inception_v4", "inception_resnet_v2")  # need 75 pixels


def images(arch: str, batch: int = 2) -> Tensor:
    """Small images that are not square."""
    size = (80, 112) if arch in INCEPTIONS else (64, 48)
    return torch.randn(batch, 3, *size, generator=torch.Generator().manual_seed(0))


def all_pairs(*factors: Sequence[str]) -> list[tuple[str, ...]]:
    """Rows of one value per factor in which every pair of values of two factors occurs; greedy, so nearly minimal."""

    def pairs(row: tuple[str, ...]) -> set[tuple[int, str, int, str]]:
        return {(i, row[i], j, row[j]) for i, j in combinations(range(len(row)), 2)}

    candidates = {row: pairs(row) for row in product(*factors)}
    missing, rows = set().union(*candidates.values()), []
    while missing:
        # A row covers as many new pairs as there are pairs of factors at most, so the first such row will do.
        best, most = None, 0
        for row, covered in candidates.items():
            if (new := len(covered & missing)) > most:
                best, most = row, new
                if most == len(covered):
                    break
        rows.append(best)
        missing -= candidates.pop(best)
    return sorted(rows, key=lambda row: [factor.index(value) for factor, value in zip(factors, row, strict=True)])


EVERY_COMBINATION = list(product(NETWORKS, DOWNSAMPLE_NAMES, FUSION_NAMES))
PAIRWISE = all_pairs(NETWORKS, DOWNSAMPLE_NAMES, FUSION_NAMES)


@lru_cache(maxsize=1)
def network_and_stages(arch: str) -> tuple[Network, list[Tensor]]:
    """A network with the paper's SCFF, and its stages in training, detached from the backbone."""
    torch.manual_seed(1)
    network = Network(arch, 3, FusionSettings()).train()
    with torch.no_grad():
        return network, network.stages(images(arch))


@pytest.mark.essential
def test_pairwise_combinations_cover_every_pair() -> None:
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert {(row[first], row[second]) for row in PAIRWISE} == {(r[first], r[second]) for r in EVERY_COMBINATION}
    assert len(PAIRWISE) < 1.1 * len(NETWORKS) * len(FUSION_NAMES)  # the largest two factors need as many


@pytest.mark.parametrize(
    ("arch", "downsample", "fusion"),
    [
        *PAIRWISE,
        *(pytest.param(*row, marks=pytest.mark.exhaustive) for row in EVERY_COMBINATION if row not in set(PAIRWISE)),
    ],
)
def test_every_network_has_finite_gradients_with_every_variant(arch: str, downsample: str, fusion: str) -> None:
    network, stages = network_and_stages(arch)
    channels = [stage.shape[1] for stage in stages]
    torch.manual_seed(2)
    scff = SCFF(channels, FusionSettings(downsample=downsample, fusion=fusion)).train()
    stages = [stage.detach().requires_grad_() for stage in stages]
    fused = scff(stages)
    assert fused.shape == stages[-1].shape
    logits = network.head(fused)
    assert logits.shape == (2, 3)
    gradients = torch.autograd.grad(logits.square().sum(), [*stages, *scff.parameters()])
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert all(gradient.abs().max() > 0 for gradient in gradients[: len(stages)])


@pytest.mark.parametrize("arch", EACH_NETWORK)
def test_baseline_is_timms_own_network_and_scff_has_its_weights(arch: str) -> None:
    torch.manual_seed(3)
    theirs = timm.create_model(arch, num_classes=7).eval()
    torch.manual_seed(3)
    ours = Network(arch, 7).eval()
    torch.manual_seed(3)
    with_scff = Network(arch, 7, FusionSettings()).state_dict()
    state = ours.state_dict()
    assert state.keys() < with_scff.keys()
    assert all(torch.equal(value, with_scff[name]) for name, value in state.items())
    with torch.no_grad():
        assert torch.equal(ours(images(arch)), theirs(images(arch)))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("arch", EACH_NETWORK)
def test_taps_are_not_modified(arch: str, training: bool) -> None:
    """Neither by SCFF nor by in-place operations of the backbone's later layers."""
    torch.manual_seed(4)
    network = Network(arch, 3, FusionSettings()).train(training)
    received: list[Tensor] = []
    network.scff.register_forward_pre_hook(lambda _, inputs: received.extend(inputs[0]))
    with torch.no_grad():
        torch.manual_seed(5)
        network(images(arch))  # `received` then holds the taps after SCFF and all layers have run
        for tap, after in zip(network.taps, received, strict=False):
            torch.manual_seed(5)
            untouched = network.backbone.forward_intermediates(
                images(arch), indices=[tap], stop_early=True, intermediates_only=True
            )[0]
            assert torch.equal(after, untouched)
        torch.manual_seed(5)
        assert torch.equal(received[-1], network.backbone.forward_features(images(arch)))


@pytest.mark.parametrize("arch", EACH_NETWORK)
def test_networks_accept_the_supported_image_sizes(arch: str) -> None:
    with torch.device("meta"):
        network = Network(arch, 3, FusionSettings()).eval()
        for size in ((32, 32), (64, 64), (200, 200), (224, 224), (299, 299), (160, 240)):
            if arch in INCEPTIONS and size[0] < 75:
                with pytest.raises(RuntimeError):
                    network(torch.empty(1, 3, *size))
            else:
                stages = network.stages(torch.empty(1, 3, *size))
                assert len(stages) >= 4
                fused = network.scff(stages)
                assert fused.shape == stages[-1].shape
                assert network.head(fused).shape == (1, 3)


@pytest.mark.essential
def test_fused_map_replaces_the_last_map() -> None:
    network = Network("resnet18", 4, FusionSettings()).eval()
    with torch.no_grad():
        fused = network.features(images("resnet18"))
        assert torch.equal(network(images("resnet18")), network.backbone.forward_head(fused))


@pytest.mark.exhaustive
@pytest.mark.skipif(not any(map(shutil.which, ("g++", "clang++"))), reason="torch.compile needs a C++ compiler")
@pytest.mark.parametrize("fusion", [None, FusionSettings()])
def test_compiled_networks_give_the_same_outputs(fusion: FusionSettings | None) -> None:
    torch.manual_seed(6)
    network = Network("resnet18", 3, fusion).for_inference()
    batch = torch.randn(2, 3, 72, 56)
    with torch.inference_mode():
        expected, found = network(batch), torch.compile(network, fullgraph=True)(batch)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("fusion", FUSION_NAMES)
@pytest.mark.parametrize("arch", ["resnet18", "convnext_tiny"])  # the second one's stages stay float32 under autocast
def test_mixed_precision_gives_finite_gradients(arch: str, fusion: str) -> None:
    torch.manual_seed(7)
    network = Network(arch, 3, FusionSettings(fusion=fusion)).train()
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(images(arch))
    logits.float().square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.essential
def test_for_inference_disables_training_mode_and_gradients() -> None:
    network = Network("resnet18", 4, FusionSettings()).for_inference()
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
