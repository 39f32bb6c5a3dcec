"""Command line: explain images, or a folder of them, with a checkpoint pair."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch
import typer

from core.atomic import write_file
from core.command_line import expand_lists, parse_bands, run
from core.device import choose_device
from core.errors import BadInputError
from explain.batch.folder import explain_folder, images_under
from explain.batch.folder_run import FolderRun
from explain.batch.workers import Workers
from explain.cam.analysis import PairAnalysis, analyse
from explain.cam.forward_pass import inference_batch_size
from explain.cam.layers import FUSED, find_layer, layer_names
from explain.cam.methods import DEFAULT_METHOD, METHODS
from explain.cam.question import Question, Smoothing
from explain.figures.contact_sheet import PER_SHEET
from explain.figures.overlay import COLOUR_MAPS, SCALES, Style
from explain.metrics.perturbation import LEVELS
from explain.output.single_image import RegionOption, explain_image, result_stems
from imagery.reading import read_image
from pairs.checkpoint import ROLES
from pairs.inference import inference_ready
from pairs.pair import Pair, load_pair

_PairDir = Annotated[Path, typer.Option("--pair", metavar="PAIR_DIR", help="Folder of a checkpoint pair.")]
_ColourMap = Annotated[str, typer.Option(help=f"One of: {', '.join(COLOUR_MAPS)}.")]
_Scale = Annotated[str, typer.Option(help="own: each map to its maximum; shared: both to the larger one.")]
_Device = Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")]
_Target = Annotated[
    str | None, typer.Option(metavar="CLASS", help="Class to explain in both; default: each one's prediction.")
]
_Layer = Annotated[
    str, typer.Option(help="fused (the classifier's input), Y2, Y3, ... (fused maps), X1, X2, ... (stages).")
]
_Bands = Annotated[
    str | None,
    typer.Option(metavar="R,G,B", help="Bands to read, counted from 1: three, or one. Default: the first three."),
]
_Method = Annotated[str, typer.Option(help=f"One of: {', '.join(METHODS)}.")]


def main(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...|DIR", help="Image files, or one folder of them.")],
    pair_dir: _PairDir,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the results are written.")],
    target: _Target = None,
    against: Annotated[
        str | None, typer.Option(metavar="CLASS", help="Explain the target's lead over this class.")
    ] = None,
    layer: _Layer = FUSED,
    method: _Method = DEFAULT_METHOD,
    smooth: Annotated[int, typer.Option(metavar="N", help="Average maps over N noisy copies of the image.")] = 0,
    noise: Annotated[float, typer.Option(help="Of these copies, as a share of the image's range.")] = 0.1,
    scale: _Scale = SCALES[0],
    colour_map: _ColourMap = COLOUR_MAPS[0],
    measure: Annotated[
        str | None,
        typer.Option(help=f"The maps' faithfulness: {', '.join(LEVELS)}. Default: none; of a folder quick."),
    ] = None,
    bands: _Bands = None,
    box: Annotated[
        str | None, typer.Option(metavar="L,T,R,B", help="Hold the maps against this box, in pixels of the image.")
    ] = None,
    mask: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The same of a mask: an image of that size, marked where not 0.")
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Images of a folder at once.")] = 16,
    compiled: Annotated[bool, typer.Option("--compile", help="Compile the networks first (needs a compiler).")] = False,
    device: _Device = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an image on standard output.")] = False,
) -> None:
    """Writes, for each image, a side-by-side figure (PNG), the raw heatmaps (NPZ) and what is said of it (JSON).

    Of a folder: a table (CSV), the heatmaps (NPZ) and contact sheets (PNG). Under torchrun, processes share it.

    Of georeferenced images, the heatmaps are written as GeoTIFF as well.

    `python -m explain figure9 --help` draws many images and pairs in one figure.
    """
    is_folder = len(images) == 1 and images[0].is_dir()
    measure = measure or ("quick" if is_folder else "none")
    if measure not in LEVELS:
        raise BadInputError(f"unknown measure {measure!r}; known: {', '.join(LEVELS)}")
    if batch_size < 1:
        raise BadInputError(f"batch size must be at least 1, got {batch_size}")
    chosen = parse_bands(bands)
    marked = RegionOption(box, mask)
    if marked and (is_folder or len(images) > 1):
        raise BadInputError("--box and --mask mark a region of one image")
    style = Style(colour_map, scale)
    if method not in METHODS:
        raise BadInputError(f"unknown method {method!r}; known: {', '.join(METHODS)}")
    smoothing = Smoothing(smooth, noise) if smooth else None
    if against is not None and target is None:
        raise BadInputError("--against contrasts the target with a class; add --target")
    where = choose_device(device)
    if out.exists() and not out.is_dir():
        raise BadInputError(f"{out} is a file; name a folder for the results")
    workers = Workers.joined()
    if workers.count > 1 and not is_folder:
        raise BadInputError("several processes share a folder; name one, or start without torchrun")
    if where.type == "cuda" and workers.count > 1:
        where = torch.device("cuda", workers.local_rank % torch.cuda.device_count())
    pair = load_pair(pair_dir, where)
    find_layer(pair.scff.network, layer)
    question = Question(
        target=None if target is None else pair.class_index(target),
        against=None if against is None else pair.class_index(against),
        layer=layer,
        method=method,
        smoothing=smoothing,
    )
    at_once = min(batch_size, inference_batch_size(where)) if is_folder else 1
    pair = inference_ready(pair, compiled, at_once)
    if is_folder:
        names = images_under(images[0], but=out)
        work = FolderRun(images[0], names, out, pair, question, measure, style, batch_size, chosen)
        failed = _explain_folder(work, workers, as_json)
    else:
        failed = _explain_images(images, out, pair, question, measure, style, marked, chosen, as_json)
    workers.leave()
    if failed and workers.count == 1:  # of torchrun's processes, one that ends otherwise than well looks crashed
        sys.exit(2)


def _explain_folder(work: FolderRun, workers: Workers, as_json: bool) -> int:
    """How many images could not be explained."""
    try:
        rows = explain_folder(work, workers)
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
    if rows is None:
        return 0
    for number, row in enumerate(rows):
        if as_json and not row["error"]:
            sheet = work.out / f"contact-{1 + number // PER_SHEET}.png"
            print(json.dumps(_row_as_json(row, work) | {"figure": str(sheet)}))
    failed = [row for row in rows if row["error"]]
    for row in failed:
        print(f"error: {row['error']}", file=sys.stderr)
    if not as_json:
        print(f"{len(rows) - len(failed)} of {len(rows)} images explained -> {work.out / 'results.csv'}")
    return len(failed)


def _row_as_json(row: dict, work: FolderRun) -> dict:
    """A row of the table, by network, with the keys that name what was asked and where the maps are."""
    said = {
        role: {name.removeprefix(f"{role}_"): value for name, value in row.items() if name.startswith(f"{role}_")}
        for role in ROLES
    }
    return {
        "image": str(work.folder / row["image"]),
        "bands": None if work.bands is None else list(work.bands),
        "pair": work.pair.name,
        "layer": work.question.layer,
        "method": work.question.method,
        **said,
        "maps": str(work.maps(row["image"])),
        "geotiff": str(work.geotiff(row["image"])) if "geotiff" in row else None,
    }


def _explain_images(
    images: list[Path],
    out: Path,
    pair: Pair,
    question: Question,
    measure: str,
    style: Style,
    marked: RegionOption,
    bands: Sequence[int] | None,
    as_json: bool,
) -> int:
    """How many images could not be explained."""
    stems = result_stems(images, out, pair, question, bands)
    out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for image, stem in zip(images, stems, strict=True):
        try:
            result = explain_image(image, pair, question, out / stem, measure, style, marked, bands)
        except BadInputError as error:  # the other images are still explained
            print(f"error: {error}", file=sys.stderr)
            failed += 1
            continue
        if as_json:
            print(json.dumps(result))
        else:
            said = ", ".join(f"{role}: {result[role]['prediction']}" for role in ROLES)
            print(f"{image}: {said} -> {result['figure']}")
    return failed


def figure9(
    pairs: Annotated[list[Path], typer.Option(metavar="PAIR_DIR...", help="Checkpoint pairs, a column each.")],
    images: Annotated[list[Path], typer.Option(metavar="IMAGE...", help="Images, a row each.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="PDF, SVG or PNG.")],
    target: _Target = None,
    layer: _Layer = FUSED,
    method: _Method = DEFAULT_METHOD,
    scale: _Scale = SCALES[0],
    colour_map: _ColourMap = COLOUR_MAPS[0],
    bands: _Bands = None,
    device: _Device = "auto",
) -> None:
    """Draws the paper's Figure 9: images by rows, pairs by columns, the heatmap without SCFF beside that with it."""
    from explain.figures.figure9 import FORMATS, grid

    style = Style(colour_map, scale)
    if out.suffix.lower() not in FORMATS:
        raise BadInputError(f"{out}: name a file that ends in {', '.join(FORMATS)}")
    if not out.parent.is_dir():
        raise BadInputError(f"{out.parent}: no such folder to write into")
    if out.resolve() in {image.resolve() for image in images}:
        raise BadInputError(f"{out} is one of the images and would be overwritten; choose another --out")
    if method not in METHODS:
        raise BadInputError(f"unknown method {method!r}; known: {', '.join(METHODS)}")
    chosen = parse_bands(bands)
    where = choose_device(device)
    pictures = {name: read_image(image, bands=chosen) for name, image in _by_name(images).items()}
    loaded = {name: load_pair(path, where) for name, path in _by_name(pairs).items()}
    _check_layer(layer, list(loaded.values()))
    questions = {
        name: Question(None if target is None else pair.class_index(target), layer=layer, method=method)
        for name, pair in loaded.items()
    }
    columns: dict[str, list[PairAnalysis]] = {}
    for name, pair in loaded.items():
        fast = inference_ready(pair)
        columns[name] = [analyse(fast, picture) for picture in pictures.values()]
    write_file(out, grid(list(pictures), columns, questions, style, out.suffix.lower()))
    print(f"written to {out}: {len(pictures)} image(s) by {len(columns)} pair(s)")


def _by_name(paths: list[Path]) -> dict[str, Path]:
    """Paths by their last part, or by the whole where another one ends like it."""
    names = [path.resolve().name for path in paths]
    return {name if names.count(name) == 1 else str(path): path for name, path in zip(names, paths, strict=True)}


def _check_layer(layer: str, pairs: list[Pair]) -> None:
    """Refuses a layer that some of the pairs lack.

    Raises:
        BadInputError: says which have it.
    """
    having = [pair.name for pair in pairs if layer in layer_names(pair.scff.network)]
    if len(having) < len(pairs):
        lacking = next(pair for pair in pairs if pair.name not in having)
        known = ", ".join(layer_names(lacking.scff.network))
        others = f"; {', '.join(having)} has it" if having else ""
        raise BadInputError(f"{lacking.name} has no layer {layer!r} but {known}{others}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["figure9"]:
        sys.argv = [sys.argv[0], *expand_lists(sys.argv[2:], ("--pairs", "--images"))]
        run(figure9, "python -m explain figure9")
    run(main)
