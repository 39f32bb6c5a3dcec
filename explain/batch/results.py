"""Results of a folder of images, from its rows and the files written for each: table, contact sheets, figures."""

import csv
from collections.abc import Iterator, Sequence
from io import BytesIO, StringIO

import numpy as np

from explain.batch.folder_run import FolderRun
from explain.batch.rows import ImageRow
from explain.cam.analysis import Heatmap, analyse
from explain.cam.methods import METHODS
from explain.explanation import Explanation
from explain.figures.contact_sheet import contact_sheets
from explain.figures.labels import TITLES, layer_label, percent
from explain.figures.side_by_side import side_by_side_png
from explain.figures.style import SCALED_BY
from imagery.reading import read_image

__all__ = ["figure", "sheets", "strip", "table"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # first characters of a cell that a spreadsheet takes for a formula


def table(rows: Sequence[ImageRow]) -> bytes:
    """Rows as CSV, with every column that any row has; numbers to six decimals.

    An image name that a spreadsheet would take for a formula is prefixed with "./", so that it is still the image's
    path.
    """
    columns = [row.columns() for row in rows]
    names = list(dict.fromkeys(name for values in columns for name in values if name != "error"))
    text = StringIO(newline="")
    writer = csv.DictWriter(text, [*names, "error"])
    writer.writeheader()
    for values in columns:
        safe = {name: f"{value:.6f}" if isinstance(value, float) else value for name, value in values.items()}
        for name in ("image", "error"):  # the error begins with the image's name
            safe[name] = f"./{values[name]}" if values[name].startswith(_FORMULA) else values[name]
        writer.writerow(safe)
    return text.getvalue().encode(errors="surrogateescape")


def sheets(work: FolderRun, found: Sequence[tuple[ImageRow, bytes | None]]) -> Iterator[bytes]:
    """Contact sheets as PNG.

    Args:
        work: the run.
        found: each image's row and its strip of thumbnails, or None.
    """
    heading = (
        f"{work.pair.name}: {METHODS[work.question.method].title} of {layer_label(work.question.layer)}; each image, "
        f"the baseline's heatmap, and SCFF's; colours: {SCALED_BY[work.style.scale]}"
    )
    for sheet in contact_sheets([(_caption(row), picture) for row, picture in found], heading):
        data = BytesIO()
        sheet.save(data, "PNG")
        yield data.getvalue()


def strip(work: FolderRun, name: str) -> bytes | None:
    """Thumbnails of an image and both overlays as JPEG; None where the image could not be explained."""
    file = work.strip(name)
    return file.read_bytes() if file.is_file() else None


def figure(work: FolderRun, row: ImageRow) -> bytes:
    """An image's side-by-side figure as PNG, from the stored heatmaps; runs both networks once.

    Args:
        work: the run.
        row: the row of an image that could be explained.

    Raises:
        BadInputError: the image can no longer be read.
    """
    name, pair = row.image, work.pair
    analysis = analyse(pair, read_image(work.folder / name, name, work.bands))
    with np.load(work.maps(name)) as stored:
        heatmaps = {
            role: Heatmap(stored[role], pair.class_index(result.target), work.question.against)
            for role, result in row.networks.items()
        }
    return side_by_side_png(Explanation(analysis, work.question, heatmaps), name, work.style)


def _caption(row: ImageRow) -> str:
    """Caption of two or three lines for the contact sheet."""
    if row.error:
        lines = [row.image, row.error.removeprefix(f"{row.image}: ")]
    else:
        predictions = (
            f"{TITLES[role]}: {each.prediction}, {percent(each.confidence)}" for role, each in row.networks.items()
        )
        lines = [row.image, *predictions]
    return "\n".join(lines).encode(errors="replace").decode()  # file names that are not valid Unicode
