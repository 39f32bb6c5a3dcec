"""Images of a folder explained as one batch: decoded ahead, run through both networks, their results written."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from itertools import islice

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from core.atomic import write_file
from core.errors import BadInputError
from explain.batch.folder_run import FolderRun
from explain.batch.rows import ImageRow, NetworkResult
from explain.cam.analysis import Heatmap
from explain.cam.forward_pass import ForwardPass, forward_passes
from explain.cam.question import Target
from explain.figures.contact_sheet import CELL
from explain.figures.overlay import overlay, scaled
from explain.figures.style import Style
from explain.metrics.faithfulness import faithfulness
from explain.metrics.perturbation import LEVELS
from explain.output.geotiff import write_heatmaps
from explain.output.npz import heatmaps_npz
from imagery.geotiff import is_georeferenced
from imagery.reading import read_image

__all__ = ["DecodedImage", "explain_batch", "read_ahead"]


@dataclass(frozen=True)
class DecodedImage:
    """A decoded image."""

    pixels: Tensor
    """Network input, [1, 3, H, W]."""
    thumbnail: np.ndarray
    """Thumbnail, RGB uint8 [h, w, 3]."""


def read_ahead(
    pool: ThreadPoolExecutor, batches: Sequence[Sequence[str]], work: FolderRun
) -> Iterator[tuple[Sequence[str], list[DecodedImage | BadInputError]]]:
    """Reads the next batch while the current one is explained.

    Args:
        pool: decodes the images.
        batches: paths of images within the folder of the run.
        work: the run.

    Yields:
        Each batch, with the decoded image, or the reason why it cannot be read, for each path.
    """
    reading = []
    for i, names in enumerate(batches):
        for following in batches[i if i == 0 else i + 1 : i + 2]:
            reading.append([pool.submit(_read, work, name) for name in following])
        yield names, [future.result() for future in reading.pop(0)]


def _read(work: FolderRun, name: str) -> DecodedImage | BadInputError:
    """The decoded image, or the reason why it cannot be read."""
    try:
        image = read_image(work.folder / name, name, work.bands)
    except BadInputError as error:
        return error
    small = Image.fromarray(image)
    small.thumbnail((CELL, CELL), Image.Resampling.BOX)
    return DecodedImage(work.pair.preprocessing(image), np.asarray(small))


def explain_batch(
    work: FolderRun, names: Sequence[str], read: Sequence[DecodedImage | BadInputError]
) -> list[ImageRow]:
    """Explains one batch, and writes heatmaps and thumbnails.

    Args:
        work: the run.
        names: paths of the images within the folder.
        read: what read_ahead yields for them.

    Returns:
        One row per path; that of an image that cannot be read or explained has the reason.
    """
    images = dict(zip(names, read, strict=True))
    readable = {name: found for name, found in images.items() if not isinstance(found, BadInputError)}
    rows = {row.image: row for row in _explain_readable(work, readable)}
    return [rows.get(name) or ImageRow(name, str(images[name])) for name in names]


def _explain_readable(work: FolderRun, images: Mapping[str, DecodedImage]) -> list[ImageRow]:
    """Rows of the images of a batch that could be read."""
    if not images:
        return []
    try:
        return _explain_together(work, images)
    except BadInputError as error:  # the image whose output is not finite
        if len(images) == 1:
            return [ImageRow(name, f"{name}: {error}") for name in images]
        return [row for name, image in images.items() for row in _explain_readable(work, {name: image})]


def _explain_together(work: FolderRun, images: Mapping[str, DecodedImage]) -> list[ImageRow]:
    """Runs both networks on images as one batch, and writes heatmaps and thumbnails of each.

    Raises:
        BadInputError: a network's output is not finite.
    """
    pixels = torch.cat([image.pixels for image in images.values()]).to(work.pair.device)  # [B, 3, H, W]
    heatmaps: dict[str, dict[str, Heatmap]] = {name: {} for name in images}
    results: dict[str, dict[str, NetworkResult]] = {name: {} for name in images}
    for role, loaded in work.pair.networks.items():
        remaining = iter(images)
        for run in forward_passes(loaded.network, pixels):
            explained = zip(islice(remaining, len(run.images)), *_explain_run(work, run), strict=True)
            for name, heatmap, result in explained:
                heatmaps[name][role], results[name][role] = heatmap, result
            del run  # otherwise its feature maps stay in memory while the next part's are computed
    return [_write(work, name, image.thumbnail, heatmaps[name], results[name]) for name, image in images.items()]


def _explain_run(work: FolderRun, run: ForwardPass) -> tuple[list[Heatmap], list[NetworkResult]]:
    """One network's heatmaps and results, one per image."""
    question, classes = work.question, work.pair.classes
    probabilities, predictions = run.probabilities, run.predictions
    targets = [Target(own if question.target is None else question.target, question.against) for own in predictions]
    values = run.heatmaps(targets, question.layer, question.method, question.smoothing).cpu().numpy()
    heatmaps = [Heatmap(each, target.index, target.against) for each, target in zip(values, targets, strict=True)]
    metrics: list[dict[str, float | bool | None]] = [{} for _ in targets]
    if work.level != LEVELS[0]:
        indices = [target.index for target in targets]
        found = faithfulness(run.network, run.images, values, indices, work.level)
        metrics = [each.columns(work.level) for each in found]
    results = [
        NetworkResult(
            prediction=classes[predictions[i]],
            confidence=float(probabilities[i, predictions[i]]),
            target=classes[heatmap.target],
            against="" if heatmap.against is None else classes[heatmap.against],
            target_confidence=float(probabilities[i, heatmap.target]),
            empty=heatmap.empty,
            metrics=metrics[i],
        )
        for i, heatmap in enumerate(heatmaps)
    ]
    return heatmaps, results


def _write(
    work: FolderRun,
    name: str,
    thumbnail: np.ndarray,
    heatmaps: dict[str, Heatmap],
    results: Mapping[str, NetworkResult],
) -> ImageRow:
    """Writes an image's heatmaps and thumbnails, and returns its row."""
    strip = BytesIO()
    _overlays(thumbnail, heatmaps, work.style).save(strip, "JPEG", quality=90)
    for path, data in ((work.maps(name), heatmaps_npz(heatmaps)), (work.strip(name), strip.getvalue())):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, data)
    if not is_georeferenced(work.folder / name):
        return ImageRow(name, networks=results)
    path = work.geotiff(name)
    write_heatmaps(path, work.folder / name, work.pair, work.question, heatmaps)
    return ImageRow(name, networks=results, geotiff=path.relative_to(work.out).as_posix())


def _overlays(image: np.ndarray, heatmaps: dict[str, Heatmap], style: Style) -> Image.Image:
    """Thumbnails of the image and both overlays, side by side."""
    panels = [image, *(overlay(image, share, style) for share in scaled(heatmaps, style).values())]
    return Image.fromarray(np.concatenate(panels, axis=1))
