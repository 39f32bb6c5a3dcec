"""timm's networks as backbones: supported and rejected ones."""

import pytest

from core.errors import BadInputError
from models.architectures import NETWORKS, check_arch, check_input_size, stages_on_forward_path
from models.network import Network
from tests.models.networks import EACH_NETWORK


@pytest.mark.parametrize(("name", "nearest"), [("resnet_50", "resnet50"), ("efficientnetb0", "efficientnet_b0")])
def test_unknown_arch_error_names_the_nearest(name: str, nearest: str) -> None:
    for check in (check_arch, lambda arch: Network(arch, 4)):
        with pytest.raises(
            BadInputError, match=f"unknown architecture '{name}'; the nearest supported networks are .*{nearest}"
        ):
            check(name)


@pytest.mark.parametrize(
    "arch",
    [
        "vit_tiny_patch16_224",
        pytest.param("swin_tiny_patch4_window7_224", marks=pytest.mark.exhaustive),
        pytest.param("pvt_v2_b0", marks=pytest.mark.exhaustive),
        "mixer_s16_224",
        pytest.param("crossvit_tiny_240", marks=pytest.mark.exhaustive),
        pytest.param("mobilenetv4_hybrid_medium", marks=pytest.mark.exhaustive),
        "mobilevitv2_050",
        pytest.param("swiftformer_xs", marks=pytest.mark.exhaustive),
        "efficientvit_m0",
        "botnet26t_256",
    ],
)
def test_transformers_are_rejected(arch: str) -> None:
    message = f"{arch} is not purely convolutional .*; .*(supported|examples) .*are "
    with pytest.raises(BadInputError, match=message) as caught:
        check_input_size(arch, (224, 224))
    for name in str(caught.value).rpartition("are ")[2].split(", "):
        check_input_size(name, (224, 224))


def test_dissimilar_name_error_lists_tested_networks() -> None:
    for arch in ("qqq", ""):
        with pytest.raises(
            BadInputError, match=f"unknown architecture '{arch}'; no supported network has a similar name"
        ) as caught:
            check_arch(arch)
        assert set(str(caught.value).rpartition("are ")[2].split(", ")) <= set(NETWORKS)


@pytest.mark.essential
def test_unknown_weights_tag_error_lists_the_known_tags() -> None:
    check_arch("resnet18.a1_in1k")
    with pytest.raises(BadInputError, match=r"resnet18 has no weights tagged 'none'; known: .*a1_in1k"):
        check_arch("resnet18.none")


def test_deprecated_timm_name_is_accepted() -> None:
    check_input_size("xception", (64, 64))


@pytest.mark.essential
def test_sizes_that_are_too_small_are_rejected() -> None:
    check_input_size("resnet18", (32, 48))
    with pytest.raises(BadInputError, match="inception_v3 cannot take images of 40 x 32 pixels"):
        check_input_size("inception_v3", (32, 40))


@pytest.mark.parametrize("arch", EACH_NETWORK)
def test_stages_are_on_the_forward_path(arch: str) -> None:
    assert stages_on_forward_path(arch) == (arch != "legacy_xception")
