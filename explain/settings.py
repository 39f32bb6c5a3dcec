"""Settings of `python -m explain`, checked as far as possible without loading a network. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import BadInputError
from explain.cam.layers import FUSED
from explain.cam.methods import DEFAULT_METHOD, check_method
from explain.cam.question import Question, Smoothing
from explain.figures.style import FORMATS, PLAIN, Style
from explain.metrics.perturbation import LEVELS
from explain.region_option import NO_REGION, RegionOption
from pairs.layout import check_pair_folder

if TYPE_CHECKING:
    from pairs.pair import Pair

__all__ = ["Figure9Settings", "QuestionSettings", "RunSettings"]


@dataclass(frozen=True)
class QuestionSettings:
    """Request parameters, with classes by name.

    Raises:
        BadInputError: the method is unknown, or there is a contrast class without a target class.
    """

    target: str | None = None
    """Target class; None for each network's own prediction."""
    against: str | None = None
    """Contrast class; None for none."""
    layer: str = FUSED
    method: str = DEFAULT_METHOD
    smoothing: Smoothing | None = None

    def __post_init__(self) -> None:
        check_method(self.method)
        if self.against is not None and self.target is None:
            raise BadInputError("--against contrasts the target class with another; add --target")

    def question(self, pair: Pair) -> Question:
        """The request parameters for a pair, with classes by index.

        Raises:
            BadInputError: the pair lacks a class, or both classes are the same.
        """
        target, against = (None if name is None else pair.class_index(name) for name in (self.target, self.against))
        return Question(target, against, layer=self.layer, method=self.method, smoothing=self.smoothing)


@dataclass(frozen=True)
class RunSettings:
    """Settings of a run on images, or on a folder of images.

    Raises:
        BadInputError: settings are out of range or contradict each other, or the pair or the only image does not exist.
    """

    images: tuple[Path, ...]
    """Image files, or one folder."""
    pair: Path
    """Folder of the model pair."""
    out: Path
    """Folder for the results."""
    question: QuestionSettings = QuestionSettings()
    style: Style = PLAIN
    faithfulness: str | None = None
    """A name in LEVELS; None for "quick" for a folder, and "none" otherwise."""
    region: RegionOption = NO_REGION
    bands: tuple[int, ...] | None = None
    batch_size: int = 16
    """Batch size for a folder."""
    compiled: bool = False
    """Whether the networks are compiled first."""
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise BadInputError(f"unknown faithfulness level {self.level!r}; known: {', '.join(LEVELS)}")
        check_pair_folder(self.pair)
        if len(self.images) == 1 and not self.images[0].exists():
            raise BadInputError(f"{self.images[0]}: no such file or folder")
        if self.batch_size < 1:
            raise BadInputError(f"batch size must be at least 1, got {self.batch_size}")
        if self.region and (self.is_folder or len(self.images) > 1):
            raise BadInputError("--box and --mask mark a region of a single image")
        if self.out.exists() and not self.out.is_dir():
            raise BadInputError(f"{self.out} is a file; give a folder for the results")

    @property
    def is_folder(self) -> bool:
        """Whether a folder is explained."""
        return len(self.images) == 1 and self.images[0].is_dir()

    @property
    def level(self) -> str:
        """Level of faithfulness, a name in LEVELS."""
        return self.faithfulness or (LEVELS[1] if self.is_folder else LEVELS[0])


@dataclass(frozen=True)
class Figure9Settings:
    """Settings of a figure of many images and pairs.

    Raises:
        BadInputError: the output folder does not exist, the file is one of the images, or its suffix is unknown.
    """

    pairs: tuple[Path, ...]
    images: tuple[Path, ...]
    out: Path
    question: QuestionSettings = QuestionSettings()
    style: Style = PLAIN
    bands: tuple[int, ...] | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        for pair in self.pairs:
            check_pair_folder(pair)
        if self.out.suffix.lower() not in FORMATS:
            raise BadInputError(f"{self.out}: give a file name that ends in {', '.join(FORMATS)}")
        if not self.out.parent.is_dir():
            raise BadInputError(f"{self.out.parent}: no such folder")
        if self.out.resolve() in {image.resolve() for image in self.images}:
            raise BadInputError(f"{self.out} is one of the images and would be overwritten; choose another --out")
