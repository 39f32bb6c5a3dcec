"""A folder of images explained in batches, by one process or by several that share the work.

An interrupted run is resumed from its output: an NPZ per image and, in `.progress`, a line of results and thumbnails.
Batches are the same whichever process computes them.
"""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from core.atomic import write_file
from core.errors import BadInputError
from explain.batch.folder_run import FolderRun
from explain.batch.image_batch import explain_batch, read_ahead
from explain.batch.progress_log import CONTACT_SHEETS, ProgressLog, claim, logged_rows, state_of
from explain.batch.results import sheets, strip, table
from explain.batch.rows import ImageRow
from explain.batch.workers import ALONE, Workers
from imagery.reading import IMAGE_SUFFIXES

__all__ = ["Step", "explain_folder", "explain_in_steps", "images_under"]

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
    for former in set(work.out.glob(CONTACT_SHEETS)) - written:
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
    if refusal := workers.from_first(claim(work) if workers.first else None):
        raise BadInputError(refusal)
    work.progress.mkdir(parents=True, exist_ok=True)  # the folder is made on each machine
    names = work.names
    states = {name: state_of(work.folder / name) for name in names}
    known, failed = logged_rows(work, states)
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
    readers = ThreadPoolExecutor(_READERS)
    try:
        with ProgressLog(work, workers.rank, states) as log:
            for batch, read in read_ahead(readers, waiting, work):
                rows = explain_batch(work, batch, read)
                log.append(rows)
                yield Step(total, rows)
    finally:
        readers.shutdown(cancel_futures=True)
