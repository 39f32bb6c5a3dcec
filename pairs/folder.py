"""The folder of model pairs, reloaded whenever it changes."""

from contextlib import suppress
from pathlib import Path
from threading import Lock

import torch

from core.errors import BadInputError
from pairs.inference import inference_ready
from pairs.layout import REPORT, ROLES, weights_file
from pairs.pair import Pair, load_pair

__all__ = ["FIRST", "PairFolder"]

FIRST = "efficientnet-lite0-siri-whu"
"""The pair that the page opens with, where the folder has it: the more accurate of those that ship."""

_PAIR_FILES = (*map(weights_file, ROLES), REPORT)


class PairFolder:
    """Model pairs in a folder: loaded lazily, cached, and reloaded when their files have changed.

    Thread-safe.

    Args:
        path: its sub-folders are pairs; it may be missing or empty.
        device: where networks run.
    """

    def __init__(self, path: Path, device: torch.device) -> None:
        self.path = path
        self.device = device
        self._loaded: dict[str, tuple[tuple, Pair]] = {}
        self._lock = Lock()

    def names(self) -> list[str]:
        """Names of all sub-folders with a file of a pair, complete or not: FIRST, then in alphabetical order."""
        if not self.path.is_dir():
            return []
        names = (
            child.name
            for child in self.path.iterdir()
            if not child.name.startswith(".") and any((child / name).is_file() for name in _PAIR_FILES)
        )
        return sorted(names, key=lambda name: (name != FIRST, name))

    def first_usable(self) -> Pair | None:
        """The first pair, in the order of the names, that can be loaded; None where none can."""
        for name in self.names():
            with suppress(BadInputError):
                return self.load(name)
        return None

    def load(self, name: str) -> Pair:
        """An inference-ready pair.

        Raises:
            BadInputError: there is no such pair, or it cannot be used.
        """
        names = self.names()
        if name not in names:
            raise BadInputError(f"no pair {name!r} in {self.path.name}; there are: {', '.join(names) or 'none'}")
        folder = self.path / name
        stamp = tuple((file, _stamp(folder / file)) for file in _PAIR_FILES)
        with self._lock:
            for gone in self._loaded.keys() - set(names):
                del self._loaded[gone]
            former = self._loaded.get(name)
            if former is None or former[0] != stamp:
                self._loaded.pop(name, None)
                self._loaded[name] = (stamp, inference_ready(load_pair(folder, self.device)))
            return self._loaded[name][1]


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
