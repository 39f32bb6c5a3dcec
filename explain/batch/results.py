"""The results of a folder of images, from the rows and the files that were written of each: table, sheets, figures."""

import csv
from collections.abc import Iterator, Sequence
from io import BytesIO, StringIO
from typing import Any

import numpy as np

from explain.batch.folder_run import FolderRun
from explain.cam.analysis import Heatmap, analyse
from explain.cam.methods import METHODS
from explain.figures.contact_sheet import contact_sheets
from explain.figures.labels import TITLES, layer_label, percent
from explain.figures.overlay import SCALED_BY
from explain.figures.side_by_side import side_by_side
from imagery.reading import read_image
from pairs.checkpoint import ROLES

__all__ = ["figure", "sheets", "strip", "table"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes a cell for that begins so


def table(rows: Sequence[dict[str, Any]]) -> bytes:
    """Rows as CSV: all columns that any row has; numbers to six places.

    The name of an image that a spreadsheet would take for a formula gets "./" in front, with which it is still its
    path.
    """
    names = list(dict.fromkeys(name for row in rows for name in row if name != "error"))
    text = StringIO(newline="")
    writer = csv.DictWriter(text, [*names, "error"])
    writer.writeheader()
    for row in rows:
        safe = {name: f"{value:.6f}" if isinstance(value, float) else value for name, value in row.items()}
        for name in ("image", "error"):  # the error begins with the image's name
            safe[name] = f"./{row[name]}" if row[name].startswith(_FORMULA) else row[name]
        writer.writerow(safe)
    return text.getvalue().encode(errors="surrogateescape")


def sheets(work: FolderRun, found: Sequence[tuple[dict[str, Any], bytes | None]]) -> Iterator[bytes]:
    """Contact sheets as PNG.

    Args:
        work: that was done.
        found: each image's row, and its strip; None where there is none.
    """
    heading = (
        f"{work.pair.name}: {METHODS[work.question.method].title} of {layer_label(work.question.layer)}; each image, "
        f"then the baseline's heatmap and that with SCFF; colours: {SCALED_BY[work.style.scale]}"
    )
    for sheet in contact_sheets([(_words(row), picture) for row, picture in found], heading):
        data = BytesIO()
        sheet.save(data, "PNG")
        yield data.getvalue()


def strip(work: FolderRun, name: str) -> bytes | None:
    """A small picture of an image and both overlays, as JPEG; None where the image could not be explained."""
    file = work.strip(name)
    return file.read_bytes() if file.is_file() else None


def figure(work: FolderRun, row: dict[str, Any]) -> bytes:
    """An image's side-by-side figure as PNG, of the maps that were kept; runs both networks once.

    Args:
        work: that was done.
        row: of an image that could be explained.

    Raises:
        BadInputError: the image cannot be read any more.
    """
    name, pair = row["image"], work.pair
    analysis = analyse(pair, read_image(work.folder / name, name, work.bands))
    with np.load(work.maps(name)) as kept:
        maps = {
            role: Heatmap(kept[role], pair.class_index(row[f"{role}_target"]), work.question.against) for role in ROLES
        }
    data = BytesIO()
    side_by_side(analysis, maps, name, work.question, work.style).save(data, "PNG")
    return data.getvalue()


def _words(row: dict[str, Any]) -> str:
    """Two or three lines for the contact sheet."""
    name = row["image"]
    if row["error"]:
        lines = [name, row["error"].removeprefix(f"{name}: ")]
    else:
        said = [f"{TITLES[role]}: {row[f'{role}_prediction']}, {percent(row[f'{role}_confidence'])}" for role in ROLES]
        lines = [name, *said]
    return "\n".join(lines).encode(errors="replace").decode()  # of a name that is no text
