"""The pairs in a folder, read anew whenever it changes."""

import json
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import torch

from explain.preparation import prepared
from models.checkpoint import REPORT, ROLES, Header, Pair, load_pair, weights_file
from models.errors import BadInputError
from models.scff import FusionSettings

__all__ = ["FIRST", "PairFolder", "PairSummary"]

FIRST = "efficientnet-lite0-siri-whu"
"""The pair that the page opens with, where the folder has it: the more accurate of those that ship."""

_PAIR_FILES = (*map(weights_file, ROLES), REPORT)


@dataclass(frozen=True)
class PairSummary:
    """What a pair's files say of it, for the page."""

    arch: str
    dataset: str
    images: int
    classes: int
    input_size: tuple[int, int]
    """(height, width) in pixels."""
    split: str
    test_images: int
    accuracy: dict[str, float]
    """On the test part, by role, 0 to 1."""
    class_accuracy: dict[str, dict[str, float | None]]
    """The same by role and class; None where the part has no image of the class."""
    parameters: dict[str, int]
    """By role."""
    training: dict[str, str]
    """How each was trained, by role, in words."""
    variant: str
    """Of SCFF: how maps are made smaller, and how they are fused."""
    small_stem: bool
    """Whether the networks have a ResNet's stem for small images."""


class PairFolder:
    """Checkpoint pairs in a folder; loaded when first asked for, and again when their files have changed.

    Safe to share among threads.

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
        """Names of all sub-folders that hold a file of a pair, whole or not: FIRST, then in alphabetical order."""
        if not self.path.is_dir():
            return []
        names = (
            child.name
            for child in self.path.iterdir()
            if not child.name.startswith(".") and any((child / name).is_file() for name in _PAIR_FILES)
        )
        return sorted(names, key=lambda name: (name != FIRST, name))

    def load(self, name: str) -> Pair:
        """A pair, ready for inference.

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
                self._loaded[name] = (stamp, prepared(load_pair(folder, self.device)))
            return self._loaded[name][1]

    def summary(self, name: str) -> PairSummary:
        """What a pair's weights and report say.

        Raises:
            BadInputError: there is no such pair, it cannot be used, or its report cannot be read.
        """
        pair = self.load(name)
        header = pair.baseline.header
        try:
            report = json.loads((pair.path / REPORT).read_text())
            images, split = sum(map(int, report["images"].values())), str(report["split_source"])
            tests = {role: report["networks"][role]["test"] for role in ROLES}
            test_images = int(tests[ROLES[0]]["images"])
            class_accuracy = {
                role: {name: None if share is None else float(share) for name, share in test["per_class"].items()}
                for role, test in tests.items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise BadInputError(f"{name}/{REPORT} cannot be read") from None
        networks = {role: getattr(pair, role) for role in ROLES}
        return PairSummary(
            arch=header.arch,
            dataset=header.dataset,
            images=images,
            classes=len(header.classes),
            input_size=header.preprocessing.size,
            split=split,
            test_images=test_images,
            accuracy={role: loaded.header.test_accuracy for role, loaded in networks.items()},
            class_accuracy=class_accuracy,
            parameters={role: sum(p.numel() for p in loaded.network.parameters()) for role, loaded in networks.items()},
            training={role: _training(loaded.header) for role, loaded in networks.items()},
            variant=_variant(pair.scff.header.fusion),
            small_stem=header.small_stem,
        )


def _variant(fusion: FusionSettings) -> str:
    return fusion.variant + (", the paper's" if fusion.variant == FusionSettings().variant else "")


def _training(header: Header) -> str:
    return f"epochs: {header.epochs}, seed: {header.seed}, weights at the start: {header.initial}"


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
