"""Faithfulness evaluation: the heatmap metrics of a pair over a subset of its scenes."""

from collections.abc import Iterable

import numpy as np
import torch

from explain.cam.forward_pass import forward_passes, inference_batch_size
from explain.cam.layers import FUSED
from explain.cam.methods import DEFAULT_METHOD, METHODS
from explain.cam.question import Target
from explain.figures.labels import layer_label
from explain.metrics.catalogue import METRICS
from explain.metrics.faithfulness import Faithfulness, faithfulness
from explain.metrics.randomisation import RANDOMISATION, randomised, randomised_similarity
from pairs.inference import inference_ready
from pairs.layout import ROLES
from pairs.pair import Pair
from pairs.report import FaithfulnessReport, MetricResult
from pairs.statistics import bootstrap_mean, paired_bootstrap

__all__ = ["evaluate_faithfulness"]

_Values = dict[str, list[float | None]]
"""By role, one per image."""


def evaluate_faithfulness(pair: Pair, batches: Iterable[torch.Tensor], road: bool = True) -> FaithfulnessReport:
    """Measures both networks' default heatmaps of their own predictions.

    Args:
        pair: as loaded.
        batches: of uint8 images [B, 3, h, w] at the pair's size.
        road: whether ROAD is measured, which takes most of the time.
    """
    fast = inference_ready(pair, batch=inference_batch_size(pair.device))
    random = {role: randomised(loaded.network) for role, loaded in pair.networks.items()}
    found: dict[str, list[Faithfulness]] = {role: [] for role in ROLES}
    similarity: _Values = {role: [] for role in ROLES}
    for batch in batches:
        images = pair.preprocessing.normalise(batch.to(pair.device))
        for role, loaded in fast.networks.items():
            for run in forward_passes(loaded.network, images):
                own = run.predictions
                maps = run.heatmaps([Target(index) for index in own])
                found[role] += faithfulness(run.network, run.images, maps, own, "full" if road else "quick")
                similarity[role] += randomised_similarity(
                    maps, random[role], run.images, own, layer=FUSED, method=DEFAULT_METHOD
                )
                del run  # else its maps are there while the next network's are made
    values: dict[str, _Values] = {
        key: {role: [one.values.get(key) for one in found[role]] for role in ROLES} for key in METRICS
    }
    values[RANDOMISATION.key] = similarity
    return FaithfulnessReport(
        images=len(found["baseline"]),
        layer=FUSED,
        layer_title=layer_label(FUSED),
        method=DEFAULT_METHOD,
        method_title=METHODS[DEFAULT_METHOD].title,
        empty={role: sum(not one.values for one in found[role]) for role in ROLES},
        metrics={key: _result(key, each) for key, each in values.items() if road or key != "road"},
        insertion={role: _mean_curve(one.curves.get("insertion") for one in found[role]) for role in ROLES},
        deletion={role: _mean_curve(one.curves.get("deletion") for one in found[role]) for role in ROLES},
    )


def _result(key: str, values: _Values) -> MetricResult:
    metric = METRICS[key]
    return MetricResult(
        title=metric.title,
        unit=metric.unit,
        higher_is_better=metric.higher_is_better,
        baseline=bootstrap_mean(values["baseline"]),
        scff=bootstrap_mean(values["scff"]),
        paired=paired_bootstrap(values["baseline"], values["scff"], metric.higher_is_better),
    )


def _mean_curve(curves: Iterable[tuple[float, ...] | None]) -> tuple[float, ...]:
    """Over the images that have one; empty where none has."""
    known = [curve for curve in curves if curve is not None]
    return tuple(np.mean(known, axis=0).tolist()) if known else ()
