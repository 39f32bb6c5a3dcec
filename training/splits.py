"""Which scenes are trained on, which choose the best epoch, and which are kept for the one test."""

import csv
import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from core.errors import BadInputError
from training.scenes import Scene, SceneFolder

__all__ = ["PARTS", "Split", "read_split", "stratified_split"]

PARTS = ("train", "val", "test")
_SHARES = {"test": 0.2, "val": 0.2}  # the rest is for training


@dataclass(frozen=True)
class Split:
    """The names of the scenes in each part."""

    source: str
    """Where it came from, in words."""
    parts: dict[str, tuple[str, ...]]
    """Sorted scene names by part: train, val, test."""
    missing: tuple[str, ...] = field(default=())
    """Names that the split lists but the folder lacks."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the names in each part."""
        return hashlib.sha256(json.dumps(self.parts, sort_keys=True).encode()).hexdigest()

    def shared(self, scenes: Iterable[Scene]) -> list[list[str]]:
        """Names of scenes that are the same picture, pixel for pixel, but lie in different parts."""
        part_of = {name: part for part, names in self.parts.items() for name in names}
        groups = defaultdict(list)
        for scene in scenes:
            if scene.name in part_of:
                groups[scene.digest].append(scene.name)
        return [names for names in groups.values() if len({part_of[name] for name in names}) > 1]

    def select(self, part: str, scenes: Iterable[Scene]) -> list[Scene]:
        """The scenes of one part, in the order given."""
        names = set(self.parts[part])
        return [scene for scene in scenes if scene.name in names]


def stratified_split(folder: SceneFolder, seed: int) -> Split:
    """Splits every class 60/20/20; images that are the same picture stay in one part.

    Raises:
        BadInputError: a class has too few different images to be in every part.
    """
    order = random.Random(seed)
    part_of: dict[str, str] = {}  # by digest
    parts: dict[str, list[str]] = {part: [] for part in PARTS}
    for label, name in enumerate(folder.classes):
        groups = defaultdict(list)
        for scene in folder.scenes:
            if scene.label == label:
                groups[scene.digest].append(scene.name)
        total = sum(map(len, groups.values()))
        left = {part: max(1, round(share * total)) for part, share in _SHARES.items()}
        left["train"] = max(1, total - sum(left.values()))
        # The largest group of equal pictures goes first, to the training part, which has the most room.
        shuffled = sorted(order.sample(sorted(groups), len(groups)), key=lambda digest: -len(groups[digest]))
        waiting = [digest for digest in shuffled if digest not in part_of]
        used = {part_of[digest] for digest in groups if digest in part_of}
        for digest, part in zip(waiting, [part for part in PARTS if part not in used], strict=False):
            part_of[digest] = part
        for digest in shuffled:
            if digest not in part_of:
                part_of[digest] = max(left, key=left.get)
            part = part_of[digest]
            left[part] -= len(groups[digest])
            parts[part] += groups[digest]
        if {part_of[digest] for digest in groups} != set(PARTS):
            raise BadInputError(
                f"class {name!r} has {len(groups)} different image(s), too few to be in each of "
                f"{', '.join(PARTS)}; add images, at least three different ones a class"
            )
    return Split(
        f"stratified 60/20/20, seed {seed}", {part: tuple(sorted(set(names))) for part, names in parts.items()}
    )


def read_split(directory: str | Path, folder: SceneFolder) -> Split:
    """Reads a fixed split: one CSV file a part, rows `class/file,class` without a heading, as AiTLAS publishes them.

    Rows are matched by class and file name, whatever the file's ending.

    Raises:
        BadInputError: a file is missing or ambiguous, a row cannot be read, a name is in two parts, or a part has
            no scene in the folder.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise BadInputError(f"{directory}: no such folder of split files")
    known = {scene.name: folder.classes[scene.label] for scene in folder.scenes}
    parts, missing, part_of = {}, [], {}
    for part in PARTS:
        names = []
        for name, label in _rows(directory, part):
            if part_of.setdefault(name, part) != part:
                raise BadInputError(f"{directory}: {name} is in both {part_of[name]} and {part}")
            if known.get(name, label) != label:
                raise BadInputError(f"{directory}: {name} is listed as {label}, but lies in folder {known[name]}")
            (names if name in known else missing).append(name)
        if not names:
            raise BadInputError(f"{directory}: no scene of its {part} part is in {folder.root}")
        parts[part] = tuple(sorted(set(names)))
    return Split(f"files of {directory.name}", parts, tuple(missing))


def _rows(directory: Path, part: str) -> list[tuple[str, str]]:
    """(scene name, class) of each row of a part's file."""
    files = sorted(directory.glob(f"*{part}*.csv"))
    if len(files) != 1:
        found = ", ".join(path.name for path in files) or "none"
        raise BadInputError(f"{directory}: one file named *{part}*.csv is needed, found {found}")
    rows = []
    try:
        with files[0].open(newline="", encoding="utf-8-sig") as file:
            for row in csv.reader(file):
                if not row:
                    continue
                path, label = (text.strip() for text in row)
                folder, stem = PurePosixPath(path.replace("\\", "/")).with_suffix("").parts[-2:]
                rows.append((f"{folder}/{stem}", label))
    except (ValueError, csv.Error):
        raise BadInputError(f"{files[0]}: row {len(rows) + 1} is not of the form class/file,class") from None
    return rows
