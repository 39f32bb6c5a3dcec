"""The part of a data set that a pair was trained, chosen or tested with."""

import sys
from pathlib import Path

from core.errors import BadInputError
from pairs.pair import Pair
from training.data_loading import SceneDataset
from training.report import Report
from training.scenes import SceneFolder
from training.splits import PARTS

__all__ = ["check_part", "part_of"]


def check_part(split: str) -> None:
    """Refuses what is no name of a part.

    Raises:
        BadInputError: names those there are.
    """
    if split not in PARTS:
        raise BadInputError(f"unknown split {split!r}; known: {', '.join(PARTS)}")


def part_of(pair: Pair, report: Report, scenes: SceneFolder, folder: Path, split: str) -> SceneDataset:
    """The scenes of one part at the pair's size; those that the folder lacks are named on standard error.

    Args:
        pair: as loaded.
        report: its own, which holds the split.
        scenes: of the folder.
        folder: as the user named it.
        split: a name in PARTS.

    Raises:
        BadInputError: the folder has other classes, or none of the scenes.
    """
    if scenes.classes != pair.classes:
        raise BadInputError(
            f"{folder} has classes {', '.join(scenes.classes)}; {pair.name} was trained on {', '.join(pair.classes)}"
        )
    names = set(report.split[split])
    chosen = [scene for scene in scenes.scenes if scene.name in names]
    if absent := sorted(names - {scene.name for scene in chosen}):
        words = f"{len(absent)} scene(s) of the part are not in the folder: {', '.join(absent[:10])}"
        print(words, file=sys.stderr)
    if not chosen:
        raise BadInputError(f"{folder} holds no scene of the {split} part that {pair.name} was trained with")
    return SceneDataset(chosen, pair.preprocessing.size)
