"""The baseline is timm's network, and SCFF, in every variant, sits in front of its classifier."""

import shutil
from functools import lru_cache
from itertools import product

import pytest
import timm
import torch
from torch import Tensor

from core.errors import BadInputError
from models.architectures import NETWORKS, check_arch, check_input_size
from models.downsample import DOWNSAMPLES
from models.fusion import FUSIONS
from models.network import Network
from models.scff import SCFF, FusionSettings

INCEPTIONS = ("inception_v3", "inception_v4", "inception_resnet_v2")  # need 75 pixels


def images(arch: str, batch: int = 2) -> Tensor:
    """Small, and not square."""
    size = (80, 112) if arch in INCEPTIONS else (64, 48)
    return torch.randn(batch, 3, *size, generator=torch.Generator().manual_seed(0))


@lru_cache(maxsize=1)
def network_and_stages(arch: str) -> tuple[Network, list[Tensor]]:
    """A network with the paper's SCFF, and its stages in training, apart from the backbone."""
    torch.manual_seed(1)
    network = Network(arch, 3, FusionSettings()).train()
    with torch.no_grad():
        return network, network.stages(images(arch))


@pytest.mark.parametrize(("downsample", "fusion"), product(DOWNSAMPLES, FUSIONS))
@pytest.mark.parametrize("arch", NETWORKS)
def test_every_network_learns_with_every_variant(arch: str, downsample: str, fusion: str) -> None:
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


@pytest.mark.parametrize("arch", NETWORKS)
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
@pytest.mark.parametrize("arch", NETWORKS)
def test_taps_are_left_as_they_are(arch: str, training: bool) -> None:
    """By SCFF, and by in-place operations of the backbone's later layers."""
    torch.manual_seed(4)
    network = Network(arch, 3, FusionSettings()).train(training)
    seen: list[Tensor] = []
    network.scff.register_forward_pre_hook(lambda _, inputs: seen.extend(inputs[0]))
    with torch.no_grad():
        torch.manual_seed(5)
        network(images(arch))  # after this, what SCFF and all layers have left of the taps is in `seen`
        for tap, after in zip(network.taps, seen, strict=False):
            torch.manual_seed(5)
            untouched = network.backbone.forward_intermediates(
                images(arch), indices=[tap], stop_early=True, intermediates_only=True
            )[0]
            assert torch.equal(after, untouched)
        torch.manual_seed(5)
        assert torch.equal(seen[-1], network.backbone.forward_features(images(arch)))


@pytest.mark.parametrize("arch", NETWORKS)
def test_sizes_that_networks_take(arch: str) -> None:
    with torch.device("meta"):
        network = Network(arch, 3, FusionSettings()).eval()
        for size in ((32, 32), (64, 64), (200, 200), (224, 224), (299, 299), (160, 240)):
            if arch in INCEPTIONS and size[0] < 75:
                with pytest.raises(RuntimeError):
                    network(torch.empty(1, 3, *size))
            else:
                stages = network.stages(torch.empty(1, 3, *size))
                assert len(stages) >= 4
                assert network.scff(stages).shape == stages[-1].shape
                assert network(torch.empty(1, 3, *size)).shape == (1, 3)


def test_fused_map_takes_the_last_maps_place() -> None:
    network = Network("resnet18", 4, FusionSettings()).eval()
    with torch.no_grad():
        fused = network.features(images("resnet18"))
        assert torch.equal(network(images("resnet18")), network.backbone.forward_head(fused))


@pytest.mark.skipif(not any(map(shutil.which, ("g++", "clang++"))), reason="torch.compile needs a C++ compiler")
@pytest.mark.parametrize("fusion", [None, FusionSettings()])
def test_compiled_networks_give_their_outputs(fusion: FusionSettings | None) -> None:
    torch.manual_seed(6)
    network = Network("resnet18", 3, fusion).for_inference()
    batch = torch.randn(2, 3, 72, 56)
    with torch.inference_mode():
        expected, found = network(batch), torch.compile(network, fullgraph=True)(batch)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("arch", ["resnet18", "convnext_tiny"])  # the second one's stages stay float32 under autocast
def test_mixed_precision(arch: str, fusion: str) -> None:
    torch.manual_seed(7)
    network = Network(arch, 3, FusionSettings(fusion=fusion)).train()
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(images(arch))
    logits.float().square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


# The small-image stem.


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
def test_networks_without_such_a_stem_are_refused(arch: str) -> None:
    with pytest.raises(BadInputError, match=f"{arch} has no ResNet stem that the small-image stem could replace"):
        check_input_size(arch, (32, 32), small_stem=True)


# What is refused.


@pytest.mark.parametrize(("name", "nearest"), [("resnet_50", "resnet50"), ("efficientnetb0", "efficientnet_b0")])
def test_unknown_arch_names_the_nearest(name: str, nearest: str) -> None:
    for refuse in (check_arch, lambda arch: Network(arch, 4)):
        with pytest.raises(
            BadInputError, match=f"unknown arch '{name}'; the nearest supported networks are .*{nearest}"
        ):
            refuse(name)


@pytest.mark.parametrize(
    "arch",
    [
        "vit_tiny_patch16_224",
        "swin_tiny_patch4_window7_224",
        "pvt_v2_b0",
        "mixer_s16_224",
        "crossvit_tiny_240",
        "mobilenetv4_hybrid_medium",
        "mobilevitv2_050",
        "swiftformer_xs",
        "efficientvit_m0",
        "botnet26t_256",
    ],
)
def test_transformers_are_refused(arch: str) -> None:
    words = f"{arch} is not purely convolutional .*; .*(supported|examples) .*are "
    with pytest.raises(BadInputError, match=words) as refused:
        check_input_size(arch, (224, 224))
    for name in str(refused.value).rpartition("are ")[2].split(", "):
        check_input_size(name, (224, 224))


def test_a_name_like_no_other_is_answered_with_tested_networks() -> None:
    for arch in ("qqq", ""):
        with pytest.raises(
            BadInputError, match=f"unknown arch '{arch}'; no supported network has a similar name"
        ) as refused:
            check_arch(arch)
        assert set(str(refused.value).rpartition("are ")[2].split(", ")) <= set(NETWORKS)


def test_unknown_tag_of_weights_names_the_known() -> None:
    check_arch("resnet18.a1_in1k")
    with pytest.raises(BadInputError, match=r"resnet18 has no weights tagged 'none'; known: .*a1_in1k"):
        check_arch("resnet18.none")


def test_an_older_name_of_timms_works() -> None:
    check_input_size("xception", (64, 64))


def test_sizes_that_are_too_small_are_refused() -> None:
    check_input_size("resnet18", (32, 48))
    with pytest.raises(BadInputError, match="inception_v3 cannot take images of 40 x 32 pixels"):
        check_input_size("inception_v3", (32, 40))


def test_for_inference_stops_training() -> None:
    network = Network("resnet18", 4, FusionSettings()).for_inference()
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("arch", NETWORKS)
def test_stages_lead_on_to_the_classifier(arch: str) -> None:
    with torch.device("meta"):
        assert Network(arch, 2).stages_on_forward_path == (arch != "legacy_xception")
