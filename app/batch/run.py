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

from app.batch.archive import Gathered
from explain.work import Work

__all__ = ["Run", "Runs"]


@dataclass
class Run:
    """One batch. Safe to share among threads."""

    work: Work
    gathered: Gathered
    rows: list[dict[str, Any]]
    """Of the files that are done, as explain.folder gives them; first of those that could not be unpacked."""
    entries: list[dict[str, Any]]
    """The same as the page shows them (app.batch.view)."""
    begun: float | None = None
    """When, by the monotonic clock."""
    stopped: bool = False
    """By the visitor, before all was done."""
    ended: bool = False
    _lock: Lock = field(default_factory=Lock)

    @property
    def total(self) -> int:
        """How many rows there will be."""
        return len(self.work.names) + len(self.gathered.refused)

    @property
    def running(self) -> bool:
        """Whether somebody works on it."""
        return self.begun is not None and not self.ended

    def begin(self) -> bool:
        """Takes the work up; False where that was done before, or is no longer wanted."""
        with self._lock:
            if self.begun is not None or self.ended or self.stopped:
                return False
            self.begun = time.monotonic()
            return True

    def add(self, rows: list[dict[str, Any]], entries: list[dict[str, Any]]) -> bool:
        """Adds what is done; False where the visitor has stopped it: then nothing is added."""
        with self._lock:
            if not self.stopped:
                self.rows += rows
                self.entries += entries
            return not self.stopped

    def stop(self) -> None:
        """Leaves it at what is done."""
        with self._lock:
            if not self.ended:
                self.stopped = True

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


class Runs:
    """Runs by keys that cannot be guessed, each with a folder that nobody else reads. Safe to share among threads.

    Args:
        seconds: how long a run is kept after it has ended.
        most: how many are kept; of more, the oldest that have ended go.
    """

    def __init__(self, seconds: float, most: int = 8) -> None:
        self.seconds = seconds
        self.most = most
        self._root = tempfile.TemporaryDirectory(prefix="scff-lens-batch-")  # goes with the server
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._timers: dict[str, Timer] = {}
        self._lock = Lock()

    def make(self, build: Callable[[Path], Run]) -> str:
        """Makes a run in a folder of its own.

        Args:
            build: gets the folder; when it raises, the folder goes.

        Returns:
            The run's key.
        """
        key = secrets.token_urlsafe(18)
        folder = self._folder(key)
        folder.mkdir()
        try:
            run = build(folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        with self._lock:
            self._runs[key] = run
            over = len(self._runs) - self.most
            old = [each for each, run in self._runs.items() if not run.running and each != key][: max(0, over)]
        for each in old:
            self.forget(each)
        self.keep(key)
        return key

    def find(self, key: str | None) -> Run | None:
        """None where it is no longer kept."""
        return self._runs.get(key)

    def keep(self, key: str) -> None:
        """Keeps a run from now on for as long as runs are kept, and longer while it runs."""
        with self._lock:
            if former := self._timers.pop(key, None):
                former.cancel()
            if key in self._runs:
                self._timers[key] = timer = Timer(self.seconds, self._expire, [key])
                timer.daemon = True
                timer.start()

    def forget(self, key: str) -> None:
        """Deletes a run's files."""
        with self._lock:
            self._runs.pop(key, None)
            if timer := self._timers.pop(key, None):
                timer.cancel()
        shutil.rmtree(self._folder(key), ignore_errors=True)

    def _folder(self, key: str) -> Path:
        return Path(self._root.name) / key

    def _expire(self, key: str) -> None:
        run = self._runs.get(key)
        if run is not None and run.running:
            self.keep(key)
        else:
            self.forget(key)
