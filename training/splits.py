"""Splits of a data set into training, validation and test sets: stratified by class, or read from CSV files.

Imports no image reader, because `--help` lists the subsets.
"""

import csv
import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from core.errors import BadInputError
from pairs.layout import SUBSETS

if TYPE_CHECKING:
    from training.scenes import Scene, SceneFolder

__all__ = ["Split", "check_subset", "read_split", "stratified_split"]

_SHARES = {"test": 0.2, "val": 0.2}  # the rest is for training


@dataclass(frozen=True)
class Split:
    """The names of the scenes in each subset."""

    source: str
    """Where the split comes from, for reports."""
    subsets: dict[str, tuple[str, ...]]
    """Sorted scene names, keyed by subset: train, val, test."""
    missing: tuple[str, ...] = ()
    """Names listed by the split that the folder lacks."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the names in each subset."""
        return hashlib.sha256(json.dumps(self.subsets, sort_keys=True).encode()).hexdigest()

    def leaked_duplicates(self, scenes: Iterable["Scene"]) -> list[list[str]]:
        """Groups of scenes with identical pixels that are in different subsets, by name."""
        subset_of = {name: subset for subset, names in self.subsets.items() for name in names}
        groups = defaultdict(list)
        for scene in scenes:
            if scene.name in subset_of:
                groups[scene.digest].append(scene.name)
        return [names for names in groups.values() if len({subset_of[name] for name in names}) > 1]

    def select(self, subset: str, scenes: Iterable["Scene"]) -> list["Scene"]:
        """The scenes of one subset, in the given order."""
        names = set(self.subsets[subset])
        return [scene for scene in scenes if scene.name in names]


def check_subset(name: str) -> None:
    """Validates a subset's name.

    Raises:
        BadInputError: it is none of SUBSETS.
    """
    if name not in SUBSETS:
        raise BadInputError(f"unknown split {name!r}; known: {', '.join(SUBSETS)}")


def stratified_split(folder: "SceneFolder", seed: int) -> Split:
    """Splits every class 60/20/20, keeping duplicate images in one subset.

    Raises:
        BadInputError: a class has too few distinct images to be in every subset.
    """
    generator = random.Random(seed)
    subset_of: dict[str, str] = {}  # keyed by digest
    subsets: dict[str, list[str]] = {subset: [] for subset in SUBSETS}
    for label, name in enumerate(folder.classes):
        groups: dict[str, list[str]] = defaultdict(list)
        for scene in folder.scenes:
            if scene.label == label:
                groups[scene.digest].append(scene.name)
        total = sum(map(len, groups.values()))
        left = {subset: max(1, round(share * total)) for subset, share in _SHARES.items()}
        left["train"] = max(1, total - sum(left.values()))
        # The largest group of duplicates comes first and goes to the training set, which has the most room.
        shuffled = sorted(generator.sample(sorted(groups), len(groups)), key=lambda digest: -len(groups[digest]))
        unassigned = [digest for digest in shuffled if digest not in subset_of]
        used = {subset_of[digest] for digest in groups if digest in subset_of}
        for digest, subset in zip(unassigned, [subset for subset in SUBSETS if subset not in used], strict=False):
            subset_of[digest] = subset
        for digest in shuffled:
            subset = subset_of.setdefault(digest, max(left, key=left.__getitem__))
            left[subset] -= len(groups[digest])
            subsets[subset] += groups[digest]
        if {subset_of[digest] for digest in groups} != set(SUBSETS):
            raise BadInputError(
                f"class {name!r} has {len(groups)} distinct image(s), too few to be in each of {', '.join(SUBSETS)}; "
                "add images, at least three distinct ones per class"
            )
    sorted_names = {subset: tuple(sorted(set(names))) for subset, names in subsets.items()}
    return Split(source=f"stratified 60/20/20, seed {seed}", subsets=sorted_names)


def read_split(directory: str | Path, folder: "SceneFolder") -> Split:
    """Reads a fixed split from CSV files as AiTLAS publishes them: one per subset, rows `class/file,class`, no header.

    Rows are matched by class and file name, ignoring the file's suffix.

    Raises:
        BadInputError: a file is missing or ambiguous, a row is malformed, a name is in two subsets, or a subset has
            no scene in the folder.
    """
    directory = Path(directory)
    if not directory.is_dir():
        raise BadInputError(f"{directory}: no such folder of split files")
    known = {scene.name: folder.classes[scene.label] for scene in folder.scenes}
    subsets: dict[str, tuple[str, ...]] = {}
    missing: list[str] = []
    subset_of: dict[str, str] = {}
    for subset in SUBSETS:
        names: list[str] = []
        for name, label in _rows(directory, subset):
            if subset_of.setdefault(name, subset) != subset:
                raise BadInputError(f"{directory}: {name} is in both {subset_of[name]} and {subset}")
            if known.get(name, label) != label:
                raise BadInputError(f"{directory}: {name} is listed as {label}, but is in folder {known[name]}")
            (names if name in known else missing).append(name)
        if not names:
            raise BadInputError(f"{directory}: no scene of its {subset} set is in {folder.root}")
        subsets[subset] = tuple(sorted(set(names)))
    return Split(source=f"files of {directory.name}", subsets=subsets, missing=tuple(missing))


def _rows(directory: Path, subset: str) -> list[tuple[str, str]]:
    """(scene name, class) of each row of a subset's file."""
    files = sorted(directory.glob(f"*{subset}*.csv"))
    if len(files) != 1:
        found = ", ".join(path.name for path in files) or "none"
        raise BadInputError(f"{directory}: one file named *{subset}*.csv is needed, found {found}")
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
