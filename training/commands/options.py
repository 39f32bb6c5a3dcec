"""Options shared by several sub-commands."""

from pathlib import Path
from typing import Annotated

import typer

from models.variants import DOWNSAMPLE_NAMES, FUSION_NAMES

__all__ = [
    "JSON",
    "DataFolder",
    "Device",
    "DownSampleName",
    "FusionName",
    "ImageSize",
    "MinWidth",
    "Reduction",
    "SmallStem",
]

DataFolder = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="Folder with one sub-folder per class, at any depth.")
]
Device = Annotated[str, typer.Option(help="Device: auto, cpu or cuda.")]
JSON = Annotated[bool, typer.Option("--json", help="Print one JSON object per line on standard output.")]
ImageSize = Annotated[str, typer.Option(metavar="S|WxH", help="The network's input in pixels.")]
SmallStem = Annotated[
    bool, typer.Option("--small-stem", help="ResNet stem for small images: 3x3 with stride 1, no max pooling.")
]
FusionName = Annotated[str, typer.Option(help=f"SCFF's fusion F: {', '.join(FUSION_NAMES)}.")]
DownSampleName = Annotated[str, typer.Option(help=f"SCFF's downsampling D: {', '.join(DOWNSAMPLE_NAMES)}.")]
Reduction = Annotated[
    int, typer.Option(help="Reduction ratio of the attention: channels divided by the width of its hidden layer.")
]
MinWidth = Annotated[int, typer.Option(help="Minimum width of the attention's hidden layer.")]
