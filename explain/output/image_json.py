"""What a pair says of one image, in words and numbers: the keys of `python -m explain --json`."""

from dataclasses import asdict
from typing import Any

from explain.cam.analysis import Heatmap, NetworkAnalysis, PairAnalysis
from explain.cam.question import Question
from explain.metrics.faithfulness import Faithfulness
from explain.metrics.fusion_attribution import FusionWeights, fusion_weights, stage_contributions

__all__ = ["image_json"]


def image_json(
    analysis: PairAnalysis,
    heatmaps: dict[str, Heatmap],
    question: Question,
    faithfulness: dict[str, Faithfulness] | None = None,
) -> dict[str, Any]:
    """A JSON object.

    Args:
        analysis: of the image.
        heatmaps: both networks', by role.
        question: that the heatmaps answer.
        faithfulness: by role, where it was measured.
    """
    scff = analysis.scff
    weights, shares = fusion_weights(scff.run), stage_contributions(scff.run, [scff.target(question)])
    chosen = None if weights is None else {each.layer: _of_weights(each) for each in weights[0]}
    return {
        "pair": analysis.pair.name,
        "layer": question.layer,
        "method": question.method,
        "smoothing": None if question.smoothing is None else asdict(question.smoothing),
        **{
            role: _of_network(run, heatmaps[role]) | _of_faithfulness(faithfulness and faithfulness[role])
            for role, run in analysis.runs.items()
        },
        "earlier_weights": chosen,
        "stage_contributions": {share.stage: share.share for share in shares[0]},
    }


def _of_network(run: NetworkAnalysis, heatmap: Heatmap) -> dict[str, Any]:
    classes = run.loaded.header.classes
    return {
        "prediction": classes[run.prediction],
        "confidence": float(run.probabilities[run.prediction]),
        "target": classes[heatmap.target],
        "against": None if heatmap.against is None else classes[heatmap.against],
        "target_confidence": float(run.probabilities[heatmap.target]),
        "logit": float(run.run.logits[0, heatmap.target]),
        "empty": heatmap.empty,
        "probabilities": dict(zip(classes, map(float, run.probabilities), strict=True)),
    }


def _of_weights(weights: FusionWeights) -> dict[str, Any]:
    return {"mean": weights.mean, "spread": weights.spread, "histogram": weights.histogram().tolist()}


def _of_faithfulness(found: Faithfulness | None) -> dict[str, Any]:
    return {} if found is None else {"faithfulness": found.as_json()}
