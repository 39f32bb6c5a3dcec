"""Grad-CAM++ against derivations of its own, and against the library."""

import threading

import numpy as np
import pytest
import pytorch_grad_cam
import torch
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from explain.gradcam import GradCAMPlusPlus, gradcam_plus_plus
from models.network import Network
from models.scff import FusionSettings

ARCHS = ["resnet18", "resnet50", "efficientnet_b0"]


def trained_like(arch: str, fusion: FusionSettings | None, seed: int = 0) -> Network:
    """A network whose classifier has weights of the size that training gives."""
    torch.manual_seed(seed)
    network = Network(arch, 6, fusion)
    with torch.no_grad():
        network.backbone.get_classifier().weight.normal_(0, 0.3)
    return network.for_inference()


def by_the_paper(activations: np.ndarray, grads: np.ndarray) -> np.ndarray:
    """Equations 1, 6, 7 and 19, literally, in float64: maps and gradients [C, h, w] to a heatmap [h, w]."""
    a, g = activations.astype(np.float64), grads.astype(np.float64)
    heatmap = np.zeros(a.shape[1:])
    for k in range(len(a)):
        denominator = 2 * g[k] ** 2 + a[k].sum() * g[k] ** 3
        alpha = np.divide(g[k] ** 2, denominator, out=np.zeros_like(denominator), where=denominator != 0)
        heatmap += (alpha * np.maximum(g[k], 0)).sum() * a[k]
    return np.maximum(heatmap, 0)


def agree(found: np.ndarray, expected: np.ndarray, relative: float) -> None:
    """Every position agrees to a share of the map's maximum."""
    assert expected.max() > 0
    np.testing.assert_allclose(found, expected, rtol=0, atol=relative * expected.max())


def as_the_library_shows(heatmap: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The library stretches a map from 0 to 1 before and after it enlarges it."""
    return scale_cam_image(scale_cam_image(heatmap, size))[0]


@pytest.mark.parametrize("fusion", [None, FusionSettings()], ids=["baseline", "scff"])
@pytest.mark.parametrize("arch", ARCHS)
def test_map_is_the_papers_in_float64(arch: str, fusion: FusionSettings | None) -> None:
    network = trained_like(arch, fusion)
    images = torch.randn(2, 3, 96, 72)
    with torch.inference_mode():
        targets = torch.tensor([4, 1])
        features = network.features(images)
    found = gradcam_plus_plus(network, features, targets)
    # Behind global average pooling and one linear layer the gradient is known without differentiating anything.
    weight = network.backbone.get_classifier().weight.detach().double().numpy()
    maps = features.numpy()
    for i, target in enumerate(targets):
        gradient = np.broadcast_to(weight[target, :, None, None] / maps[i, 0].size, maps[i].shape)
        agree(found[i], by_the_paper(maps[i], gradient), 1e-5)


def test_map_is_the_papers_behind_any_head() -> None:
    """Where the classifier is not linear, gradients by autograd in float64 of the whole network."""

    class Bent(Network):
        def head(self, features: torch.Tensor) -> torch.Tensor:
            return super().head(torch.tanh(features) * features)

    torch.manual_seed(1)
    network = Bent("resnet18", 6, FusionSettings()).for_inference()
    images = torch.randn(1, 3, 96, 96)
    found = gradcam_plus_plus(network, network.features(images), torch.tensor([2]))[0]
    network.double()
    features = network.features(images.double()).requires_grad_()
    (gradient,) = torch.autograd.grad(network.head(features)[0, 2], features)
    agree(found, by_the_paper(features.detach()[0].numpy(), gradient[0].numpy()), 1e-5)


@pytest.mark.parametrize("arch", ["resnet18", "resnet50"])
def test_same_as_the_library_where_its_added_term_is_negligible(arch: str) -> None:
    network = Network(arch, 6)
    with torch.no_grad():
        network.backbone.fc.weight.normal_(0, 100)  # the library adds 1e-6 to the squares of weight / positions
    network.eval()
    images = torch.randn(1, 3, 96, 96)
    with pytorch_grad_cam.GradCAMPlusPlus(network, [network.backbone.layer4[-1]]) as library:
        theirs = library(images, [ClassifierOutputTarget(3)])[0]
    with torch.inference_mode():
        features = network.features(images)
    ours = gradcam_plus_plus(network, features, torch.tensor([3]))
    assert ours.max() > ours.min()
    np.testing.assert_allclose(as_the_library_shows(ours, (96, 96)), theirs, atol=1e-4)


def test_the_librarys_added_term_decides_where_gradients_are_small() -> None:
    """The reason for a subclass: with small gradients the library's weights are others."""
    random = np.random.default_rng(0)
    activations = random.random((1, 40, 7, 7)).astype(np.float32)
    grads = np.broadcast_to(random.normal(0, 1e-4, (1, 40, 1, 1)), activations.shape).astype(np.float32)
    network = trained_like("resnet18", None)

    def weights(kind: type) -> np.ndarray:
        return kind(network, target_layers=[]).get_cam_weights(None, None, None, activations, grads)[0]

    exact = np.where(grads[0, :, 0, 0] > 0, grads.sum(axis=(2, 3))[0], 0) / (
        2 + activations.sum(axis=(2, 3))[0] * grads[0, :, 0, 0]
    )
    np.testing.assert_allclose(weights(GradCAMPlusPlus), exact, rtol=1e-4)
    assert weights(pytorch_grad_cam.GradCAMPlusPlus).max() < 0.1 * exact.max()


def test_drop_in_for_the_library_on_the_whole_network() -> None:
    network = trained_like("resnet18", None)
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    images = torch.randn(1, 3, 96, 96)
    with GradCAMPlusPlus(network, [network.backbone.layer4[-1]]) as ours:
        whole = ours(images, [ClassifierOutputTarget(3)])[0]
    with torch.inference_mode():
        features = network.features(images)
    head_alone = gradcam_plus_plus(network, features, torch.tensor([3]))
    np.testing.assert_allclose(as_the_library_shows(head_alone, (96, 96)), whole, atol=1e-5)


def test_gradients_that_vanish_or_underflow_give_finite_maps() -> None:
    class Faint(Network):
        def head(self, features: torch.Tensor) -> torch.Tensor:
            return super().head(features) * self.strength

    network = Faint("resnet18", 6).for_inference()
    features = torch.rand(1, 512, 3, 3)
    for strength, empty in ((0.0, True), (1e-25, False)):
        network.strength = strength
        found = gradcam_plus_plus(network, features, torch.tensor([0]))
        assert np.isfinite(found).all()
        assert (found.max() == 0) == empty


def test_nothing_is_left_behind() -> None:
    network = trained_like("resnet18", FusionSettings())
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    images = torch.randn(1, 3, 64, 64)
    gradcam_plus_plus(network, network.features(images).detach(), torch.tensor([1]))
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(module._forward_hooks or module._backward_hooks for module in network.modules())
    assert not network.training


def test_threads_share_a_network() -> None:
    network = trained_like("resnet18", FusionSettings())
    images = [torch.randn(1, 3, 64, 64) for _ in range(24)]

    def heatmap(image: torch.Tensor, target: int) -> np.ndarray:
        with torch.inference_mode():
            features = network.features(image)
        return gradcam_plus_plus(network, features, torch.tensor([target]))

    alone = [heatmap(image, i % 6) for i, image in enumerate(images)]
    together: list[np.ndarray | None] = [None] * len(images)

    def work(start: int) -> None:
        for i in range(start, len(images), 4):
            together[i] = heatmap(images[i], i % 6)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for first, second in zip(alone, together, strict=True):
        np.testing.assert_array_equal(first, second)
