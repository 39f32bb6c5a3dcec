"""`python -m training data`: what a folder of scenes holds."""

import json
from pathlib import Path
from typing import Annotated

import typer

from training.commands.console import read_with_progress
from training.commands.options import JSON
from training.splits import stratified_split

__all__ = ["data"]


def data(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with one sub-folder per class, at any depth.")],
    as_json: JSON = False,
) -> None:
    """Lists classes, sizes, duplicates and unreadable files.

    The folder has one sub-folder per class, at any depth.
    """
    scenes = read_with_progress(folder)
    sizes = {f"{width}x{height}": count for (width, height), count in scenes.sizes.items()}
    if as_json:
        found = {
            "images": len(scenes.scenes),
            "classes": scenes.counts,
            "sizes": sizes,
            "unreadable": [str(path.relative_to(folder)) for path in scenes.unreadable],
            "duplicates": [[str(path.relative_to(folder)) for path in group] for group in scenes.duplicates],
        }
        print(json.dumps(found))
    else:
        print(f"{len(scenes.scenes)} images in {len(scenes.classes)} classes under {scenes.root}")
        for name, count in scenes.counts.items():
            print(f"{count:8}  {name}")
        print("sizes: " + ", ".join(f"{size} ({count})" for size, count in sizes.items()))
        for group in scenes.duplicates:
            print("duplicates: " + " = ".join(path.relative_to(scenes.root).as_posix() for path in group))
    stratified_split(scenes, seed=0)  # raises where a class is too small to be split
