"""A folder of images explained in batches, by one process or by several that share the work.

What is done is kept as it comes, so that an interrupted run goes on: an NPZ for each image and, in `.progress`, a line
of results and a small picture. Batches are the same whoever computes them.
"""

import json
import socket
from collections.abc import Iterator, Sequence
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
from explain.batch.workers import ALONE, Workers
from explain.cam.analysis import Heatmap
from explain.cam.forward_pass import ForwardPass, forward_passes
from explain.cam.question import Target
from explain.figures.contact_sheet import CELL
from explain.figures.overlay import Style, overlay, scaled
from explain.metrics.faithfulness import faithfulness
from explain.output.geotiff import geotiff_tags
from imagery.geotiff import is_georeferenced, write_geotiff
from imagery.reading import IMAGE_SUFFIXES, read_image
from pairs.checkpoint import ROLES

__all__ = ["Step", "explain_folder", "explain_in_steps", "images_under"]

_SHEETS = "contact-*.png"
_READERS = 2  # threads that decode the next batch meanwhile


@dataclass(frozen=True)
class Step:
    """What was done at once."""

    total: int
    """Images that this run has to do; those that an earlier one has done are not among them."""
    rows: list[dict[str, Any]]
    """At first those of an earlier run, then those of each batch."""


def images_under(folder: Path, but: Path | None = None) -> list[str]:
    """Image files of a folder, at any depth, by their paths within it in alphabetical order.

    Hidden ones are passed over, and links to folders are not followed.

    Args:
        folder: to look in.
        but: the folder of the results, which is passed over where it lies within.

    Raises:
        BadInputError: there is none, or the results would lie among them.
    """
    if but is not None and but.resolve() == folder.resolve():
        raise BadInputError(f"{but} is the folder of the images itself; choose another --out")
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


def explain_folder(work: FolderRun, workers: Workers = ALONE) -> list[dict[str, Any]] | None:
    """Explains every image of a folder.

    Writes under `out`: `results.csv`, a row an image; `maps/NAME.npz`, float32 arrays baseline and scff, and of a
    georeferenced image `maps/NAME.tif`; contact sheets. An image that cannot be read is a row that says why.

    Args:
        work: to do; images that have changed since an earlier run are done anew.
        workers: that share the work; each needs the folder, and all should have one `out`.

    Returns:
        The rows, for the first process; None for the others.

    Raises:
        BadInputError: `out` holds another run.
    """
    with closing(explain_in_steps(work, workers)) as steps:
        start = next(steps)
        rows = list(start.rows)
        with tqdm(total=start.total, desc="explaining", disable=None if workers.first else True) as bar:
            for step in steps:
                rows += step.rows
                bar.update(len(step.rows))
    found = workers.gathered([(row, strip(work, row["image"])) for row in rows])
    if found is None:
        return None
    by_name = {row["image"]: (row, picture) for row, picture in found}
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


def explain_in_steps(work: FolderRun, workers: Workers = ALONE) -> Iterator[Step]:
    """Explains every image of a folder, batch by batch, as far as the steps are taken.

    The maps and the small picture of an image are written before its row comes; all may end after any step, and go on
    later.

    Args:
        work, workers: as explain_folder's.

    Yields:
        Before the first batch, and after each, what this process has done.

    Raises:
        BadInputError: as explain_folder.
    """
    if refusal := workers.from_first(_claim(work) if workers.first else None):
        raise BadInputError(refusal)
    work.progress.mkdir(parents=True, exist_ok=True)  # on each machine
    names = work.names
    states = {name: _state(work.folder / name) for name in names}
    known, failed = _known(work, states)
    batches = [names[first : first + work.batch] for first in range(0, len(names), work.batch)]
    mine = batches[workers.rank :: workers.count]
    waiting = []
    for batch in mine:
        missing = [name for name in batch if name not in known]
        if missing:  # a batch is whole, whoever computes it; of one that was done, what failed is tried again
            waiting.append(missing if failed.issuperset(missing) else list(batch))
    coming = {name for batch in waiting for name in batch}
    total = len(coming)
    yield Step(total, [known[name] for batch in mine for name in batch if name not in coming])
    log = work.progress / f"{socket.gethostname()}-{workers.rank}.jsonl"
    readers = ThreadPoolExecutor(_READERS)
    try:
        with log.open("a") as file:
            file.write("\n")  # ends a line that an interruption has torn
            for batch, read in _ahead(readers, waiting, work):
                rows = _explain(work, batch, read)
                file.writelines(json.dumps({"state": states[row["image"]], "row": row}) + "\n" for row in rows)
                file.flush()
                yield Step(total, rows)
    finally:
        readers.shutdown(cancel_futures=True)


def _claim(work: FolderRun) -> str | None:
    """Makes the folder of progress for this work, or says why it cannot."""
    out = work.out
    claim = {
        "pair": [work.pair.networks[role].digest for role in ROLES],
        "measure": work.measured,
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
        return f"{out} holds results of another {', '.join(other)}; choose another --out, or delete it first"
    if taken := [*out.glob("results.csv"), *out.glob(_SHEETS), *out.glob("maps")]:
        return f"{taken[0]} is there already, and not of a run of this program; choose another --out"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_file(file, json.dumps(claim).encode())
    return None


def _former(file: Path) -> dict[str, Any]:
    """An earlier run's claim; empty where it cannot be read."""
    try:
        return dict(json.loads(file.read_text()))
    except (ValueError, TypeError):
        return {}


def _state(image: Path) -> list[int]:
    """What changes when an image does; of a link that leads nowhere, nothing."""
    try:
        status = image.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


def _known(work: FolderRun, states: dict[str, list[int]]) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """Rows of images that are as they were when they were explained, by name, and which others have failed as they are.

    Torn lines do not count.
    """
    known, failed = {}, set()
    for log in work.progress.glob("*.jsonl"):
        for line in log.read_text().splitlines():
            try:
                entry = json.loads(line)
                row = entry["row"]
                if entry["state"] != states.get(row["image"]):
                    continue
                if row["error"]:
                    failed.add(row["image"])
                else:
                    known[row["image"]] = row
            except (ValueError, KeyError, TypeError):
                continue
    return known, failed


def _ahead(
    pool: ThreadPoolExecutor, batches: Sequence[Sequence[str]], work: FolderRun
) -> Iterator[tuple[Sequence[str], list]]:
    """Batches with their images read, the next one being read while the last is worked on."""
    coming = []
    for i, names in enumerate(batches):
        for following in batches[i if i == 0 else i + 1 : i + 2]:
            coming.append([pool.submit(_read, work, name) for name in following])
        yield names, [future.result() for future in coming.pop(0)]


def _read(work: FolderRun, name: str) -> tuple[Tensor, np.ndarray] | BadInputError:
    """What the networks take, and a small picture; or why there is none."""
    try:
        image = read_image(work.folder / name, name, work.bands)
    except BadInputError as error:
        return error
    small = Image.fromarray(image)
    small.thumbnail((CELL, CELL), Image.Resampling.BOX)
    return work.pair.preprocessing(image), np.asarray(small)


def _explain(work: FolderRun, names: Sequence[str], read: Sequence) -> list[dict[str, Any]]:
    """Rows of one batch; maps and small pictures are written."""
    rows = [
        {"image": name, "error": str(found) if isinstance(found, BadInputError) else ""}
        for name, found in zip(names, read, strict=True)
    ]
    good = [i for i, row in enumerate(rows) if not row["error"]]
    if not good:
        return rows
    try:
        _explain_good(work, rows, good, read)
    except BadInputError as error:  # of one of them, whose output is not finite
        if len(good) == 1:
            rows[good[0]] = {"image": names[good[0]], "error": f"{names[good[0]]}: {error}"}
            return rows
        for i in good:
            rows[i] = _explain(work, [names[i]], [read[i]])[0]
    return rows


def _explain_good(work: FolderRun, rows: list[dict[str, Any]], good: Sequence[int], read: Sequence) -> None:
    """Fills the rows of the images that could be read."""
    pair, question = work.pair, work.question
    names = [row["image"] for row in rows]
    images = torch.cat([read[i][0] for i in good]).to(pair.device)
    maps: list[dict[str, Heatmap]] = [{} for _ in good]
    for role in ROLES:
        rest = iter(enumerate(good))
        for run in forward_passes(pair.networks[role].network, images):
            targets = [
                Target(own if question.target is None else question.target, question.against) for own in run.predictions
            ]
            heatmaps = run.heatmaps(targets, question.layer, question.method, question.smoothing).cpu().numpy()
            columns = _columns(pair.classes, run, heatmaps, targets, work.measured)
            for (k, i), values, target, column in zip(
                islice(rest, len(targets)), heatmaps, targets, columns, strict=True
            ):
                maps[k][role] = Heatmap(values, target.index, target.against)
                rows[i] |= {f"{role}_{name}": value for name, value in column.items()}
            del run  # else its maps are there while the next part's are made
    for k, i in enumerate(good):
        arrays, cell = BytesIO(), BytesIO()
        np.savez(arrays, **{role: heatmap.values for role, heatmap in maps[k].items()})
        _drawn(read[i][1], maps[k], work.style).save(cell, "JPEG", quality=90)
        for path, data in ((work.maps(names[i]), arrays), (work.strip(names[i]), cell)):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, data.getvalue())
        source, path = work.folder / names[i], work.geotiff(names[i])
        if is_georeferenced(source):
            tags = geotiff_tags(pair.name, question, {role: rows[i][f"{role}_target"] for role in ROLES})
            write_geotiff(path, source, {role: heatmap.values for role, heatmap in maps[k].items()}, tags)
            rows[i]["geotiff"] = path.relative_to(work.out).as_posix()


def _columns(
    classes: Sequence[str], run: ForwardPass, heatmaps: np.ndarray, targets: Sequence[Target], measured: str
) -> list[dict[str, Any]]:
    """One network's part of each row."""
    probabilities, own = run.probabilities, run.predictions
    columns: list[dict[str, Any]] = [
        {
            "prediction": classes[own[k]],
            "confidence": float(probabilities[k, own[k]]),
            "target": classes[target.index],
            "against": "" if target.against is None else classes[target.against],
            "target_confidence": float(probabilities[k, target.index]),
            "empty": not heatmaps[k].max() > 0,
        }
        for k, target in enumerate(targets)
    ]
    if measured != "none":
        indices = [target.index for target in targets]
        measured_maps = faithfulness(run.network, run.images, heatmaps, indices, measured)
        for column, found in zip(columns, measured_maps, strict=True):
            column |= found.columns(measured)
    return columns


def _drawn(image: np.ndarray, maps: dict[str, Heatmap], style: Style) -> Image.Image:
    """The image and both overlays, one beside the other."""
    panels = [image, *(overlay(image, share, style) for share in scaled(maps, style).values())]
    return Image.fromarray(np.concatenate(panels, axis=1))
