"""The Batch tab's actions, without a browser."""

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

ASKED = ("tiny", "own", "gradcam++", "fused", "none")


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
    """Twelve images, and a file that is none."""
    (folder := tmp_path / "sent").mkdir()
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
    """What the tab offers for a pair."""
    components = batch.components
    return batch.offer({components.pair: pair, components.target: target, components.layer: layer})


def prepared(batch: Batch, files: list[Path], *asked: str) -> tuple[str, dict]:
    """A job's key, and what the tab shows."""
    shown = batch.prepare(request(batch, files, *(asked or ASKED)))
    return shown.get(batch.components.job), shown


def done(batch: Batch, files: list[Path], *asked: str) -> tuple[str, dict]:
    """The same of a run that is done."""
    key, _ = prepared(batch, files, *asked)
    return key, list(batch.explain(key))[-1]


def unchanged(batch: Batch) -> dict:
    """The tab as it is."""
    return {batch.components.status: gr.skip()}


def downloads(batch: Batch, shown: dict) -> dict[str, bytes]:
    """What the links lead to, by title."""
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


def test_results_come_in_while_it_runs(batch: Batch, images: list[Path]) -> None:
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
    assert list(batch.explain(key)) == [unchanged(batch)]  # it is not done twice


def test_files_are_those_of_the_command_line(
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


def test_pictures_of_the_gallery(batch: Batch, images: list[Path]) -> None:
    _, shown = done(batch, images[:1])
    (row,) = shown[batch.components.results]["rows"]
    server = FastAPI()
    batch.downloads.serve(server)
    strip = Image.open(BytesIO(TestClient(server).get(row["strip"]).content))
    assert strip.width == 3 * strip.height == 180
    assert Image.open(BytesIO(TestClient(server).get(row["figure"]).content)).format == "PNG"


def test_stopped_is_what_is_done(batch: Batch, images: list[Path]) -> None:
    key, _ = prepared(batch, images)
    steps = batch.explain(key)
    next(steps), next(steps)
    shown = batch.stop(key)
    assert "<b>Stopped: 8 of 13 done.</b> Results so far are below." in shown[batch.components.status]
    rest = list(steps)  # what was worked on meanwhile is dropped, and the last word is the same
    assert [step[batch.components.status] for step in rest] == [shown[batch.components.status]]
    with zipfile.ZipFile(BytesIO(downloads(batch, shown)["Raw heatmaps, ZIP of NPZ"])) as maps:
        assert len(maps.namelist()) == 8
    assert batch.stop(key)[batch.components.status] == shown[batch.components.status]


def test_stopped_before_its_turn(batch: Batch, images: list[Path]) -> None:
    key, _ = prepared(batch, images)
    shown = batch.stop(key)
    assert "<b>Stopped: 0 of 13 done.</b>" in shown[batch.components.status]
    assert shown[batch.components.downloads] == ""
    assert list(batch.explain(key)) == [unchanged(batch)]


def test_a_page_that_is_closed_ends_the_work(batch: Batch, images: list[Path]) -> None:
    key, _ = prepared(batch, images)
    steps = batch.explain(key)
    next(steps), next(steps)
    steps.close()
    job = batch.jobs.find(key)
    assert job.ended
    assert len(job.rows) == 8


def test_all_failed(batch: Batch, images: list[Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as file:
        file.writestr("a.txt", "x")
    _, shown = done(batch, [images[-1], tmp_path / "none.zip"])
    assert "No image could be explained" in shown[batch.components.status]
    assert "alert" in shown[batch.components.status]
    assert list(downloads(batch, shown)) == ["Table, CSV"]
    rows = shown[batch.components.results]["rows"]
    assert [row["error"] for row in rows] == ["no image in this ZIP file", "not an image of a supported format"]


def test_a_class_is_shown_of_both(batch: Batch, images: list[Path]) -> None:
    _, shown = done(batch, images[:1], "tiny", "roof", "layercam", "Y3", "quick")
    value = shown[batch.components.results]
    assert "Baseline: roof" in value["columns"]
    assert value["columns"][-1] == "With SCFF: deletion"
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
    ("asked", "words"),
    [
        ((None, *ASKED[1:]), "no model pair is chosen"),
        (("gone", *ASKED[1:]), "no pair &#39;gone&#39;"),
        (("broken", *ASKED[1:]), "broken is not a complete model pair"),
        (("tiny", "lake", *ASKED[2:]), "unknown class &#39;lake&#39;"),
        (("tiny", "own", "gradcam++", "Y9", "none"), "Y9"),
    ],
)
def test_what_cannot_be_asked(batch: Batch, images: list[Path], asked: tuple, words: str) -> None:
    key, shown = prepared(batch, images, *asked)
    assert key is None
    assert words in shown[batch.components.status]
    assert "alert" in shown[batch.components.status]


def test_no_files(batch: Batch) -> None:
    assert (
        "no files chosen; choose images or a ZIP file of images"
        in batch.prepare(request(batch, None, *ASKED))[batch.components.status]
    )


def test_too_many_files_leave_nothing_behind(batch: Batch, images: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_IMAGES", 5)
    assert "more than 5 images; upload fewer at once" in prepared(batch, images)[1][batch.components.status]
    assert not list(Path(batch.jobs._root.name).iterdir())


def test_what_is_the_servers_fault_is_said_and_what_is_done_is_kept(
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


def test_a_batch_that_is_gone(batch: Batch) -> None:
    assert "has expired; press Explain again" in batch.stop("gone")[batch.components.status]
    (shown,) = batch.explain("gone")
    assert "This batch has expired; press Explain again" in shown[batch.components.status]
    assert shown[batch.components.start].interactive
    assert not shown[batch.components.stop].visible
    assert list(batch.explain(None)) == [unchanged(batch)]


def test_what_is_refused_is_all_that_is_said(batch: Batch, images: list[Path]) -> None:
    """Also after an earlier batch, which the page then no longer asks for."""
    key, _ = done(batch, images[:1])
    batch.jobs.forget(key)
    shown = batch.prepare(request(batch, None, *ASKED))
    assert shown[batch.components.job] is None
    assert list(batch.explain(shown[batch.components.job])) == [unchanged(batch)]


def test_files_go_after_their_time(pairs: PairFolder, images: list[Path]) -> None:
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


def test_of_many_batches_the_oldest_that_have_ended_go(pairs: PairFolder, images: list[Path]) -> None:
    with gr.Blocks():
        components = lay_out()
    batch = Batch(pairs, BatchJobs(3600, most=2), DownloadStore(route="/batch"), components)
    waiting, _ = prepared(batch, images[:1])
    keys = [done(batch, images[:1])[0] for _ in range(3)]
    assert [batch.jobs.find(key) is None for key in (waiting, *keys)] == [False, True, True, False]
    assert len(list(Path(batch.jobs._root.name).iterdir())) == 2
    assert "1 of 1 image explained" in list(batch.explain(waiting))[-1][batch.components.status]


def test_where_all_places_are_taken_another_batch_is_refused(pairs: PairFolder, images: list[Path]) -> None:
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
    time.sleep(0.1)  # longer than what has ended is kept
    assert "12 of 13 images explained" in list(steps)[-1][components.status]
    assert "1 of 1 image explained" in list(batch.explain(waiting))[-1][components.status]


def test_who_has_left_holds_no_place_in_line(pairs: PairFolder, images: list[Path]) -> None:
    with gr.Blocks():
        with gr.Tab() as tab:
            components = lay_out()
        batch = Batch(pairs, BatchJobs(3600, most=1), DownloadStore(route="/batch"), components)
        bind_callbacks(tab, components, batch, {})
    key, _ = prepared(batch, images[:1])
    components.job.delete_callback(key)
    assert prepared(batch, images[:1])[0] is not None
    assert batch.jobs.find(key) is None


def test_early_pictures_stay_as_long_as_the_batch(pairs: PairFolder, images: list[Path]) -> None:
    with gr.Blocks():
        components = lay_out()
    batch = Batch(pairs, BatchJobs(3600), DownloadStore(seconds=0, route="/batch"), components)
    _, shown = done(batch, images[:1])
    server = FastAPI()
    batch.downloads.serve(server)
    row = shown[components.results]["rows"][0]
    for address in (row["strip"], row["figure"], re.findall(r"href='([^']+)'", shown[components.downloads])[0]):
        assert TestClient(server).get(address).status_code == 200


def test_a_slow_method_takes_few_images(batch: Batch, images: list[Path]) -> None:
    key, shown = prepared(batch, images, "tiny", "own", "scorecam", "fused", "none")
    assert key is None
    assert "a batch is limited to 8 images; upload fewer, or choose another method" in shown[batch.components.status]
    assert not list(Path(batch.jobs._root.name).iterdir())
    key, _ = prepared(batch, images[:8], "tiny", "own", "scorecam", "fused", "none")
    assert key is not None


def test_a_map_that_knows_no_class_is_called_none_s(batch: Batch, images: list[Path]) -> None:
    for method, told in (("layercam", True), ("eigencam", False)):
        targets = ("field", "roof")  # one of which is not what the network says
        shown = [done(batch, images[:1], "tiny", target, method, "fused", "none")[1] for target in targets]
        said = [words for each in shown for words in each[batch.components.results]["rows"][0]["summary"]]
        assert any("heatmap for" in words for words in said) == told


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_the_servers_fault(batch: Batch, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.png", bytes(200_000))
    assert "Internal server error" in prepared(batch, [tmp_path / "x.zip"])[1][batch.components.status]
    assert not list(Path(batch.jobs._root.name).iterdir())


def test_offers_what_a_pair_can_be_asked(batch: Batch) -> None:
    components = batch.components
    shown = offered(batch, None, "own", "fused")
    assert shown[components.pair].value == "tiny"  # broken, which comes before it, cannot be used
    assert [value for _, value in shown[components.target].choices] == ["own", "field", "roof", "water"]
    assert "Y3" in [value for _, value in shown[components.layer].choices]
    kept = offered(batch, "tiny", "roof", "Y9")
    assert (kept[components.target].value, kept[components.layer].value) == ("roof", "fused")
    refused = offered(batch, "broken", "own", "fused")
    assert "broken" in refused[components.pair_error]
    assert components.status not in refused  # which may be that of a batch
    assert offered(batch, "tiny", "own", "fused")[components.pair_error] == ""
    assert [value for _, value in batch.list_pairs().choices] == ["broken", "tiny"]


def test_offers_nothing_where_there_is_no_pair(tmp_path: Path) -> None:
    with gr.Blocks():
        components = lay_out()
    batch = Batch(PairFolder(tmp_path, torch.device("cpu")), BatchJobs(3600), DownloadStore(route="/batch"), components)
    assert offered(batch, None, "own", "fused")[components.pair].choices == []
