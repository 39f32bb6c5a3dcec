"""HTML of the Layers and fusion tab."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from app.components.charts import histogram
from app.components.glossary import term
from app.components.html import colour_bar, image_with_heatmap
from app.components.png import palette_png
from app.components.templates import render
from app.session.settings import Settings
from app.session.state import SessionState
from app.storage.analyses import CachedAnalysis
from app.storage.downloads import DownloadStore
from app.tabs.inside.exports import export_links, heatmaps_by_layer
from core.errors import BadInputError
from explain.cam.analysis import Heatmap
from explain.cam.methods import METHODS
from explain.cam.question import Question
from explain.figures.labels import TITLES
from explain.figures.overlay import levels
from explain.metrics.fusion_attribution import FusionWeights, StageContribution, fusion_weights, stage_contributions
from explain.output.summary import peak_position

__all__ = ["inside_html"]

_LONGEST_SIDE = 320  # pixels of a heatmap: the width of a cell of the grid


def inside_html(
    state: SessionState,
    analyses: Callable[[], Mapping[str, CachedAnalysis]],
    settings: Settings,
    downloads: DownloadStore,
) -> str:
    """A section for each pair: stage contributions, fusion weights, and a grid of heatmaps with a row for each stage.

    Args:
        state: the session's state.
        analyses: returns the image's analyses, keyed by pair name; called again when a file is rendered.
        settings: request parameters and style; the layer is ignored.
        downloads: store for images and files.

    Raises:
        BadInputError: a pair does not support the request, or the method is too slow to run at every layer.
    """
    method = METHODS[settings.method]
    if method.scores:
        raise BadInputError(
            f"{method.title} runs the network once for each channel of each layer, which would take minutes; "
            "choose another method on the Compare tab"
        )
    current = analyses()
    sections = [
        _Section(
            state=state,
            name=name,
            cached=cached,
            load=partial(_analysis_of, analyses, name),
            settings=settings,
            downloads=downloads,
        )
        for name, cached in current.items()
    ]
    return render("inside/sections.html", sections=sections, several=len(sections) > 1)


def _analysis_of(analyses: Callable[[], Mapping[str, CachedAnalysis]], name: str) -> CachedAnalysis:
    return analyses()[name]


@dataclass(frozen=True)
class _Section:
    """Values of inside/sections.html for one pair."""

    state: SessionState
    name: str
    """The pair's name."""
    cached: CachedAnalysis
    load: Callable[[], CachedAnalysis]
    """Returns the analysis when a file is rendered later."""
    settings: Settings
    downloads: DownloadStore

    @cached_property
    def question(self) -> Question:
        """Request parameters at every layer."""
        return self.settings.question(self.cached.analysis.pair)

    @cached_property
    def contributions(self) -> Sequence[StageContribution]:
        """Contribution of each stage to the score."""
        scff = self.cached.analysis.scff
        found = stage_contributions(scff.forward_pass, [scff.target(self.question)])
        return [] if found is None else found[0]

    @cached_property
    def weights(self) -> Mapping[str, FusionWeights]:
        """Fusion weights, keyed by fused map; empty for a variant whose weights do not depend on the image."""
        found = fusion_weights(self.cached.analysis.scff.forward_pass)
        return {} if found is None else {weights.layer: weights for weights in found[0]}

    @cached_property
    def heatmaps(self) -> Mapping[str, Mapping[str, Heatmap]]:
        """Heatmaps, keyed by layer and role."""
        return heatmaps_by_layer(self.cached, self.question)

    @property
    def source(self) -> str:
        """Name of the image."""
        return self.state.source.name

    @property
    def depth(self) -> int:
        """Number of stages."""
        return len(self.contributions)

    @property
    def scff_term(self) -> str:
        """HTML: the term SCFF with its explanation."""
        return term("SCFF")

    def overview(self) -> dict[str, Any]:
        """Table with each stage's contribution and the weight of its fusion."""
        largest = max(*(abs(each.share) for each in self.contributions), 1e-9)
        against, total = self.question.against, self.contributions[0].score
        score = f"the logit of {self._target('scff')}"
        if against is not None:
            score += f" minus that of {self.cached.analysis.pair.classes[against]}"
        return {
            "score": score,
            "contribution_term": term("stage contribution", f"contribution to {score} ({total:.2f})"),
            "weight_term": term(
                "fusion weight", "fusion weight of the earlier map, mean ± standard deviation over channels"
            ),
            "rows": [
                {
                    "stage": each.stage,
                    "side": "left" if each.share >= 0 else "right",
                    "length": f"{abs(each.share) / largest * 50:.1f}",
                    "contribution": _signed(each.share),
                    "weight": self._weight_text(each.stage),
                }
                for each in self.contributions
            ],
        }

    def request(self) -> dict[str, Any]:
        """Values of inside/request.html: target class, contrast class and method."""
        method, own = METHODS[self.settings.method], self.question.target is None
        targets = [self._target(role) for role in TITLES]
        against = self.question.against
        return {
            "method": method.title,
            "class_specific": method.knows_class,
            "targets": targets if own and len(set(targets)) > 1 else targets[-1:],
            "contrast": None if against is None else self.cached.analysis.pair.classes[against],
            "own": own,
            "samples": self.question.smoothing.samples if self.question.smoothing else None,
        }

    def bar(self) -> str:
        """HTML: colour bar of all heatmaps."""
        return colour_bar(self.settings.colour_map, "no evidence", "maximum of each map")

    def stages(self) -> list[dict[str, Any]]:
        """Rows of the grid, one per stage: its map in both networks, the fused map, and the fusion weights."""
        rows = []
        for number in range(1, self.depth + 1):
            stage, fused = f"X{number}", f"Y{number}"
            cells = [self._figure("baseline", stage), self._figure("scff", stage)]
            if number > 1:
                cells.append(self._figure("scff", fused))
            rows.append({"number": number, "cells": cells, "weights": self._weights(fused)})
        return rows

    def files(self) -> str:
        """HTML: links to files of this section."""
        stem = f"{self.state.source.stem}-{self.name}-inside"
        return export_links(stem, self.load, self.question, self.downloads, f"Export of {self.name}")

    def _target(self, role: str) -> str:
        """Target class of a network."""
        run = self.cached.analysis.networks[role]
        return run.loaded.header.classes[run.target(self.question).index]

    def _weight_text(self, stage: str) -> str:
        weights = self.weights.get(f"Y{stage[1:]}")
        if stage == "X1":
            return "no fusion: Y1 is X1"
        if weights is None:
            return "—"
        return f"{weights.mean:.2f} ± {weights.spread:.2f}"

    def _figure(self, role: str, layer: str) -> dict[str, Any]:
        """Values of inside/sections.html for one heatmap over the image."""
        if layer not in self.heatmaps:
            return {"layer": layer, "role": None}
        heatmap = self.heatmaps[layer][role]
        height, width = heatmap.values.shape
        where = "empty, no evidence" if heatmap.empty else f"maximum: {peak_position(heatmap.values)}"
        alt = f"{TITLES[role]}: heatmap at {layer} over {self.source}; {where}"
        size = self.cached.analysis.image.shape[:2]
        return {
            "layer": layer,
            "role": role,
            "title": TITLES[role],
            "overlay": image_with_heatmap(self.state.image_url, self._heatmap_url(role, layer, heatmap), alt, size),
            "empty": heatmap.empty,
            "size": f"{width} × {height}",
        }

    def _heatmap_url(self, role: str, layer: str, heatmap: Heatmap) -> str:
        """URL of a heatmap in colour; empty for an empty map."""
        if heatmap.empty:
            return ""
        height, width = self.cached.analysis.image.shape[:2]
        factor = max(1, max(height, width) / _LONGEST_SIDE)
        size = max(1, round(height / factor)), max(1, round(width / factor))
        share, colour_map = heatmap.values / heatmap.values.max(), self.settings.colour_map
        name = f"{self.state.source.stem}-{self.name}-{role}-{layer}.png"
        return self.downloads.put(name, "image/png", lambda: palette_png(levels(share, size), colour_map))

    def _weights(self, layer: str) -> dict[str, Any] | None:
        """Values of inside/sections.html for the distribution of one fusion's channel weights."""
        weights = self.weights.get(layer)
        if weights is None:
            return None
        number, channels = int(layer[1:]), len(weights.earlier)
        earlier = f"Y{number - 1}" if number > 2 else "X1"
        title = (
            f"Histogram of the fusion weight of {earlier} over {channels} channels: mean {weights.mean:.2f}, standard "
            f"deviation {weights.spread:.2f}"
        )
        return {
            "layer": layer,
            "earlier": earlier,
            "stage": f"X{number}",
            "chart": histogram(title, list(map(int, weights.histogram())), weights.mean, f"fusion weight of {earlier}"),
            "channels": channels,
            "mean": f"{weights.mean:.2f}",
            "minimum": f"{weights.earlier.min():.2f}",
            "maximum": f"{weights.earlier.max():.2f}",
            "stage_mean": f"{weights.stage.mean():.2f}",
        }


def _signed(value: float) -> str:
    """Two decimals with a sign, except for zero."""
    text = f"{value:+.2f}"
    return "0.00" if float(text) == 0 else text.replace("-", "−")
