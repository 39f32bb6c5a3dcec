"""Atomic writes: a file or folder is written completely or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["replace_folder", "write_file"]


def write_file(path: Path, data: bytes) -> None:
    """Writes a file atomically: under a temporary name in the same folder, then renamed."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replace_folder(path: Path) -> Iterator[Path]:
    """Replaces a folder atomically: yields a staging folder that takes its place if the block succeeds.

    If the block raises, the staging folder is removed and the former folder stays.

    Args:
        path: the folder; where it exists, the staging folder starts as a copy of it.
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
        if former.exists() and not path.exists():  # interrupted between the two renames
            former.rename(path)
        shutil.rmtree(staging, ignore_errors=True)
        shutil.rmtree(former, ignore_errors=True)
