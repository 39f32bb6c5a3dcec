"""Command line: what SCFF adds to a network's forward and backward pass (benchmarks/scff_overhead.py)."""

import json
from typing import Annotated

import typer

from core.command_line import parse_size, run
from core.errors import BadInputError
from models.fusion_settings import FusionSettings
from models.variants import DOWNSAMPLE_NAMES, FUSION_NAMES

_DEFAULTS = FusionSettings()


def main(
    arch: Annotated[
        str, typer.Option(help="timm's name of the network; several are separated by commas.")
    ] = "resnet50",
    image_size: Annotated[str, typer.Option(metavar="S|WxH", help="The network's input in pixels.")] = "200",
    batch: Annotated[int, typer.Option(help="Images per batch.")] = 8,
    fusion_variant: Annotated[
        str, typer.Option(help=f"SCFF's fusion F: {', '.join(FUSION_NAMES)}.")
    ] = _DEFAULTS.fusion,
    downsample: Annotated[
        str, typer.Option(help=f"SCFF's downsampling D: {', '.join(DOWNSAMPLE_NAMES)}.")
    ] = _DEFAULTS.downsample,
    small_stem: Annotated[bool, typer.Option("--small-stem", help="ResNet stem for small images.")] = False,
    device: Annotated[str, typer.Option(help="Device: auto, cpu or cuda.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per network.")] = False,
) -> None:
    """Times a network with SCFF relative to the network without it."""
    from benchmarks.scff_overhead import measure_overhead
    from core.device import choose_device
    from models.architectures import check_input_size

    where, size = choose_device(device), parse_size(image_size)
    if batch < 2:
        raise BadInputError(f"batch must be at least 2 (batch normalisation), got {batch}")
    fusion = FusionSettings(downsample=downsample, fusion=fusion_variant)
    names = arch.split(",")
    for name in names:
        check_input_size(name, size, small_stem)
    for name in names:
        result = measure_overhead(name, size, batch, fusion, small_stem, where)
        text = (
            f"{name}, {image_size} px, batch {batch}, {where.type}: forward {result['forward_ratio']:.3f} x, forward "
            f"and backward {result['forward_backward_ratio']:.3f} x, multiply-accumulates {result['mac_ratio']:.3f} x"
        )
        print(json.dumps(result) if as_json else text, flush=True)


if __name__ == "__main__":
    run(main)
