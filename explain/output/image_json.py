"""The explanation of one image as JSON: the keys of `python -m explain --json`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from explain.cam.analysis import Heatmap, NetworkAnalysis
from explain.cam.question import Question
from explain.explanation import Explanation
from explain.metrics.faithfulness import Faithfulness
from explain.metrics.fusion_attribution import FusionWeights, fusion_weights, stage_contributions
from explain.metrics.localisation import Region
from pairs.pair import Pair

__all__ = ["REQUEST", "ImageSource", "image_json", "request_json", "result_json"]

REQUEST = "asked"
"""Key of the request parameters, by which a later run recognises its earlier result."""


@dataclass(frozen=True)
class ImageSource:
    """Source of an image."""

    name: str
    """Name shown to users."""
    place: str
    """The image's absolute path, or its name alone where the path must not be disclosed."""
    bands: Sequence[int] | None = None
    """Bands, as for imagery.reading.read_image."""

    def band_list(self) -> list[int] | None:
        """The bands for JSON."""
        return None if self.bands is None else list(self.bands)


def result_json(
    source: ImageSource,
    explanation: Explanation,
    region: Region | None = None,
    faithfulness: Mapping[str, Faithfulness] | None = None,
) -> dict[str, Any]:
    """The JSON object of `python -m explain --json`, with the paths of all files still None.

    Args:
        source: the image's source.
        explanation: the image's explanation.
        region: region of the full-size image, to compare the heatmaps with.
        faithfulness: faithfulness by role, if it was measured.
    """
    result = {
        "image": source.name,
        REQUEST: request_json(source, explanation.analysis.pair, explanation.question),
        "bands": source.band_list(),
        **image_json(explanation, faithfulness),
        "geotiff": None,
        "figure": None,
        "maps": None,
    }
    for role, found in explanation.localisation(region).items():
        result[role]["region"] = None if found is None else asdict(found)
    return result


def request_json(source: ImageSource, pair: Pair, question: Question) -> dict[str, Any]:
    """Request parameters, image and networks."""
    digests = [loaded.digest for loaded in pair.networks.values()]
    return {"image": source.place, "bands": source.band_list(), "networks": digests, **asdict(question)}


def image_json(explanation: Explanation, faithfulness: Mapping[str, Faithfulness] | None = None) -> dict[str, Any]:
    """Predictions, heatmaps' targets, fusion weights and stage contributions as a JSON object.

    Args:
        explanation: the image's explanation.
        faithfulness: faithfulness by role, if it was measured.
    """
    analysis, question = explanation.analysis, explanation.question
    scff, measured = analysis.scff, faithfulness or {}
    weights = fusion_weights(scff.forward_pass)
    contributions = stage_contributions(scff.forward_pass, [scff.target(question)])
    return {
        "pair": analysis.pair.name,
        "layer": question.layer,
        "method": question.method,
        "smoothing": None if question.smoothing is None else asdict(question.smoothing),
        **{
            role: _of_network(run, explanation.heatmaps[role])
            | ({"faithfulness": measured[role].as_json()} if role in measured else {})
            for role, run in analysis.networks.items()
        },
        "earlier_weights": None if weights is None else {each.layer: _of_weights(each) for each in weights[0]},
        "stage_shares": {each.stage: each.share for each in (contributions or [[]])[0]},
    }


def _of_network(run: NetworkAnalysis, heatmap: Heatmap) -> dict[str, Any]:
    classes = run.loaded.header.classes
    return {
        "prediction": classes[run.prediction],
        "confidence": float(run.probabilities[run.prediction]),
        "target": classes[heatmap.target],
        "against": None if heatmap.against is None else classes[heatmap.against],
        "target_confidence": float(run.probabilities[heatmap.target]),
        "logit": float(run.forward_pass.logits[0, heatmap.target]),
        "empty": heatmap.empty,
        "probabilities": dict(zip(classes, map(float, run.probabilities), strict=True)),
    }


def _of_weights(weights: FusionWeights) -> dict[str, Any]:
    return {"mean": weights.mean, "spread": weights.spread, "histogram": weights.histogram().tolist()}
