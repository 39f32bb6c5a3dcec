"""Fusion attribution: the channel weights of each fusion, and each stage's contribution to the class score."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from explain.cam.analysis import PairAnalysis
from explain.cam.forward_pass import ForwardPass, without_autocast
from explain.cam.layers import Layer
from explain.cam.question import Question, Target

__all__ = ["FusionWeights", "StageContribution", "fusion_weights", "inside", "stage_contributions"]


@dataclass(frozen=True)
class FusionWeights:
    """Channel weights of one fusion, for one image."""

    layer: str
    """The fused feature map, Y2 to Yn."""
    earlier: np.ndarray
    """Weight of each channel of the downsampled earlier map, float32 [C]."""
    stage: np.ndarray
    """Weight of each channel of the stage's own feature map, float32 [C]."""

    @property
    def mean(self) -> float:
        """Mean of the earlier map's weights over channels."""
        return float(self.earlier.mean())

    @property
    def spread(self) -> float:
        """Standard deviation of the earlier map's weights over channels."""
        return float(self.earlier.std())

    def histogram(self, bins: int = 20) -> np.ndarray:
        """Histogram of the earlier map's weights, in equal bins from 0 to 1, [bins]."""
        return np.histogram(self.earlier, bins, range=(0, 1))[0]


@dataclass(frozen=True)
class StageContribution:
    """Contribution of one stage: the drop in a class score when the stage is ablated from the fusion."""

    stage: str
    """X1 to Xn."""
    score: float
    """The target's score, a logit or a difference of two, with all stages."""
    without: float
    """The score when SCFF receives zeros in place of that stage's map; the backbone keeps the map."""

    @property
    def share(self) -> float:
        """The drop in the score, in the score's unit; negative if the stage is evidence against the target."""
        return self.score - self.without


def fusion_weights(run: ForwardPass) -> list[list[FusionWeights]] | None:
    """Weights of each fusion from Y2 to Yn, for each image.

    Args:
        run: forward pass of a network with SCFF.

    Returns:
        None for a network without SCFF, or for a variant without image-dependent weights (add, concat).
    """
    if run.network.scff is None:
        return None
    fused, found = run.maps[Layer("X", 1)], []
    with torch.no_grad(), without_autocast(run.logits.device.type):
        for i, (downsample, fuse) in enumerate(run.network.scff.steps(), start=2):
            stage = run.maps[Layer("X", i)]
            weights = fuse.weights(downsample(fused, stage.shape[-2:]), stage)
            if weights is None:
                return None
            found.append((str(Layer("Y", i)), *(values.float().cpu().numpy() for values in weights)))
            fused = run.maps[Layer("Y", i)]
    return [
        [FusionWeights(layer, earlier[image], stage[image]) for layer, earlier, stage in found]
        for image in range(len(run.images))
    ]


def stage_contributions(run: ForwardPass, targets: list[Target]) -> list[list[StageContribution]] | None:
    """Contribution of each stage to the target's score through SCFF, for each image; the backbone does not run again.

    Args:
        run: forward pass of a network with SCFF.
        targets: one per image.

    Returns:
        None for a network without SCFF.
    """
    if run.network.scff is None:
        return None
    stages = [run.maps[Layer("X", i)] for i in range(1, run.network.num_stages + 1)]
    contributions: list[list[StageContribution]] = [[] for _ in targets]
    with torch.no_grad(), without_autocast(run.logits.device.type):
        for i, stage in enumerate(stages):
            ablated = [*stages[:i], torch.zeros_like(stage), *stages[i + 1 :]]
            logits = run.network.head(run.network.scff.fuse_on(ablated[0], ablated[1:])[-1]).float()
            for image, target in enumerate(targets):
                scores = (float(target(run.logits[image])), float(target(logits[image])))
                contributions[image].append(StageContribution(str(Layer("X", i + 1)), *scores))
    return contributions


def inside(analysis: PairAnalysis, question: Question) -> dict[str, Any]:
    """Fusion weights and stage contributions of an image as a JSON object.

    Returns:
        Names of pair and classes; for each fusion its channel weights with mean and standard deviation, or None for a
        variant without image-dependent weights; for each stage the target's score with and without it.
    """
    run, classes = analysis.scff, analysis.pair.classes
    target = run.target(question)
    weights, contributions = fusion_weights(run.forward_pass), stage_contributions(run.forward_pass, [target]) or [[]]
    return {
        "pair": analysis.pair.name,
        "target": classes[target.index],
        "against": None if target.against is None else classes[target.against],
        "fusions": weights
        and {
            each.layer: {
                "mean": each.mean,
                "spread": each.spread,
                "earlier": each.earlier.tolist(),
                "stage": each.stage.tolist(),
            }
            for each in weights[0]
        },
        "stages": {
            each.stage: {"score": each.score, "without": each.without, "share": each.share} for each in contributions[0]
        },
    }
