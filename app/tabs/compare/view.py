"""Results of the Compare tab as HTML and images."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from app.components.glossary import help_with, term
from app.components.html import colour_bar, image_with_heatmap
from app.components.png import palette_png
from app.components.region import marker_value
from app.components.templates import render
from app.session.settings import Settings
from app.session.state import SessionState
from app.storage.analyses import CachedAnalysis, ClassRecall
from app.storage.downloads import DownloadStore
from app.tabs.compare.bands import bands_text
from explain.cam.analysis import Heatmap, NetworkAnalysis, PairAnalysis
from explain.cam.methods import METHODS, Method
from explain.figures.labels import TITLES, percent
from explain.figures.overlay import difference, difference_end, levels, scaled
from explain.figures.style import DIVERGING, Style
from explain.metrics.localisation import RegionResult, localise
from explain.output.summary import comparison_summary, peak_position
from pairs.layout import ROLES

__all__ = ["View", "extremes_text", "image_value", "view"]

_DIVIDED_BY = {
    "own": "each map divided by its own maximum",
    "shared": "both maps divided by the larger of their maxima",
}
_TOP = 5  # most probable classes shown
_HEADING_TERMS = {"baseline": "heatmap", "scff": "SCFF"}


@dataclass(frozen=True)
class View:
    """The tab's results for one state and its settings."""

    status: str
    """HTML: the image's name and the summary."""
    rows: str
    """HTML: a row of two heatmaps for each pair."""
    before_after: dict[str, str]
    """Value of the before/after slider: both heatmaps of the first pair."""
    difference: str
    """HTML: the first pair's difference map."""
    region: str
    """HTML: localisation metrics for the marked region."""


def view(
    state: SessionState, analyses: Mapping[str, CachedAnalysis], settings: Settings, downloads: DownloadStore
) -> View:
    """The results of an analysed image; only the part of the networks after the layer is run.

    Args:
        state: the session's state.
        analyses: the image's analyses, keyed by pair name, at least one.
        settings: request parameters and style.
        downloads: store for images.

    Raises:
        BadInputError: a pair does not support the request.
    """
    method, several = METHODS[settings.method], len(analyses) > 1
    pairs, summaries = [], []
    for name, cached in analyses.items():
        explanation = cached.explanation(settings.question(cached.analysis.pair))
        shown = _PairView(
            state=state,
            name=name,
            cached=cached,
            heatmaps=explanation.heatmaps,
            method=method,
            style=settings.style,
            downloads=downloads,
        )
        pairs.append(shown)
        regions = shown.regions if state.marking else None
        summaries.append((name, comparison_summary(explanation, regions)))
    first = pairs[0]
    return View(
        status=render("compare/status.html", name=state.source.name, summaries=summaries, several=several),
        rows=render("compare/rows.html", pairs=pairs, several=several),
        before_after=first.before_after(),
        difference=first.difference(),
        region=_region_table(pairs, state),
    )


def image_value(state: SessionState, cached: CachedAnalysis) -> dict[str, object]:
    """Value of the region marker: the image with its caption."""
    height, width = state.size
    input_height, input_width = cached.analysis.pair.preprocessing.size
    across, down = width / input_width, height / input_height
    caption = f"{width:,} × {height:,} pixels; network input {input_width} × {input_height}"
    if abs(across / down - 1) > 0.02:
        caption += f", {_resampling(across)} horizontally and {_resampling(down)} vertically"
    elif across > 1.05:
        caption += f", {_resampling(across)}"
    alt = f"{state.source.name}, as read{bands_text(state.source.bands)}"
    return marker_value(url=state.image_url, alt=alt, caption=f"{caption}.", size=state.size, marking=state.marking)


def _resampling(factor: float) -> str:
    """Ratio of the image's size to the network input's, as text."""
    return f"downsampled {factor:.2g}x" if factor >= 1 else f"upsampled {1 / factor:.2g}x"


@dataclass(frozen=True)
class _PairView:
    """Renders a pair's heatmaps of one image."""

    state: SessionState
    name: str
    cached: CachedAnalysis
    heatmaps: dict[str, Heatmap]
    method: Method
    style: Style
    downloads: DownloadStore

    @property
    def analysis(self) -> PairAnalysis:
        """The pair's analysis, with the image at display size."""
        return self.cached.analysis

    @cached_property
    def heatmap_urls(self) -> dict[str, str]:
        """URLs of the heatmaps in colour by role; empty for an empty map."""
        shares = scaled(self.heatmaps, self.style)
        return {role: self._url(role, share, self.style.colour_map) for role, share in shares.items()}

    @cached_property
    def regions(self) -> dict[str, RegionResult | None]:
        """Each heatmap compared with the marked region, by role; None without a region or for an empty map."""
        marking = self.state.marking
        return {
            role: None if marking is None else localise(heatmap.values, marking.region)
            for role, heatmap in self.heatmaps.items()
        }

    def figures(self) -> list[dict[str, Any]]:
        """Values of compare/rows.html: one figure per network."""
        return [self._figure(role) for role in ROLES]

    def before_after(self) -> dict[str, str]:
        """Value of the before/after slider."""
        return {
            "base": self.state.image_url,
            "left": TITLES["baseline"],
            "right": TITLES["scff"],
            "left_src": self.heatmap_urls["baseline"],
            "right_src": self.heatmap_urls["scff"],
            "left_alt": self._alt("baseline"),
            "right_alt": self._alt("scff"),
        }

    def difference(self) -> str:
        """HTML: the difference map."""
        values = difference(self.heatmaps, self.style)
        if values is None:
            text = "Both maps are empty: there is no difference to show."
            return render("compare/difference.html", overlay=self._overlay("", text), bar="", caption=text)
        text, end = extremes_text(values), difference_end(values)
        url = self._url("difference", (values / end + 1) / 2, DIVERGING)
        caption = f"{text} SCFF minus baseline, {_DIVIDED_BY[self.style.scale]}; white means no difference."
        return render(
            "compare/difference.html",
            overlay=self._overlay(url, f"Difference of the two heatmaps: {text}"),
            bar=colour_bar(DIVERGING, f"−{end:.2f} (lower)", f"(higher) +{end:.2f}"),
            caption=caption,
        )

    def _figure(self, role: str) -> dict[str, Any]:
        run = self.analysis.networks[role]
        prediction = f"{run.loaded.header.classes[run.prediction]}, {percent(run.probabilities[run.prediction])}"
        maximum = "larger of the two maxima" if self.style.scale == "shared" else "maximum"
        return {
            "role": role,
            "title": TITLES[role],
            "help": help_with(_HEADING_TERMS[role]),
            "overlay": self._overlay(self.heatmap_urls[role], self._alt(role)),
            "bar": colour_bar(self.style.colour_map, "no evidence", maximum),
            "prediction": prediction,
            "confidence_help": help_with("confidence"),
            "probabilities": _probabilities(run),
            "caption": self._caption(role),
        }

    def _caption(self, role: str) -> str:
        """HTML: what the heatmap shows, its resolution, and the class's recall on the test images."""
        run, heatmap = self.analysis.networks[role], self.heatmaps[role]
        classes = run.loaded.header.classes
        recall: ClassRecall = self.cached.recall.get(role, {})
        tested = recall.get(classes[heatmap.target])
        height, width = heatmap.values.shape
        return render(
            "compare/caption.html",
            target=classes[heatmap.target],
            contrast=None if heatmap.against is None else classes[heatmap.against],
            confidence=percent(run.probabilities[heatmap.target]),
            class_specific=self.method.knows_class,
            empty=heatmap.empty,
            size=f"{width} × {height}",
            recall=None if tested is None else f"{tested * 100:.1f} %",
        )

    def _overlay(self, heatmap_url: str, alt: str) -> str:
        return image_with_heatmap(self.state.image_url, heatmap_url, alt, self.analysis.image.shape[:2])

    def _alt(self, role: str) -> str:
        """Text alternative of a heatmap."""
        heatmap, run = self.heatmaps[role], self.analysis.networks[role]
        target = f" for {run.loaded.header.classes[heatmap.target]}" if self.method.knows_class else ", class-agnostic,"
        where = "empty" if heatmap.empty else f"maximum: {peak_position(heatmap.values)}"
        return f"{TITLES[role]}: heatmap{target} over {self.state.source.name}; {where}"

    def _url(self, content: str, share: np.ndarray | None, colour_map: str) -> str:
        """URL of a map in colour at the image's display size; empty for an empty map."""
        if share is None:
            return ""
        name = f"{self.state.source.stem}-{self.name}-{content}.png"
        size = self.analysis.image.shape[:2]
        return self.downloads.put(name, "image/png", lambda: palette_png(levels(share, size), colour_map))


def _probabilities(run: NetworkAnalysis) -> list[tuple[str, float, str]]:
    """The most probable classes: name, per cent, text."""
    classes, best = run.loaded.header.classes, np.argsort(-run.probabilities, kind="stable")[:_TOP]
    return [(classes[i], float(run.probabilities[i]) * 100, percent(float(run.probabilities[i]))) for i in best]


def _region_table(pairs: list[_PairView], state: SessionState) -> str:
    """HTML: localisation metrics of each heatmap for the marked region."""
    groups = [
        (pair.name if len(pairs) > 1 else "", [(TITLES[role], result) for role, result in pair.regions.items()])
        for pair in pairs
    ]
    area = None if state.marking is None else f"{100 * state.marking.region.mask.mean():.1f} %"
    heads = [term(word) for word in ("energy inside", "overlap", "pointing game")]
    return render("compare/region.html", area=area, groups=groups, heads=heads)


def extremes_text(values: np.ndarray) -> str:
    """Positions of the largest increase and decrease, as text."""
    increase = peak_position(values) if values.max() > 0 else None
    decrease = peak_position(-values) if values.min() < 0 else None
    if increase is not None and increase == decrease:
        return f"Largest increase and largest decrease: {increase}."
    parts = {"Largest increase": increase, "Largest decrease": decrease}
    return " ".join(f"{name}: {where}." for name, where in parts.items() if where) or "The two maps are equal."
