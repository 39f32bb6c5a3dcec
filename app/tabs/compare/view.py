"""What the Compare tab shows, as HTML and pictures, of one visit under its settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape

import numpy as np

from app.components.glossary import help_with, term
from app.components.html import colour_bar, stack
from app.components.png import palette_png
from app.session.settings import Settings
from app.session.state import SessionState
from app.storage.analyses import CachedAnalysis
from app.storage.downloads import DownloadStore
from explain.cam.analysis import Heatmap, NetworkAnalysis, PairAnalysis
from explain.cam.methods import METHODS, Method
from explain.figures.labels import TITLES, percent
from explain.figures.overlay import difference, difference_end, levels, scaled
from explain.figures.style import DIVERGING, SCALED_BY, Style
from explain.metrics.localisation import RegionResult, against_region
from explain.output.summary import comparison_summary, peak_position

__all__ = ["View", "view"]

Recognised = Mapping[str, float | None]
"""By class, 0 to 1; None where there is no such test image."""

_TOP = 5
_ROLES = tuple(TITLES)
_HEADS = {"baseline": "heatmap", "scff": "SCFF"}  # what is explained at the head of each map


@dataclass(frozen=True)
class View:
    """One state of the page's results."""

    sentence: str
    """HTML: what the networks say."""
    rows: str
    """HTML: a row of two heatmaps for each pair."""
    before_after: dict[str, str]
    """Both overlays of the first pair: addresses and texts for the slider."""
    difference: str
    """HTML: the first pair's difference map."""
    region: str
    """HTML: the maps against what is marked."""


def view(
    visit: SessionState,
    seen: Mapping[str, CachedAnalysis],
    settings: Settings,
    recognised: Mapping[str, Mapping[str, Recognised]],
    shelf: DownloadStore,
) -> View:
    """The results of an analysed image; of the networks runs what lies behind the layer alone.

    Args:
        visit: of the image.
        seen: what each pair sees in it, by name, one at least.
        settings: what is asked, and how it is drawn.
        recognised: of each pair and role, the share of each class's test images that were recognised.
        shelf: where the pictures are put.

    Raises:
        BadInputError: a pair cannot answer the question.
    """
    rows, sentences, regions, first = [], [], [], None
    for name, each in seen.items():
        analysis, maps = each.analysis, each.heatmaps(settings.question(each.analysis.pair))
        shown = _Shown(visit, name, analysis, maps, METHODS[settings.method], settings.style, shelf)
        results = {role: _against(heatmap, visit) for role, heatmap in maps.items()}
        rows.append(_row(shown, recognised[name], titled=len(seen) > 1))
        said = escape(
            comparison_summary(each.explanation(settings.question(analysis.pair)), results if visit.marking else None)
        )
        sentences.append(f"<p>{f'<b>{escape(name)}</b>: ' if len(seen) > 1 else ''}{said}</p>")
        regions.append((name, results))
        first = first or shown
    return View(
        "".join(sentences),
        f"<div class='rows'>{''.join(rows)}</div>",
        first.before_after(),
        first.difference(),
        _regions(regions, visit),
    )


@dataclass(frozen=True)
class _Shown:
    """A pair's heatmaps of one image, and how they are drawn."""

    visit: SessionState
    name: str
    analysis: PairAnalysis
    maps: dict[str, Heatmap]
    method: Method
    style: Style
    shelf: DownloadStore

    @cached_property
    def heats(self) -> dict[str, str]:
        """Addresses of the heatmaps alone, to be laid over the image, by role; empty for an empty one."""
        shares = scaled(self.maps, self.style)
        return {role: self._coloured(role, share, self.style.colour_map) for role, share in shares.items()}

    def stack(self, heat: str, alt: str) -> str:
        """HTML: the image, and heat over it at the strength that the visitor has set."""
        return stack(self.visit.address, heat, alt, self.analysis.image.shape[:2])

    def before_after(self) -> dict[str, str]:
        """What the slider takes."""
        return {
            "base": self.visit.address,
            "left": TITLES["baseline"],
            "right": TITLES["scff"],
            "left_src": self.heats["baseline"],
            "right_src": self.heats["scff"],
            "left_alt": self.alt("baseline"),
            "right_alt": self.alt("scff"),
        }

    def difference(self) -> str:
        """The figure of the difference map."""
        values = difference(self.maps, self.style)
        if values is None:
            said = "Both maps are empty: there is nothing to subtract."
            return f"<figure class='map'>{self.stack('', said)}<figcaption class='fine'>{said}</figcaption></figure>"
        said, end = _where_more(values), difference_end(values)
        heat = self._coloured("difference", (values / end + 1) / 2, DIVERGING)
        return (
            f"<figure class='map'>{self.stack(heat, f'Difference of the two heatmaps: {said}')}"
            f"{colour_bar(DIVERGING, f'−{end:.2f}, less', f'more, +{end:.2f}')}"
            f"<figcaption class='fine'>{escape(said)} SCFF minus baseline, as {SCALED_BY[self.style.scale]}; "
            "white is no difference.</figcaption></figure>"
        )

    def alt(self, role: str) -> str:
        """What a blind visitor is told of a heatmap."""
        heatmap, run = self.maps[role], self.analysis.runs[role]
        of = run.loaded.header.classes[heatmap.target] if self.method.knows_class else "no class"
        title = f"{TITLES[role]}: heatmap of {of} over {self.visit.picture.name}"
        return f"{title}; {'empty' if heatmap.empty else 'highest activation: ' + peak_position(heatmap.values)}"

    def _coloured(self, what: str, share: np.ndarray | None, colour_map: str) -> str:
        """Address of a map in colours, at the size of the page's image."""
        if share is None:
            return ""
        stem = f"{self.visit.picture.stem}-{self.name}"
        size = self.analysis.image.shape[:2]
        return self.shelf.put(f"{stem}-{what}.png", "image/png", lambda: palette_png(levels(share, size), colour_map))


def bars(run: NetworkAnalysis) -> str:
    """HTML: the likeliest classes with their probabilities."""
    classes, best = run.loaded.header.classes, np.argsort(-run.probabilities, kind="stable")[:_TOP]
    items = "".join(
        f"<li><span class='of'>{escape(classes[i])}</span><span class='bar' aria-hidden='true'>"
        f"<i style='width: {run.probabilities[i] * 100:.1f}%'></i></span>"
        f"<span class='number'>{escape(percent(run.probabilities[i]))}</span></li>"
        for i in best
    )
    return f"<ol class='bars' aria-label='Likeliest classes'>{items}</ol>"


def _row(shown: _Shown, accuracy: Mapping[str, Recognised], titled: bool) -> str:
    """A pair's two figures."""
    figures = "".join(_figure(shown, role, accuracy[role]) for role in _ROLES)
    title = f"<h2 class='name'>{escape(shown.name)}</h2>" if titled else ""
    return f"<section aria-label='Heatmaps of {escape(shown.name)}'>{title}<div class='both'>{figures}</div></section>"


def _figure(shown: _Shown, role: str, accuracy: Recognised) -> str:
    run, heatmap, style = shown.analysis.runs[role], shown.maps[role], shown.style
    classes = run.loaded.header.classes
    most = "largest of both" if style.scale == "shared" else "this map's largest"
    prediction = f"{escape(classes[run.prediction])}, {_unbroken(run.probabilities[run.prediction])}"
    return (
        f"<figure class='map {role}'><div class='headed'><h3>{TITLES[role]}</h3>{help_with(_HEADS[role])}</div>"
        f"{shown.stack(shown.heats[role], shown.alt(role))}"
        f"{colour_bar(style.colour_map, 'no evidence', most)}"
        f"<div class='headed'><p class='said'>{prediction}</p>{help_with('confidence')}</div>{bars(run)}"
        f"<figcaption class='fine'>{_caption(run, heatmap, shown.method, accuracy)}</figcaption></figure>"
    )


def _caption(run: NetworkAnalysis, heatmap: Heatmap, method: Method, accuracy: Recognised) -> str:
    classes = run.loaded.header.classes
    name, (height, width) = classes[heatmap.target], heatmap.values.shape
    over = "" if heatmap.against is None else f" over <b>{escape(classes[heatmap.against])}</b>"
    share = _unbroken(run.probabilities[heatmap.target])
    shown = f"Evidence for <b>{escape(name)}</b>{over} ({share})."
    if not method.knows_class:
        empty = "<b>Empty map.</b> " if heatmap.empty else ""
        return f"{empty}What the layer answers to most, whatever the class. {width} × {height} cells, interpolated."
    if heatmap.empty:
        shown = f"<b>Empty map:</b> nothing here speaks for {escape(name)}{over} ({share})."
    tested = accuracy.get(name)
    recognised = "" if tested is None else f" Of its test images {tested * 100:.1f}&nbsp;% were recognised."
    return f"{shown} {width} × {height} cells, interpolated.{recognised}"


def _unbroken(share: float) -> str:
    """HTML: a probability in one piece."""
    return escape(percent(share)).replace(" ", "&nbsp;")


def _against(heatmap: Heatmap, visit: SessionState) -> RegionResult | None:
    return None if visit.marking is None else against_region(heatmap.values, visit.marking.region)


def _regions(found: list[tuple[str, dict[str, RegionResult | None]]], visit: SessionState) -> str:
    """HTML: a table of each map against the marked region."""
    if visit.marking is None:
        return "<p class='fine'>Mark an object in the image, to see how much of each map lies on it.</p>"
    area = visit.marking.region.mask.mean()
    rows = []
    for name, results in found:
        for role, result in results.items():
            of = TITLES[role] if len(found) == 1 else f"{escape(name)}, {TITLES[role].lower()}"
            cells = "<td colspan='3'>empty map</td>"
            if result is not None:
                hit = "inside" if result.hit else "outside"
                cells = f"<td>{100 * result.energy:.0f} %</td><td>{100 * result.overlap:.0f} %</td><td>{hit}</td>"
            rows.append(f"<tr><th scope='row'>{of}</th>{cells}</tr>")
    heads = "".join(
        f"<th scope='col'>{term(*words)}</th>"
        for words in (("energy inside",), ("overlap",), ("pointing game", "hottest pixel"))
    )
    return (
        f"<p class='fine'>The marked region is {100 * area:.1f} % of the image: a map that knew nothing would have as "
        f"much of its energy inside.</p><table class='figures'><thead><tr><th></th>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _where_more(values: np.ndarray) -> str:
    """The places where the difference is largest in either direction."""
    parts = []
    if values.max() > 0:
        parts.append(f"Largest increase: {peak_position(values)}")
    if values.min() < 0:
        parts.append(f"largest decrease: {peak_position(-values)}")
    return (", ".join(parts) or "The two maps are equal") + "."
