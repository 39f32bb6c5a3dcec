"""docs/architecture.md: documented path of an upload, files and functions."""

import ast
import re
import sys
from pathlib import Path
from types import FrameType

import rasterio

from tests.app.tabs.compare.test_callbacks import Page
from tests.conftest import texture, write_pair

ROOT = Path(__file__).parents[2]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
STEPS = re.findall(r"^\| \d+ \| `([\w.]+)` \| `([\w./]+)`", ARCHITECTURE, re.MULTILINE)


def calls_of_an_upload(folder: Path) -> list[tuple[str, str]]:
    """Qualified names and files of the project's functions, in the order of their calls."""
    page = Page(write_pair(folder / "checkpoints" / "tiny").parent)
    page.arrive()
    profile = {"driver": "GTiff", "width": 120, "height": 120, "count": 3, "dtype": "uint8", "photometric": "rgb"}
    with rasterio.open(folder / "scene.tif", "w", **profile) as file:
        file.write(texture(1, 0, side=120).transpose(2, 0, 1))
    calls: list[tuple[str, str]] = []

    def record(frame: FrameType, event: str, _: object) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(ROOT):
            calls.append((frame.f_code.co_qualname, path.relative_to(ROOT).as_posix()))

    sys.setprofile(record)
    try:
        page.upload(folder / "scene.tif")
        heatmaps = re.findall(r"/kept/[\w-]+", page.values[page.components.rows])
        for url in dict.fromkeys(heatmaps):  # as the browser fetches them
            page.callbacks.downloads.content(url.rpartition("/")[2])
    finally:
        sys.setprofile(None)
    return calls


def test_an_upload_takes_the_documented_path(tmp_path: Path) -> None:
    assert 20 <= len(STEPS) <= 25
    calls = iter(calls_of_an_upload(tmp_path))
    assert [step for step in STEPS if step not in calls] == []  # each step is searched after the one before it


def test_documented_files_exist() -> None:
    named = set(re.findall(r"`((?:core|imagery|models|pairs|explain|training|app)/[\w./]*)`", ARCHITECTURE))
    assert len(named) > 40
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_functions_of_the_path_are_defined_in_their_files() -> None:
    for name, file in STEPS:
        defined = {
            node.name
            for node in ast.walk(ast.parse((ROOT / file).read_text()))
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
        assert set(name.split(".")) <= defined, (name, file)
