"""What a visitor takes away of a batch: the table, and ZIPs that are packed while they are fetched."""

import zipfile
from collections.abc import Callable, Iterable, Iterator

from app.components.html import link_list
from app.storage.downloads import DownloadStore
from app.tabs.batch.jobs import BatchJob
from explain.batch.folder_run import FolderRun
from explain.batch.results import figure, sheets, strip, table
from explain.batch.rows import ImageRow

__all__ = ["batch_files", "figure_of", "zipped"]

_Files = Iterable[tuple[str, Callable[[], bytes]]]
_ZIP = "application/zip"


def batch_files(job: BatchJob, shelf: DownloadStore) -> str:
    """HTML: links to files of what is done; each is made when it is fetched."""
    stem, there = f"{job.work.pair.name}-batch", job.work.out.is_dir
    name = f"{stem}.csv"
    links = [("Table, CSV", name, shelf.put_stream(name, "text/csv", lambda: iter([table(job.rows)]), there))]
    if good := _good(job):
        has_place = any(row.geotiff for row in good)
        for title, name, files in (
            (f"Raw maps, ZIP of NPZ{' and GeoTIFF' if has_place else ''}", f"{stem}-maps.zip", _maps),
            ("Figures, ZIP of PNG", f"{stem}-figures.zip", _figures),
            ("Contact sheets, ZIP of PNG", f"{stem}-sheets.zip", _sheets),
        ):
            links.append((title, name, shelf.put_stream(name, _ZIP, lambda files=files: zipped(files(job)), there)))
    return (
        f"{link_list(links, 'Files of this batch')}<p class='fine'>Kept for an hour, or for less where many batches "
        "follow. Figures are drawn at each image's own size while the ZIP is fetched, about a second an image.</p>"
    )


def figure_of(work: FolderRun, row: ImageRow) -> bytes:
    """An image's side-by-side figure, PNG.

    Raises:
        FileNotFoundError: the batch is no longer kept.
    """
    _check_there(work)
    return figure(work, row)


def zipped(files: _Files) -> Iterator[bytes]:
    """A ZIP in pieces, each file made when its turn comes and stored as it is, which takes no time."""
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


def _maps(job: BatchJob) -> _Files:
    for row in _good(job):
        files = [job.work.maps(row.image)]
        if row.geotiff:
            files.append(job.work.geotiff(row.image))
        for file in files:  # by the names that the table has
            yield file.relative_to(job.work.out).as_posix(), file.read_bytes


def _figures(job: BatchJob) -> _Files:
    for row in _good(job):
        yield f"{row.image}.png", lambda row=row: figure_of(job.work, row)


def _sheets(job: BatchJob) -> _Files:
    _check_there(job.work)
    found = [(row, strip(job.work, row.image)) for row in job.rows]
    for number, sheet in enumerate(sheets(job.work, found), 1):
        yield f"contact-{number}.png", lambda sheet=sheet: sheet


def _check_there(work: FolderRun) -> None:
    if not work.out.is_dir():
        raise FileNotFoundError(work.out)


def _good(job: BatchJob) -> list[ImageRow]:
    return [row for row in job.rows if not row.error]
