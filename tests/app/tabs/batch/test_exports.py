"""Files exported from a batch."""

import re
import shutil
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from app.storage.downloads import DownloadStore
from app.tabs.batch.archive import Gathered
from app.tabs.batch.exports import export_links, figure_of, zipped
from app.tabs.batch.jobs import BatchJob
from explain.batch.folder import explain_folder
from explain.batch.folder_run import FolderRun
from explain.cam.question import Question
from pairs.pair import Pair
from tests.conftest import texture


@pytest.fixture
def job(tmp_path: Path, pair: Pair) -> BatchJob:
    """A completed batch of one image and one unreadable file."""
    (folder := tmp_path / "images").mkdir()
    Image.fromarray(texture(1, 0, side=60)).save(folder / "a.png")
    (folder / "bad.tif").write_text("not pixels")
    work = FolderRun(folder, ["a.png", "bad.tif"], tmp_path / "out", pair, Question())
    job = BatchJob(work, Gathered(folder), [], [])
    rows = explain_folder(work)
    assert rows is not None
    job.begin()
    job.add(rows, [{} for _ in rows])
    return job


def exported(job: BatchJob) -> dict[str, bytes]:
    downloads = DownloadStore()
    html = export_links(job, downloads)
    tokens = re.findall(r"href='/kept/([^/]+)/[^']*' download='([^']+)'", html)
    return {name: b"".join(downloads.content(token)[2]) for token, name in tokens}


def test_links_lead_to_table_maps_figures_and_sheets(job: BatchJob) -> None:
    files = exported(job)
    assert list(files) == ["tiny-batch.csv", "tiny-batch-maps.zip", "tiny-batch-figures.zip", "tiny-batch-sheets.zip"]
    assert files["tiny-batch.csv"] == (job.work.out / "results.csv").read_bytes()
    names = [zipfile.ZipFile(BytesIO(data)).namelist() for name, data in files.items() if name.endswith(".zip")]
    assert names == [["maps/a.png.npz"], ["a.png.png"], ["contact-1.png"]]
    maps, figures, sheets = (
        zipfile.ZipFile(BytesIO(files[f"tiny-batch-{kind}.zip"])) for kind in ("maps", "figures", "sheets")
    )
    assert maps.read("maps/a.png.npz") == job.work.maps("a.png").read_bytes()
    assert figures.read("a.png.png") == figure_of(job.work, job.rows[0])
    assert sheets.read("contact-1.png") == (job.work.out / "contact-1.png").read_bytes()


def test_batch_without_results_exports_only_the_table(job: BatchJob) -> None:
    assert "Figures are rendered" in export_links(job, DownloadStore())
    job.rows[:] = [row for row in job.rows if row.error]
    assert list(exported(job)) == ["tiny-batch.csv"]
    assert "Figures are rendered" not in export_links(job, DownloadStore())


def test_an_expired_batch_has_no_files(job: BatchJob) -> None:
    shutil.rmtree(job.work.out)
    with pytest.raises(FileNotFoundError, match="out"):
        figure_of(job.work, job.rows[0])


def test_a_zip_is_packed_file_by_file() -> None:
    rendered: list[str] = []

    def file(name: str) -> bytes:
        rendered.append(name)
        return name.encode() * 1000

    chunks = zipped((name, lambda name=name: file(name)) for name in ("a", "b"))
    first = next(chunks)
    assert rendered == ["a"]
    archive = zipfile.ZipFile(BytesIO(b"".join([first, *chunks])))
    assert rendered == ["a", "b"]
    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == {"a": b"a" * 1000, "b": b"b" * 1000}
