"""A run over a folder of images: what is explained, how, and where the results of each image are."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from explain.cam.question import Question
from explain.figures.style import PLAIN, Style
from pairs.pair import Pair

__all__ = ["FolderRun"]


@dataclass(frozen=True)
class FolderRun:
    """Images of a folder, explained alike, and the folder of their results."""

    folder: Path
    names: Sequence[str]
    """Of the images, by their paths within the folder, in the order of the table."""
    out: Path
    """Of the results; it may hold an earlier run of the same work, which is resumed."""
    pair: Pair
    """Best inference-ready."""
    question: Question
    level: str = "quick"
    """Of faithfulness, a name in explain.metrics.perturbation.LEVELS."""
    style: Style = PLAIN
    """Of the contact sheets."""
    batch: int = 16
    """Batch size."""
    bands: Sequence[int] | None = None
    """Of every image, as imagery.reading.read_image takes them."""

    @property
    def progress(self) -> Path:
        """The folder from which an interrupted run is resumed."""
        return self.out / ".progress"

    def maps(self, name: str) -> Path:
        """Path of an image's heatmaps; it keeps the image's suffix, in which alone two images may differ."""
        return self.out / "maps" / f"{name}.npz"

    def geotiff(self, name: str) -> Path:
        """Path of a georeferenced image's heatmaps as GeoTIFF."""
        return self.out / "maps" / f"{name}.tif"

    def strip(self, name: str) -> Path:
        """Path of the thumbnails of an image and both overlays, side by side."""
        return self.progress / "pictures" / f"{name}.jpg"
