"""Images explained one by one, each with a figure and files of its own."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.atomic import write_file
from core.errors import BadInputError
from explain.cam.analysis import analyse
from explain.cam.question import Question
from explain.figures.overlay import Style
from explain.metrics.faithfulness import faithfulness
from explain.metrics.localisation import Region
from explain.output.explanation import ASKED, GEOTIFF, Explanation, asked
from imagery.geotiff import is_georeferenced
from imagery.mask import read_mask
from imagery.reading import read_image
from pairs.pair import Pair

__all__ = ["RegionOption", "explain_image", "result_stems"]

_ENDINGS = (".png", ".npz", ".json", GEOTIFF)


@dataclasses.dataclass(frozen=True)
class RegionOption:
    """What a user has marked of an image: a box, a mask, or nothing.

    Raises:
        BadInputError: both are given.
    """

    box: str | None = None
    """Left, top, right and bottom in pixels, with commas."""
    mask: Path | None = None
    """A raster of the same size, marked where it is not zero."""

    def __post_init__(self) -> None:
        if self.box is not None and self.mask is not None:
            raise BadInputError("--box and --mask are two ways to mark a region; choose one")

    def __bool__(self) -> bool:
        return self.box is not None or self.mask is not None

    def region(self, height: int, width: int) -> Region | None:
        """The region of an image of that size in pixels.

        Raises:
            BadInputError: it cannot be read, has another size, or marks nothing.
        """
        if self.mask is not None:
            return Region.of_mask(read_mask(self.mask), height, width)
        if self.box is None:
            return None
        try:
            left, top, right, bottom = (int(side) for side in self.box.split(","))
        except ValueError:
            words = "give left,top,right,bottom in pixels, such as 10,20,60,80"
            raise BadInputError(f"{self.box!r} is no box; {words}") from None
        return Region.box(height, width, left, top, right, bottom)


def result_stems(
    images: Sequence[Path], out: Path, pair: Pair, question: Question, bands: Sequence[int] | None = None
) -> list[str]:
    """Names of the results: the image's without its ending, numbered where files of that name are something else.

    An earlier answer to the same question of the same pair and image is replaced.
    """
    inputs = {image.resolve() for image in images}
    stems: list[str] = []
    for image in images:
        stem, number = image.stem, 1
        while (
            stem in stems
            or any((out / f"{stem}{ending}").resolve() in inputs for ending in _ENDINGS)
            or _taken(out / stem, asked(str(image.resolve()), pair, question, bands))
        ):
            number += 1
            stem = f"{image.stem}-{number}"
        stems.append(stem)
    return stems


def explain_image(
    image: Path,
    pair: Pair,
    question: Question,
    stem: Path,
    measured: str,
    style: Style,
    marked: RegionOption,
    bands: Sequence[int] | None = None,
) -> dict[str, Any]:
    """Explains an image and writes its figure (PNG), heatmaps (NPZ) and what is said of it (JSON).

    Of a georeferenced image it writes the heatmaps as GeoTIFF as well.

    Args:
        image: the file.
        pair: best prepared.
        question: of the image.
        stem: of the results' paths, without an ending.
        measured: a name in explain.metrics.perturbation.LEVELS.
        style: of the figure.
        marked: of the image, to hold the maps against.
        bands: to read, as imagery.reading.read_image takes them.

    Returns:
        The JSON object.

    Raises:
        BadInputError: the image or the mask cannot be read, or a network's output is not finite.
    """
    pixels = read_image(image, bands=bands)
    region = marked.region(*pixels.shape[:2])
    analysis = analyse(pair, pixels)
    maps = analysis.heatmaps(question)
    worth = None
    if measured != "none":
        worth = {
            role: faithfulness(run.run.network, run.run.images, maps[role].values[None], [maps[role].target], measured)[
                0
            ]
            for role, run in analysis.runs.items()
        }
    explanation = Explanation(str(image), str(image.resolve()), bands, analysis, maps, question, region, worth)
    files = {"figure": Path(f"{stem}.png"), "maps": Path(f"{stem}.npz")}
    if is_georeferenced(image):
        files["geotiff"] = Path(f"{stem}{GEOTIFF}")
    result = explanation.said() | {name: str(path) for name, path in files.items()}
    write_file(files["figure"], explanation.figure(style, region))
    write_file(files["maps"], explanation.arrays())
    if "geotiff" in files:
        explanation.write_geotiff(files["geotiff"], image)
    write_file(Path(f"{stem}.json"), (json.dumps(result, indent=1, allow_nan=False) + "\n").encode())
    return result


def _taken(stem: Path, question: dict[str, Any]) -> bool:
    """Whether files of a result's names are there that are no earlier answer to the question."""
    try:
        return json.loads(Path(f"{stem}.json").read_text())[ASKED] != question
    except FileNotFoundError:
        return any(Path(f"{stem}{ending}").exists() for ending in _ENDINGS)
    except (ValueError, KeyError, TypeError):
        return True
