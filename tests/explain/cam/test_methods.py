"""CAM methods, against independent derivations and pytorch-grad-cam."""

import re
import subprocess
import sys

import numpy as np
import pytest
import pytorch_grad_cam
import torch
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection_with_sign_correction

from core.errors import BadInputError
from explain.cam.forward_pass import forward_pass
from explain.cam.methods import METHODS, Method, check_method, eigen_cam, grad_cam_plus_plus, score_cam
from explain.cam.question import Target
from models.fusion_settings import FusionSettings
from models.network import Network

ARCHS = ["resnet18", "resnet50", "efficientnet_b0"]


def trained_like(arch: str, fusion: FusionSettings | None, seed: int = 0) -> Network:
    """A network whose classifier has weights of the size that training gives."""
    torch.manual_seed(seed)
    network = Network(arch, 6, fusion)
    with torch.no_grad():
        network.backbone.get_classifier().weight.normal_(0, 0.3)
    return network.for_inference()


def gradcam_plus_plus(network: Network, images: torch.Tensor, *targets: int) -> np.ndarray:
    """Heatmaps of the classifier's input."""
    return forward_pass(network, images).heatmaps([Target(target) for target in targets]).numpy()


def by_the_paper(activations: np.ndarray, grads: np.ndarray) -> np.ndarray:
    """Equations 1, 6, 7 and 19 of the paper in float64: maps and gradients [C, h, w] to a heatmap [h, w]."""
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
    """The library scales a map to 0..1 before and after upsampling."""
    return scale_cam_image(scale_cam_image(heatmap, size))[0]


@pytest.mark.parametrize("fusion", [None, FusionSettings()], ids=["baseline", "scff"])
@pytest.mark.parametrize("arch", ARCHS)
def test_map_matches_the_paper_in_float64(arch: str, fusion: FusionSettings | None) -> None:
    network = trained_like(arch, fusion)
    images, targets = torch.randn(2, 3, 96, 72), (4, 1)
    found = gradcam_plus_plus(network, images, *targets)
    with torch.no_grad():
        features = network.features(images)
    # Behind global average pooling and one linear layer the gradient is known without differentiating anything.
    weight = network.backbone.get_classifier().weight.detach().double().numpy()
    maps = features.numpy()
    for i, target in enumerate(targets):
        gradient = np.broadcast_to(weight[target, :, None, None] / maps[i, 0].size, maps[i].shape)
        agree(found[i], by_the_paper(maps[i], gradient), 1e-5)


def test_map_matches_the_paper_for_a_nonlinear_head() -> None:
    """Gradients by autograd of the whole network in float64."""

    class Bent(Network):
        def head(self, features: torch.Tensor) -> torch.Tensor:
            return super().head(torch.tanh(features) * features)

    torch.manual_seed(1)
    network = Bent("resnet18", 6, FusionSettings()).for_inference()
    images = torch.randn(1, 3, 96, 96)
    found = gradcam_plus_plus(network, images, 2)[0]
    network.double()
    features = network.features(images.double()).requires_grad_()
    (gradient,) = torch.autograd.grad(network.head(features)[0, 2], features)
    agree(found, by_the_paper(features.detach()[0].numpy(), gradient[0].numpy()), 1e-5)


@pytest.mark.parametrize("arch", ["resnet18", "resnet50"])
def test_map_matches_the_library_where_its_added_term_is_negligible(arch: str) -> None:
    network = Network(arch, 6)
    with torch.no_grad():
        network.backbone.fc.weight.normal_(0, 100)  # the library adds 1e-6 to the squares of weight / positions
    network.eval()
    images = torch.randn(1, 3, 96, 96)
    with pytorch_grad_cam.GradCAMPlusPlus(network, [network.backbone.layer4[-1]]) as library:
        theirs = library(images, [ClassifierOutputTarget(3)])[0]
    ours = gradcam_plus_plus(network, images, 3)
    assert ours.max() > ours.min()
    np.testing.assert_allclose(as_the_library_shows(ours, (96, 96)), theirs, atol=1e-4)


def test_added_term_of_the_library_dominates_for_small_gradients() -> None:
    """The reason for our own weights: with small gradients the library's differ."""
    random = np.random.default_rng(0)
    activations = random.random((1, 40, 7, 7)).astype(np.float32)
    grads = np.broadcast_to(random.normal(0, 1e-4, (1, 40, 1, 1)), activations.shape).astype(np.float32)
    network = trained_like("resnet18", None)
    exact = np.where(grads[0, :, 0, 0] > 0, grads.sum(axis=(2, 3))[0], 0) / (
        2 + activations.sum(axis=(2, 3))[0] * grads[0, :, 0, 0]
    )
    found = grad_cam_plus_plus(torch.from_numpy(activations), torch.from_numpy(grads))[0].numpy()
    agree(found, (exact[:, None, None] * activations[0]).sum(axis=0), 1e-5)
    library = pytorch_grad_cam.GradCAMPlusPlus(network, target_layers=[])
    assert library.get_cam_weights(None, None, None, activations, grads).max() < 0.1 * exact.max()


def test_gradcam_plus_plus_matches_the_library_except_for_its_added_term() -> None:
    """The library's formula gives its maps with 1e-6 in the denominator, and ours without."""
    random = np.random.default_rng(5)
    a, g = random.random((2, 30, 5, 4)).astype(np.float32), random.normal(0, 1, (2, 30, 5, 4)).astype(np.float32)
    library = pytorch_grad_cam.GradCAMPlusPlus(trained_like("resnet18", None), target_layers=[])
    theirs = library.get_cam_image(None, None, None, a, g, False)
    for added, expected in ((1e-6, theirs), (0, grad_cam_plus_plus(*map(torch.from_numpy, (a, g))).numpy())):
        alpha = np.divide(g**2, 2.0 * g**2 + a.sum(axis=(2, 3), keepdims=True, dtype=np.float64) * g**3 + added)
        weights = (np.where(g == 0, 0, alpha) * np.maximum(g, 0)).sum(axis=(2, 3))
        derived = (weights[:, :, None, None] * a).sum(axis=1)
        np.testing.assert_allclose(expected, derived, rtol=0, atol=1e-5 * np.abs(derived).max())


class OurGradCAMPlusPlus(pytorch_grad_cam.GradCAMPlusPlus):
    """Our function behind the library's hooks."""

    def get_cam_image(
        self,
        input_tensor: object,  # noqa: ARG002 - the library's signature
        target_layer: object,  # noqa: ARG002
        targets: object,  # noqa: ARG002
        activations: np.ndarray | torch.Tensor,
        grads: np.ndarray | torch.Tensor,
        eigen_smooth: bool = False,  # noqa: ARG002
    ) -> np.ndarray:
        return grad_cam_plus_plus(torch.as_tensor(activations), torch.as_tensor(grads)).numpy()


def test_gradients_of_the_head_match_hooks_on_the_whole_network() -> None:
    network = trained_like("resnet18", None)
    for parameter in network.parameters():
        parameter.requires_grad_(True)
    images = torch.randn(1, 3, 96, 96)
    with OurGradCAMPlusPlus(network, [network.backbone.layer4[-1]]) as ours:
        whole = ours(images, [ClassifierOutputTarget(3)])[0]
    head_alone = gradcam_plus_plus(network, images, 3)
    np.testing.assert_allclose(as_the_library_shows(head_alone, (96, 96)), whole, atol=1e-5)


def test_gradients_that_vanish_or_underflow_give_finite_maps() -> None:
    class Faint(Network):
        def head(self, features: torch.Tensor) -> torch.Tensor:
            return super().head(features) * self.strength

    network = Faint("resnet18", 6).for_inference()
    for strength, empty in ((0.0, True), (1e-25, False)):
        network.strength = strength
        found = gradcam_plus_plus(network, torch.randn(1, 3, 96, 96), 0)
        assert np.isfinite(found).all()
        assert (found.max() == 0) == empty


LIBRARY = {
    "gradcam": pytorch_grad_cam.GradCAM,
    "xgradcam": pytorch_grad_cam.XGradCAM,
    "hirescam": pytorch_grad_cam.HiResCAM,
    "layercam": pytorch_grad_cam.LayerCAM,
}


@pytest.mark.essential
@pytest.mark.parametrize("signed", [False, True], ids=["after a ReLU", "of either sign"])
@pytest.mark.parametrize("method", LIBRARY)
def test_methods_match_the_library(method: str, signed: bool) -> None:
    random = np.random.default_rng(3)
    maps, gradients = random.normal(0.3, 1, (2, 30, 5, 4)), random.normal(0, 1e-3, (2, 30, 5, 4))
    maps, gradients = ((maps if signed else np.maximum(maps, 0)).astype(np.float32), gradients.astype(np.float32))
    library = LIBRARY[method](trained_like("resnet18", None), target_layers=[])
    theirs = library.get_cam_image(None, None, None, maps, gradients, False)
    found = METHODS[method].function(torch.from_numpy(maps), torch.from_numpy(gradients)).numpy()
    np.testing.assert_allclose(found, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())


@pytest.mark.essential
@pytest.mark.parametrize("method", LIBRARY)
def test_methods_follow_their_formulas(method: str) -> None:
    """In float64, on maps of either sign as ConvNeXt has them; the 1e-7 in XGrad-CAM is negligible."""
    random = np.random.default_rng(1)
    a, g = random.normal(0.3, 1, (2, 30, 5, 4)), random.normal(0, 1e-3, (2, 30, 5, 4))
    positions = (2, 3)
    weights = {
        "gradcam": lambda: g.mean(axis=positions, keepdims=True),  # Selvaraju et al., ICCV 2017
        # Fu et al., BMVC 2020
        "xgradcam": lambda: (g * a).sum(axis=positions, keepdims=True) / a.sum(axis=positions, keepdims=True),
        "hirescam": lambda: g,  # Draelos and Carin, 2020
        "layercam": lambda: np.maximum(g, 0),  # Jiang et al., IEEE TIP 2021
    }[method]()
    expected = np.maximum((weights * a).sum(axis=1), 0)
    found = METHODS[method].function(*(torch.from_numpy(values).float() for values in (a, g))).relu()
    agree(found.numpy(), expected, 1e-4)


@pytest.mark.essential
def test_eigencam_is_the_first_principal_component_with_its_peak_positive() -> None:
    """Muhammad and Yeasin, IJCNN 2020: by the eigenvectors of the covariance in float64."""
    random = np.random.default_rng(2)
    place = random.random((6, 5))
    maps = (random.normal(0, 1, 20)[:, None, None] * place + random.normal(0, 1e-3, (20, 6, 5)))[None]
    for sign in (1, -1):
        found = eigen_cam(torch.from_numpy(sign * maps).float())[0].relu().numpy()
        centred = (sign * maps[0]).reshape(20, -1).T
        centred -= centred.mean(axis=0)
        _, vectors = np.linalg.eigh(centred.T @ centred)
        projection = (centred @ vectors[:, -1]).reshape(6, 5)
        projection *= np.sign(projection.flat[np.abs(projection).argmax()])
        agree(found, np.maximum(projection, 0), 1e-4)


def test_eigencam_matches_the_library_with_its_sign_correction() -> None:
    maps = np.random.default_rng(4).normal(0.3, 1, (3, 30, 6, 5)).astype(np.float32)
    theirs = get_2d_projection_with_sign_correction(maps)
    np.testing.assert_allclose(eigen_cam(torch.from_numpy(maps)), theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())


def test_scorecam_matches_the_library_with_batches_of_16() -> None:
    network = trained_like("resnet18", FusionSettings())
    images = torch.randn(2, 3, 64, 48)
    with torch.no_grad():
        maps = network.features(images)
    targets = [Target(4), Target(1)]
    largest = 0

    def counting(images: torch.Tensor) -> torch.Tensor:
        nonlocal largest
        largest = max(largest, len(images))
        return network(images)

    library = pytorch_grad_cam.ScoreCAM(network, [])
    weights = library.get_cam_weights(images, None, targets, maps.numpy(), None)  # [B, C]
    theirs = (weights[:, :, None, None] * maps.numpy()).sum(axis=1)
    ours = score_cam(maps, counting, images, targets).numpy()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())
    assert largest == 16


@pytest.mark.essential
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_every_method_is_described_in_two_sentences_with_its_paper(method: Method) -> None:
    assert len(re.findall(r"[.](?=\s|$)", method.description)) == 2
    assert method.cited_description.endswith(f" ({method.reference}).")
    assert re.search(r"(19|20)\d\d$", method.reference)


@pytest.mark.essential
def test_unknown_methods_are_rejected() -> None:
    with pytest.raises(BadInputError, match=r"unknown method 'cam'; known: gradcam\+\+, gradcam, "):
        check_method("cam")


@pytest.mark.essential
def test_methods_can_be_imported_without_torch() -> None:
    code = "import sys; from explain.cam.methods import METHODS; sys.exit('torch' in sys.modules or not METHODS)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
