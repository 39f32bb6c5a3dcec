"""Fusion weights and stage shares of SCFF."""

import numpy as np
import pytest
import torch

from explain.cam.forward_pass import forward_pass
from explain.cam.question import Target
from explain.metrics.fusion_attribution import fusion_weights, stage_contributions
from models.fusion_settings import FusionSettings
from models.network import Network


def network(fusion: str) -> Network:
    torch.manual_seed(0)
    return Network("resnet18", 5, FusionSettings(fusion=fusion)).for_inference()


IMAGES = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("fusion", ["sk", "sk_softmax", "sk_scaled", "se"])
def test_weights_reproduce_the_fused_maps(fusion: str) -> None:
    """Y = a.A + b.B, channel by channel, for every fusion of every image."""
    net = network(fusion)
    run = forward_pass(net, IMAGES)
    found = fusion_weights(run)
    stages = [values for layer, values in run.maps.items() if layer.kind == "X"]
    fused = [stages[0], *(values for layer, values in run.maps.items() if layer.kind == "Y")]
    for image in range(2):
        assert [weights.layer for weights in found[image]] == ["Y2", "Y3", "Y4"]
        for i, weights in enumerate(found[image]):
            with torch.no_grad():
                earlier = net.scff.downsample[i](fused[i], stages[i + 1].shape[-2:])[image].numpy()
            expected = weights.earlier[:, None, None] * earlier
            expected = expected + weights.stage[:, None, None] * stages[i + 1][image].numpy()
            np.testing.assert_allclose(fused[i + 1][image].numpy(), expected, atol=1e-5)
            assert weights.histogram().sum() == len(weights.earlier)
            assert (weights.mean, weights.spread) == pytest.approx((weights.earlier.mean(), weights.earlier.std()))
            if fusion.startswith("sk"):
                np.testing.assert_allclose(weights.earlier + weights.stage, 1, atol=1e-6)


def test_autocast_around_the_run_changes_nothing() -> None:
    net = network("sk_softmax")
    with torch.autocast("cpu", torch.bfloat16):
        run = forward_pass(net, IMAGES)
        weights, shares = fusion_weights(run), stage_contributions(run, [Target(0), Target(1)])
    again = forward_pass(net, IMAGES)
    np.testing.assert_allclose(weights[0][0].earlier, fusion_weights(again)[0][0].earlier, atol=1e-6)
    assert shares[0][1].share == pytest.approx(stage_contributions(again, [Target(0), Target(1)])[0][1].share, abs=1e-5)


@pytest.mark.parametrize("fusion", ["add", "concat"])
def test_fusion_without_attention_has_no_weights(fusion: str) -> None:
    assert fusion_weights(forward_pass(network(fusion), IMAGES)) is None


def test_network_without_scff_has_no_attribution() -> None:
    run = forward_pass(Network("resnet18", 5).for_inference(), IMAGES)
    assert fusion_weights(run) is None
    assert stage_contributions(run, [Target(0), Target(1)]) is None


def test_stage_share_is_the_score_lost_without_the_stage() -> None:
    net = network("add")
    run = forward_pass(net, IMAGES)
    targets = [Target(3), Target(1, against=2)]
    found = stage_contributions(run, targets)
    with torch.no_grad():
        for i in range(4):
            stages = net.stages(IMAGES)
            stages[i] = stages[i] * 0
            logits = net.head(net.scff(stages))
            for image, target in enumerate(targets):
                share = found[image][i]
                assert share.stage == f"X{i + 1}"
                assert share.score == pytest.approx(float(target(run.logits[image])))
                assert share.share == pytest.approx(share.score - float(target(logits[image])), abs=1e-6)


def test_share_of_the_last_stage_in_a_sum_is_its_own_logit() -> None:
    """Behind an addition and a linear classifier the last stage's share is its own logit, less the bias."""
    net = network("add")
    run = forward_pass(net, IMAGES[:1])
    share = stage_contributions(run, [Target(2)])[0][3]
    last = next(values for layer, values in run.maps.items() if str(layer) == "X4")
    with torch.no_grad():
        expected = net.head(last)[0, 2] - net.backbone.fc.bias[2]
    assert share.share == pytest.approx(float(expected), abs=1e-5)
