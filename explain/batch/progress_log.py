"""The log from which an interrupted run over a folder is resumed.

In `.progress` below the results: the settings of the run, and per process a file with a line for each explained image.
"""

import json
import socket
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from core.atomic import write_file
from explain.batch.folder_run import FolderRun
from explain.batch.rows import ImageRow

__all__ = ["CONTACT_SHEETS", "ProgressLog", "claim", "logged_rows", "state_of"]

CONTACT_SHEETS = "contact-*.png"
"""Pattern of the names of a run's contact sheets."""


class ProgressLog:
    """Appends rows to one process's log; closed by `with`.

    Args:
        work: the run.
        rank: number of the process.
        states: of all images, as of `state_of`.
    """

    def __init__(self, work: FolderRun, rank: int, states: Mapping[str, list[int]]) -> None:
        self._states = states
        self._file = (work.progress / f"{socket.gethostname()}-{rank}.jsonl").open("a")
        self._file.write("\n")  # ends a line that an interruption has cut short

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def append(self, rows: Iterable[ImageRow]) -> None:
        """Writes the rows and flushes them."""
        self._file.writelines(
            json.dumps({"state": self._states[row.image], "row": row.columns()}) + "\n" for row in rows
        )
        self._file.flush()


def claim(work: FolderRun) -> str | None:
    """Claims the output folder for a run by writing its settings there.

    Returns:
        Why it cannot be claimed; None if it is.
    """
    out = work.out
    settings = {
        "pair": [loaded.digest for loaded in work.pair.networks.values()],
        "measure": work.level,
        "batch size": work.batch,
        "bands": None if work.bands is None else list(work.bands),
        **{name.replace("_", " "): value for name, value in (asdict(work.question) | asdict(work.style)).items()},
    }
    file = work.progress / "question.json"
    if file.is_file():
        former = _former(file)
        other = [name for name in settings if settings[name] != former.get(name)]
        if not other:
            return None
        return (
            f"{out} holds results of a run with different settings ({', '.join(other)}); choose another --out, "
            "or delete it first"
        )
    if taken := [*out.glob("results.csv"), *out.glob(CONTACT_SHEETS), *out.glob("maps")]:
        return f"{taken[0]} already exists and was not written by this program; choose another --out"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_file(file, json.dumps(settings).encode())
    return None


def _former(file: Path) -> dict[str, Any]:
    """An earlier run's settings; empty where they cannot be read."""
    try:
        return dict(json.loads(file.read_text()))
    except (ValueError, TypeError):
        return {}


def state_of(image: Path) -> list[int]:
    """Size and modification time; empty for a broken link."""
    try:
        status = image.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


def logged_rows(work: FolderRun, states: dict[str, list[int]]) -> tuple[dict[str, ImageRow], set[str]]:
    """An earlier run's rows, keyed by name, of images that have not changed since, and the names of failed images.

    Lines that were cut short are ignored.

    Args:
        work: the run.
        states: of all images, by name, as of `state_of`.
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
