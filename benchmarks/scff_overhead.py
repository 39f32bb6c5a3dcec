"""Time of a network with SCFF over the same network without, forward and forward with backward.

The unit is the baseline's pass, as built: eager, contiguous, float32; forward in inference mode, forward and backward
in training mode.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmarks.timing import Work, median_ms, median_ratio, time_in_rounds
from models.cost import profile
from models.fusion_settings import FusionSettings
from models.network import Network

__all__ = ["measure_overhead"]

_SEED = 0
_CLASSES = 12


def _forward(network: Network, images: Tensor) -> Work:
    def work() -> None:
        with torch.inference_mode():
            network(images)

    return work


def _forward_backward(network: Network, images: Tensor) -> Work:
    labels = torch.arange(len(images), device=images.device) % _CLASSES

    def work() -> None:
        network.zero_grad(set_to_none=True)
        cross_entropy(network(images), labels).backward()

    return work


def measure_overhead(
    arch: str, size: tuple[int, int], batch: int, fusion: FusionSettings, small_stem: bool, device: torch.device
) -> dict[str, Any]:
    """Ratios of time, and of multiply-accumulates.

    Args:
        arch: timm's name of the network.
        size: (height, width) of the images in pixels.
        batch: images per pass.
        fusion: the SCFF variant.
        small_stem: as Network's.
        device: where to compute.
    """
    random = torch.Generator().manual_seed(_SEED)
    images = torch.randn(batch, 3, *size, generator=random).to(device)  # [B, 3, h, w]

    def times(work: Callable[[Network, Tensor], Work], training: bool) -> dict[str, list[float]]:
        works = {}
        for role, settings in (("baseline", None), ("scff", fusion)):
            torch.manual_seed(_SEED)
            network = Network(arch, _CLASSES, settings, small_stem).to(device).train(training)
            works[role] = work(network, images)
        return time_in_rounds(works, device)

    forward, forward_backward = times(_forward, training=False), times(_forward_backward, training=True)
    cost = profile(arch, size, _CLASSES, fusion, small_stem)
    return {
        "arch": arch,
        "image_size": size[1] if size[0] == size[1] else [size[1], size[0]],
        "batch": batch,
        "variant": fusion.variant,
        "device": device.type,
        "rounds": len(forward["baseline"]),
        "forward_ms": median_ms(forward, "baseline"),
        "forward_ratio": median_ratio(forward, "scff", "baseline"),
        "forward_backward_ms": median_ms(forward_backward, "baseline"),
        "forward_backward_ratio": median_ratio(forward_backward, "scff", "baseline"),
        "mac_ratio": round(cost.scff.macs / cost.baseline.macs, 3),
    }
