"""The explanation of an image by a pair: its analysis, the request parameters, and both networks' heatmaps."""

from dataclasses import dataclass
from typing import Self

from explain.cam.analysis import Heatmap, PairAnalysis
from explain.cam.question import Question
from explain.metrics.faithfulness import Faithfulness, faithfulness
from explain.metrics.localisation import Region, RegionResult, localise
from explain.metrics.overlap import hottest_overlap
from explain.metrics.perturbation import LEVELS

__all__ = ["Explanation"]


@dataclass(frozen=True)
class Explanation:
    """Both networks' heatmaps of an image."""

    analysis: PairAnalysis
    question: Question
    """Request parameters: target class, contrast class, layer, method, smoothing."""
    heatmaps: dict[str, Heatmap]
    """Heatmaps by role."""

    @classmethod
    def of(cls, analysis: PairAnalysis, question: Question = Question()) -> Self:
        """Computes the heatmaps.

        Raises:
            BadInputError: the layer or the method is unknown.
        """
        return cls(analysis, question, analysis.heatmaps(question))

    def faithfulness(self, level: str) -> dict[str, Faithfulness] | None:
        """Faithfulness of both heatmaps by role, at a level in explain.metrics.perturbation.LEVELS; None at "none"."""
        if level == LEVELS[0]:
            return None
        return {
            role: faithfulness(
                each.forward_pass.network,
                each.forward_pass.images,
                self.heatmaps[role].values[None],
                [self.heatmaps[role].target],
                level,
            )[0]
            for role, each in self.analysis.networks.items()
        }

    def localisation(self, region: Region | None) -> dict[str, RegionResult | None]:
        """Localisation metrics of both heatmaps by role, None for an empty heatmap; empty without a region."""
        if region is None:
            return {}
        return {role: localise(heatmap.values, region) for role, heatmap in self.heatmaps.items()}

    def overlap(self) -> float | None:
        """Dice coefficient of the highest fifths of pixels of both heatmaps, at the networks' input size, 0 to 1."""
        return hottest_overlap(self.heatmaps, self.analysis.pair.preprocessing.size)
