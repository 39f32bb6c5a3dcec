"""Files exported from the Compare tab."""

import json
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import from_origin

from app.components.region import Marking
from app.session.settings import Settings
from app.session.state import SessionState
from app.storage.analyses import AnalysisCache
from app.storage.downloads import DownloadStore
from app.storage.source_image import SourceImage, display_size
from app.tabs.compare.exports import export_links
from explain.metrics.localisation import Region
from imagery.geotiff import is_georeferenced
from imagery.reading import read_image
from pairs.pair import Pair
from tests.app.conftest import write_bands
from tests.conftest import texture


def files(
    pair: Pair, path: Path, marking: Marking | None = None, bands: tuple[int, ...] | None = None
) -> dict[str, bytes]:
    """Contents of the files linked from a view, by title."""
    source = SourceImage(path.name, lambda: read_image(path, bands=bands), "k", path, is_georeferenced(path), bands)
    state = SessionState(source, (1500, 1200), "/kept/x/a.png", ("tiny",), marking)
    downloads, analyses = DownloadStore(), {"tiny": AnalysisCache().make(source, pair, source.read())}
    links = re.findall(r"href='/kept/([^/]+)/[^']*\\?save=true' download='[^']*'>([^<]+)<", export_links(
        state, lambda: analyses, Settings("roof", layer="Y3"), downloads
    ))  # fmt: skip
    return {title: downloads.content(token)[2] for token, title in links}


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A GeoTIFF larger than the display size."""
    path = tmp_path / "scene.tif"
    pixels = texture(1, 0, side=1500)[:, :1200].transpose(2, 0, 1)
    place = {"crs": "EPSG:32650", "transform": from_origin(240_000, 3_380_000, 2, 2)}
    with rasterio.open(path, "w", driver="GTiff", height=1500, width=1200, count=3, dtype="uint8", **place) as file:
        file.write(pixels)
    return path


def test_links_lead_to_figures_maps_report_and_geotiff(pair: Pair, scene: Path) -> None:
    region = Region.from_box((100, 100, 300, 400), display_size(1500, 1200))
    found = files(pair, scene, Marking(region, (146, 146, 440, 586)))
    assert list(found) == [
        "Figure, PNG", "Figure, SVG", "Figure, PDF", "Raw heatmaps, NPZ", "JSON report", "Heatmaps, GeoTIFF"
    ]  # fmt: skip
    assert Image.open(BytesIO(found["Figure, PNG"])).info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert b"<svg" in found["Figure, SVG"]
    assert found["Figure, PDF"].startswith(b"%PDF")
    assert b"FontFile2" in found["Figure, PDF"]
    maps = np.load(BytesIO(found["Raw heatmaps, NPZ"]))
    assert {name: maps[name].shape for name in maps} == {"baseline": (4, 4), "scff": (4, 4)}
    (report,) = json.loads(found["JSON report"])["pairs"]
    assert report["size"] == {"width": 1200, "height": 1500}
    assert report["region"]["box"] == [146, 146, 440, 586]
    assert report["question"]["target"] == "roof"
    with rasterio.open(BytesIO(found["Heatmaps, GeoTIFF"])) as ours, rasterio.open(scene) as theirs:
        assert ours.bounds == pytest.approx(theirs.bounds)
        assert ours.crs == theirs.crs


def test_exports_name_the_displayed_bands(pair: Pair, tmp_path: Path) -> None:
    path = write_bands(tmp_path / "five.tif")
    found = files(pair, path, bands=(4, 3, 2))
    report = json.loads(found["JSON report"])
    assert report["pairs"][0]["bands"] == [4, 3, 2]
    assert "bands=4%2C3%2C2" in report["link"]
    assert "five.tif, bands 4, 3, 2 as red, green, blue." in found["Figure, SVG"].decode()
    assert json.loads(files(pair, path)["JSON report"])["pairs"][0]["bands"] is None


def test_image_without_georeference_has_no_geotiff(pair: Pair, tmp_path: Path) -> None:
    Image.fromarray(texture(1, 0)).save(tmp_path / "a.png")
    assert "Heatmaps, GeoTIFF" not in files(pair, tmp_path / "a.png")
