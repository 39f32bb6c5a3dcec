"""Grad-CAM++ with the paper's exact weights.

Chattopadhay et al., "Grad-CAM++: Generalized Gradient-based Visual Explanations for Deep Convolutional Networks",
WACV 2018. For a score S and a map A of gradient g = dS/dA, with the score's exponential as the paper's Y:

    alpha = g^2 / (2 g^2 + sum_ab(A) g^3)        per channel and position (equation 19)
    w_k = sum_ij alpha relu(g)                   per channel (equation 7)
    heatmap = relu(sum_k w_k A_k)                (equations 1 and 6)
"""

import numpy as np
import pytorch_grad_cam
import torch
from torch import Tensor

from models.network import Network

__all__ = ["GradCAMPlusPlus", "gradcam_plus_plus"]


class GradCAMPlusPlus(pytorch_grad_cam.GradCAMPlusPlus):
    """pytorch-grad-cam's Grad-CAM++ without the 1e-6 that it adds to alpha's denominator.

    Behind global average pooling g is of the order of a weight over the number of positions, so that on a network
    with small gradients the added term, and not the formula, sets the weights.
    """

    def get_cam_weights(
        self,
        input_tensor: Tensor | None,  # noqa: ARG002 - the library's signature
        target_layers: list,  # noqa: ARG002
        target_category: list,  # noqa: ARG002
        activations: np.ndarray,
        grads: np.ndarray,
    ) -> np.ndarray:
        """The weight w_k of each channel, [B, C], of maps and gradients [B, C, ...]."""
        positions = tuple(range(2, activations.ndim))
        # Where g is not zero, alpha is 1 / (2 + sum(A) g): g^2, which may underflow, cancels.
        denominator = 2 + activations.sum(axis=positions, keepdims=True) * grads
        positive = (grads > 0) & (denominator != 0)
        return np.divide(grads, denominator, out=np.zeros_like(grads), where=positive).sum(axis=positions)


def gradcam_plus_plus(network: Network, features: Tensor, targets: Tensor) -> np.ndarray:
    """Heatmaps of the classifier's input; the classifier alone is run and differentiated.

    No hook is set and no gradient is left behind, so that threads may share the network.

    Args:
        network: in eval mode.
        features: the classifier's input, [B, C, h, w], as `network.features` gives it.
        targets: class index of each image, [B].

    Returns:
        float32, [B, h, w], at least zero, not scaled: the unit is the score's own.
    """
    with torch.inference_mode(False), torch.enable_grad():
        leaf = features.clone().requires_grad_()  # tensors of inference mode cannot take part, their copies can
        scores = network.head(leaf).gather(1, targets[:, None].clone())
        (gradient,) = torch.autograd.grad(scores.sum(), leaf)
    activations, grads = (tensor.detach().float().cpu().numpy() for tensor in (leaf, gradient))
    cam = GradCAMPlusPlus(network, target_layers=[])
    return np.maximum(cam.get_cam_image(None, None, None, activations, grads), 0)
