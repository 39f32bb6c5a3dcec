"""Writing so that a file or folder is there whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["replace_folder", "write_file"]


def write_file(path: Path, data: bytes) -> None:
    """Writes a file under a temporary name beside its own, then renames it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replace_folder(path: Path) -> Iterator[Path]:
    """Yields a folder to write in that takes `path`'s place when all went well, and vanishes when not.

    It starts as a copy of `path` where that exists.
    """
    staging, former = (path.with_name(f".{path.name}.{kind}-{os.getpid()}") for kind in ("new", "old"))
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if path.exists():
            shutil.copytree(path, staging)
        else:
            staging.mkdir()
        yield staging
        if path.exists():
            path.rename(former)
        staging.rename(path)
    finally:
        if former.exists() and not path.exists():  # stopped between the two renames
            former.rename(path)
        shutil.rmtree(staging, ignore_errors=True)
        shutil.rmtree(former, ignore_errors=True)
