"""A folder of images explained in batches, by one process or by several that share the work.

What is done is kept as it comes, so that an interrupted run goes on: an NPZ for each image and, in `.progress`, a line
of results and a small picture. Batches are the same whoever computes them.
"""

import csv
import json
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from io import BytesIO, StringIO
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from explain.analysis import Heatmap, Question
from explain.cam import METHODS
from explain.faithfulness import faithfulness
from explain.figure import PLAIN, SCALED_BY, TITLES, Style, layer_words, overlay, percent, scaled
from explain.geotiff import georeferenced, geotiff_tags, write_geotiff
from explain.run import Run, Target, run_in_parts
from explain.sheet import CELL, contact_sheets
from explain.workers import ALONE, Workers
from models.atomic import write_file
from models.checkpoint import ROLES, Pair
from models.errors import BadInputError
from models.image_file import IMAGE_SUFFIXES, read_image

__all__ = ["explain_folder", "geotiff_file", "images_under", "maps_file"]

_PROGRESS = ".progress"
_SHEETS = "contact-*.png"
_READERS = 2  # threads that decode the next batch meanwhile


def images_under(folder: Path, but: Path | None = None) -> list[Path]:
    """Image files of a folder, at any depth, in alphabetical order.

    Hidden ones are passed over, and links to folders are not followed.

    Args:
        folder: to look in.
        but: a folder within it, such as that of the results, that is passed over.

    Raises:
        BadInputError: there is none.
    """
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
    return found


def explain_folder(
    folder: Path,
    out: Path,
    pair: Pair,
    question: Question,
    measured: str = "quick",
    style: Style = PLAIN,
    batch: int = 16,
    workers: Workers = ALONE,
    bands: Sequence[int] | None = None,
) -> list[dict[str, Any]] | None:
    """Explains every image of a folder.

    Writes under `out`: `results.csv`, a row an image; `maps/NAME.npz`, float32 arrays baseline and scff, and of a
    georeferenced image `maps/NAME.tif`; contact sheets. An image that cannot be read is a row that says why.

    Args:
        folder: of images, at any depth.
        out: may hold a run of the same question, which goes on; images that have changed since are done anew.
        pair: best prepared.
        question: of every image alike.
        measured: a name in explain.faithfulness.MEASURED.
        style: of the contact sheets.
        batch: images at once.
        workers: that share the work; each needs `folder`, and all should have one `out`.
        bands: to read of every image, as models.image_file.read_image takes them.

    Returns:
        The rows, for the first process; None for the others.

    Raises:
        BadInputError: there is no image, or `out` holds another run.
    """
    if out.resolve() == folder.resolve():
        raise BadInputError(f"{out} is the folder of the images itself; choose another --out")
    images = images_under(folder, but=out)
    claim = _claim(out, pair, question, measured, style, batch, bands) if workers.first else None
    if refusal := workers.from_first(claim):
        raise BadInputError(refusal)
    (out / _PROGRESS).mkdir(parents=True, exist_ok=True)  # on each machine
    names = [path.relative_to(folder).as_posix() for path in images]
    states = dict(zip(names, map(_state, images), strict=True))
    known, failed = _known(out, states)
    batches = [range(first, min(first + batch, len(images))) for first in range(0, len(images), batch)]
    mine = batches[workers.rank :: workers.count]
    waiting = []
    for numbers in mine:
        missing = [n for n in numbers if names[n] not in known]
        if missing:  # a batch is whole, whoever computes it; of one that was done, what failed is tried again
            waiting.append(missing if all(names[n] in failed for n in missing) else list(numbers))
    log = out / _PROGRESS / f"{socket.gethostname()}-{workers.rank}.jsonl"
    bar = tqdm(total=sum(map(len, waiting)), desc="explaining", disable=None if workers.first else True)
    with ThreadPoolExecutor(_READERS) as readers, log.open("a") as file, bar:
        file.write("\n")  # ends a line that an interruption has torn
        for numbers, read in _ahead(readers, waiting, images, pair, bands):
            rows = _explain(pair, folder, [names[n] for n in numbers], read, out, question, measured, style)
            known |= {row["image"]: row for row in rows}
            file.writelines(json.dumps({"state": states[row["image"]], "row": row}) + "\n" for row in rows)
            file.flush()
            bar.update(len(numbers))
    found = workers.gathered([(known[names[n]], _cell(out, names[n])) for numbers in mine for n in numbers])
    if found is None:
        return None
    by_name = {row["image"]: (row, cell) for row, cell in found}
    found = [by_name[name] for name in names]
    rows = [row for row, _ in found]
    _write_table(out / "results.csv", rows)
    sheets = []
    heading = (
        f"{pair.name}: {METHODS[question.method].title} of {layer_words(question.layer)}; each image, then the "
        f"baseline's heatmap and that with SCFF; colours: {SCALED_BY[style.scale]}"
    )
    for sheet in contact_sheets([(_words(row), cell) for row, cell in found], heading):
        data = BytesIO()
        sheet.save(data, "PNG")
        sheets.append(out / f"contact-{len(sheets) + 1}.png")
        write_file(sheets[-1], data.getvalue())
    for former in set(out.glob(_SHEETS)) - set(sheets):
        former.unlink()
    return rows


def maps_file(out: Path, name: str) -> Path:
    """Where an image's heatmaps are; the image's own ending stays, because others may differ in nothing else."""
    return out / "maps" / f"{name}.npz"


def geotiff_file(out: Path, name: str) -> Path:
    """Where those of a georeferenced image are as GeoTIFF."""
    return out / "maps" / f"{name}.tif"


def _claim(
    out: Path,
    pair: Pair,
    question: Question,
    measured: str,
    style: Style,
    batch: int,
    bands: Sequence[int] | None,
) -> str | None:
    """Makes the folder of progress for this question, or says why it cannot."""
    claim = {
        "pair": [getattr(pair, role).digest for role in ROLES],
        "measure": measured,
        "batch size": batch,
        "bands": None if bands is None else list(bands),
        **{name.replace("_", " "): value for name, value in (asdict(question) | asdict(style)).items()},
    }
    file = out / _PROGRESS / "question.json"
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


def _known(out: Path, states: dict[str, list[int]]) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """Rows of images that are as they were when they were explained, by name, and which others have failed as they are.

    Torn lines do not count.
    """
    known, failed = {}, set()
    for log in (out / _PROGRESS).glob("*.jsonl"):
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
    pool: ThreadPoolExecutor,
    batches: Sequence[list[int]],
    images: Sequence[Path],
    pair: Pair,
    bands: Sequence[int] | None,
) -> Iterator[tuple[list[int], list]]:
    """Batches with their images read, the next one being read while the last is worked on."""
    coming = []
    for i, numbers in enumerate(batches):
        for following in batches[i if i == 0 else i + 1 : i + 2]:
            coming.append([pool.submit(_read, images[n], pair, bands) for n in following])
        yield numbers, [future.result() for future in coming.pop(0)]


def _read(path: Path, pair: Pair, bands: Sequence[int] | None) -> tuple[Tensor, np.ndarray] | BadInputError:
    """What the networks take, and a small picture; or why there is none."""
    try:
        image = read_image(path, bands=bands)
    except BadInputError as error:
        return error
    small = Image.fromarray(image)
    small.thumbnail((CELL, CELL), Image.Resampling.BOX)
    return pair.preprocessing(image), np.asarray(small)


def _explain(
    pair: Pair,
    folder: Path,
    names: Sequence[str],
    read: Sequence,
    out: Path,
    question: Question,
    measured: str,
    style: Style,
) -> list[dict[str, Any]]:
    """Rows of one batch; maps and small pictures are written."""
    rows = [
        {"image": name, "error": str(found) if isinstance(found, BadInputError) else ""}
        for name, found in zip(names, read, strict=True)
    ]
    good = [i for i, row in enumerate(rows) if not row["error"]]
    if not good:
        return rows
    try:
        _explain_good(pair, folder, rows, good, read, out, question, measured, style)
    except BadInputError as error:  # of one of them, whose output is not finite
        if len(good) == 1:
            rows[good[0]] = {"image": names[good[0]], "error": f"{names[good[0]]}: {error}"}
            return rows
        for i in good:
            rows[i] = _explain(pair, folder, [names[i]], [read[i]], out, question, measured, style)[0]
    return rows


def _explain_good(
    pair: Pair,
    folder: Path,
    rows: list[dict[str, Any]],
    good: Sequence[int],
    read: Sequence,
    out: Path,
    question: Question,
    measured: str,
    style: Style,
) -> None:
    """Fills the rows of the images that could be read."""
    names = [row["image"] for row in rows]
    images = torch.cat([read[i][0] for i in good]).to(pair.device)
    maps: list[dict[str, Heatmap]] = [{} for _ in good]
    for role in ROLES:
        rest = iter(enumerate(good))
        for run in run_in_parts(getattr(pair, role).network, images):
            targets = [
                Target(own if question.target is None else question.target, question.against) for own in run.predictions
            ]
            heatmaps = run.heatmaps(targets, question.layer, question.method, question.smoothing).cpu().numpy()
            columns = _columns(pair.classes, run, heatmaps, targets, measured)
            for (k, i), values, target, column in zip(
                islice(rest, len(targets)), heatmaps, targets, columns, strict=True
            ):
                maps[k][role] = Heatmap(values, target.index, target.against)
                rows[i] |= {f"{role}_{name}": value for name, value in column.items()}
    for k, i in enumerate(good):
        arrays, cell = BytesIO(), BytesIO()
        np.savez(arrays, **{role: heatmap.values for role, heatmap in maps[k].items()})
        _strip(read[i][1], maps[k], style).save(cell, "JPEG", quality=90)
        for path, data in ((maps_file(out, names[i]), arrays), (_cell_file(out, names[i]), cell)):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, data.getvalue())
        if georeferenced(folder / names[i]):
            path = geotiff_file(out, names[i])
            tags = geotiff_tags(pair.name, question, {role: rows[i][f"{role}_target"] for role in ROLES})
            write_geotiff(path, folder / names[i], {role: heatmap.values for role, heatmap in maps[k].items()}, tags)
            rows[i]["geotiff"] = path.relative_to(out).as_posix()


def _columns(
    classes: Sequence[str], run: Run, heatmaps: np.ndarray, targets: Sequence[Target], measured: str
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
        worth = faithfulness(run.network, run.images, heatmaps, indices, road=measured == "full")
        for column, found in zip(columns, worth, strict=True):
            column |= {
                "drop": found.drop,
                "increase": found.increase,
                "insertion_area": found.insertion_area,
                "deletion_area": found.deletion_area,
            }
            if measured == "full":
                column["road"] = found.road
    return columns


def _strip(image: np.ndarray, maps: dict[str, Heatmap], style: Style) -> Image.Image:
    """The image and both overlays, one beside the other."""
    panels = [image, *(overlay(image, share, style) for share in scaled(maps, style).values())]
    return Image.fromarray(np.concatenate(panels, axis=1))


def _words(row: dict[str, Any]) -> str:
    """Two or three lines for the contact sheet."""
    name = row["image"].encode(errors="replace").decode()  # of a name that is no text
    if row["error"]:
        return f"{name}\n{row['error'].encode(errors='replace').decode().rpartition(name)[2].lstrip(': ')}"
    said = (f"{TITLES[role]}: {row[f'{role}_prediction']}, {percent(row[f'{role}_confidence'])}" for role in ROLES)
    return "\n".join((name, *said))


def _cell_file(out: Path, name: str) -> Path:
    return out / _PROGRESS / "pictures" / f"{name}.jpg"


def _cell(out: Path, name: str) -> bytes | None:
    file = _cell_file(out, name)
    return file.read_bytes() if file.is_file() else None


def _write_table(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """All columns that any row has; numbers to six places."""
    names = list(dict.fromkeys(name for row in rows for name in row if name != "error"))
    text = StringIO(newline="")
    table = csv.DictWriter(text, [*names, "error"])
    table.writeheader()
    for row in rows:
        table.writerow({name: f"{value:.6f}" if isinstance(value, float) else value for name, value in row.items()})
    write_file(path, text.getvalue().encode(errors="surrogateescape"))
