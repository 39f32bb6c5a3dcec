"""The CAM family: from a layer's map A and the gradient g = dS/dA of a score S to a heatmap.

The methods are pytorch-grad-cam's classes, called without hooks. Three of them are mended here:

- Grad-CAM++ (Chattopadhay et al., WACV 2018), with the score's exponential as the paper's Y:

      alpha = g^2 / (2 g^2 + sum_ab(A) g^3)        per channel and position (equation 19)
      w_k = sum_ij alpha relu(g)                   per channel (equation 7)
      heatmap = relu(sum_k w_k A_k)                (equations 1 and 6)

  The library adds 1e-6 to alpha's denominator. Behind global average pooling g is of the order of a weight over the
  number of positions, so that on a network with small gradients the added term, and not the formula, sets the weights.
- Eigen-CAM: the sign of a principal component is arbitrary; the library's own correction makes its peak positive.
- Score-CAM: the library masks the image by all channels at once, which takes gigabytes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytorch_grad_cam
import torch
from pytorch_grad_cam.utils.svd_on_activations import get_2d_projection_with_sign_correction
from torch import Tensor, nn
from torch.nn import functional

__all__ = [
    "DEFAULT_METHOD",
    "METHODS",
    "EigenCAM",
    "GradCAMPlusPlus",
    "Method",
    "ScoreCAM",
    "heatmaps",
    "score_heatmaps",
]


class GradCAMPlusPlus(pytorch_grad_cam.GradCAMPlusPlus):
    """The library's, with the paper's exact weights; torch tensors stay on their device."""

    def get_cam_weights(
        self,
        input_tensor: Tensor | None,  # noqa: ARG002 - the library's signature
        target_layers: list | None,  # noqa: ARG002
        target_category: list | None,  # noqa: ARG002
        activations: np.ndarray | Tensor,
        grads: np.ndarray | Tensor,
    ) -> Tensor:
        """The weight w_k of each channel, [B, C], of maps and gradients [B, C, ...]."""
        activations, grads = torch.as_tensor(activations), torch.as_tensor(grads)
        positions = tuple(range(2, activations.ndim))
        # Where g is not zero, alpha is 1 / (2 + sum(A) g): g^2, which may underflow, cancels.
        denominator = 2 + activations.sum(dim=positions, keepdim=True) * grads
        positive = (grads > 0) & (denominator != 0)
        return torch.where(positive, grads / denominator, 0).sum(dim=positions)

    def get_cam_image(
        self,
        input_tensor: Tensor | None,
        target_layer: nn.Module | None,
        targets: list | None,
        activations: np.ndarray | Tensor,
        grads: np.ndarray | Tensor,
        eigen_smooth: bool = False,
    ) -> np.ndarray | Tensor:
        """The weighed sum of channels, [B, ...], of the kind that the maps are."""
        if eigen_smooth or not isinstance(activations, Tensor):
            weights = self.get_cam_weights(input_tensor, target_layer, targets, activations, grads).numpy()
            weighed = weights.reshape(*weights.shape, *[1] * (activations.ndim - 2)) * activations
            return get_2d_projection_with_sign_correction(weighed) if eigen_smooth else weighed.sum(axis=1)
        weights = self.get_cam_weights(input_tensor, target_layer, targets, activations, grads)
        return torch.einsum("bc,bc...->b...", weights, activations)


class EigenCAM(pytorch_grad_cam.EigenCAM):
    """The library's, with the first principal component's sign chosen so that its peak is positive."""

    def get_cam_image(
        self,
        input_tensor: Tensor | None,  # noqa: ARG002 - the library's signature
        target_layer: nn.Module | None,  # noqa: ARG002
        target_category: list | None,  # noqa: ARG002
        activations: np.ndarray,
        grads: np.ndarray | None,  # noqa: ARG002
        eigen_smooth: bool = False,  # noqa: ARG002
    ) -> np.ndarray:
        """The projection of each position on that component, [B, h, w]."""
        return get_2d_projection_with_sign_correction(activations)


class ScoreCAM(pytorch_grad_cam.ScoreCAM):
    """The library's, masking the image by a few channels at a time."""

    batch_size = 16

    def get_cam_weights(
        self,
        input_tensor: Tensor,
        target_layer: nn.Module | None,  # noqa: ARG002 - the library's signature
        targets: list[Callable[[Tensor], Tensor]],
        activations: np.ndarray,
        grads: np.ndarray | None,  # noqa: ARG002
    ) -> np.ndarray:
        """The softmax over channels of the score of the image seen through each, [B, C]."""
        weights = []
        with torch.no_grad():
            for image, target, maps in zip(input_tensor, targets, torch.from_numpy(activations), strict=True):
                scores = []
                # Masks are made in float32: in float16 what keeps a constant channel from 0 / 0 would vanish.
                for chunk in maps.to(image.device).split(self.batch_size):  # [b, h, w]
                    large = functional.interpolate(chunk[None], image.shape[-2:], mode="bilinear", align_corners=True)[
                        0
                    ]
                    low, high = large.amin((1, 2), keepdim=True), large.amax((1, 2), keepdim=True)
                    masks = ((large - low) / (high - low + 1e-8)).to(image.dtype)
                    scores += [target(output) for output in self.model(image * masks[:, None])]
                weights.append(torch.stack(scores).float().softmax(dim=0))
        return torch.stack(weights).cpu().numpy()


@dataclass(frozen=True)
class Method:
    """How a layer's map becomes a heatmap."""

    title: str
    cam: type[pytorch_grad_cam.base_cam.BaseCAM]
    gradients: bool = True
    """Whether it asks for the score's gradient; else for the map alone, or for scores of other images."""
    scores: bool = False
    """Whether it runs the whole network, once a channel."""

    @property
    def knows_class(self) -> bool:
        """Whether its maps are of a class, and not of what is in the layer alone."""
        return self.gradients or self.scores


METHODS = {
    "gradcam++": Method("Grad-CAM++", GradCAMPlusPlus),
    "gradcam": Method("Grad-CAM", pytorch_grad_cam.GradCAM),
    "xgradcam": Method("XGrad-CAM", pytorch_grad_cam.XGradCAM),
    "hirescam": Method("HiResCAM", pytorch_grad_cam.HiResCAM),
    "layercam": Method("LayerCAM", pytorch_grad_cam.LayerCAM),
    "eigencam": Method("Eigen-CAM", EigenCAM, gradients=False),
    "scorecam": Method("Score-CAM", ScoreCAM, gradients=False, scores=True),
}
"""By the name that command lines use."""
DEFAULT_METHOD = "gradcam++"

_NO_NETWORK = nn.Linear(1, 1).requires_grad_(False)  # the library's classes ask for one, even to weigh given maps
_CAMS = {name: method.cam(_NO_NETWORK, []) for name, method in METHODS.items() if not method.scores}


def heatmaps(method: str, maps: Tensor, gradients: Tensor | None) -> Tensor:
    """Heatmaps of a layer by a method that does not run the network.

    Args:
        method: a name in METHODS.
        maps: A, float32 [B, C, h, w].
        gradients: of a score for A, alike; None for a method that takes none.

    Returns:
        float32 [B, h, w], at least zero, not scaled, on the maps' device.
    """
    if not isinstance(_CAMS[method], GradCAMPlusPlus):  # the library's own compute in NumPy
        device = maps.device
        maps, gradients = (None if values is None else values.cpu().numpy() for values in (maps, gradients))
        return _positive(_CAMS[method].get_cam_image(None, None, None, maps, gradients, False)).to(device)
    return _positive(_CAMS[method].get_cam_image(None, None, None, maps, gradients))


def score_heatmaps(
    network: nn.Module, images: Tensor, targets: list[Callable[[Tensor], Tensor]], maps: Tensor
) -> Tensor:
    """Score-CAM's heatmaps, for as many passes of the network as the layer has channels.

    Args:
        network: gives logits [b, classes] of images.
        images: normalised, [B, 3, H, W].
        targets: for each image, its score of logits [classes].
        maps: A, float32 [B, C, h, w].

    Returns:
        As heatmaps.
    """
    cam = ScoreCAM(network, [])
    return _positive(cam.get_cam_image(images, None, targets, maps.cpu().numpy(), None)).to(maps.device)


def _positive(maps: np.ndarray | Tensor) -> Tensor:
    return torch.as_tensor(maps, dtype=torch.float32).relu()
