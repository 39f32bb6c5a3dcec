"""`python -m training profile`: parameters and multiply-accumulates without and with SCFF."""

import json
from typing import Annotated

import typer

from core.command_line import parse_size
from core.errors import BadInputError
from models.fusion_settings import FusionSettings
from training.commands.console import notify
from training.commands.options import JSON, DownSampleName, FusionName, ImageSize, MinWidth, Reduction, SmallStem

__all__ = ["profile"]

_DEFAULTS = FusionSettings()


def profile(
    arch: Annotated[str | None, typer.Option(help="timm's name of the network, e.g. resnet50.")] = None,
    image_size: ImageSize = "200",
    every: Annotated[bool, typer.Option("--all", help="Print a Markdown table of all tested networks.")] = False,
    classes: Annotated[int, typer.Option(help="Number of classes.")] = 12,
    small_stem: SmallStem = False,
    fusion_variant: FusionName = _DEFAULTS.fusion,
    downsample: DownSampleName = _DEFAULTS.downsample,
    reduction: Reduction = _DEFAULTS.reduction,
    min_width: MinWidth = _DEFAULTS.min_width,
    as_json: JSON = False,
) -> None:
    """Counts parameters and multiply-accumulates per image.

    Of a network without and with SCFF.
    """
    from models.architectures import NETWORKS
    from models.cost import profile as count
    from training.cost_table import as_json_object, as_row, as_text, heading

    if every == (arch is not None):
        raise BadInputError("give one network with --arch, or --all")
    if classes < 1:
        raise BadInputError(f"classes must be at least 1, got {classes}")
    size = parse_size(image_size)
    fusion = FusionSettings(reduction=reduction, min_width=min_width, downsample=downsample, fusion=fusion_variant)
    if arch is not None:
        cost = count(arch, size, classes, fusion, small_stem)
        print(json.dumps(as_json_object(arch, size, classes, cost)) if as_json else as_text(arch, size, cost))
        return
    if not as_json:
        print(heading())
    for name in NETWORKS:
        try:
            cost = count(name, size, classes, fusion, small_stem)
        except BadInputError as error:
            notify(f"skipped: {error}")
            continue
        print(json.dumps(as_json_object(name, size, classes, cost)) if as_json else as_row(name, cost), flush=True)
