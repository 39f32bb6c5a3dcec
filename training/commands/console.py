"""Notes and progress bars on standard error."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from training.scenes import SceneFolder

__all__ = ["notify", "read_with_progress"]


def notify(text: str) -> None:
    """Prints a note on standard error."""
    print(text, file=sys.stderr)


def read_with_progress(folder: Path) -> "SceneFolder":
    """Reads a folder of scenes with a progress bar; lists unreadable files.

    Raises:
        BadInputError: as read_scenes.
    """
    from training.scenes import read_scenes

    scenes = read_scenes(folder, lambda images: tqdm(images, desc="reading", leave=False, disable=None))
    for reason in scenes.unreadable.values():
        notify(f"skipped: {reason}")
    if scenes.unreadable:
        notify(f"{len(scenes.unreadable)} unreadable file(s) skipped")
    return scenes
