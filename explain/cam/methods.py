"""CAM methods: from a layer's feature map A and the gradient g = dS/dA of a class score S to a heatmap.

A method is a function of tensors and its entry in METHODS, from which the page, the command lines and the documentation
are generated. Torch is only imported when a heatmap is computed, so that `--help` can list the methods quickly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import BadInputError

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = [
    "DEFAULT_METHOD",
    "METHODS",
    "Method",
    "check_method",
    "eigen_cam",
    "grad_cam",
    "grad_cam_plus_plus",
    "hires_cam",
    "layer_cam",
    "score_cam",
    "xgrad_cam",
]

_CHUNK = 16  # Score-CAM's masked images, one per channel, in one forward pass
_XGRAD_EPSILON = 1e-7  # pytorch-grad-cam's
_MASK_EPSILON = 1e-8  # the same


def grad_cam_plus_plus(maps: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM++ (Chattopadhay et al., WACV 2018), with the score's exponential as the paper's Y.

        alpha = g^2 / (2 g^2 + sum_ab(A) g^3)        per channel and position (equation 19)
        w_k = sum_ij alpha relu(g)                   per channel (equation 7)
        heatmap = relu(sum_k w_k A_k)                (equations 1 and 6)

    pytorch-grad-cam adds 1e-6 to alpha's denominator. Behind global average pooling g is of the order of a weight over
    the number of positions, so that on a network with small gradients the added term, and not the formula, sets the
    weights. Here they are exact.

    Args:
        maps: A, float32 [B, C, h, w].
        gradients: g, [B, C, h, w].

    Returns:
        [B, h, w], before the ReLU, as for all functions of this module.
    """
    # Where g is not zero, alpha is 1 / (2 + sum(A) g): g^2, which may underflow, cancels.
    denominator = 2 + maps.sum(dim=(2, 3), keepdim=True) * gradients
    defined = (gradients > 0) & (denominator != 0)
    return _weighted_sum((gradients / denominator).where(defined, 0).sum(dim=(2, 3)), maps)


def grad_cam(maps: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM (Selvaraju et al., ICCV 2017): w_k is the mean of g over positions."""
    return _weighted_sum(gradients.mean(dim=(2, 3)), maps)


def xgrad_cam(maps: Tensor, gradients: Tensor) -> Tensor:
    """XGrad-CAM (Fu et al., BMVC 2020): w_k = sum_ij(g A) / sum_ij(A)."""
    activation = maps.sum(dim=(2, 3), keepdim=True) + _XGRAD_EPSILON
    return _weighted_sum((gradients * maps / activation).sum(dim=(2, 3)), maps)


def hires_cam(maps: Tensor, gradients: Tensor) -> Tensor:
    """HiResCAM (Draelos and Carin, 2020): sum_k g_k A_k at each position."""
    return (gradients * maps).sum(dim=1)


def layer_cam(maps: Tensor, gradients: Tensor) -> Tensor:
    """LayerCAM (Jiang et al., IEEE TIP 2021): sum_k relu(g_k) A_k at each position."""
    return (gradients.relu() * maps).sum(dim=1)


def eigen_cam(maps: Tensor) -> Tensor:
    """Eigen-CAM (Muhammad and Yeasin, IJCNN 2020): each position's projection on the first principal component.

    The sign of a principal component is arbitrary; here the extreme of larger magnitude is made positive.
    """
    import torch

    positions = maps.flatten(2).transpose(1, 2)  # [B, h w, C]
    positions = positions - positions.mean(dim=1, keepdim=True)
    _, _, components = torch.linalg.svd(positions, full_matrices=False)
    projection = (positions @ components[:, 0, :, None]).view(len(maps), *maps.shape[2:])
    flip = projection.amin((1, 2)).abs() > projection.amax((1, 2)).abs()
    return projection.where(~flip[:, None, None], -projection)


def score_cam(
    maps: Tensor, network: nn.Module, images: Tensor, targets: Sequence[Callable[[Tensor], Tensor]]
) -> Tensor:
    """Score-CAM (Wang et al., CVPR workshops 2020): w_k is the softmax over channels of the masked images' scores.

    Takes as many forward passes as the layer has channels.

    Args:
        maps: A, float32 [B, C, h, w].
        network: maps images to logits [b, classes].
        images: normalised, [B, 3, H, W].
        targets: for each image, the function from logits [classes] to its score.
    """
    import torch

    weights = []
    with torch.no_grad():
        for image, target, channels in zip(images, targets, maps, strict=True):
            scores = []
            for chunk in channels.split(_CHUNK):  # [b, h, w]
                # In float32: in float16 what keeps a constant channel from 0 / 0 would vanish.
                large = torch.nn.functional.interpolate(
                    chunk[None], image.shape[-2:], mode="bilinear", align_corners=True
                )[0]
                low, high = large.amin((1, 2), keepdim=True), large.amax((1, 2), keepdim=True)
                masks = ((large - low) / (high - low + _MASK_EPSILON)).to(image.dtype)
                scores += [target(logits) for logits in network(image * masks[:, None])]
            weights.append(torch.stack(scores).float().softmax(dim=0))
    return _weighted_sum(torch.stack(weights), maps)


def _weighted_sum(weights: Tensor, maps: Tensor) -> Tensor:
    """sum_k w_k A_k of weights [B, C] and maps [B, C, h, w]: [B, h, w]."""
    return (weights[:, None] @ maps.flatten(2)).view(len(maps), *maps.shape[2:])


@dataclass(frozen=True)
class Method:
    """A CAM method, with the texts that the page, the command lines and the documentation show."""

    title: str
    description: str
    """Description in two sentences."""
    reference: str
    """The paper that introduced it."""
    function: Callable[..., Tensor]
    """Function of maps and gradients; of maps alone if it uses neither gradients nor scores; of maps, network, images
    and targets if it uses scores."""
    gradients: bool = True
    """Whether it uses the gradient of the class score."""
    scores: bool = False
    """Whether it uses class scores of masked images, with as many forward passes as the layer has channels."""

    @property
    def knows_class(self) -> bool:
        """Whether its heatmaps depend on the target class; otherwise it is class-agnostic."""
        return self.gradients or self.scores

    @property
    def cited_description(self) -> str:
        """The description, with the reference in parentheses."""
        return f"{self.description.removesuffix('.')} ({self.reference})."


METHODS = {
    "gradcam++": Method(
        "Grad-CAM++",
        "Each channel is weighted by a weighted sum of the positive gradients of the class score with respect to it; "
        "the positive part of the weighted sum of channels is the heatmap. It was designed to show several objects of "
        "one class, small ones among them.",
        "Chattopadhay et al., WACV 2018",
        grad_cam_plus_plus,
    ),
    "gradcam": Method(
        "Grad-CAM",
        "Each channel is weighted by the mean gradient of the class score with respect to it. It was the first and is "
        "the simplest of the gradient-based methods.",
        "Selvaraju et al., ICCV 2017",
        grad_cam,
    ),
    "xgradcam": Method(
        "XGrad-CAM",
        "Like Grad-CAM, with gradients weighted by the channel's activation at each position. The weights follow from "
        "two axioms of attribution, sensitivity and conservation.",
        "Fu et al., BMVC 2020",
        xgrad_cam,
    ),
    "hirescam": Method(
        "HiResCAM",
        "Gradient times activation at each position, summed over channels, without averaging gradients first. For a "
        "network whose classifier is linear it shows exactly what each position adds to the logit.",
        "Draelos and Carin, 2020",
        hires_cam,
    ),
    "layercam": Method(
        "LayerCAM",
        "Each position of each channel is weighted by the positive part of its own gradient. It stays sharp on earlier "
        "layers of higher resolution.",
        "Jiang et al., IEEE TIP 2021",
        layer_cam,
    ),
    "eigencam": Method(
        "Eigen-CAM",
        "The first principal component of a layer's channels. It is class-agnostic: it shows what the layer "
        "responds to most.",
        "Muhammad and Yeasin, IJCNN 2020",
        eigen_cam,
        gradients=False,
    ),
    "scorecam": Method(
        "Score-CAM",
        "The image is masked by each channel in turn, and channels are weighted by the class score of the result. "
        "It needs no gradients but is slow.",
        "Wang et al., CVPR workshops 2020",
        score_cam,
        gradients=False,
        scores=True,
    ),
}
"""CAM methods, keyed by their names on the command line."""
DEFAULT_METHOD = "gradcam++"


def check_method(name: str) -> None:
    """Checks that a method's name is in METHODS.

    Raises:
        BadInputError: the name is unknown.
    """
    if name not in METHODS:
        raise BadInputError(f"unknown method {name!r}; known: {', '.join(METHODS)}")
