"""What SCFF adds to a network's forward pass, and to forward and backward, beside what it adds in arithmetic.

The unit is the baseline's pass, as built: eager, contiguous, float32; forward alone in inference mode, forward and
backward in training mode.
"""

import json
from collections.abc import Callable
from typing import Annotated

import torch
import typer
from torch import Tensor
from torch.nn.functional import cross_entropy

from benchmarks.timing import Work, median_ms, median_ratio, take_turns
from core.command_line import parse_size, run
from core.device import choose_device
from core.errors import BadInputError
from models.architectures import check_input_size
from models.cost import profile
from models.network import Network
from models.scff import FusionSettings

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


def _measure(
    arch: str, size: tuple[int, int], batch: int, fusion: FusionSettings, small_stem: bool, device: torch.device
) -> dict:
    random = torch.Generator().manual_seed(_SEED)
    images = torch.randn(batch, 3, *size, generator=random).to(device)

    def turns(work: Callable[[Network, Tensor], Work], training: bool) -> dict[str, list[float]]:
        works = {}
        for role, settings in (("baseline", None), ("scff", fusion)):
            torch.manual_seed(_SEED)
            network = Network(arch, _CLASSES, settings, small_stem).to(device).train(training)
            works[role] = work(network, images)
        return take_turns(works, device)

    forward, forward_backward = turns(_forward, False), turns(_forward_backward, True)
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


def main(
    arch: Annotated[str, typer.Option(help="timm's name of the network; several with commas.")] = "resnet50",
    image_size: Annotated[str, typer.Option(metavar="S|WxH", help="The input in pixels.")] = "200",
    batch: Annotated[int, typer.Option(help="Images at once.")] = 8,
    fusion_variant: Annotated[str, typer.Option(help="How SCFF fuses.")] = "sk_softmax",
    downsample: Annotated[str, typer.Option(help="How SCFF makes maps smaller.")] = "avg",
    small_stem: Annotated[bool, typer.Option("--small-stem", help="The small-image stem of ResNets.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a network on standard output.")] = False,
) -> None:
    """Times a network with SCFF over the network without it."""
    where, size = choose_device(device), parse_size(image_size)
    if batch < 2:
        raise BadInputError(f"batch must be at least 2 (batch normalisation), got {batch}")
    fusion = FusionSettings(downsample=downsample, fusion=fusion_variant)
    names = arch.split(",")
    for name in names:
        check_input_size(name, size, small_stem)
    for name in names:
        found = _measure(name, size, batch, fusion, small_stem, where)
        if as_json:
            print(json.dumps(found), flush=True)
        else:
            print(
                f"{name}, {image_size} px, batch {batch}, {where.type}: forward {found['forward_ratio']:.3f}, forward "
                f"and backward {found['forward_backward_ratio']:.3f}, arithmetic {found['mac_ratio']:.3f}",
                flush=True,
            )


if __name__ == "__main__":
    run(main)
