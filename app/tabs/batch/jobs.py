"""Batches of visitors: what is asked of which images, what is done so far, and the folders that hold it for a while."""

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
    """One batch. Safe to share among threads."""

    work: FolderRun
    gathered: Gathered
    rows: list[ImageRow]
    """Of the files that are done, as explain.batch.folder gives them; first of those that could not be unpacked."""
    entries: list[dict[str, Any]]
    """The same as the page shows them (app.tabs.batch.view)."""
    begun: float | None = None
    """When, by the monotonic clock."""
    stopped: bool = False
    """By the visitor, before all was done."""
    ended: bool = False
    """Whether nobody works on it any more, or ever will."""
    _lock: Lock = field(default_factory=Lock)

    @property
    def total(self) -> int:
        """How many rows there will be."""
        return len(self.work.names) + len(self.gathered.refused)

    def begin(self) -> bool:
        """Takes the work up; False where that was done before, or is no longer wanted."""
        with self._lock:
            if self.begun is not None or self.ended:
                return False
            self.begun = time.monotonic()
            return True

    def add(self, rows: list[ImageRow], entries: list[dict[str, Any]]) -> bool:
        """Adds what is done; False where the visitor has stopped it: then nothing is added."""
        with self._lock:
            if not self.stopped:
                self.rows += rows
                self.entries += entries
            return not self.stopped

    def stop(self) -> bool:
        """Leaves it at what is done; True where it ends with that, because nobody has begun."""
        with self._lock:
            if self.ended:
                return False
            self.stopped = True
            self.ended = self.begun is None
            return self.ended

    def end(self) -> None:
        """Says that nobody works on it any more."""
        with self._lock:
            self.ended = True

    def seconds_left(self) -> float | None:
        """As the images so far would have it; None before the first."""
        done = len(self.rows) - len(self.gathered.refused)
        if self.begun is None or not done:
            return None
        return (time.monotonic() - self.begun) / done * (self.total - len(self.rows))


class BatchJobs:
    """Jobs by keys that cannot be guessed, each with a folder that nobody else reads. Safe to share among threads.

    Args:
        seconds: how long a job is kept after it has ended.
        most: how many there can be; for another one, the oldest that has ended goes.
    """

    def __init__(self, seconds: float, most: int = 8) -> None:
        self.seconds = seconds
        self.most = most
        self._root = tempfile.TemporaryDirectory(prefix="scff-lens-batch-")  # goes with the server
        self._jobs: OrderedDict[str, BatchJob | None] = OrderedDict()  # None holds the place of one that is being made
        self._timers: dict[str, Timer] = {}
        self._lock = Lock()

    def make(self, build: Callable[[Path], BatchJob]) -> str:
        """Makes a job in a folder of its own.

        Args:
            build: gets the folder; when it raises, the folder goes.

        Returns:
            The job's key.

        Raises:
            BadInputError: all there can be are waiting or being worked on.
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
        """None where it is no longer kept."""
        return self._jobs.get(key)

    def keep(self, key: str) -> None:
        """Keeps a job that has ended for as long as such jobs are kept, from now on."""
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
        """The key of the job that had to go; with the lock held."""
        if len(self._jobs) < self.most:
            return None
        old = next((key for key, job in self._jobs.items() if job is not None and job.ended), None)
        if old is None:
            raise BadInputError(f"{self.most} batches are in line already, which is as many as there can be; try later")
        self._drop(old)
        return old

    def _drop(self, key: str) -> None:
        """With the lock held."""
        self._jobs.pop(key, None)
        if timer := self._timers.pop(key, None):
            timer.cancel()

    def _delete(self, key: str) -> None:
        shutil.rmtree(self._folder(key), ignore_errors=True)

    def _folder(self, key: str) -> Path:
        return Path(self._root.name) / key
