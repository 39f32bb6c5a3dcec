"""Command line: explain images, or a folder of them, with a model pair."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from core.command_line import expand_lists, run
from explain.cam.layers import FUSED
from explain.cam.methods import DEFAULT_METHOD, METHODS
from explain.cam.question import Smoothing
from explain.figures.style import COLOUR_MAPS, SCALES, Style
from explain.metrics.perturbation import LEVELS
from explain.region_option import RegionOption
from explain.settings import Figure9Settings, QuestionSettings, RunSettings
from imagery.band_selection import parse_bands

_PairDir = Annotated[Path, typer.Option("--pair", metavar="PAIR_DIR", help="Folder of a model pair.")]
_Target = Annotated[
    str | None, typer.Option(metavar="CLASS", help="Target class. Default: each network's own prediction.")
]
_Layer = Annotated[
    str,
    typer.Option(help="fused (last feature map), Y2, Y3, ... (fused feature maps), or X1, X2, ... (backbone stages)."),
]
_Method = Annotated[str, typer.Option(help=f"One of: {', '.join(METHODS)}.")]
_Bands = Annotated[
    str | None,
    typer.Option(metavar="R,G,B", help="Bands to read, counted from 1: three, or one. Default: the first three."),
]
_ColourMap = Annotated[str, typer.Option(help=f"One of: {', '.join(COLOUR_MAPS)}.")]
_Scale = Annotated[
    str, typer.Option(help="Normalisation. own: by each heatmap's maximum; shared: by the larger maximum of both.")
]
_Device = Annotated[str, typer.Option(help="Device: auto, cpu, cuda or mps.")]


def main(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE|DIR", help="Image files, or one folder of images.")],
    pair_dir: _PairDir,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results.")],
    target: _Target = None,
    against: Annotated[
        str | None, typer.Option(metavar="CLASS", help="Contrast class: explain the target's logit minus this one's.")
    ] = None,
    layer: _Layer = FUSED,
    method: _Method = DEFAULT_METHOD,
    smooth: Annotated[int, typer.Option(metavar="N", help="SmoothGrad: average over N noisy samples. 0: off.")] = 0,
    noise: Annotated[
        float, typer.Option(help="SmoothGrad: standard deviation of the noise, as a fraction of the image's range.")
    ] = 0.1,
    scale: _Scale = SCALES[0],
    colour_map: _ColourMap = COLOUR_MAPS[0],
    measure: Annotated[
        str | None,
        typer.Option(help=f"Faithfulness metrics: {', '.join(LEVELS)}. Default: none; for a folder, quick."),
    ] = None,
    bands: _Bands = None,
    box: Annotated[
        str | None, typer.Option(metavar="L,T,R,B", help="Compare the heatmaps with this box, in image pixels.")
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Compare the heatmaps with the non-zero pixels of this mask, which has the size of the image.",
        ),
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Batch size for a folder.")] = 16,
    compiled: Annotated[bool, typer.Option("--compile", help="Compile the networks (needs a C++ compiler).")] = False,
    device: _Device = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object per image on standard output.")
    ] = False,
) -> None:
    """Writes a side-by-side figure (PNG), the raw heatmaps (NPZ) and a summary (JSON) of each image.

    For a folder: a table (CSV), the heatmaps (NPZ) and contact sheets (PNG). Under torchrun, processes share the work.

    For georeferenced images, the heatmaps are also written as GeoTIFF.

    To draw many images and pairs in one figure, see `python -m explain figure9 --help`.
    """
    settings = RunSettings(
        images=tuple(images),
        pair=pair_dir,
        out=out,
        question=QuestionSettings(
            target=target,
            against=against,
            layer=layer,
            method=method,
            smoothing=Smoothing(smooth, noise) if smooth else None,
        ),
        style=Style(colour_map, scale),
        faithfulness=measure,
        region=RegionOption(box, mask),
        bands=parse_bands(bands),
        batch_size=batch_size,
        compiled=compiled,
        device=device,
    )
    from explain.run import explain  # imports torch, which --help does not need

    sys.exit(explain(settings, as_json))


def figure9(
    pairs: Annotated[list[Path], typer.Option(metavar="PAIR_DIR...", help="Model pairs, one column each.")],
    images: Annotated[list[Path], typer.Option(metavar="IMAGE...", help="Images, one row each.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="File to write: PDF, SVG or PNG.")],
    target: _Target = None,
    layer: _Layer = FUSED,
    method: _Method = DEFAULT_METHOD,
    scale: _Scale = SCALES[0],
    colour_map: _ColourMap = COLOUR_MAPS[0],
    bands: _Bands = None,
    device: _Device = "auto",
) -> None:
    """Draws the paper's Figure 9: a row per image, a column per pair, heatmaps without and with SCFF side by side."""
    settings = Figure9Settings(
        pairs=tuple(pairs),
        images=tuple(images),
        out=out,
        question=QuestionSettings(target, layer=layer, method=method),
        style=Style(colour_map, scale),
        bands=parse_bands(bands),
        device=device,
    )
    from explain.run import draw_figure9

    draw_figure9(settings)


if __name__ == "__main__":
    if sys.argv[1:2] == ["figure9"]:
        sys.argv = [sys.argv[0], *expand_lists(sys.argv[2:], ("--pairs", "--images"))]
        run(figure9, "python -m explain figure9")
    run(main)
