"""What the Inside tab shows of one visit, as HTML and pictures."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO

import numpy as np

from app.components.charts import histogram
from app.components.glossary import term
from app.components.html import colour_bar, links, stack
from app.components.png import palette_png
from app.session.settings import Settings
from app.session.state import SessionState
from app.storage.analyses import CachedAnalysis
from app.storage.downloads import DownloadStore
from core.errors import BadInputError
from explain.cam.analysis import Heatmap
from explain.cam.layers import FUSED, explainable_layers
from explain.cam.methods import METHODS
from explain.cam.question import Question
from explain.figures.labels import TITLES
from explain.figures.overlay import levels
from explain.metrics.fusion_attribution import (
    FusionWeights,
    StageContribution,
    fusion_weights,
    inside,
    stage_contributions,
)
from explain.output.summary import peak_position

__all__ = ["inside_html"]

_Maps = Mapping[str, Mapping[str, Heatmap]]
"""By layer and role."""

_SMALL = 320  # pixels of a heatmap's longer side: as wide as a cell of the grid becomes


def inside_html(
    visit: SessionState, look: Callable[[], Mapping[str, CachedAnalysis]], settings: Settings, shelf: DownloadStore
) -> str:
    """A section for each pair: what each stage adds and each fusion took, and a grid of heatmaps, a row a stage.

    Args:
        visit: of the image.
        look: what each of its pairs sees in it, by name; asked again when a file is made.
        settings: what is asked of the networks; the layer is passed over.
        shelf: where pictures and files are put.

    Raises:
        BadInputError: a pair cannot answer the question, or the method takes too long for every layer.
    """
    method = METHODS[settings.method]
    if method.scores:
        raise BadInputError(
            f"{method.title} runs the network once for each channel of each layer, which takes minutes here; "
            "choose another method on the Compare tab to look inside"
        )
    seen = look()
    sections = [
        _Section(visit, name, each, settings, shelf, lambda name=name: look()[name]).html(titled=len(seen) > 1)
        for name, each in seen.items()
    ]
    return "".join(sections)


def _signed(value: float) -> str:
    """With two decimals, and without a sign where these are none."""
    words = f"{value:+.2f}"
    return "0.00" if float(words) == 0 else words.replace("-", "−")


@dataclass(frozen=True)
class _Section:
    """One pair's networks from inside."""

    visit: SessionState
    name: str
    """Of the pair."""
    seen: CachedAnalysis
    settings: Settings
    shelf: DownloadStore
    look: Callable[[], CachedAnalysis]
    """What is seen, when a file is made later."""

    @property
    def question(self) -> Question:
        """What is asked at every layer."""
        return self.settings.question(self.seen.analysis.pair)

    def html(self, titled: bool) -> str:
        """The whole section."""
        scff, question = self.seen.analysis.scff, self.question
        maps = _all_maps(self.seen, question)
        weights = fusion_weights(scff.run)
        by_layer = {} if weights is None else {each.layer: each for each in weights[0]}
        shares = stage_contributions(scff.run, [scff.target(question)])[0]
        title = f"<h2 class='name'>{escape(self.name)}</h2>" if titled else ""
        rows = "".join(self._stage(number, maps, by_layer) for number in range(1, len(shares) + 1))
        return (
            f"<section class='inside' aria-label='Inside {escape(self.name)}'>{title}{self._words(len(shares))}"
            f"{self._overview(shares, by_layer)}"
            f"<h3>Heatmaps of every stage and every fused map</h3><p class='fine'>{self._question_words()} Each map "
            f"runs from zero to its own maximum.</p>{self._colour_bar()}<div class='stages'>{rows}</div>"
            f"{self._files()}</section>"
        )

    def _words(self, depth: int) -> str:
        """What is looked into, and how the fusion goes."""
        return (
            f"<p>The image of the Compare tab, <b>{escape(self.visit.picture.name)}</b>, inside the networks of "
            f"<b>{escape(self.name)}</b>.</p><div class='words'>{term('SCFF')} hands on what early stages saw. Y1 is "
            "X1, the map of stage 1; each further Y is mixed from the Y before it, brought to size, and the stage's "
            f"own X. The classifier gets Y{depth}; in the baseline it gets X{depth}.</div>"
        )

    def _question_words(self) -> str:
        method = METHODS[self.settings.method]
        smooth = f", averaged over {self.question.smoothing.samples} noisy copies" if self.question.smoothing else ""
        if not method.knows_class:
            return f"What each layer answers to most, whatever the class, by {method.title}{smooth}."
        own = self.question.target is None
        targets = {role: self._class(role) for role in TITLES}
        if own and len(set(targets.values())) > 1:
            words = f"<b>{escape(targets['baseline'])}</b> (baseline) and <b>{escape(targets['scff'])}</b> (with SCFF)"
        else:
            words = f"<b>{escape(targets['scff'])}</b>"
        against = self.question.against
        over = "" if against is None else f" over <b>{escape(self.seen.analysis.pair.classes[against])}</b>"
        whose = ", each network's own prediction" if own else ""
        return f"Evidence for {words}{over}{whose}, by {method.title}{smooth}."

    def _class(self, role: str) -> str:
        run = self.seen.analysis.runs[role]
        return run.loaded.header.classes[run.target(self.question).index]

    def _overview(self, shares: Sequence[StageContribution], weights: Mapping[str, FusionWeights]) -> str:
        """A table: what each stage adds to the score, and how much of the earlier map each fusion took."""
        largest = max(max(abs(each.share) for each in shares), 1e-9)
        rows = "".join(self._overview_row(each, largest, weights) for each in shares)
        against = self.question.against
        score = f"the logit of {escape(self._class('scff'))}"
        if against is not None:
            score += f" less that of {escape(self.seen.analysis.pair.classes[against])}"
        heads = (
            term("stage share", f"what it adds to {score}, {shares[0].score:.2f}"),
            term("fusion weight", "how much of the earlier map its fusion takes"),
        )
        none = "" if weights else "<p class='fine'>This variant of SCFF does not choose by the image: no weights.</p>"
        return (
            "<table class='figures inside-table'><thead><tr><th scope='col'>stage</th>"
            + "".join(f"<th scope='col'>{head}</th>" for head in heads)
            + f"</tr></thead><tbody>{rows}</tbody></table>{none}"
            "<p class='fine'>A share is what the score loses without that stage in the fusion. Shares do not add up "
            "to the score: stages make up for each other.</p>"
        )

    def _overview_row(self, share: StageContribution, largest: float, weights: Mapping[str, FusionWeights]) -> str:
        length = abs(share.share) / largest * 50
        side = "left: 50%" if share.share >= 0 else "right: 50%"
        bar = f"<span class='share' aria-hidden='true'><i style='{side}; width: {length:.1f}%'></i></span>"
        found = weights.get(f"Y{share.stage[1:]}")
        taken = (
            "—"
            if found is None
            else f"{100 * found.mean:.0f} % on average, ± {100 * found.spread:.0f} points by channel"
        )
        if share.stage == "X1":
            taken = "no fusion: Y1 is X1"
        return (
            f"<tr><th scope='row'>{share.stage}</th><td>{bar}<span class='number'>{_signed(share.share)}</span></td>"
            f"<td>{taken}</td></tr>"
        )

    def _colour_bar(self) -> str:
        bar = colour_bar(self.settings.colour_map, "no evidence", "each map's largest")
        return f"<div class='stages-bar'>{bar}</div>"

    def _stage(self, number: int, maps: _Maps, weights: Mapping[str, FusionWeights]) -> str:
        """A row of the grid: the stage's map in both networks, the fused map, and the weights that made it."""
        stage, fused = f"X{number}", f"Y{number}"
        found = weights.get(fused)
        if number == 1:
            cell = "<p class='fine'>Y1 is X1: the first stage goes into the fusion as it is.</p>"
        else:
            cell = self._figure("scff", fused, maps)
        chose = "" if found is None else f"<div class='chose'>{_chosen(found)}</div>"
        return (
            f"<section class='inside-row' aria-label='Stage {number}'>{self._figure('baseline', stage, maps)}"
            f"{self._figure('scff', stage, maps)}{cell}{chose}</section>"
        )

    def _figure(self, role: str, layer: str, maps: _Maps) -> str:
        """One heatmap over the image."""
        if layer not in maps:
            return f"<p class='fine'>{layer} leads nowhere in this network, and has no heatmap.</p>"
        heatmap = maps[layer][role]
        height, width = heatmap.values.shape
        where = "empty: no evidence" if heatmap.empty else f"highest activation: {peak_position(heatmap.values)}"
        alt = f"{TITLES[role]}, heatmap at {layer} over {self.visit.picture.name}: {where}"
        empty = "<b>Empty map.</b> " if heatmap.empty else ""
        return (
            f"<figure class='map {role}'><h4>{TITLES[role]}, {layer}</h4>"
            f"{stack(self.visit.address, self._heat(role, layer, heatmap), alt, self.seen.analysis.image.shape[:2])}"
            f"<figcaption class='fine'>{empty}{width} × {height} cells</figcaption></figure>"
        )

    def _heat(self, role: str, layer: str, heatmap: Heatmap) -> str:
        """Address of a heatmap in colours; empty for an empty one."""
        if heatmap.empty:
            return ""
        height, width = self.seen.analysis.image.shape[:2]
        factor = max(1, max(height, width) / _SMALL)
        size = max(1, round(height / factor)), max(1, round(width / factor))
        share, colours = heatmap.values / heatmap.values.max(), self.settings.colour_map
        name = f"{self.visit.picture.stem}-{self.name}-{role}-{layer}.png"
        return self.shelf.put(name, "image/png", lambda: palette_png(levels(share, size), colours))

    def _files(self) -> str:
        """Links to what is shown here."""
        stem, question, look = f"{self.visit.picture.stem}-{self.name}-inside", self.question, self.look
        files = (
            ("All maps, NPZ", f"{stem}.npz", "application/octet-stream", lambda: _npz(look(), question)),
            ("Weights and shares, JSON", f"{stem}.json", "application/json", lambda: _json(look(), question)),
        )
        return links(self.shelf, files, f"Files of the inside of {self.name}")


def _all_maps(seen: CachedAnalysis, question: Question) -> _Maps:
    """By layer and role, at every stage and every fused map that leads on to the score."""
    names = explainable_layers(seen.analysis.pair.scff.network)
    return seen.all_heatmaps(question, [name for name in names if name != FUSED])


def _chosen(weights: FusionWeights) -> str:
    """How one fusion weighed its two maps, channel by channel."""
    number, channels = int(weights.layer[1:]), len(weights.earlier)
    earlier, stage = f"Y{number - 1}" if number > 2 else "X1", f"X{number}"
    title = (
        f"Histogram of {channels} channels by their weight of {earlier}: {weights.mean:.2f} on average, standard "
        f"deviation {weights.spread:.2f}"
    )
    least, most = weights.earlier.min(), weights.earlier.max()
    return (
        f"<h4>{weights.layer} mixes {earlier} and {stage}</h4>"
        f"{histogram(title, weights.histogram(), weights.mean, f'weight of {earlier}')}"
        f"<p class='fine'>{channels} channels take {weights.mean:.2f} of {earlier} on average ({least:.2f} to "
        f"{most:.2f}) and {weights.stage.mean():.2f} of {stage}.</p>"
    )


def _npz(seen: CachedAnalysis, question: Question) -> bytes:
    """Raw heatmaps, float32 [h, w], by role and layer."""
    arrays = {
        f"{role}/{layer}": heatmap.values
        for layer, maps in _all_maps(seen, question).items()
        for role, heatmap in maps.items()
        if role == "scff" or layer[0] == "X"
    }
    data = BytesIO()
    np.savez(data, **arrays)
    return data.getvalue()


def _json(seen: CachedAnalysis, question: Question) -> bytes:
    """What each fusion chose, channel by channel, and what each stage adds."""
    return json.dumps(inside(seen.analysis, question), indent=1).encode()
