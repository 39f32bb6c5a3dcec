"""Compare tab: HTML of an analysed image."""

import re
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from app.components.html import colour_bar
from app.components.region import Marking
from app.session.settings import Settings
from app.session.state import SessionState
from app.storage.analyses import AnalysisCache, CachedAnalysis
from app.storage.downloads import DownloadStore
from app.storage.source_image import SourceImage
from app.tabs.compare.view import View, extremes_text, view
from core.errors import BadInputError
from explain.figures.overlay import difference, levels, overlay, scaled
from explain.figures.style import Style
from explain.metrics.localisation import Region, localise
from pairs.pair import Pair
from tests.conftest import texture

RECALL = {role: {"field": 0.25, "roof": 0.75, "water": None} for role in ("baseline", "scff")}
DEFAULTS = Settings()
IMAGE = texture(1, 0, side=80)
STATE = SessionState(SourceImage("a <b>.tif", lambda: IMAGE, "k"), (80, 80), "/kept/x/a.png", ("tiny",))


@pytest.fixture(scope="module")
def cached(pair: Pair) -> CachedAnalysis:
    return AnalysisCache().make(STATE.source, pair, IMAGE)


def with_probabilities(cached: CachedAnalysis, baseline: tuple[float, ...], scff: tuple[float, ...]) -> CachedAnalysis:
    """The same analysis with other probabilities."""
    analysis = cached.analysis
    return CachedAnalysis(
        replace(
            analysis,
            baseline=replace(analysis.baseline, probabilities=np.array(baseline)),
            scff=replace(analysis.scff, probabilities=np.array(scff)),
        ),
        cached.size,
    )


def with_recall(cached: CachedAnalysis) -> CachedAnalysis:
    """The same analysis with the test recall of a report."""
    cached.__dict__["recall"] = RECALL
    return cached


def shown(
    cached: CachedAnalysis,
    settings: Settings = DEFAULTS,
    state: SessionState = STATE,
    downloads: DownloadStore | None = None,
) -> View:
    return view(state, {"tiny": with_recall(cached)}, settings, downloads or DownloadStore())


def test_image_blended_with_heatmap_is_the_overlay(cached: CachedAnalysis) -> None:
    """Blending in the browser gives the overlay of the command line's figure."""
    downloads, settings = DownloadStore(), Settings("water", colour_map="viridis", scale="shared", opacity=0.4)
    html = shown(cached, settings, downloads=downloads).rows
    maps = cached.heatmaps(settings.question(cached.analysis.pair))
    addresses = re.findall(r"class='heat' src='/kept/([^/]+)/", html)
    shares = {role: share for role, share in scaled(maps, settings.style).items() if share is not None}
    assert len(addresses) == len(shares) > 0
    for token, share in zip(addresses, shares.values(), strict=True):
        heat = Image.open(BytesIO(downloads.content(token)[2])).convert("RGB")
        blended = np.asarray(Image.blend(Image.fromarray(IMAGE), heat, 0.4))
        assert np.array_equal(blended, overlay(IMAGE, share, Style("viridis", "shared", 0.4)))
    assert html.count("src='/kept/x/a.png'") == 2


def test_confidences_are_sorted(cached: CachedAnalysis) -> None:
    html = shown(with_probabilities(cached, (0.2, 0.7, 0.1), (0.1, 0.3, 0.6))).rows
    assert re.findall(r"class='of'>(\w+)<", html) == ["roof", "field", "water", "water", "roof", "field"]
    assert re.findall(r"class='number'>([0-9.]+)\N{NO-BREAK SPACE}%<", html)[:3] == ["70.0", "20.0", "10.0"]
    assert "<p class='prediction'>roof, 70.0\N{NO-BREAK SPACE}%</p>" in html


def test_status_states_agreement_or_disagreement(cached: CachedAnalysis) -> None:
    same = shown(with_probabilities(cached, (0.2, 0.7, 0.1), (0.1, 0.85, 0.05))).status
    name, summary = same.split("</span>")
    assert name == "<span class='file'>a &lt;b&gt;.tif"
    assert summary.strip().startswith("<p>Both predict roof; SCFF&#39;s confidence is 15 percentage points higher.")
    other = shown(with_probabilities(cached, (0.2, 0.7, 0.1), (0.1, 0.3, 0.6))).status
    assert "the baseline predicts roof (70\N{NO-BREAK SPACE}%), SCFF predicts water (60\N{NO-BREAK SPACE}%)." in other
    assert "The predictions differ: " in other


def test_captions_describe_each_heatmap(cached: CachedAnalysis) -> None:
    probabilities = (0.2, 0.7, 0.1), (0.1, 0.3, 0.6)
    first, second = shown(with_probabilities(cached, *probabilities)).rows.split("<figcaption")[1:]
    assert "<b>roof</b> (confidence 70.0\N{NO-BREAK SPACE}%)" in first
    assert "2 × 2 cells, interpolated. Test recall of this class: 75.0\N{NO-BREAK SPACE}%." in first
    assert (
        "<b>water</b> (confidence 60.0\N{NO-BREAK SPACE}%)" in second
        or "no evidence for water (confidence 60.0\N{NO-BREAK SPACE}%)" in second
    )
    assert "recall" not in second  # the test set had no image of this class
    chosen = shown(with_probabilities(cached, *probabilities), Settings("field", "water")).rows
    assert "field" in chosen.split("<figcaption")[1]
    assert "over <b>water</b>" in chosen


def test_empty_map_is_labelled_and_not_drawn(cached: CachedAnalysis) -> None:
    run = cached.analysis.scff.forward_pass
    maps = {layer: values * 0 for layer, values in run.maps.items()}
    dark = CachedAnalysis(
        replace(cached.analysis, scff=replace(cached.analysis.scff, forward_pass=replace(run, maps=maps))), cached.size
    )
    found = shown(dark, Settings("roof"))
    scff = found.rows.split("<figure")[2]
    assert "Empty map" in scff
    assert "class='heat'" not in scff
    assert found.before_after["right_src"] == ""


def test_marked_region_shows_localisation_metrics(cached: CachedAnalysis) -> None:
    mask = np.zeros((80, 80), dtype=bool)
    mask[10:40, 10:60] = True
    settings = Settings("roof")
    marked = replace(STATE, marking=Marking(Region(mask), (10, 10, 60, 40)))
    html = shown(cached, settings, marked).region
    assert "23.4\N{NO-BREAK SPACE}% of the image" in html
    for heatmap in cached.heatmaps(settings.question(cached.analysis.pair)).values():
        found = localise(heatmap.values, Region(mask))
        assert (
            f"<td>{100 * found.energy:.0f}\N{NO-BREAK SPACE}%</td><td>{100 * found.overlap:.0f}\N{NO-BREAK SPACE}%</td>"
            if found
            else "empty map"
        ) in html
    assert "Mark an object" in shown(cached).region


def test_several_pairs_are_rows_with_their_names(cached: CachedAnalysis) -> None:
    both = {"tiny": cached, "other <i>": cached}
    found = view(STATE, both, Settings(), DownloadStore())
    assert found.rows.count("<section") == 2
    assert "other &lt;i&gt;" in found.rows
    assert "<i>" not in found.status + found.region


def test_localisation_of_several_pairs_is_grouped_by_name(cached: CachedAnalysis) -> None:
    mask = np.zeros((80, 80), dtype=bool)
    mask[10:60, 10:40] = True
    marked = replace(STATE, marking=Marking(Region(mask), (10, 10, 60, 40)))
    both = view(marked, {"tiny": cached, "other": cached}, Settings(), DownloadStore()).region
    headings = re.findall(r"<th [^>]*scope='row(?:group)?'[^>]*>([^<]+)</th>|<th scope='row'>([^<]+)</th>", both)
    names = ["".join(each) for each in headings]
    assert names == ["tiny", "Baseline", "With SCFF", "other", "Baseline", "With SCFF"]
    assert "class='pair'" not in view(marked, {"tiny": cached}, Settings(), DownloadStore()).region


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([[1.0, 0, 0], [0, 0, 0], [0, 0, -1]], "Largest increase: top left. Largest decrease: bottom right."),
        ([[1.0, -1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]], "Largest increase and largest decrease: top left."),
        ([[0.0, 0, 1], [0, 0, 0], [0, 0, 0]], "Largest increase: top right."),
        ([[0.0, 0, 0], [-1, 0, 0], [0, 0, 0]], "Largest decrease: left."),
        ([[0.0, 0], [0, 0]], "The two maps are equal."),
    ],
)
def test_extremes_are_located(values: list[list[float]], text: str) -> None:
    assert extremes_text(np.array(values)) == text


def test_names_are_escaped(cached: CachedAnalysis) -> None:
    found = shown(cached)
    assert "<b>.tif" not in found.rows + found.difference
    assert "a &lt;b&gt;.tif" in found.rows


def test_invalid_settings_are_rejected(cached: CachedAnalysis) -> None:
    for settings, message in (
        (Settings("lake"), "unknown class 'lake'"),
        (Settings(layer="Y9"), "unknown layer 'Y9'"),
        (Settings(against="roof"), "a contrast class needs a target class; choose one as well"),
        (Settings(colour_map="rainbow"), "unknown colour map"),
    ):
        with pytest.raises(BadInputError, match=message):
            shown(cached, settings)


def test_difference_colour_range_is_its_largest_value_and_labelled(cached: CachedAnalysis) -> None:
    settings = Settings("roof")
    values = difference(cached.heatmaps(settings.question(cached.analysis.pair)), settings.style)
    end = max(0.1, float(np.abs(values).max()))
    downloads = DownloadStore()
    html = shown(cached, settings, downloads=downloads).difference
    assert f"−{end:.2f} (lower)" in html
    assert f"(higher) +{end:.2f}" in html
    token = re.search(r"class='heat' src='/kept/([^/]+)/", html)[1]
    drawn = np.asarray(Image.open(BytesIO(downloads.content(token)[2])))
    assert np.array_equal(drawn, levels((values / end + 1) / 2, IMAGE.shape[:2]))


def test_equal_maps_have_the_smallest_difference_range(cached: CachedAnalysis) -> None:
    role = replace(cached.analysis.scff, forward_pass=cached.analysis.baseline.forward_pass)
    html = shown(CachedAnalysis(replace(cached.analysis, scff=role), cached.size), Settings("roof")).difference
    assert "The two maps are equal." in html
    assert "−0.10 (lower)" in html


def test_colour_bar_labels_its_ends() -> None:
    assert "linear-gradient(to right, #000004" in colour_bar("inferno", "no evidence", "most")
    assert "no evidence" in colour_bar("inferno", "no evidence", "most")


def test_class_agnostic_method_names_no_class(cached: CachedAnalysis) -> None:
    html = shown(cached, Settings("water", method="eigencam")).rows
    assert html.count("independent of the class") == 2
    assert "heatmap, class-agnostic," in html
    assert "Evidence for" not in html
