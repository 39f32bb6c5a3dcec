"""A folder of images explained in batches, by one process or by several that share the work.

An interrupted run is resumed from its output: an NPZ per image and, in `.progress`, a line of results and thumbnails.
Batches are the same whichever process computes them.
"""

import json
import socket
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from core.atomic import write_file
from core.errors import BadInputError
from explain.batch.folder_run import FolderRun
from explain.batch.results import sheets, strip, table
from explain.batch.rows import ImageRow, NetworkResult
from explain.batch.workers import ALONE, Workers
from explain.cam.analysis import Heatmap
from explain.cam.forward_pass import ForwardPass, forward_passes
from explain.cam.question import Target
from explain.figures.contact_sheet import CELL
from explain.figures.overlay import overlay, scaled
from explain.figures.style import Style
from explain.metrics.faithfulness import faithfulness
from explain.metrics.perturbation import LEVELS
from explain.output.geotiff import write_heatmaps
from explain.output.npz import heatmaps_npz
from imagery.geotiff import is_georeferenced
from imagery.reading import IMAGE_SUFFIXES, read_image

__all__ = ["Step", "explain_folder", "explain_in_steps", "images_under"]

_SHEETS = "contact-*.png"
_READERS = 2  # threads that decode the next batch during the current one


@dataclass(frozen=True)
class Step:
    """Progress of a run."""

    total: int
    """Number of images to explain, without those that an earlier run has explained."""
    rows: list[ImageRow]
    """New rows: first those of an earlier run, then those of each batch."""


def images_under(folder: Path, but: Path | None = None) -> list[str]:
    """Image files of a folder, at any depth, by their paths within it in alphabetical order.

    Hidden files are skipped, and links to folders are not followed.

    Args:
        folder: the folder to search.
        but: the folder of the results, which is skipped if it lies within.

    Raises:
        BadInputError: there is no image, or the results would lie among the images.
    """
    if but is not None and but.resolve() == folder.resolve():
        raise BadInputError(f"{but} is the image folder itself; choose another --out")
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES
        and (path.is_file() or path.is_symlink())
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and (but is None or not path.parent.resolve().is_relative_to(but.resolve()))
    )
    if not found:
        raise BadInputError(f"{folder}: no image in this folder; looked for {', '.join(sorted(IMAGE_SUFFIXES))}")
    return [path.relative_to(folder).as_posix() for path in found]


def explain_folder(work: FolderRun, workers: Workers = ALONE) -> list[ImageRow] | None:
    """Explains every image of a folder.

    Writes under `out`: `results.csv`, one row per image; `maps/NAME.npz`, float32 arrays baseline and scff, and
    `maps/NAME.tif` for a georeferenced image; contact sheets. The row of an image that cannot be read has the reason.

    Args:
        work: the run; images that have changed since an earlier run are explained again.
        workers: the processes that share the work; each needs access to the folder and to the same `out`.

    Returns:
        The rows, for the first process; None for the others.

    Raises:
        BadInputError: `out` holds results of a run with different settings.
    """
    with closing(explain_in_steps(work, workers)) as steps:
        start = next(steps)
        rows = list(start.rows)
        with tqdm(total=start.total, desc="explaining", disable=None if workers.first else True) as bar:
            for step in steps:
                rows += step.rows
                bar.update(len(step.rows))
    found = workers.gathered([(row, strip(work, row.image)) for row in rows])
    if found is None:
        return None
    by_name = {row.image: (row, picture) for row, picture in found}
    found = [by_name[name] for name in work.names]
    rows = [row for row, _ in found]
    write_file(work.out / "results.csv", table(rows))
    written = set()
    for number, sheet in enumerate(sheets(work, found), 1):
        path = work.out / f"contact-{number}.png"
        write_file(path, sheet)
        written.add(path)
    for former in set(work.out.glob(_SHEETS)) - written:
        former.unlink()
    return rows


def explain_in_steps(work: FolderRun, workers: Workers = ALONE) -> Generator[Step, None, None]:
    """Explains every image of a folder, one batch per iteration.

    An image's heatmaps and thumbnails are written before its row is yielded; a run may be stopped after any iteration
    and resumed later.

    Args:
        work, workers: as for explain_folder.

    Yields:
        Progress before the first batch and after each.

    Raises:
        BadInputError: as for explain_folder.
    """
    if refusal := workers.from_first(_claim(work) if workers.first else None):
        raise BadInputError(refusal)
    work.progress.mkdir(parents=True, exist_ok=True)  # the folder is made on each machine
    names = work.names
    states = {name: _state(work.folder / name) for name in names}
    known, failed = _logged(work, states)
    batches = [names[first : first + work.batch] for first in range(0, len(names), work.batch)]
    own = batches[workers.rank :: workers.count]
    waiting = []
    for batch in own:
        missing = [name for name in batch if name not in known]
        if missing:  # batches are computed as a whole; in a completed one, failed images are tried again
            waiting.append(missing if failed.issuperset(missing) else list(batch))
    pending = {name for batch in waiting for name in batch}
    total = len(pending)
    yield Step(total, [known[name] for batch in own for name in batch if name not in pending])
    log = work.progress / f"{socket.gethostname()}-{workers.rank}.jsonl"
    readers = ThreadPoolExecutor(_READERS)
    try:
        with log.open("a") as file:
            file.write("\n")  # ends a line that an interruption has cut short
            for batch, read in _ahead(readers, waiting, work):
                rows = _explain(work, batch, read)
                file.writelines(json.dumps({"state": states[row.image], "row": row.columns()}) + "\n" for row in rows)
                file.flush()
                yield Step(total, rows)
    finally:
        readers.shutdown(cancel_futures=True)


def _claim(work: FolderRun) -> str | None:
    """Creates the progress folder of this run, or returns the reason why it cannot."""
    out = work.out
    claim = {
        "pair": [loaded.digest for loaded in work.pair.networks.values()],
        "measure": work.level,
        "batch size": work.batch,
        "bands": None if work.bands is None else list(work.bands),
        **{name.replace("_", " "): value for name, value in (asdict(work.question) | asdict(work.style)).items()},
    }
    file = work.progress / "question.json"
    if file.is_file():
        former = _former(file)
        other = [name for name in claim if claim[name] != former.get(name)]
        if not other:
            return None
        return (
            f"{out} holds results of a run with different settings ({', '.join(other)}); choose another --out, "
            "or delete it first"
        )
    if taken := [*out.glob("results.csv"), *out.glob(_SHEETS), *out.glob("maps")]:
        return f"{taken[0]} already exists and was not written by this program; choose another --out"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_file(file, json.dumps(claim).encode())
    return None


def _former(file: Path) -> dict[str, Any]:
    """An earlier run's settings; empty where they cannot be read."""
    try:
        return dict(json.loads(file.read_text()))
    except (ValueError, TypeError):
        return {}


def _state(image: Path) -> list[int]:
    """Size and modification time; empty for a broken link."""
    try:
        status = image.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


def _logged(work: FolderRun, states: dict[str, list[int]]) -> tuple[dict[str, ImageRow], set[str]]:
    """An earlier run's rows, keyed by name, of images that have not changed since, and the names of failed images.

    Lines that were cut short are ignored.
    """
    known, failed = {}, set()
    for log in work.progress.glob("*.jsonl"):
        for line in log.read_text().splitlines():
            try:
                entry = json.loads(line)
                row = ImageRow.of_columns(entry["row"])
                if entry["state"] != states.get(row.image):
                    continue
                if row.error:
                    failed.add(row.image)
                else:
                    known[row.image] = row
            except (ValueError, KeyError, TypeError):
                continue
    return known, failed


def _ahead(
    pool: ThreadPoolExecutor, batches: Sequence[Sequence[str]], work: FolderRun
) -> Iterator[tuple[Sequence[str], list]]:
    """Batches with their images; the next batch is read while the current one is explained."""
    reading = []
    for i, names in enumerate(batches):
        for following in batches[i if i == 0 else i + 1 : i + 2]:
            reading.append([pool.submit(_read, work, name) for name in following])
        yield names, [future.result() for future in reading.pop(0)]


@dataclass(frozen=True)
class _ReadImage:
    """A decoded image."""

    pixels: Tensor
    """Network input, [1, 3, H, W]."""
    thumbnail: np.ndarray
    """Thumbnail, RGB uint8 [h, w, 3]."""


def _read(work: FolderRun, name: str) -> _ReadImage | BadInputError:
    """The decoded image, or the reason why it cannot be read."""
    try:
        image = read_image(work.folder / name, name, work.bands)
    except BadInputError as error:
        return error
    small = Image.fromarray(image)
    small.thumbnail((CELL, CELL), Image.Resampling.BOX)
    return _ReadImage(work.pair.preprocessing(image), np.asarray(small))


def _explain(work: FolderRun, names: Sequence[str], read: Sequence[_ReadImage | BadInputError]) -> list[ImageRow]:
    """Explains one batch, writes heatmaps and thumbnails, and returns the rows."""
    images = dict(zip(names, read, strict=True))
    readable = {name: found for name, found in images.items() if not isinstance(found, BadInputError)}
    rows = {row.image: row for row in _explain_readable(work, readable)}
    return [rows.get(name) or ImageRow(name, str(images[name])) for name in names]


def _explain_readable(work: FolderRun, images: Mapping[str, _ReadImage]) -> list[ImageRow]:
    """Rows of the images of a batch that could be read."""
    if not images:
        return []
    try:
        return _explain_together(work, images)
    except BadInputError as error:  # the image whose output is not finite
        if len(images) == 1:
            return [ImageRow(name, f"{name}: {error}") for name in images]
        return [row for name, image in images.items() for row in _explain_readable(work, {name: image})]


def _explain_together(work: FolderRun, images: Mapping[str, _ReadImage]) -> list[ImageRow]:
    """Runs both networks on images as one batch, and writes heatmaps and thumbnails of each.

    Raises:
        BadInputError: a network's output is not finite.
    """
    pixels = torch.cat([image.pixels for image in images.values()]).to(work.pair.device)  # [B, 3, H, W]
    heatmaps: dict[str, dict[str, Heatmap]] = {name: {} for name in images}
    results: dict[str, dict[str, NetworkResult]] = {name: {} for name in images}
    for role, loaded in work.pair.networks.items():
        remaining = iter(images)
        for run in forward_passes(loaded.network, pixels):
            explained = zip(islice(remaining, len(run.images)), *_explain_run(work, run), strict=True)
            for name, heatmap, result in explained:
                heatmaps[name][role], results[name][role] = heatmap, result
            del run  # otherwise its feature maps stay in memory while the next part's are computed
    return [_write(work, name, image.thumbnail, heatmaps[name], results[name]) for name, image in images.items()]


def _explain_run(work: FolderRun, run: ForwardPass) -> tuple[list[Heatmap], list[NetworkResult]]:
    """One network's heatmaps and results, one per image."""
    question, classes = work.question, work.pair.classes
    probabilities, predictions = run.probabilities, run.predictions
    targets = [Target(own if question.target is None else question.target, question.against) for own in predictions]
    values = run.heatmaps(targets, question.layer, question.method, question.smoothing).cpu().numpy()
    heatmaps = [Heatmap(each, target.index, target.against) for each, target in zip(values, targets, strict=True)]
    metrics: list[dict[str, float | bool | None]] = [{} for _ in targets]
    if work.level != LEVELS[0]:
        indices = [target.index for target in targets]
        found = faithfulness(run.network, run.images, values, indices, work.level)
        metrics = [each.columns(work.level) for each in found]
    results = [
        NetworkResult(
            prediction=classes[predictions[i]],
            confidence=float(probabilities[i, predictions[i]]),
            target=classes[heatmap.target],
            against="" if heatmap.against is None else classes[heatmap.against],
            target_confidence=float(probabilities[i, heatmap.target]),
            empty=heatmap.empty,
            metrics=metrics[i],
        )
        for i, heatmap in enumerate(heatmaps)
    ]
    return heatmaps, results


def _write(
    work: FolderRun,
    name: str,
    thumbnail: np.ndarray,
    heatmaps: dict[str, Heatmap],
    results: Mapping[str, NetworkResult],
) -> ImageRow:
    """Writes an image's heatmaps and thumbnails, and returns its row."""
    strip = BytesIO()
    _overlays(thumbnail, heatmaps, work.style).save(strip, "JPEG", quality=90)
    for path, data in ((work.maps(name), heatmaps_npz(heatmaps)), (work.strip(name), strip.getvalue())):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, data)
    if not is_georeferenced(work.folder / name):
        return ImageRow(name, networks=results)
    path = work.geotiff(name)
    write_heatmaps(path, work.folder / name, work.pair, work.question, heatmaps)
    return ImageRow(name, networks=results, geotiff=path.relative_to(work.out).as_posix())


def _overlays(image: np.ndarray, heatmaps: dict[str, Heatmap], style: Style) -> Image.Image:
    """Thumbnails of the image and both overlays, side by side."""
    panels = [image, *(overlay(image, share, style) for share in scaled(heatmaps, style).values())]
    return Image.fromarray(np.concatenate(panels, axis=1))
