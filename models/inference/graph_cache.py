"""Converted graphs in the user's cache folder: one file per architecture and image size.

A file's name carries the SHA-256 of its contents: a torn or altered file is deleted and converted anew.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from platformdirs import user_cache_path

from core.atomic import write_file

__all__ = ["VARIABLE", "GraphCache"]

VARIABLE = "SCFF_LENS_CACHE"
"""Environment variable that names another folder."""


class GraphCache:
    """Graphs by key.

    Args:
        folder: where they are kept; by default in the folder of VARIABLE, or in scff-lens in the user's cache folder.
        most: maximum number of graphs, which take some hundred kilobytes each.
    """

    def __init__(self, folder: Path | None = None, most: int = 256) -> None:
        if folder is None:
            chosen = os.environ.get(VARIABLE)
            folder = (Path(chosen) if chosen else user_cache_path("scff-lens", appauthor=False)) / "graphs"
        self.folder = folder
        self.most = most

    def find(self, key: str) -> bytes | None:
        """The graph of a key; None where there is none."""
        for path in self._files(key):
            with suppress(OSError):
                graph = path.read_bytes()
                if path.name != _name(key, graph):
                    path.unlink()
                    continue
                with suppress(OSError):  # in a folder that may only be read
                    path.touch()
                return graph
        return None

    def put(self, key: str, graph: bytes) -> None:
        """Keeps a graph, in place of the one that has not been used for longest where there are too many.

        Raises:
            OSError: the folder cannot be written to.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        write_file(self.folder / _name(key, graph), graph)
        oldest_first = sorted(self._files(), key=lambda path: path.stat().st_mtime)
        for path in oldest_first[: -self.most]:
            path.unlink(missing_ok=True)

    def _files(self, key: str = "*") -> list[Path]:
        with suppress(OSError):
            return list(self.folder.glob(f"{key}-*.onnx"))
        return []


def _name(key: str, graph: bytes) -> str:
    return f"{key}-{hashlib.sha256(graph).hexdigest()}.onnx"
