"""A run over a folder of images: its settings, and the paths of each image's results."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from explain.cam.question import Question
from explain.figures.style import PLAIN, Style
from pairs.pair import Pair

__all__ = ["FolderRun"]


@dataclass(frozen=True)
class FolderRun:
    """Settings of a run over a folder of images, and the folder of its results."""

    folder: Path
    names: Sequence[str]
    """Paths of the images within the folder, in the order of the table."""
    out: Path
    """Folder of the results; an earlier run with the same settings there is resumed."""
    pair: Pair
    """Preferably inference-ready."""
    question: Question
    level: str = "quick"
    """Of faithfulness, a name in explain.metrics.perturbation.LEVELS."""
    style: Style = PLAIN
    """Style of the contact sheets."""
    batch: int = 16
    """Batch size."""
    bands: Sequence[int] | None = None
    """Bands of every image, as for imagery.reading.read_image."""

    @property
    def progress(self) -> Path:
        """The folder from which an interrupted run is resumed."""
        return self.out / ".progress"

    def maps(self, name: str) -> Path:
        """Path of an image's heatmaps; it keeps the image's suffix, because two images may differ in that alone."""
        return self.out / "maps" / f"{name}.npz"

    def geotiff(self, name: str) -> Path:
        """Path of a georeferenced image's heatmaps as GeoTIFF."""
        return self.out / "maps" / f"{name}.tif"

    def strip(self, name: str) -> Path:
        """Path of the thumbnails of an image and both overlays, side by side."""
        return self.progress / "pictures" / f"{name}.jpg"
