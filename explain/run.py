"""Runs of `python -m explain`: on images, on a folder, and for a figure of many images and pairs."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from core.atomic import write_file
from core.device import choose_device
from core.errors import BadInputError
from explain.batch.folder import explain_folder, images_under
from explain.batch.folder_run import FolderRun
from explain.batch.rows import ImageRow
from explain.batch.workers import Workers, started_processes
from explain.cam.analysis import analyse
from explain.cam.forward_pass import inference_batch_size
from explain.cam.layers import find_layer, layer_names
from explain.explanation import Explanation
from explain.figures.contact_sheet import PER_SHEET
from explain.figures.figure9 import grid
from explain.output.single_image import ImageRun, explain_image, result_stems
from explain.settings import Figure9Settings, RunSettings
from imagery.reading import read_image
from pairs.inference import inference_ready
from pairs.pair import Pair, load_pair

__all__ = ["draw_figure9", "explain"]


def explain(settings: RunSettings, as_json: bool) -> int:
    """Explains images or a folder of them, shared with the other processes that torchrun has started.

    Args:
        settings: settings of the run.
        as_json: whether one JSON object per image is printed on standard output, instead of text.

    Returns:
        Exit status: 0, or 2 if an image could not be explained.

    Raises:
        BadInputError: the settings do not fit the pair, the device or the folder.
    """
    device = choose_device(settings.device)
    if started_processes() > 1 and not settings.is_folder:
        raise BadInputError("several processes can only share a folder; give one, or start without torchrun")
    workers = Workers.joined()
    if device.type == "cuda" and workers.count > 1:
        device = torch.device("cuda", workers.local_rank % torch.cuda.device_count())
    pair = load_pair(settings.pair, device)
    find_layer(pair.scff.network, settings.question.layer)
    question = settings.question.question(pair)
    batch = min(settings.batch_size, inference_batch_size(device)) if settings.is_folder else 1
    pair = inference_ready(pair, settings.compiled, batch)
    if settings.is_folder:
        folder = settings.images[0]
        work = FolderRun(
            folder=folder,
            names=images_under(folder, but=settings.out),
            out=settings.out,
            pair=pair,
            question=question,
            level=settings.level,
            style=settings.style,
            batch=settings.batch_size,
            bands=settings.bands,
        )
        failed = _explain_folder(work, workers, as_json)
    else:
        run = ImageRun(
            pair=pair,
            question=question,
            level=settings.level,
            style=settings.style,
            region=settings.region,
            bands=settings.bands,
        )
        failed = _explain_images(settings.images, settings.out, run, as_json)
    workers.leave()
    return 2 if failed and workers.count == 1 else 0  # torchrun treats any other status as a crash


def _explain_folder(work: FolderRun, workers: Workers, as_json: bool) -> int:
    """Number of images that could not be explained."""
    try:
        rows = explain_folder(work, workers)
    except KeyboardInterrupt:
        print("interrupted; run the same command again to resume", file=sys.stderr)
        sys.exit(130)
    if rows is None:
        return 0
    for number, row in enumerate(rows):
        if as_json and not row.error:
            sheet = work.out / f"contact-{1 + number // PER_SHEET}.png"
            print(json.dumps(_row_json(row, work) | {"figure": str(sheet)}))
    failed = [row for row in rows if row.error]
    for row in failed:
        print(f"error: {row.error}", file=sys.stderr)
    if not as_json:
        print(f"{len(rows) - len(failed)} of {len(rows)} images explained -> {work.out / 'results.csv'}")
    return len(failed)


def _row_json(row: ImageRow, work: FolderRun) -> dict[str, Any]:
    """The JSON object of an image, from its row."""
    return {
        "image": str(work.folder / row.image),
        "bands": None if work.bands is None else list(work.bands),
        "pair": work.pair.name,
        "layer": work.question.layer,
        "method": work.question.method,
        **{role: result.columns() for role, result in row.networks.items()},
        "maps": str(work.maps(row.image)),
        "geotiff": None if row.geotiff is None else str(work.geotiff(row.image)),
    }


def _explain_images(images: Sequence[Path], out: Path, run: ImageRun, as_json: bool) -> int:
    """Number of images that could not be explained."""
    stems = result_stems(images, out, run)
    out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for image, stem in zip(images, stems, strict=True):
        try:
            result = explain_image(image, out / stem, run)
        except BadInputError as error:  # the other images are still explained
            print(f"error: {error}", file=sys.stderr)
            failed += 1
            continue
        if as_json:
            print(json.dumps(result))
        else:
            predictions = ", ".join(f"{role}: {result[role]['prediction']}" for role in run.pair.networks)
            print(f"{image}: {predictions} -> {result['figure']}")
    return failed


def draw_figure9(settings: Figure9Settings) -> None:
    """Draws one figure with one row per image and one column per pair.

    Raises:
        BadInputError: an image cannot be read, a pair cannot be used, or a pair lacks the layer or the class.
    """
    device = choose_device(settings.device)
    pictures = {name: read_image(image, bands=settings.bands) for name, image in _by_name(settings.images).items()}
    pairs = {name: load_pair(path, device) for name, path in _by_name(settings.pairs).items()}
    _check_layer(settings.question.layer, list(pairs.values()))
    questions = {name: settings.question.question(pair) for name, pair in pairs.items()}
    columns: dict[str, list[Explanation]] = {}
    for name, pair in pairs.items():
        ready = inference_ready(pair)
        columns[name] = [Explanation.of(analyse(ready, picture), questions[name]) for picture in pictures.values()]
    write_file(settings.out, grid(list(pictures), columns, settings.style, settings.out.suffix.lower()))
    print(f"written to {settings.out}: {len(pictures)} image(s) by {len(columns)} pair(s)")


def _by_name(paths: Sequence[Path]) -> dict[str, Path]:
    """Paths keyed by file name, or by the whole path if several have the same name."""
    names = [path.resolve().name for path in paths]
    return {name if names.count(name) == 1 else str(path): path for name, path in zip(names, paths, strict=True)}


def _check_layer(layer: str, pairs: Sequence[Pair]) -> None:
    """Checks that all pairs have a layer.

    Raises:
        BadInputError: a pair lacks it; the message names those that have it.
    """
    having = [pair.name for pair in pairs if layer in layer_names(pair.scff.network)]
    if len(having) < len(pairs):
        lacking = next(pair for pair in pairs if pair.name not in having)
        known = ", ".join(layer_names(lacking.scff.network))
        others = f"; available in {', '.join(having)}" if having else ""
        raise BadInputError(f"{lacking.name} has no layer {layer!r}; its layers are {known}{others}")
