"""Layers and fusion tab: HTML."""

import json
import re
from collections.abc import Mapping
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from app.session.settings import Settings
from app.session.state import SessionState
from app.storage.analyses import AnalysisCache, CachedAnalysis
from app.storage.downloads import DownloadStore
from app.storage.source_image import SourceImage
from app.tabs.inside.view import inside_html
from core.errors import BadInputError
from explain.cam.forward_pass import forward_pass
from explain.figures.overlay import levels
from explain.metrics.fusion_attribution import fusion_weights, stage_contributions
from pairs.pair import Pair
from tests.conftest import texture

DEFAULTS = Settings()
IMAGE = texture(1, 0, side=80)
STATE = SessionState(SourceImage("a <b>.tif", lambda: IMAGE, "k"), (80, 80), "/kept/x/a.png", ("tiny",))


@pytest.fixture(scope="module")
def cached(pair: Pair) -> CachedAnalysis:
    return AnalysisCache().make(STATE.source, pair, IMAGE)


def shown(
    cached: Mapping[str, CachedAnalysis], settings: Settings = DEFAULTS, downloads: DownloadStore | None = None
) -> str:
    return inside_html(STATE, lambda: cached, settings, downloads or DownloadStore())


def file(html: str, title: str, downloads: DownloadStore) -> bytes:
    """Content of the file that the page links under this title."""
    token = re.search(rf"href='/kept/([^/]+)/[^']*'[^>]*>{title}", html)[1]
    return downloads.content(token)[2]


def test_every_stage_and_fused_map_is_shown(cached: CachedAnalysis) -> None:
    html = shown({"tiny": cached})
    titles = re.findall(r"<h4>([^<]*)</h4>", html)
    assert titles == [
        *("Baseline, X1", "With SCFF, X1"),
        *("Baseline, X2", "With SCFF, X2", "With SCFF, Y2", "Y2 fuses X1 and X2"),
        *("Baseline, X3", "With SCFF, X3", "With SCFF, Y3", "Y3 fuses Y2 and X3"),
        *("Baseline, X4", "With SCFF, X4", "With SCFF, Y4", "Y4 fuses Y3 and X4"),
    ]
    assert "a &lt;b&gt;.tif" in html
    assert "a <b>.tif" not in html


def test_heatmaps_match_the_compare_tab(cached: CachedAnalysis) -> None:
    downloads, settings = DownloadStore(), Settings("water", "roof", method="hirescam")
    arrays = np.load(BytesIO(file(shown({"tiny": cached}, settings, downloads), "All heatmaps, NPZ", downloads)))
    layers = [f"X{i}" for i in range(1, 5)], [f"Y{i}" for i in range(2, 5)]
    assert set(arrays) == {f"{r}/{x}" for r in ("baseline", "scff") for x in layers[0]} | {
        f"scff/{y}" for y in layers[1]
    }
    for name, values in arrays.items():
        role, layer = name.split("/")
        question = Settings("water", "roof", layer, "hirescam").question(cached.analysis.pair)
        np.testing.assert_allclose(values, cached.analysis.heatmaps(question)[role].values, rtol=1e-4, atol=1e-7)


def test_heatmap_png_holds_fractions_of_the_maximum(cached: CachedAnalysis) -> None:
    downloads = DownloadStore()
    html = shown({"tiny": cached}, Settings(colour_map="viridis"), downloads)
    tokens = re.findall(r"class='heat' src='/kept/([^/]+)/[^']*-scff-Y4.png", html)
    heat = np.asarray(Image.open(BytesIO(downloads.content(tokens[0])[2])))  # palette indices: fractions of the maximum
    values = cached.heatmaps(Settings(layer="Y4").question(cached.analysis.pair))["scff"].values
    assert np.array_equal(heat, levels(values / values.max(), (80, 80)))


def test_fusion_weights_and_stage_shares_match_the_metrics(cached: CachedAnalysis) -> None:
    downloads = DownloadStore()
    html = shown({"tiny": cached}, Settings("roof"), downloads)
    run = forward_pass(cached.analysis.pair.scff.network, cached.analysis.scff.forward_pass.images)
    target = cached.analysis.scff.target(Settings("roof").question(cached.analysis.pair))
    found = json.loads(file(html, "Fusion attribution, JSON", downloads))
    for share in stage_contributions(run, [target])[0]:
        assert found["stages"][share.stage]["share"] == pytest.approx(share.share, abs=1e-4)
        number = f"{share.share:+.2f}".replace("-", "−")
        assert f"<span class='number'>{'0.00' if number[1:] == '0.00' else number}</span>" in html
    for weights in fusion_weights(run)[0]:
        assert found["fusions"][weights.layer]["earlier"] == pytest.approx(weights.earlier.tolist(), abs=1e-5)
        assert f"<td>{weights.mean:.2f} ± {weights.spread:.2f}</td>" in html
        assert f"standard deviation {weights.spread:.2f}</title>" in html
    assert (found["target"], found["against"]) == ("roof", None)


def test_caption_names_target_classes_and_method(cached: CachedAnalysis) -> None:
    classes = cached.analysis.pair.classes
    names = [classes[run.prediction] for run in cached.analysis.networks.values()]
    html = shown({"tiny": cached})
    assert all(f"<b>{name}</b>" in html for name in names)
    assert "each network's own prediction" in html
    assert "Evidence for <b>water</b> over <b>roof</b>, by Grad-CAM++." in shown(
        {"tiny": cached}, Settings("water", "roof")
    )
    assert "independent of the class, by Eigen-CAM" in shown({"tiny": cached}, Settings(method="eigencam"))


def test_several_pairs_have_a_section_each(cached: CachedAnalysis) -> None:
    html = shown({"tiny": cached, "other": cached})
    assert re.findall(r"<h2 class='name'>(\w+)</h2>", html) == ["tiny", "other"]


def test_slow_method_is_rejected(cached: CachedAnalysis) -> None:
    with pytest.raises(BadInputError, match="Score-CAM runs the network once for each channel of each layer"):
        shown({"tiny": cached}, Settings(method="scorecam"))
