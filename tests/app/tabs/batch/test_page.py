"""Batch tab in a headless browser."""

import csv
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect

from explain.batch.folder import explain_folder, images_under
from explain.batch.folder_run import FolderRun
from explain.cam.question import Question
from pairs.inference import inference_ready
from pairs.pair import load_pair
from tests.app.conftest import arrive, width_needed
from tests.conftest import texture


@pytest.fixture
def uploads(tmp_path: Path) -> list[Path]:
    """Three loose images, one file that is not an image, and a ZIP of three images."""
    (folder := tmp_path / "uploads").mkdir()
    for number in range(3):
        Image.fromarray(texture(number, number, side=60)).save(folder / f"{number}.png")
    (folder / "bad.tif").write_text("not pixels")
    with zipfile.ZipFile(folder / "more.zip", "w") as file:
        for number in range(3):
            data = BytesIO()
            Image.fromarray(texture(number, 10 + number, side=60)).save(data, "PNG")
            file.writestr(f"场景/{number}.png", data.getvalue())
    return sorted(folder.iterdir())


def open_batch(page: Page) -> None:
    page.get_by_role("tab", name="Batch").click()
    expect(page.locator("#batch-pair input")).to_have_value("tiny", timeout=20_000)


def start(page: Page, files: list[Path]) -> None:
    page.locator("#batch-files input[type=file]").set_input_files(files)
    expect(page.locator("#batch-files .file")).to_have_count(len(files), timeout=20_000)
    page.locator("#batch-start").click()


def names(page: Page) -> list[str]:
    return page.locator("#batch-results tbody th").all_inner_texts()


def test_files_and_zip_give_results_and_downloads(
    page: Page, uploads: list[Path], checkpoints: Path, tmp_path: Path
) -> None:
    open_batch(page)
    expect(page.locator("#batch-status")).to_contain_text("Choose images, or a ZIP file of images")
    start(page, uploads)
    status = page.locator("#batch-status")
    expect(status).to_contain_text("6 of 7 images explained with tiny", timeout=90_000)
    expect(status).to_contain_text("1 image could not be explained")
    expect(page.locator("#batch-results .gallery li")).to_have_count(7)
    expect(page.locator("#batch-results .gallery img")).to_have_count(6)
    expect(page.locator("#batch-results .gallery li.failed")).to_contain_text("not an image of a supported format")
    assert "With SCFF: " in page.locator("#batch-results .gallery img").first.get_attribute("alt")
    assert names(page) == ["0.png", "1.png", "2.png", "bad.tif", "场景/0.png", "场景/1.png", "场景/2.png"]
    assert width_needed(page) <= page.viewport_size["width"]

    page.get_by_role("button", name="Failed (1)").click()
    assert names(page) == ["bad.tif"]
    page.get_by_role("button", name="All (7)").click()

    head = page.locator("#batch-results thead th").nth(2)
    for direction, order in (("ascending", 1), ("descending", -1)):
        head.locator("button").press("Enter")
        expect(head).to_have_attribute("aria-sort", direction)
        cells = page.locator("#batch-results tbody td:nth-child(3)").all_inner_texts()
        shares = [float(cell.strip("<> %")) for cell in cells]
        assert shares == sorted(shares, reverse=order < 0)
        assert names(page)[-1] == "bad.tif"  # without a value it is last in either order

    files = {}
    for link in page.locator("#batch-downloads a").all():
        with page.expect_download() as found:
            link.click()
        files[link.inner_text()] = Path(found.value.path()).read_bytes()
    assert list(files) == [
        "Table, CSV",
        "Raw heatmaps, ZIP of NPZ",
        "Figures, ZIP of PNG",
        "Contact sheets, ZIP of PNG",
    ]
    rows = list(csv.DictReader(files["Table, CSV"].decode().splitlines()))
    assert [row["image"] for row in rows if row["error"]] == ["bad.tif"]
    folder = uploads[0].parent
    with zipfile.ZipFile(folder / "more.zip") as more:
        more.extractall(folder)
    pair = inference_ready(load_pair(checkpoints / "tiny", torch.device("cpu")))
    explain_folder(FolderRun(folder, images_under(folder), tmp_path / "out", pair, Question(), level="none"))
    with zipfile.ZipFile(BytesIO(files["Raw heatmaps, ZIP of NPZ"])) as maps:
        assert len(maps.namelist()) == 6
        for name in maps.namelist():
            ours, theirs = np.load(BytesIO(maps.read(name))), np.load(tmp_path / "out" / name)
            for role in ("baseline", "scff"):
                np.testing.assert_allclose(ours[role], theirs[role], rtol=1e-3, atol=1e-6)
    with zipfile.ZipFile(BytesIO(files["Figures, ZIP of PNG"])) as figures:
        assert sorted(figures.namelist()) == sorted(f"{row['image']}.png" for row in rows if not row["error"])


def test_stopped_or_closed_batch_lets_the_queued_one_run(
    browser_context: Callable[..., BrowserContext], url: str, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as file:
        for number in range(200):
            data = BytesIO()
            Image.fromarray(texture(number % 3, number, side=60)).save(data, "BMP")
            file.writestr(f"{number:03}.bmp", data.getvalue())
    Image.fromarray(texture(0, 0)).save(tmp_path / "one.png")
    first, second, closed = (browser_context(1280).new_page() for _ in range(3))
    for page in (first, second, closed):
        arrive(page, url)
        open_batch(page)
    first.get_by_text("Advanced settings", exact=True).locator("visible=true").click()
    first.get_by_text("drop, insertion, deletion").click()
    start(first, [tmp_path / "many.zip"])
    expect(first.locator("#batch-results .gallery li").first).to_be_visible(timeout=60_000)
    expect(first.locator("#batch-progress progress")).to_have_attribute("max", "200")
    expect(first.locator("#batch-progress")).to_contain_text("left")
    expect(first.locator("#batch-start")).to_be_disabled()

    start(second, [tmp_path / "one.png"])
    expect(second.locator("#batch-status")).to_contain_text("Queued", timeout=20_000)

    first.locator("#batch-stop").click()
    expect(first.locator("#batch-status")).to_contain_text("of 200 done. Results so far are below", timeout=10_000)
    expect(first.locator("#batch-stop")).to_be_hidden()
    expect(first.locator("#batch-downloads a")).to_have_count(4)
    expect(second.locator("#batch-status")).to_contain_text("1 of 1 image explained", timeout=60_000)

    start(closed, [tmp_path / "many.zip"])  # a closed page does not block the queue
    expect(closed.locator("#batch-results .gallery li").first).to_be_visible(timeout=60_000)
    closed.close()
    second.locator("#batch-start").click()
    expect(second.locator("#batch-status")).to_contain_text("Queued", timeout=20_000)
    expect(second.locator("#batch-status")).to_contain_text("1 of 1 image explained", timeout=30_000)
    for page in (first, second):
        page.close()


def test_invalid_upload_shows_an_error(page: Page, tmp_path: Path) -> None:
    open_batch(page)
    page.locator("#batch-start").click()
    expect(page.locator("#batch-status [role=alert]")).to_contain_text("no files chosen", timeout=20_000)
    (tmp_path / "bad.zip").write_text("none")
    start(page, [tmp_path / "bad.zip"])
    alert = page.locator("#batch-status [role=alert]")
    expect(alert).to_contain_text("No image could be explained", timeout=20_000)
    expect(page.locator("#batch-results tbody")).to_contain_text("the file is damaged, truncated or not a ZIP archive")
    assert width_needed(page) <= page.viewport_size["width"]
