"""One forward pass of a network over a batch of images, and the heatmaps computed from it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.errors import BadInputError
from explain.cam.layers import FUSED, Layer, find_layer
from explain.cam.methods import DEFAULT_METHOD, METHODS, check_method
from explain.cam.question import Smoothing, Target
from models.network import Network

__all__ = ["ForwardPass", "forward_pass", "forward_passes", "inference_batch_size", "without_autocast"]

_HALF_SCALE = 2.0**8  # keeps gradients of float16 networks from underflowing


@dataclass(frozen=True)
class ForwardPass:
    """Feature maps and logits of one forward pass.

    Threads may share it, and the network: no hook is registered, no gradient accumulated.
    """

    network: Network
    images: Tensor
    """Normalised, [B, 3, H, W]."""
    maps: dict[Layer, Tensor]
    """[B, C, h, w] each: X1..Xn, and Y2..Yn of a network with SCFF."""
    logits: Tensor
    """float32 [B, classes]."""

    @property
    def probabilities(self) -> np.ndarray:
        """Softmax of the logits, float64 [B, classes]."""
        return self.logits.cpu().double().softmax(dim=1).numpy()

    @property
    def predictions(self) -> list[int]:
        """Class index of each image's highest logit."""
        return self.logits.argmax(dim=1).tolist()

    def heatmaps(
        self,
        targets: Sequence[Target],
        layer: str = FUSED,
        method: str = DEFAULT_METHOD,
        smoothing: Smoothing | None = None,
    ) -> Tensor:
        """Heatmaps of one layer.

        Args:
            targets: one per image.
            layer: a name of explain.cam.layers.
            method: a name in METHODS.
            smoothing: SmoothGrad; each noisy sample takes a forward pass.

        Returns:
            float32 [B, h, w], non-negative, not normalised, on the network's device.

        Raises:
            BadInputError: layer or method is unknown, or a class out of range.
        """
        return self.all_heatmaps(targets, [layer], method, smoothing)[layer]

    def all_heatmaps(
        self,
        targets: Sequence[Target],
        layers: Sequence[str],
        method: str = DEFAULT_METHOD,
        smoothing: Smoothing | None = None,
    ) -> dict[str, Tensor]:
        """Heatmaps at several layers, keyed by name, from one backward pass."""
        check_method(method)
        places = {name: find_layer(self.network, name) for name in layers}
        self._check_classes(targets)
        if smoothing is not None:
            copies = [
                forward_pass(self.network, noisy).all_heatmaps(targets, layers, method)
                for noisy in smoothing.copies(self.images)
            ]
            return {name: torch.stack([maps[name] for maps in copies]).mean(dim=0) for name in layers}
        cam = METHODS[method]
        with without_autocast(self.images.device.type):
            if cam.gradients:
                inputs = self._with_gradients(set(places.values()), targets)
            elif cam.scores:
                inputs = {
                    place: (self.maps[place].float(), self.network, self.images, targets) for place in places.values()
                }
            else:
                inputs = {place: (self.maps[place].float(),) for place in places.values()}
            with torch.no_grad():
                return {name: cam.function(*inputs[place]).float().relu() for name, place in places.items()}

    def _check_classes(self, targets: Sequence[Target]) -> None:
        classes = self.logits.shape[1]
        indices = {index for target in targets for index in (target.index, target.against) if index is not None}
        if wrong := sorted(index for index in indices if not 0 <= index < classes):
            raise BadInputError(f"class {wrong[0]} is out of range; this network's classes are 0 to {classes - 1}")

    def _with_gradients(self, layers: set[Layer], targets: Sequence[Target]) -> dict[Layer, tuple[Tensor, Tensor]]:
        """The layers' feature maps, and the gradients of the scores with respect to them, in float32."""
        with torch.inference_mode(False), torch.enable_grad():
            maps, logits = self._from_fused(layers) if self._beyond_backbone(layers) else self._from_stages(layers)
            half = logits.dtype == torch.float16
            score = torch.stack([target(row) for target, row in zip(targets, logits, strict=True)]).sum()
            order = list(layers)
            inputs = [maps[layer] for layer in order]
            gradients = torch.autograd.grad(score * _HALF_SCALE if half else score, inputs)
        scale = _HALF_SCALE if half else 1
        return {
            layer: (values.detach().float(), gradient.float() / scale)
            for layer, values, gradient in zip(order, inputs, gradients, strict=True)
        }

    def _beyond_backbone(self, layers: set[Layer]) -> bool:
        """Whether the backward pass stops after the backbone, because no stage before the last is among the layers."""
        return all(layer.kind == "Y" or layer.number == self.network.num_stages for layer in layers)

    def _from_fused(self, layers: set[Layer]) -> tuple[dict[Layer, Tensor], Tensor]:
        """Fused maps from the first of the layers on, and the logits, recomputed with a graph."""
        depth = self.network.num_stages
        kept = {layer: values.detach() for layer, values in self.maps.items()}
        last = Layer("X", depth)
        if self.network.scff is None:
            maps = {last: kept[last].requires_grad_()}
            return maps, self.network.head(maps[last])
        # The last stage enters the last fusion only, so that the fusion before it stays a constant.
        first = min(layer.number if layer.kind == "Y" else depth - 1 for layer in layers)
        start = Layer("Y", first) if first > 1 else Layer("X", 1)
        maps = {layer: kept[layer].requires_grad_() for layer in {start, last}}
        fused = self.network.scff.fuse_on(
            maps[start], [(kept | maps)[Layer("X", i)] for i in range(first + 1, depth + 1)]
        )
        maps |= {Layer("Y", first + 1 + i): values for i, values in enumerate(fused)}
        return maps, self.network.head(maps[Layer("Y", depth)])

    def _from_stages(self, layers: set[Layer]) -> tuple[dict[Layer, Tensor], Tensor]:
        """Stages from the first of the layers on, fused maps and logits, recomputed with a graph."""
        first = min(layer.number for layer in layers)
        stages = [self.maps[Layer("X", i)].detach() for i in range(1, first + 1)]
        later = None
        if self.network.tail is not None:
            later = self.network.tail.after(first, stages[-1].requires_grad_())
        stages = self.network.stages(self.images.detach().requires_grad_()) if later is None else stages + later
        maps = _named("X", stages)
        if self.network.scff is not None:
            maps |= _named("Y", self.network.scff.fuse_on(stages[0], stages[1:]))
        return maps, self.network.head(list(maps.values())[-1])


def forward_pass(network: Network, images: Tensor) -> ForwardPass:
    """Runs a network once.

    Args:
        network: in eval mode, with weights that require no gradients.
        images: normalised, [B, 3, H, W], of any type; on the network's device. They are kept and must not be modified.

    Raises:
        BadInputError: the logits are not finite; the message names the first non-finite map.
    """
    # Without inference mode, whose tensors could not take part in a backward pass later.
    with torch.inference_mode(False), torch.no_grad(), without_autocast(images.device.type):
        images = images.to(next(network.parameters()).dtype)
        images = images.clone() if images.is_inference() else images
        stages, fused = network.maps(images)
        logits = network.head((fused or stages)[-1]).float()
    run = ForwardPass(network, images, maps=_named("X", stages) | _named("Y", fused), logits=logits)
    if not logits.isfinite().all():
        raise BadInputError(
            f"the output of this network is not finite; the first non-finite values are in {_first_non_finite(run)}"
        )
    return run


def forward_passes(network: Network, images: Tensor) -> Iterator[ForwardPass]:
    """Runs a network over any number of images, batch by batch.

    The caller should drop each pass before taking the next, otherwise the feature maps of both are in memory.

    Args:
        network, images: as for forward_pass.

    Raises:
        BadInputError: as for forward_pass.
    """
    for part in images.split(inference_batch_size(images.device)):
        yield forward_pass(network, part)


def inference_batch_size(device: torch.device) -> int:
    """The fastest batch size for a device; on a CPU the feature maps of larger batches outgrow its cache."""
    return 8 if device.type == "cpu" else 64


def _first_non_finite(run: ForwardPass) -> str:
    """Name of the first non-finite tensor among image, stages, fused maps and logits."""
    if not run.images.isfinite().all():
        return "the image"
    layers = (str(layer) for layer, values in run.maps.items() if not values.isfinite().all())
    return next(layers, "the logits")


def _named(kind: str, maps: Sequence[Tensor]) -> dict[Layer, Tensor]:
    """Feature maps keyed by layer: X1, X2, ... or Y2, Y3, ... in that order."""
    first = 1 if kind == "X" else 2
    return {Layer(kind, first + i): values for i, values in enumerate(maps)}


@contextmanager
def without_autocast(device: str) -> Iterator[None]:
    """Computes in the data type of the weights, even where the caller has enabled autocast."""
    with torch.autocast(device, enabled=False):
        yield
