"""What is asked of every image of a folder, and where the results of each are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from explain.cam.question import Question
from explain.figures.overlay import PLAIN, Style
from pairs.pair import Pair

__all__ = ["FolderRun"]


@dataclass(frozen=True)
class FolderRun:
    """Images of a folder, one question to all of them, and a folder for the answers."""

    folder: Path
    names: Sequence[str]
    """Of the images, by their paths within the folder, in the order of the table."""
    out: Path
    """May hold a run of the same work, which goes on."""
    pair: Pair
    """Best prepared."""
    question: Question
    measured: str = "quick"
    """A name in explain.metrics.perturbation.LEVELS."""
    style: Style = PLAIN
    """Of the contact sheets."""
    batch: int = 16
    """Images at once."""
    bands: Sequence[int] | None = None
    """To read of every image, as imagery.reading.read_image takes them."""

    @property
    def progress(self) -> Path:
        """The folder of what is kept to go on from."""
        return self.out / ".progress"

    def maps(self, name: str) -> Path:
        """Where an image's heatmaps are; the image's own ending stays, because others may differ in nothing else."""
        return self.out / "maps" / f"{name}.npz"

    def geotiff(self, name: str) -> Path:
        """Where those of a georeferenced image are as GeoTIFF."""
        return self.out / "maps" / f"{name}.tif"

    def strip(self, name: str) -> Path:
        """Where a small picture of the image and both overlays, one beside the other, is."""
        return self.progress / "pictures" / f"{name}.jpg"
