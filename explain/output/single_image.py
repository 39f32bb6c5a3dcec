"""Images explained one by one, with separate files for figure, heatmaps and JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.atomic import write_file
from explain.cam.analysis import analyse
from explain.cam.question import Question
from explain.explanation import Explanation
from explain.figures.side_by_side import side_by_side_png
from explain.figures.style import PLAIN, Style
from explain.metrics.perturbation import LEVELS
from explain.output.geotiff import GEOTIFF, write_heatmaps
from explain.output.image_json import REQUEST, ImageSource, request_json, result_json
from explain.output.npz import heatmaps_npz
from explain.region_option import NO_REGION, RegionOption
from imagery.geotiff import is_georeferenced
from imagery.reading import read_image
from pairs.pair import Pair

__all__ = ["ImageRun", "explain_image", "result_stems"]

_SUFFIXES = (".png", ".npz", ".json", GEOTIFF)


@dataclass(frozen=True)
class ImageRun:
    """Settings of a run over single images."""

    pair: Pair
    """Preferably inference-ready."""
    question: Question = Question()
    level: str = LEVELS[0]
    """Level of faithfulness, a name in LEVELS."""
    style: Style = PLAIN
    """Style of the figure."""
    region: RegionOption = NO_REGION
    """Region to compare the heatmaps with."""
    bands: Sequence[int] | None = None
    """Bands, as for imagery.reading.read_image."""

    def source(self, image: Path) -> ImageSource:
        """Name and absolute path of an image file."""
        return ImageSource(str(image), str(image.resolve()), self.bands)


def result_stems(images: Sequence[Path], out: Path, run: ImageRun) -> list[str]:
    """Stems of the results' file names: the image's stem, with a number if other files have it already.

    An earlier result of the same request, image and pair is replaced.
    """
    inputs = {image.resolve() for image in images}
    stems: list[str] = []
    for image in images:
        stem, number = image.stem, 1
        while (
            stem in stems
            or any((out / f"{stem}{suffix}").resolve() in inputs for suffix in _SUFFIXES)
            or _taken(out / stem, request_json(run.source(image), run.pair, run.question))
        ):
            number += 1
            stem = f"{image.stem}-{number}"
        stems.append(stem)
    return stems


def explain_image(image: Path, stem: Path, run: ImageRun) -> dict[str, Any]:
    """Explains an image and writes its figure (PNG), heatmaps (NPZ, and GeoTIFF if georeferenced) and summary (JSON).

    Args:
        image: path of the image.
        stem: path of the results without suffix.
        run: settings.

    Returns:
        The JSON object.

    Raises:
        BadInputError: the image or the mask cannot be read, or a network's output is not finite.
    """
    pixels = read_image(image, bands=run.bands)
    region = run.region.region(pixels.shape[:2])
    explanation = Explanation.of(analyse(run.pair, pixels), run.question)
    files = {"figure": Path(f"{stem}.png"), "maps": Path(f"{stem}.npz")}
    if is_georeferenced(image):
        files["geotiff"] = Path(f"{stem}{GEOTIFF}")
    result = result_json(run.source(image), explanation, region, explanation.faithfulness(run.level))
    result |= {name: str(path) for name, path in files.items()}
    write_file(files["figure"], side_by_side_png(explanation, image.name, run.style, region))
    write_file(files["maps"], heatmaps_npz(explanation.heatmaps))
    if "geotiff" in files:
        write_heatmaps(files["geotiff"], image, run.pair, run.question, explanation.heatmaps)
    write_file(Path(f"{stem}.json"), (json.dumps(result, indent=1, allow_nan=False) + "\n").encode())
    return result


def _taken(stem: Path, request: dict[str, Any]) -> bool:
    """Whether files with a result's names exist that are not an earlier result of the same request."""
    try:
        return json.loads(Path(f"{stem}.json").read_text())[REQUEST] != request
    except FileNotFoundError:
        return any(Path(f"{stem}{suffix}").exists() for suffix in _SUFFIXES)
    except (ValueError, KeyError, TypeError):
        return True
