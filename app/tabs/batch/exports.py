"""Files exported from a batch: the table, and ZIP files that are packed while they are downloaded."""

import zipfile
from collections.abc import Callable, Iterable, Iterator
from io import RawIOBase
from typing import Any

from app.components.download_links import link_list
from app.components.templates import render
from app.storage.downloads import DownloadStore
from app.tabs.batch.jobs import BatchJob
from explain.batch.folder_run import FolderRun
from explain.batch.results import figure, sheets, strip, table
from explain.batch.rows import ImageRow

__all__ = ["export_links", "figure_of", "zipped"]

_Files = Iterable[tuple[str, Callable[[], bytes]]]
_ZIP = "application/zip"


def export_links(job: BatchJob, downloads: DownloadStore) -> str:
    """HTML: links to files of the results so far, each rendered when it is fetched."""
    stem, available = f"{job.work.pair.name}-batch", job.work.out.is_dir
    name = f"{stem}.csv"
    links = [("Table, CSV", name, downloads.put_stream(name, "text/csv", lambda: iter([table(job.rows)]), available))]
    if explained := job.explained():
        geotiff = " and GeoTIFF" if any(row.geotiff for row in explained) else ""
        for title, name, files in (
            (f"Raw heatmaps, ZIP of NPZ{geotiff}", f"{stem}-maps.zip", _maps),
            ("Figures, ZIP of PNG", f"{stem}-figures.zip", _figures),
            ("Contact sheets, ZIP of PNG", f"{stem}-sheets.zip", _sheets),
        ):
            chunks: Callable[[], Iterator[bytes]] = lambda files=files: zipped(files(job))  # noqa: E731
            links.append((title, name, downloads.put_stream(name, _ZIP, chunks, available)))
    return render("batch/files.html", links=link_list(links, "Export of this batch"), figures=bool(explained))


def figure_of(work: FolderRun, row: ImageRow) -> bytes:
    """Side-by-side figure of an image, PNG.

    Raises:
        FileNotFoundError: the batch has expired.
    """
    _check_available(work)
    return figure(work, row)


def zipped(files: _Files) -> Iterator[bytes]:
    """A ZIP file in chunks, each file rendered when it is reached and stored uncompressed."""
    buffer = _ChunkBuffer()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, make in files:
            archive.writestr(name, make())
            yield buffer.take()
    yield buffer.take()


class _ChunkBuffer(RawIOBase):
    """A write-only file that buffers its content until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._written: list[bytes] = []

    def write(self, data: Any, /) -> int:
        self._written.append(bytes(data))
        return len(data)

    def writable(self) -> bool:
        """True: the file can be neither read nor sought."""
        return True

    def take(self) -> bytes:
        """What was written since the last call."""
        data = b"".join(self._written)
        self._written.clear()
        return data


def _maps(job: BatchJob) -> _Files:
    for row in job.explained():
        files = [job.work.maps(row.image)]
        if row.geotiff:
            files.append(job.work.geotiff(row.image))
        for file in files:  # under the names in the table
            yield file.relative_to(job.work.out).as_posix(), file.read_bytes


def _figures(job: BatchJob) -> _Files:
    for row in job.explained():
        yield f"{row.image}.png", lambda row=row: figure_of(job.work, row)


def _sheets(job: BatchJob) -> _Files:
    _check_available(job.work)
    rows = [(row, strip(job.work, row.image)) for row in job.rows]
    for number, sheet in enumerate(sheets(job.work, rows), 1):
        yield f"contact-{number}.png", lambda sheet=sheet: sheet


def _check_available(work: FolderRun) -> None:
    if not work.out.is_dir():
        raise FileNotFoundError(work.out)
