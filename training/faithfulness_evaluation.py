"""What a pair's heatmaps are worth over a part of its scenes."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import torch

from explain.cam.forward_pass import forward_passes, inference_batch_size
from explain.cam.layers import FUSED
from explain.cam.methods import DEFAULT_METHOD
from explain.cam.question import Target
from explain.metrics.catalogue import METRICS
from explain.metrics.faithfulness import Faithfulness, faithfulness
from explain.metrics.randomisation import randomised, randomised_similarity
from pairs.checkpoint import ROLES
from pairs.inference import inference_ready
from pairs.pair import Pair
from pairs.statistics import Interval, Paired, bootstrap_mean, paired

__all__ = ["MEASURES", "FaithfulnessReport", "Measure", "MeasureReport", "measure_faithfulness"]


@dataclass(frozen=True)
class Measure:
    """A figure of faithfulness."""

    title: str
    higher_is_better: bool


MEASURES = {
    "drop": Measure("average drop in confidence", higher_is_better=False),
    "increase": Measure("increase in confidence", higher_is_better=True),
    "insertion": Measure("area below insertion", higher_is_better=True),
    "deletion": Measure("area below deletion", higher_is_better=False),
    "road": Measure("ROAD", higher_is_better=True),
    "randomised": Measure("likeness to a random network's map", higher_is_better=False),
}
"""By the name that reports use; explain.metrics.faithfulness says what each is."""


@dataclass(frozen=True)
class MeasureReport:
    """One measure, of each network and of both on the same images."""

    baseline: Interval | None
    scff: Interval | None
    paired: Paired

    def by_role(self) -> dict[str, Interval | None]:
        """Each network's mean."""
        return {"baseline": self.baseline, "scff": self.scff}

    @classmethod
    def of_json(cls, values: dict[str, Any]) -> Self:
        """Of what asdict has made of one."""

        def interval(found: dict | None) -> Interval | None:
            return None if found is None else Interval(**found)

        both = values["paired"]
        comparison = Paired(**{**both, "difference": interval(both["difference"])})
        return cls(interval(values["baseline"]), interval(values["scff"]), comparison)


@dataclass(frozen=True)
class FaithfulnessReport:
    """Over one part. Intervals are 95 % bootstrap intervals over images."""

    images: int
    layer: str
    method: str
    empty: dict[str, int]
    """Images whose map is empty, by role; they have no other figure."""
    measures: dict[str, MeasureReport]
    """By a name in MEASURES."""
    insertion: dict[str, list[float]]
    """Mean curve by role: the probability of the network's own prediction."""
    deletion: dict[str, list[float]]

    def as_json(self) -> dict[str, Any]:
        """For a report."""
        return asdict(self)

    @classmethod
    def of_json(cls, values: dict[str, Any]) -> Self:
        """Reads it back.

        Raises:
            KeyError, TypeError: it is none.
        """
        measures = {name: MeasureReport.of_json(found) for name, found in values["measures"].items()}
        return cls(**{**values, "measures": measures})


def measure_faithfulness(
    pair: Pair, batches: Iterable[torch.Tensor], road: bool = True, layer: str = FUSED, method: str = DEFAULT_METHOD
) -> FaithfulnessReport:
    """Judges both networks' heatmaps of their own predictions.

    Args:
        pair: as loaded.
        batches: of uint8 images [B, 3, h, w] at the pair's size.
        road: whether ROAD is measured, which takes most of the time.
        layer, method: of the heatmaps.
    """
    fast = inference_ready(pair, batch=inference_batch_size(pair.device))
    random = {role: randomised(getattr(pair, role).network) for role in ROLES}
    found: dict[str, list[Faithfulness]] = {role: [] for role in ROLES}
    likeness: dict[str, list[float | None]] = {role: [] for role in ROLES}
    for batch in batches:
        images = pair.preprocessing.normalise(batch.to(pair.device))
        for role in ROLES:
            for run in forward_passes(getattr(fast, role).network, images):
                own = run.predictions
                maps = run.heatmaps([Target(index) for index in own], layer, method)
                found[role] += faithfulness(run.network, run.images, maps, own, "full" if road else "quick")
                likeness[role] += randomised_similarity(maps, random[role], run.images, own, layer, method)
                del run  # else its maps are there while the next part's are made
    values = {
        **{name: _each(found, lambda one, name=name: one.values.get(name)) for name in METRICS},
        "randomised": likeness,
    }
    return FaithfulnessReport(
        images=len(found["baseline"]),
        layer=layer,
        method=method,
        empty={role: sum(not one.values for one in found[role]) for role in ROLES},
        measures={
            name: MeasureReport(
                *(bootstrap_mean(values[name][role]) for role in ROLES),
                paired(*(values[name][role] for role in ROLES), MEASURES[name].higher_is_better),
            )
            for name in MEASURES
            if road or name != "road"
        },
        insertion={role: _mean_curve(one.curves.get("insertion") for one in found[role]) for role in ROLES},
        deletion={role: _mean_curve(one.curves.get("deletion") for one in found[role]) for role in ROLES},
    )


def _each(
    found: dict[str, list[Faithfulness]], figure: Callable[[Faithfulness], float | None]
) -> dict[str, list[float | None]]:
    return {role: [figure(one) for one in found[role]] for role in found}


def _mean_curve(curves: Iterable[tuple[float, ...] | None]) -> list[float]:
    """Over the images that have one; empty where none has."""
    known = [curve for curve in curves if curve is not None]
    return np.mean(known, axis=0).tolist() if known else []
