"""What benchmarks.explain times: the plain forward pass, our heatmaps, and those of other libraries.

The other libraries are hooked at the classifier's input and explain each image's own prediction, all images in one
pass: pytorch-grad-cam and torch-cam with Grad-CAM++, Captum with Grad-CAM, as it has no Grad-CAM++.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import pytorch_grad_cam
import torch
from torch import Tensor, nn

from benchmarks.timing import Work
from explain.cam.forward_pass import ForwardPass, forward_passes
from explain.cam.layers import layer_names
from explain.cam.question import Target
from models.inference.preparation import inference_ready_network
from models.network import Network

__all__ = ["CONTENDERS", "PEERS", "Contender", "HookedNetwork", "Prepare", "as_built", "compiled", "own_predictions"]

_Module = TypeVar("_Module", bound=nn.Module)


class HookedNetwork(nn.Module):
    """A whole network with a module that a library can hook at the classifier's input."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network.requires_grad_(True)  # the default of a network, which the libraries rely on
        self.tap = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, classes] of normalised images [B, 3, H, W]."""
        return self.network.head(self.tap(self.network.features(images)))


def own_predictions(run: ForwardPass) -> list[Target]:
    """Each image's prediction as its target class."""
    return [Target(index) for index in run.predictions]


def _forward(networks: Sequence[Network], images: Tensor) -> Work:
    def work() -> None:
        with torch.inference_mode():
            for network in networks:
                network(images)

    return work


def _forward_scff(networks: Sequence[Network], images: Tensor) -> Work:
    return _forward(networks[1:], images)


def _one_by_one(explain: Callable[[_Module, Tensor], None], networks: Sequence[_Module], images: Tensor) -> Work:
    """One network after the other: the graph of one is released before the next one runs."""

    def work() -> None:
        for network in networks:
            explain(network, images)

    return work


def _ours(networks: Sequence[Network], images: Tensor) -> Work:
    def explain(network: Network, images: Tensor) -> None:
        for run in forward_passes(network, images):
            run.heatmaps(own_predictions(run))
            del run  # else its maps are kept while the next chunk's are computed

    return _one_by_one(explain, networks, images)


def _another_class(networks: Sequence[Network], images: Tensor) -> Work:
    runs = [run for network in networks for run in forward_passes(network, images)]
    targets = [[Target(index) for index in run.logits.topk(2).indices[:, 1].tolist()] for run in runs]

    def work() -> None:
        for run, others in zip(runs, targets, strict=True):
            run.heatmaps(others)

    return work


def _all_fused(networks: Sequence[Network], images: Tensor) -> Work:
    runs = list(forward_passes(networks[1], images))
    layers = [name for name in layer_names(networks[1]) if name.startswith("Y")]

    def work() -> None:
        for run in runs:
            run.all_heatmaps(own_predictions(run), layers)

    return work


def _grad_cam(networks: Sequence[Network], images: Tensor) -> Work:
    def explain(network: HookedNetwork, images: Tensor) -> None:
        with pytorch_grad_cam.GradCAMPlusPlus(network, [network.tap]) as cam:
            cam(images, targets=None)

    return _one_by_one(explain, [HookedNetwork(network) for network in networks], images)


def _torch_cam(networks: Sequence[Network], images: Tensor) -> Work:
    from torchcam.methods import GradCAMpp

    def explain(network: HookedNetwork, images: Tensor) -> None:
        with GradCAMpp(network, network.tap) as cam:
            logits = network(images)
            cam(logits.argmax(dim=1).tolist(), logits)

    return _one_by_one(explain, [HookedNetwork(network) for network in networks], images)


def _captum(networks: Sequence[Network], images: Tensor) -> Work:
    from captum.attr import LayerGradCam

    def explain(network: HookedNetwork, images: Tensor) -> None:
        # The largest logit is differentiated; a target class would have to be known before, from a pass of its own.
        cam = LayerGradCam(lambda images: network(images).max(dim=1).values, network.tap)
        cam.attribute(images, relu_attributions=True)

    return _one_by_one(explain, [HookedNetwork(network) for network in networks], images)


class Prepare(Protocol):
    """Preparation of a network before it is timed, with the signature of inference_ready_network."""

    def __call__(self, network: Network, size: tuple[int, int], *, batch: int) -> Network:
        """The network for images of a size (height, width), so many per batch."""
        ...


def as_built(network: Network, size: tuple[int, int], batch: int) -> Network:  # noqa: ARG001 - Prepare's signature
    """No preparation."""
    return network


compiled: Prepare = partial(inference_ready_network, compiled=True)


@dataclass(frozen=True)
class Contender:
    """What is timed."""

    work: Callable[[Sequence[Network], Tensor], Work]
    """Made of the baseline and the network with SCFF, and images [B, 3, H, W]."""
    prepare: Prepare = as_built
    package: str | None = None
    """Import name of a peer's library."""


CONTENDERS = {
    "forward": Contender(_forward),
    "forward of SCFF": Contender(_forward_scff),
    "ours": Contender(_ours, inference_ready_network),
    "ours compiled": Contender(_ours, compiled),
    "another class": Contender(_another_class, inference_ready_network),
    "all fused": Contender(_all_fused, inference_ready_network),
    "pytorch-grad-cam": Contender(_grad_cam, package="pytorch_grad_cam"),
    "torch-cam": Contender(_torch_cam, package="torchcam"),
    "captum": Contender(_captum, package="captum"),
}
PEERS = {name: contender.package for name, contender in CONTENDERS.items() if contender.package is not None}
"""Import name by contender."""
