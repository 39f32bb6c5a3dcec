"""Statistics of a pair: intervals of accuracies and of means over images, and paired comparisons of its networks."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from scipy.stats import binomtest, bootstrap

__all__ = [
    "Count", "Interval", "McNemar", "McNemarBound", "Number", "PairedComparison", "bootstrap_mean", "mcnemar",
    "mcnemar_bound", "paired_bootstrap", "wilson_interval",
]  # fmt: skip

_LEVEL = 0.95  # confidence level of every interval

# Bounds of what a report may hold; constructing the dataclasses below does not check them.
Count = Annotated[int, Field(strict=True, ge=0, le=10**12)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


@dataclass(frozen=True)
class Interval:
    """A mean over images with its confidence interval."""

    mean: Number
    low: Number
    high: Number
    count: Count
    """Images that have a value."""


@dataclass(frozen=True)
class PairedComparison:
    """Paired comparison of both networks over the images where both have a value."""

    difference: Interval | None
    """Mean of SCFF's value minus the baseline's; None if no image has both."""
    scff_better: Count
    """Images."""
    baseline_better: Count
    """Images."""
    equal: Count
    """Images."""


@dataclass(frozen=True)
class McNemar:
    """McNemar's exact test of two classifiers on the same images."""

    baseline_only: int
    """Images that the baseline alone classifies correctly (b)."""
    scff_only: int
    """Images that SCFF alone classifies correctly (c)."""
    p_value: float
    """Two-sided, of equal accuracies, 0 to 1."""


@dataclass(frozen=True)
class McNemarBound:
    """Bounds of McNemar's test from two confusion matrices, where the per-image predictions are not available."""

    baseline_only: int
    """Lower bound of b, the images that the baseline alone classifies correctly."""
    scff_only: int
    """Lower bound of c, the images that SCFF alone classifies correctly."""
    least_p: float
    """Lower bound of the exact test's p-value, 0 to 1."""


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Wilson's score interval of a proportion, 0 to 1 (Wilson, 1927).

    Raises:
        ValueError: there are no trials, or fewer than successes.
    """
    interval = binomtest(successes, trials).proportion_ci(_LEVEL, method="wilson")
    return float(interval.low), float(interval.high)


def bootstrap_mean(values: Iterable[float | None], seed: int = 0, resamples: int = 2000) -> Interval | None:
    """The mean and its interval by the percentile bootstrap over images (Efron, 1979).

    Args:
        values: one per image; None and NaN are left out.
        seed: of the resampling.
        resamples: number of bootstrap samples.

    Returns:
        Low, mean and high are equal for a single value; None where there is no value.
    """
    known = np.array([value for value in values if value is not None and not math.isnan(value)], dtype=np.float64)
    if not known.size:
        return None
    mean = float(known.mean())
    if known.size == 1:
        return Interval(mean, mean, mean, 1)
    random = np.random.default_rng(seed)
    # One resample at a time: thousands of them, of thousands of images each, would fill the memory.
    options: dict[str, Any] = {"batch": 1, "n_resamples": resamples, "confidence_level": _LEVEL, "rng": random}
    found = bootstrap((known,), np.mean, method="percentile", **options).confidence_interval
    return Interval(mean, float(found.low), float(found.high), known.size)


def paired_bootstrap(
    baseline: Iterable[float | None], scff: Iterable[float | None], higher_is_better: bool
) -> PairedComparison:
    """Compares both networks image by image, with the bootstrap interval of the mean difference.

    Args:
        baseline: one value per image; None and NaN where there is none.
        scff: of the same images in the same order.
        higher_is_better: the metric's direction.

    Raises:
        ValueError: the two are not of one length.
    """
    both = ((a, b) for a, b in zip(baseline, scff, strict=True) if a is not None and b is not None)
    differences = [float(b) - float(a) for a, b in both if not (math.isnan(a) or math.isnan(b))]
    higher, lower = sum(value > 0 for value in differences), sum(value < 0 for value in differences)
    return PairedComparison(
        bootstrap_mean(differences),
        scff_better=higher if higher_is_better else lower,
        baseline_better=lower if higher_is_better else higher,
        equal=len(differences) - higher - lower,
    )


def mcnemar(baseline_correct: Iterable[bool], scff_correct: Iterable[bool]) -> McNemar:
    """McNemar's exact test: under equal accuracies, c of the b + c discordant images is binomial with p = 1/2.

    Args:
        baseline_correct: per image, whether the baseline's prediction is the true class.
        scff_correct: of the same images in the same order.

    Raises:
        ValueError: the two are not of one length.
    """
    both = [(bool(before), bool(after)) for before, after in zip(baseline_correct, scff_correct, strict=True)]
    b, c = both.count((True, False)), both.count((False, True))
    return McNemar(b, c, _exact_p(b, c))


def mcnemar_bound(baseline: Sequence[Sequence[int]], scff: Sequence[Sequence[int]]) -> McNemarBound | None:
    """Bounds McNemar's test from confusion matrices alone.

    Where one network is correct on n more images of a class than the other, at least n images of that class are
    discordant. Any further discordant images come in couples, one for either network, and raise the p-value.

    Args:
        baseline, scff: confusion matrices of the same images, rows are true classes.

    Returns:
        None where the matrices differ in the number of images of a class.
    """
    if [*map(sum, baseline)] != [*map(sum, scff)]:
        return None
    gains = [after[i] - before[i] for i, (before, after) in enumerate(zip(baseline, scff, strict=True))]
    b, c = -sum(min(gain, 0) for gain in gains), sum(max(gain, 0) for gain in gains)
    return McNemarBound(b, c, _exact_p(b, c))


def _exact_p(b: int, c: int) -> float:
    return float(binomtest(c, b + c).pvalue) if b + c else 1.0
