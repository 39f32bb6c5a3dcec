"""Batch jobs: their images, results so far, and the temporary folders that hold them."""

import secrets
import shutil
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock, Timer
from typing import Any

from app.tabs.batch.archive import Gathered
from core.errors import BadInputError
from explain.batch.folder_run import FolderRun
from explain.batch.rows import ImageRow

__all__ = ["BatchJob", "BatchJobs"]


@dataclass
class BatchJob:
    """One batch job. Thread-safe."""

    work: FolderRun
    gathered: Gathered
    rows: list[ImageRow]
    """Results so far (explain.batch.rows), beginning with files that could not be unpacked."""
    entries: list[dict[str, Any]]
    """The rows as the page shows them (app.tabs.batch.view.entry)."""
    started: float | None = None
    """Start time on the monotonic clock, in seconds."""
    stopped: bool = False
    """Whether the visitor has stopped it before it was complete."""
    ended: bool = False
    """Whether processing is over."""
    _lock: Lock = field(default_factory=Lock)

    @property
    def total(self) -> int:
        """Number of rows when complete."""
        return len(self.work.names) + len(self.gathered.refused)

    def explained(self) -> list[ImageRow]:
        """Results of the images that could be explained."""
        return [row for row in self.rows if not row.error]

    def begin(self) -> bool:
        """Starts processing; False if it has been started or stopped before."""
        with self._lock:
            if self.started is not None or self.ended:
                return False
            self.started = time.monotonic()
            return True

    def add(self, rows: list[ImageRow], entries: list[dict[str, Any]]) -> bool:
        """Adds results; returns False, without adding them, if the visitor has stopped the job."""
        with self._lock:
            if not self.stopped:
                self.rows += rows
                self.entries += entries
            return not self.stopped

    def stop(self) -> bool:
        """Stops it and keeps the results so far; True if it ends at once, because processing has not started."""
        with self._lock:
            if self.ended:
                return False
            self.stopped = True
            self.ended = self.started is None
            return self.ended

    def end(self) -> None:
        """Marks processing as over."""
        with self._lock:
            self.ended = True

    def seconds_left(self) -> float | None:
        """Estimated remaining time in seconds; None before the first image."""
        done = len(self.rows) - len(self.gathered.refused)
        if self.started is None or not done:
            return None
        return (time.monotonic() - self.started) / done * (self.total - len(self.rows))


class BatchJobs:
    """Batch jobs by unguessable keys, each with a private folder. Thread-safe.

    Args:
        seconds: how long a job is kept after it has ended.
        most: maximum number of jobs; beyond it the oldest that has ended is deleted.
    """

    def __init__(self, seconds: float, most: int = 8) -> None:
        self.seconds = seconds
        self.most = most
        self._root = tempfile.TemporaryDirectory(prefix="scff-lens-batch-")  # deleted with the server
        self._jobs: OrderedDict[str, BatchJob | None] = OrderedDict()  # None while the job is being built
        self._timers: dict[str, Timer] = {}
        self._lock = Lock()

    def make(self, build: Callable[[Path], BatchJob]) -> str:
        """Creates a job in a folder of its own.

        Args:
            build: builds the job in the folder; the folder is deleted if it raises.

        Returns:
            The job's key.

        Raises:
            BadInputError: the maximum number of jobs is waiting or being processed.
        """
        key = secrets.token_urlsafe(18)
        with self._lock:
            old = self._make_room()
            self._jobs[key] = None
        if old is not None:
            self._delete(old)
        folder = self._folder(key)
        try:
            folder.mkdir()
            job = build(folder)
        except BaseException:
            self.forget(key)
            raise
        with self._lock:
            self._jobs[key] = job
        return key

    def find(self, key: str | None) -> BatchJob | None:
        """The job of a key; None if it has expired."""
        return None if key is None else self._jobs.get(key)

    def keep(self, key: str) -> None:
        """Restarts the retention time of a job that has ended."""
        with self._lock:
            if key in self._jobs and key not in self._timers:
                self._timers[key] = timer = Timer(self.seconds, self.forget, [key])
                timer.daemon = True
                timer.start()

    def forget(self, key: str) -> None:
        """Deletes a job and its files."""
        with self._lock:
            self._drop(key)
        self._delete(key)

    def _make_room(self) -> str | None:
        """Drops the oldest ended job if the store is full, and returns its key; call with the lock held."""
        if len(self._jobs) < self.most:
            return None
        old = next((key for key, job in self._jobs.items() if job is not None and job.ended), None)
        if old is None:
            raise BadInputError(f"the queue is full with {self.most} batches; try again later")
        self._drop(old)
        return old

    def _drop(self, key: str) -> None:
        """Call with the lock held."""
        self._jobs.pop(key, None)
        if timer := self._timers.pop(key, None):
            timer.cancel()

    def _delete(self, key: str) -> None:
        shutil.rmtree(self._folder(key), ignore_errors=True)

    def _folder(self, key: str) -> Path:
        return Path(self._root.name) / key
