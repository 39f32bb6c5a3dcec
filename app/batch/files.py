"""What a visitor takes away of a batch: the table, and ZIPs that are packed while they are fetched."""

import zipfile
from collections.abc import Callable, Iterable, Iterator
from html import escape
from typing import Any

from app.batch.run import Run
from app.shelf import Shelf
from explain.results import figure, sheets, strip, table
from explain.work import Work

__all__ = ["batch_files", "figure_of", "zipped"]

_Files = Iterable[tuple[str, Callable[[], bytes]]]
_ZIP = "application/zip"


def batch_files(run: Run, shelf: Shelf) -> str:
    """HTML: links to files of what is done; each is made when it is fetched."""
    stem = f"{run.work.pair.name}-batch"
    links = [("Table, CSV", f"{stem}.csv", shelf.put(f"{stem}.csv", "text/csv", lambda: table(run.rows)))]
    if good := _good(run):
        has_place = any("geotiff" in row for row in good)
        for title, name, files in (
            (f"Raw maps, ZIP of NPZ{' and GeoTIFF' if has_place else ''}", f"{stem}-maps.zip", _maps),
            ("Figures, ZIP of PNG", f"{stem}-figures.zip", _figures),
            ("Contact sheets, ZIP of PNG", f"{stem}-sheets.zip", _sheets),
        ):
            links.append((title, name, shelf.put_stream(name, _ZIP, lambda files=files: zipped(files(run)))))
    items = "".join(
        f"<li><a href='{address}?save=true' download='{escape(name)}'>{escape(title)}</a></li>"
        for title, name, address in links
    )
    return (
        f"<ul class='links' aria-label='Files of this batch'>{items}</ul><p class='fine'>Kept for an hour. Figures are "
        "drawn at each image's own size while the ZIP is fetched, about a second an image.</p>"
    )


def figure_of(work: Work, row: dict[str, Any]) -> bytes:
    """An image's side-by-side figure, PNG.

    Raises:
        FileNotFoundError: the run is no longer kept.
    """
    _check_there(work)
    return figure(work, row)


def zipped(files: _Files) -> Iterator[bytes]:
    """A ZIP in pieces, each file made when its turn comes; stored as they are, for they are packed already."""
    pieces = _Pieces()
    with zipfile.ZipFile(pieces, "w") as archive:
        for name, make in files:
            archive.writestr(name, make())
            yield pieces.taken()
    yield pieces.taken()


class _Pieces:
    """A file that is handed on as it is written."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        data = b"".join(self._written)
        self._written.clear()
        return data


def _maps(run: Run) -> _Files:
    for row in _good(run):
        yield f"{row['image']}.npz", run.work.maps(row["image"]).read_bytes
        if "geotiff" in row:
            yield f"{row['image']}.tif", run.work.geotiff(row["image"]).read_bytes


def _figures(run: Run) -> _Files:
    for row in _good(run):
        yield f"{row['image']}.png", lambda row=row: figure_of(run.work, row)


def _sheets(run: Run) -> _Files:
    _check_there(run.work)
    found = [(row, strip(run.work, row["image"])) for row in run.rows]
    for number, sheet in enumerate(sheets(run.work, found), 1):
        yield f"contact-{number}.png", lambda sheet=sheet: sheet


def _check_there(work: Work) -> None:
    if not work.out.is_dir():
        raise FileNotFoundError(work.out)


def _good(run: Run) -> list[dict[str, Any]]:
    return [row for row in run.rows if not row["error"]]
