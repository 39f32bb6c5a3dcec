"""Callbacks of the Batch tab, without a browser."""

import csv
import re
import time
import zipfile
from io import BytesIO, StringIO
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
import torch
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from app.storage.downloads import DownloadStore
from app.tabs.batch import archive
from app.tabs.batch.callbacks import Batch, bind_callbacks
from app.tabs.batch.jobs import BatchJobs
from app.tabs.batch.layout import lay_out
from explain.batch.folder import explain_folder
from explain.batch.folder_run import FolderRun
from explain.cam.question import Question
from pairs.folder import PairFolder
from tests.conftest import texture, write_pair

SETTINGS = ("tiny", "own", "gradcam++", "fused", "none")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> PairFolder:
    folder = tmp_path_factory.mktemp("batch") / "checkpoints"
    write_pair(folder / "tiny")
    (folder / "broken").mkdir()
    (folder / "broken" / "report.json").write_text("{}")
    return PairFolder(folder, torch.device("cpu"))


@pytest.fixture
def batch(pairs: PairFolder) -> Batch:
    with gr.Blocks():
        components = lay_out()
    return Batch(pairs, BatchJobs(3600), DownloadStore(route="/batch"), components)


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    """Twelve images and one file that is not an image."""
    (folder := tmp_path / "uploads").mkdir()
    for number in range(12):
        Image.fromarray(texture(number % 3, number, side=60)).save(folder / f"{number:02}.png")
    (folder / "bad.tif").write_text("not pixels")
    return sorted(folder.iterdir())


def request(batch: Batch, files: list[Path] | None, *values: str | None) -> dict:
    """Inputs of a batch job."""
    components = batch.components
    controls = (components.pair, components.target, components.method, components.layer, components.metrics)
    return {components.files: files and list(map(str, files)), **dict(zip(controls, values, strict=True))}


def offered(batch: Batch, pair: str | None, target: str, layer: str) -> dict:
    """Updates of the controls for a pair."""
    components = batch.components
    return batch.offer({components.pair: pair, components.target: target, components.layer: layer})


def prepared(batch: Batch, files: list[Path], *values: str) -> tuple[str, dict]:
    """Key of a prepared job, and the component updates."""
    shown = batch.prepare(request(batch, files, *(values or SETTINGS)))
    return shown.get(batch.components.job), shown


def done(batch: Batch, files: list[Path], *values: str) -> tuple[str, dict]:
    """The same of a completed run."""
    key, _ = prepared(batch, files, *values)
    return key, list(batch.explain(key))[-1]


def unchanged(batch: Batch) -> dict:
    """An update that changes nothing."""
    return {batch.components.status: gr.skip()}


def downloads(batch: Batch, shown: dict) -> dict[str, bytes]:
    """Contents of the linked files, by title."""
    server = FastAPI()
    batch.downloads.serve(server)
    links = re.findall(r"href='([^']+)' download='[^']*'>([^<]+)<", shown[batch.components.downloads])
    found = {}
    for address, title in links:
        response = TestClient(server).get(address)
        assert response.status_code == 200
        assert response.headers["content-disposition"].startswith("attachment")
        found[title] = response.content
    return found


def test_results_are_shown_while_the_batch_runs(batch: Batch, images: list[Path]) -> None:
    key, shown = prepared(batch, images)
    assert "Queued" in shown[batch.components.status]
    steps = list(batch.explain(key))
    assert [len(step[batch.components.results]["rows"]) for step in steps] == [0, 8, 13, 13]
    assert "8 of 13 images, less than a minute left" in steps[1][batch.components.progress]
    assert not steps[1][batch.components.downloads]
    last = steps[-1]
    assert "<b>12 of 13 images explained</b> with tiny" in last[batch.components.status]
    assert "1 image could not be explained; the table gives the reasons." in last[batch.components.status]
    assert re.search(r"Both networks predict the same class for \d+ of 12", last[batch.components.status])
    bad = next(row for row in last[batch.components.results]["rows"] if row["name"] == "bad.tif")
    assert bad == {"name": "bad.tif", "error": "not an image of a supported format"}
    assert list(batch.explain(key)) == [unchanged(batch)]  # a job runs once


def test_exported_files_match_the_command_line(
    batch: Batch, images: list[Path], pairs: PairFolder, tmp_path: Path
) -> None:
    _, shown = done(batch, images[:4])
    files = downloads(batch, shown)
    assert list(files) == [
        "Table, CSV",
        "Raw heatmaps, ZIP of NPZ",
        "Figures, ZIP of PNG",
        "Contact sheets, ZIP of PNG",
    ]
    folder, out = images[0].parent, tmp_path / "out"
    pair = pairs.load("tiny")
    explain_folder(FolderRun(folder, [path.name for path in images[:4]], out, pair, Question(), level="none", batch=8))
    assert files["Table, CSV"] == (out / "results.csv").read_bytes()
    with zipfile.ZipFile(BytesIO(files["Raw heatmaps, ZIP of NPZ"])) as maps:
        assert maps.testzip() is None
        assert maps.namelist() == [f"maps/{number:02}.png.npz" for number in range(4)]
        for name in maps.namelist():
            ours, theirs = np.load(BytesIO(maps.read(name))), np.load(out / name)
            for role in ("baseline", "scff"):
                np.testing.assert_array_equal(ours[role], theirs[role])
    with zipfile.ZipFile(BytesIO(files["Figures, ZIP of PNG"])) as figures:
        assert len(figures.namelist()) == 4
        assert Image.open(BytesIO(figures.read("00.png.png"))).width > 1600  # four panels
    with zipfile.ZipFile(BytesIO(files["Contact sheets, ZIP of PNG"])) as sheets:
        assert sheets.read("contact-1.png") == (out / "contact-1.png").read_bytes()


def test_gallery_row_has_thumbnails_and_figure(batch: Batch, images: list[Path]) -> None:
    _, shown = done(batch, images[:1])
    (row,) = shown[batch.components.results]["rows"]
    server = FastAPI()
    batch.downloads.serve(server)
    strip = Image.open(BytesIO(TestClient(server).get(row["strip"]).content))
    assert strip.width == 3 * strip.height == 180
    assert Image.open(BytesIO(TestClient(server).get(row["figure"]).content)).format == "PNG"


def test_stopped_batch_keeps_finished_images(batch: Batch, images: list[Path]) -> None:
    key, _ = prepared(batch, images)
    steps = batch.explain(key)
    next(steps), next(steps)
    shown = batch.stop(key)
    assert "<b>Stopped: 8 of 13 done.</b> Results so far are below." in shown[batch.components.status]
    rest = list(steps)  # the batch in progress is dropped, and the status stays the same
    assert [step[batch.components.status] for step in rest] == [shown[batch.components.status]]
    with zipfile.ZipFile(BytesIO(downloads(batch, shown)["Raw heatmaps, ZIP of NPZ"])) as maps:
        assert len(maps.namelist()) == 8
    assert batch.stop(key)[batch.components.status] == shown[batch.components.status]


def test_queued_batch_can_be_stopped(batch: Batch, images: list[Path]) -> None:
    key, _ = prepared(batch, images)
    shown = batch.stop(key)
    assert "<b>Stopped: 0 of 13 done.</b>" in shown[batch.components.status]
    assert shown[batch.components.downloads] == ""
    assert list(batch.explain(key)) == [unchanged(batch)]


def test_closed_page_ends_the_batch(batch: Batch, images: list[Path]) -> None:
    key, _ = prepared(batch, images)
    steps = batch.explain(key)
    next(steps), next(steps)
    steps.close()
    job = batch.jobs.find(key)
    assert job.ended
    assert len(job.rows) == 8


def test_batch_without_readable_images_is_an_error(batch: Batch, images: list[Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as file:
        file.writestr("a.txt", "x")
    _, shown = done(batch, [images[-1], tmp_path / "none.zip"])
    assert "No image could be explained" in shown[batch.components.status]
    assert "alert" in shown[batch.components.status]
    assert list(downloads(batch, shown)) == ["Table, CSV"]
    rows = shown[batch.components.results]["rows"]
    assert [row["error"] for row in rows] == ["no image in this ZIP file", "not an image of a supported format"]


def test_chosen_class_and_metrics_are_columns(batch: Batch, images: list[Path]) -> None:
    _, shown = done(batch, images[:1], "tiny", "roof", "layercam", "Y3", "quick")
    value = shown[batch.components.results]
    assert "Baseline: roof" in value["columns"]
    assert value["columns"][-1] == "With\N{NO-BREAK SPACE}SCFF: deletion"
    assert all(len(row["cells"]) == len(value["columns"]) for row in value["rows"])
    table = list(csv.DictReader(StringIO(downloads(batch, shown)["Table, CSV"].decode())))
    assert {row["scff_target"] for row in table} == {"roof"}
    assert "drop" in shown[batch.components.column_glossary]


def test_georeferenced_images_have_geotiffs(batch: Batch, images: list[Path]) -> None:
    images[0].with_suffix(".pgw").write_text("2\n0\n0\n-2\n240000\n3380000\n")
    _, shown = done(batch, [images[0], images[0].with_suffix(".pgw")])
    with zipfile.ZipFile(BytesIO(downloads(batch, shown)["Raw heatmaps, ZIP of NPZ and GeoTIFF"])) as maps:
        assert maps.namelist() == ["maps/00.png.npz", "maps/00.png.tif"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((None, *SETTINGS[1:]), "no model pair is chosen"),
        (("gone", *SETTINGS[1:]), "no pair &#39;gone&#39;"),
        (("broken", *SETTINGS[1:]), "broken is not a complete model pair"),
        (("tiny", "lake", *SETTINGS[2:]), "unknown class &#39;lake&#39;"),
        (("tiny", "own", "gradcam++", "Y9", "none"), "Y9"),
    ],
)
def test_invalid_settings_are_rejected(batch: Batch, images: list[Path], values: tuple, message: str) -> None:
    key, shown = prepared(batch, images, *values)
    assert key is None
    assert message in shown[batch.components.status]
    assert "alert" in shown[batch.components.status]


def test_missing_files_are_an_error(batch: Batch) -> None:
    assert (
        "no files chosen; choose images or a ZIP file of images"
        in batch.prepare(request(batch, None, *SETTINGS))[batch.components.status]
    )


def test_too_many_files_leave_no_folder(batch: Batch, images: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_IMAGES", 5)
    assert "more than 5 images; upload fewer at once" in prepared(batch, images)[1][batch.components.status]
    assert not list(Path(batch.jobs._root.name).iterdir())


def test_internal_error_is_shown_and_finished_results_kept(
    batch: Batch, images: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    key, _ = prepared(batch, images)
    steps = batch.explain(key)
    next(steps), next(steps)
    monkeypatch.setattr("explain.batch.image_batch.forward_passes", lambda *_: 1 / 0)
    shown = next(steps)
    assert "Internal server error" in shown[batch.components.status]
    assert len(shown[batch.components.results]["rows"]) == 8
    assert "Raw heatmaps, ZIP of NPZ" in downloads(batch, shown)


def test_expired_batch_is_an_error(batch: Batch) -> None:
    assert "has expired; press Explain again" in batch.stop("gone")[batch.components.status]
    (shown,) = batch.explain("gone")
    assert "This batch has expired; press Explain again" in shown[batch.components.status]
    assert shown[batch.components.start].interactive
    assert not shown[batch.components.stop].visible
    assert list(batch.explain(None)) == [unchanged(batch)]


def test_rejected_request_runs_no_job(batch: Batch, images: list[Path]) -> None:
    """Also after an earlier batch, whose job the page then no longer refers to."""
    key, _ = done(batch, images[:1])
    batch.jobs.forget(key)
    shown = batch.prepare(request(batch, None, *SETTINGS))
    assert shown[batch.components.job] is None
    assert list(batch.explain(shown[batch.components.job])) == [unchanged(batch)]


def test_expired_batch_loses_its_files(pairs: PairFolder, images: list[Path]) -> None:
    with gr.Blocks():
        components = lay_out()
    batch = Batch(pairs, BatchJobs(1.0), DownloadStore(route="/batch"), components)
    key, shown = done(batch, images[:1])
    server = FastAPI()
    batch.downloads.serve(server)
    row = shown[batch.components.results]["rows"][0]
    addresses = [row["strip"], row["figure"], *re.findall(r"href='([^']+)'", shown[batch.components.downloads])[1:]]
    for _ in range(100):
        if batch.jobs.find(key) is None and not list(Path(batch.jobs._root.name).iterdir()):
            break
        time.sleep(0.1)
    assert batch.jobs.find(key) is None
    for address in addresses:
        assert TestClient(server).get(address).status_code == 404


def test_oldest_ended_batches_are_evicted(pairs: PairFolder, images: list[Path]) -> None:
    with gr.Blocks():
        components = lay_out()
    batch = Batch(pairs, BatchJobs(3600, most=2), DownloadStore(route="/batch"), components)
    waiting, _ = prepared(batch, images[:1])
    keys = [done(batch, images[:1])[0] for _ in range(3)]
    assert [batch.jobs.find(key) is None for key in (waiting, *keys)] == [False, True, True, False]
    assert len(list(Path(batch.jobs._root.name).iterdir())) == 2
    assert "1 of 1 image explained" in list(batch.explain(waiting))[-1][batch.components.status]


def test_batch_is_rejected_when_the_queue_is_full(pairs: PairFolder, images: list[Path]) -> None:
    with gr.Blocks():
        components = lay_out()
    batch = Batch(pairs, BatchJobs(0.05, most=2), DownloadStore(route="/batch"), components)
    working, _ = prepared(batch, images)
    steps = batch.explain(working)
    next(steps)
    waiting, _ = prepared(batch, images[:1])
    key, shown = prepared(batch, images[:1])
    assert key is None
    assert "the queue is full with 2 batches; try again later" in shown[components.status]
    time.sleep(0.1)  # longer than ended batches are kept
    assert "12 of 13 images explained" in list(steps)[-1][components.status]
    assert "1 of 1 image explained" in list(batch.explain(waiting))[-1][components.status]


def test_closed_session_frees_its_place_in_the_queue(pairs: PairFolder, images: list[Path]) -> None:
    with gr.Blocks():
        with gr.Tab() as tab:
            components = lay_out()
        batch = Batch(pairs, BatchJobs(3600, most=1), DownloadStore(route="/batch"), components)
        bind_callbacks(tab, components, batch, {})
    key, _ = prepared(batch, images[:1])
    components.job.delete_callback(key)
    assert prepared(batch, images[:1])[0] is not None
    assert batch.jobs.find(key) is None


def test_thumbnails_are_kept_as_long_as_the_batch(pairs: PairFolder, images: list[Path]) -> None:
    with gr.Blocks():
        components = lay_out()
    batch = Batch(pairs, BatchJobs(3600), DownloadStore(seconds=0, route="/batch"), components)
    _, shown = done(batch, images[:1])
    server = FastAPI()
    batch.downloads.serve(server)
    row = shown[components.results]["rows"][0]
    for address in (row["strip"], row["figure"], re.findall(r"href='([^']+)'", shown[components.downloads])[0]):
        assert TestClient(server).get(address).status_code == 200


def test_slow_method_limits_the_number_of_images(batch: Batch, images: list[Path]) -> None:
    key, shown = prepared(batch, images, "tiny", "own", "scorecam", "fused", "none")
    assert key is None
    assert "a batch is limited to 8 images; upload fewer, or choose another method" in shown[batch.components.status]
    assert not list(Path(batch.jobs._root.name).iterdir())
    key, _ = prepared(batch, images[:8], "tiny", "own", "scorecam", "fused", "none")
    assert key is not None


def test_class_agnostic_heatmap_names_no_class(batch: Batch, images: list[Path]) -> None:
    for method, names_class in (("layercam", True), ("eigencam", False)):
        targets = ("field", "roof")  # one of them is not the prediction
        shown = [done(batch, images[:1], "tiny", target, method, "fused", "none")[1] for target in targets]
        lines = [line for each in shown for line in each[batch.components.results]["rows"][0]["summary"]]
        assert any("heatmap for" in line for line in lines) == names_class


@pytest.mark.usefixtures("full_disk")
def test_full_disk_is_an_internal_error(batch: Batch, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.png", bytes(200_000))
    assert "Internal server error" in prepared(batch, [tmp_path / "x.zip"])[1][batch.components.status]
    assert not list(Path(batch.jobs._root.name).iterdir())


def test_controls_offer_classes_and_layers_of_the_pair(batch: Batch) -> None:
    components = batch.components
    shown = offered(batch, None, "own", "fused")
    assert shown[components.pair].value == "tiny"  # the broken pair, listed before it, is unusable
    assert [value for _, value in shown[components.target].choices] == ["own", "field", "roof", "water"]
    assert "Y3" in [value for _, value in shown[components.layer].choices]
    kept = offered(batch, "tiny", "roof", "Y9")
    assert (kept[components.target].value, kept[components.layer].value) == ("roof", "fused")
    unusable = offered(batch, "broken", "own", "fused")
    assert "broken" in unusable[components.pair_error]
    assert components.status not in unusable  # the status may be that of a running batch
    assert offered(batch, "tiny", "own", "fused")[components.pair_error] == ""
    assert [value for _, value in batch.list_pairs().choices] == ["broken", "tiny"]


def test_controls_offer_no_pair_for_an_empty_folder(tmp_path: Path) -> None:
    with gr.Blocks():
        components = lay_out()
    batch = Batch(PairFolder(tmp_path, torch.device("cpu")), BatchJobs(3600), DownloadStore(route="/batch"), components)
    assert offered(batch, None, "own", "fused")[components.pair].choices == []
