"""A figure over many images, of one network and of both networks of a pair on the same images."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.stats import bootstrap

__all__ = ["Interval", "Paired", "bootstrap_mean", "paired"]


@dataclass(frozen=True)
class Interval:
    """A mean over images, and the range in which that of other images of the kind is likely to lie."""

    mean: float
    low: float
    high: float
    count: int
    """Images that have a value."""


@dataclass(frozen=True)
class Paired:
    """Both networks of a pair, over the images where both have a value."""

    difference: Interval | None
    """Of SCFF's value less the baseline's; None where no image has both."""
    scff_better: int
    """Images."""
    baseline_better: int
    """Images."""
    equal: int
    """Images."""


def bootstrap_mean(
    values: Iterable[float | None], seed: int = 0, resamples: int = 2000, level: float = 0.95
) -> Interval | None:
    """The mean and its interval by the percentile bootstrap over images (Efron, 1979).

    Args:
        values: one an image; None and NaN are left out.
        seed: of the resampling.
        resamples: how often as many images are drawn, with replacement.
        level: share of the resampled means inside the interval, 0 to 1.

    Returns:
        Low, mean and high are one number for a single value; None where there is no value.
    """
    known = np.array([value for value in values if not _missing(value)], dtype=np.float64)
    if not known.size:
        return None
    mean = float(known.mean())
    if known.size == 1:
        return Interval(mean, mean, mean, 1)
    random = np.random.default_rng(seed)
    # One resample at a time: thousands of them, of thousands of images each, would fill the memory.
    options = {"batch": 1, "n_resamples": resamples, "confidence_level": level, "method": "percentile", "rng": random}
    found = bootstrap((known,), np.mean, **options).confidence_interval
    return Interval(mean, float(found.low), float(found.high), known.size)


def paired(
    baseline: Iterable[float | None],
    scff: Iterable[float | None],
    higher_is_better: bool,
    seed: int = 0,
    resamples: int = 2000,
    level: float = 0.95,
) -> Paired:
    """Compares both networks image by image.

    Args:
        baseline: one value an image; None and NaN where there is none.
        scff: of the same images in the same order.
        higher_is_better: which way the figure points.
        seed, resamples, level: as bootstrap_mean's.

    Raises:
        ValueError: the two are not of one length.
    """
    both = zip(baseline, scff, strict=True)
    differences = [float(after) - float(before) for before, after in both if not (_missing(before) or _missing(after))]
    higher, lower = sum(value > 0 for value in differences), sum(value < 0 for value in differences)
    return Paired(
        bootstrap_mean(differences, seed, resamples, level),
        scff_better=higher if higher_is_better else lower,
        baseline_better=lower if higher_is_better else higher,
        equal=len(differences) - higher - lower,
    )


def _missing(value: float | None) -> bool:
    return value is None or math.isnan(value)
