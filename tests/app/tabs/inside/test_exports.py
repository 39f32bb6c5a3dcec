"""Files exported from the Layers and fusion tab."""

import json
import re
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest

from app.session.settings import Settings
from app.storage.analyses import AnalysisCache, CachedAnalysis
from app.storage.downloads import DownloadStore
from app.storage.source_image import SourceImage
from app.tabs.inside.exports import export_links, heatmaps_by_layer
from explain.metrics.fusion_attribution import inside
from pairs.pair import Pair
from tests.conftest import texture

SETTINGS = Settings("water", "roof", method="hirescam")


@pytest.fixture(scope="module")
def cached(pair: Pair) -> CachedAnalysis:
    image = texture(1, 0, side=80)
    return AnalysisCache().make(SourceImage("a.tif", lambda: image, "k"), pair, image)


def contents(make: Callable[[], CachedAnalysis], pair: Pair) -> list[Callable[[], bytes]]:
    """Functions that fetch each file in turn."""
    downloads = DownloadStore()
    html = export_links("a-tiny", make, SETTINGS.question(pair), downloads, "Export of tiny")
    assert re.findall(r"download='([^']+)'", html) == ["a-tiny.npz", "a-tiny.json"]
    return [lambda token=token: downloads.content(token)[2] for token in re.findall(r"href='/kept/([^/]+)/", html)]


def test_layers_are_the_stages_and_the_fused_maps(cached: CachedAnalysis, pair: Pair) -> None:
    found = heatmaps_by_layer(cached, SETTINGS.question(pair))
    assert sorted(found) == ["X1", "X2", "X3", "X4", "Y2", "Y3", "Y4"]
    assert all(list(maps) == ["baseline", "scff"] for maps in found.values())


def test_fused_maps_are_exported_for_scff_only(cached: CachedAnalysis, pair: Pair) -> None:
    arrays = np.load(BytesIO(contents(lambda: cached, pair)[0]()))
    assert sorted(arrays) == sorted([f"{role}/X{i}" for role in ("baseline", "scff") for i in range(1, 5)] + [
        f"scff/Y{i}" for i in range(2, 5)
    ])  # fmt: skip
    assert all(arrays[name].dtype == np.float32 for name in arrays)


def test_fusion_attribution_is_of_the_same_request(cached: CachedAnalysis, pair: Pair) -> None:
    found = json.loads(contents(lambda: cached, pair)[1]())
    assert (found["target"], found["against"]) == ("water", "roof")
    assert found == json.loads(json.dumps(inside(cached.analysis, SETTINGS.question(pair))))


def test_analysis_is_requested_when_a_file_is_fetched(cached: CachedAnalysis, pair: Pair) -> None:
    calls: list[str] = []

    def find() -> CachedAnalysis:
        calls.append("found")
        return cached

    npz, _ = contents(find, pair)
    assert calls == []
    npz()
    assert calls == ["found"]
