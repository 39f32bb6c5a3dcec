"""Callbacks of the Compare tab: their loads, decodings, forward passes and answers."""

import importlib
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch
from PIL import Image

from app.example_scenes import SCENES, draw
from app.session.analysis import SessionAnalyses
from app.session.callback_order import Session
from app.storage.downloads import DownloadStore
from app.tabs.compare import layout
from app.tabs.compare.callbacks import Compare
from pairs.folder import PairFolder
from tests.conftest import texture, write_pair

pytestmark = pytest.mark.essential

SETTINGS = {"target": "roof", "against": "water", "layer": "Y3", "method": "hirescam", "colour_map": "viridis"}


class Page:
    """The tab without a browser: values of the components, and calls of the callbacks."""

    def __init__(self, folder: Path) -> None:
        examples = [draw(name) for name in SCENES]
        with gr.Blocks():
            self.components = layout.lay_out(examples)
        analyses = SessionAnalyses(PairFolder(folder, torch.device("cpu")), DownloadStore())
        self.callbacks = Compare(analyses, examples, self.components)
        components = self.components
        self.values: dict[Any, Any] = {each: each.value for each in components.analysis_inputs()}
        self.values |= {components.session: Session(), components.pair: "tiny", components.more_pairs: []}

    def call(self, callback: Callable[..., dict], *event: object, **settings: object) -> dict:
        """Changes settings, calls a callback, and stores its answer in the components."""
        self.values |= {getattr(self.components.settings, name): value for name, value in settings.items()}
        answer = callback(dict(self.values), *event)
        for component, value in answer.items():
            self.values[component] = value["value"] if isinstance(value, dict) and "value" in value else value
        return answer

    def arrive(self, **query: str) -> dict:
        return self.call(self.callbacks.arrive, SimpleNamespace(query_params=query))

    def upload(self, path: Path) -> dict:
        self.values[self.components.upload] = str(path)
        return self.call(self.callbacks.open_upload)

    def status(self) -> str:
        return self.values[self.components.status]


@pytest.fixture
def page(tmp_path: Path) -> Page:
    return Page(write_pair(tmp_path / "checkpoints" / "tiny").parent)


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Number of calls of each slow operation."""
    calls: Counter = Counter()

    def counted(where: str, name: str) -> None:
        module, _, attribute = where.rpartition(".")
        original = getattr(importlib.import_module(module), attribute)

        def call(*arguments: Any, **options: Any) -> Any:
            calls[name] += 1
            return original(*arguments, **options)

        monkeypatch.setattr(where, call)

    counted("app.tabs.compare.callbacks.read_image", "decodes")
    counted("explain.cam.analysis.forward_pass", "forward passes")
    counted("app.storage.analyses.read_partial_report", "report reads")
    load = PairFolder.load

    def counted_load(self: PairFolder, name: str) -> Any:
        calls["pair loads"] += 1
        return load(self, name)

    monkeypatch.setattr(PairFolder, "load", counted_load)
    return calls


def test_page_load_loads_the_pair_once_and_runs_each_network_once(page: Page, counts: Counter) -> None:
    page.arrive()
    assert counts == {"pair loads": 1, "forward passes": 2, "report reads": 1}  # the example is not a file
    assert "Overpass" in page.status()


def test_an_upload_is_decoded_once(page: Page, counts: Counter, tmp_path: Path) -> None:
    page.arrive()
    counts.clear()
    Image.fromarray(texture(1, 0, side=120)).save(tmp_path / "scene.tif")
    page.upload(tmp_path / "scene.tif")
    assert counts == {"pair loads": 1, "decodes": 1, "forward passes": 2, "report reads": 1}
    assert "scene.tif" in page.status()


@pytest.mark.parametrize(("name", "value"), SETTINGS.items())
def test_a_changed_control_loads_decodes_and_reads_nothing(
    page: Page, counts: Counter, tmp_path: Path, name: str, value: str
) -> None:
    page.arrive()
    Image.fromarray(texture(1, 0, side=120)).save(tmp_path / "scene.tif")
    page.upload(tmp_path / "scene.tif")
    page.call(page.callbacks.redraw, target="field")
    counts.clear()
    before = page.values[page.components.rows]
    page.call(page.callbacks.redraw, **{name: value})
    assert counts == {}
    assert page.values[page.components.rows] != before


def test_marking_loads_decodes_and_reads_nothing(page: Page, counts: Counter, tmp_path: Path) -> None:
    page.arrive()
    Image.fromarray(texture(1, 0, side=120)).save(tmp_path / "scene.tif")
    page.upload(tmp_path / "scene.tif")
    counts.clear()
    page.values[page.components.image] = {"box": [10, 10, 60, 60]}
    page.call(page.callbacks.mark)
    assert counts == {}
    assert "17.4\N{NO-BREAK SPACE}% of the image" in page.values[page.components.region]


def test_added_pair_decodes_once_and_runs_only_its_networks(page: Page, counts: Counter, tmp_path: Path) -> None:
    write_pair(tmp_path / "checkpoints" / "z-other", seed=1)
    page.arrive()
    Image.fromarray(texture(1, 0, side=120)).save(tmp_path / "scene.tif")
    page.upload(tmp_path / "scene.tif")
    counts.clear()
    page.values[page.components.more_pairs] = ["z-other"]
    page.call(page.callbacks.change_pairs)
    assert counts == {"pair loads": 2, "decodes": 1, "forward passes": 2, "report reads": 1}
    assert page.values[page.components.rows].count("<section") == 2


def test_changed_pair_files_are_reloaded(page: Page, counts: Counter, tmp_path: Path) -> None:
    page.arrive()
    before = page.values[page.components.rows]
    shutil.rmtree(tmp_path / "checkpoints" / "tiny")
    write_pair(tmp_path / "checkpoints" / "tiny", seed=3)
    counts.clear()
    page.call(page.callbacks.change_pairs)
    assert counts == {"pair loads": 1, "forward passes": 2, "report reads": 1}
    assert page.values[page.components.rows] != before


def test_resync_answers_with_the_current_view(page: Page, counts: Counter) -> None:
    """For a page whose answers arrived out of order."""
    page.arrive()
    page.call(page.callbacks.open_example, SimpleNamespace(index=1))
    page.call(page.callbacks.redraw, target="roof")
    expected = dict(page.values)
    counts.clear()
    answer = page.call(page.callbacks.resync)
    assert counts == {}
    for component in page.components.analysis():
        if component is page.components.sequence:
            assert answer[component] == expected[component] + 1
        elif component in expected:
            assert page.values[component] == expected[component], component
    assert answer[page.components.settings.target]["choices"][0][1] == "own"
    assert page.values[page.components.settings.target] == "roof"


def test_an_expired_session_asks_for_an_image(page: Page) -> None:
    page.arrive()
    page.values[page.components.session] = Session()
    page.call(page.callbacks.redraw)
    assert "this session has expired; choose an image again" in page.status()


def test_image_is_kept_when_the_pair_is_damaged(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "checkpoints" / "tiny" / "scff.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[:5000])
    page.arrive(image="river")
    assert "River (synthetic; the networks were trained on real images) is still selected" in page.status()
    path.write_bytes(content)
    page.call(page.callbacks.change_pairs)
    assert "River" in page.status()
    assert page.values[page.components.rows].count("<figure") == 2
    assert np.shape(page.values[page.components.image]["box"]) == ()


def test_folder_without_pairs_shows_the_training_command(tmp_path: Path) -> None:
    page = Page(tmp_path)
    page.values[page.components.pair] = None
    page.arrive()
    assert "There is no model pair in" in page.status()
    assert "python -m training train" in page.status()
