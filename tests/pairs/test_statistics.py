"""Means over images and their intervals, against SciPy's bootstrap and by hand."""

import math

import numpy as np
import pytest
from scipy.stats import bootstrap

from pairs.statistics import Interval, bootstrap_mean, paired


@pytest.mark.parametrize("level", [0.95, 0.5])
def test_the_interval_is_scipys(level: float) -> None:
    values = np.random.default_rng(3).exponential(2.0, 60)
    theirs = bootstrap((values,), np.mean, n_resamples=20000, confidence_level=level, method="percentile", rng=1)
    found = bootstrap_mean(values, resamples=20000, level=level)
    low, high = theirs.confidence_interval
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.05 * (high - low))
    assert found.count == 60


def test_the_interval_holds_the_true_mean_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(0)
    found = [bootstrap_mean(random.normal(5, 1, 40), resamples=300) for _ in range(200)]
    covered = np.mean([interval.low <= 5 <= interval.high for interval in found])
    assert 0.88 <= covered <= 0.99


def test_the_seed_alone_decides() -> None:
    values = [0.1, 0.5, 0.7, 0.2, 0.9]
    before = np.random.get_state()[1].tolist()
    assert bootstrap_mean(values, seed=4) == bootstrap_mean(iter(values), seed=4)
    assert bootstrap_mean(values, seed=4, resamples=50) != bootstrap_mean(values, seed=5, resamples=50)
    assert np.random.get_state()[1].tolist() == before


def test_images_without_a_value_are_left_out() -> None:
    known = bootstrap_mean([0.25, 0.5, 1.0])
    assert bootstrap_mean([None, 0.25, math.nan, 0.5, np.float32("nan"), 1.0]) == known
    assert known.count == 3
    assert known.mean == pytest.approx(7 / 12)
    assert bootstrap_mean([None, math.nan]) is None
    assert bootstrap_mean([]) is None


def test_one_value_has_no_width() -> None:
    assert bootstrap_mean([0.3, None]) == Interval(0.3, 0.3, 0.3, 1)


def test_yes_and_no_are_counted_as_one_and_zero() -> None:
    found = bootstrap_mean([True, False, True, True])
    assert found.mean == 0.75
    assert 0 <= found.low < 0.75 < found.high <= 1


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_networks_are_compared_image_by_image(higher_is_better: bool) -> None:
    baseline = [0.5, 0.5, None, 0.9, 0.25, 0.1, 0.7]
    scff = [0.75, 0.5, 0.3, 0.4, 0.5, math.nan, 0.9]  # with both: up, equal, -, down, up, -, up
    found = paired(baseline, scff, higher_is_better)
    assert found.difference == bootstrap_mean([0.25, 0.0, -0.5, 0.25, 0.9 - 0.7])
    assert found.difference.mean == pytest.approx(0.04)
    assert (found.scff_better, found.baseline_better, found.equal) == ((3, 1, 1) if higher_is_better else (1, 3, 1))


def test_a_difference_that_every_image_shows_is_narrower_than_both_networks_intervals() -> None:
    baseline = np.random.default_rng(0).random(50)
    found = paired(baseline, baseline + 0.01, higher_is_better=True)
    assert (found.difference.low, found.difference.high) == pytest.approx((0.01, 0.01))
    assert bootstrap_mean(baseline).high - bootstrap_mean(baseline).low > 0.1


def test_yes_and_no_are_compared_as_well() -> None:
    found = paired(np.array([True, False, False]), np.array([False, True, False]), higher_is_better=True)
    assert (found.difference.mean, found.scff_better, found.baseline_better, found.equal) == (0, 1, 1, 1)


def test_no_image_with_both_leaves_nothing_to_compare() -> None:
    found = paired([None, 0.5], [0.5, None], higher_is_better=True)
    assert found.difference is None
    assert (found.scff_better, found.baseline_better, found.equal) == (0, 0, 0)


def test_lists_of_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        paired([0.1, 0.2], [0.1], higher_is_better=True)
