"""Intervals and paired comparisons, against independent derivations."""

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from scipy.stats import binom, bootstrap

from pairs.statistics import Interval, bootstrap_mean, mcnemar, mcnemar_bound, paired_bootstrap, wilson_interval


@pytest.mark.essential
def test_bootstrap_interval_matches_scipy() -> None:
    values = np.random.default_rng(3).exponential(2.0, 60)
    theirs = bootstrap((values,), np.mean, n_resamples=20000, confidence_level=0.95, method="percentile", rng=1)
    found = bootstrap_mean(values, resamples=20000)
    low, high = theirs.confidence_interval
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.05 * (high - low))
    assert found.count == 60


def test_bootstrap_interval_has_nominal_coverage() -> None:
    random = np.random.default_rng(0)
    found = [bootstrap_mean(random.normal(5, 1, 40), resamples=300) for _ in range(200)]
    covered = np.mean([interval.low <= 5 <= interval.high for interval in found])
    assert 0.88 <= covered <= 0.99


def test_bootstrap_depends_only_on_the_seed() -> None:
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


def test_interval_of_one_value_has_no_width() -> None:
    assert bootstrap_mean([0.3, None]) == Interval(0.3, 0.3, 0.3, 1)


def test_booleans_count_as_one_and_zero() -> None:
    found = bootstrap_mean([True, False, True, True])
    assert found.mean == 0.75
    assert 0 <= found.low < 0.75 < found.high <= 1


@pytest.mark.parametrize("higher_is_better", [True, False])
@pytest.mark.essential
def test_networks_are_compared_image_by_image(higher_is_better: bool) -> None:
    baseline = [0.5, 0.5, None, 0.9, 0.25, 0.1, 0.7]
    scff = [0.75, 0.5, 0.3, 0.4, 0.5, math.nan, 0.9]  # with both: up, equal, -, down, up, -, up
    found = paired_bootstrap(baseline, scff, higher_is_better)
    assert found.difference == bootstrap_mean([0.25, 0.0, -0.5, 0.25, 0.9 - 0.7])
    assert found.difference.mean == pytest.approx(0.04)
    assert (found.scff_better, found.baseline_better, found.equal) == ((3, 1, 1) if higher_is_better else (1, 3, 1))


def test_constant_difference_has_an_interval_without_width() -> None:
    baseline = np.random.default_rng(0).random(50)
    found = paired_bootstrap(baseline, baseline + 0.01, higher_is_better=True)
    assert (found.difference.low, found.difference.high) == pytest.approx((0.01, 0.01))
    assert bootstrap_mean(baseline).high - bootstrap_mean(baseline).low > 0.1


def test_booleans_are_compared_image_by_image() -> None:
    found = paired_bootstrap(np.array([True, False, False]), np.array([False, True, False]), higher_is_better=True)
    assert (found.difference.mean, found.scff_better, found.baseline_better, found.equal) == (0, 1, 1, 1)


def test_no_image_with_both_values_gives_no_difference() -> None:
    found = paired_bootstrap([None, 0.5], [0.5, None], higher_is_better=True)
    assert found.difference is None
    assert (found.scff_better, found.baseline_better, found.equal) == (0, 0, 0)


def test_values_of_different_lengths_are_rejected() -> None:
    with pytest.raises(ValueError, match="zip"):
        paired_bootstrap([0.1, 0.2], [0.1], higher_is_better=True)


@pytest.mark.parametrize(
    ("right", "images", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
@pytest.mark.essential
def test_wilson_intervals_match_newcombes_table(right: int, images: int, low: float, high: float) -> None:
    """Newcombe, Statistics in Medicine 17, 1998, table I, method 3."""
    assert wilson_interval(right, images) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(("right", "images"), [(457, 480), (3, 7), (0, 5), (5, 5)])
@pytest.mark.essential
def test_wilson_intervals_solve_the_score_equation(right: int, images: int) -> None:
    """Wilson, 1927: the bounds are the p with |x/n - p| = z sqrt(p (1 - p) / n), z = 1.959964 at 95 %."""
    for bound in wilson_interval(right, images):
        distance = 1.959964 * math.sqrt(bound * (1 - bound) / images)
        assert abs(right / images - bound) == pytest.approx(distance, abs=1e-6)


def test_wilson_intervals_reject_impossible_counts() -> None:
    with pytest.raises(ValueError, match="k"):
        wilson_interval(4, 3)


def two_sided(b: int, c: int) -> float:
    """Twice the smaller tail of a binomial of b + c fair coins, at most 1 (McNemar's exact test)."""
    return min(1.0, 2 * binom.cdf(min(b, c), b + c, 0.5))


@pytest.mark.parametrize(("b", "c"), [(0, 0), (0, 1), (3, 3), (1, 8), (10, 2), (0, 6)])
@pytest.mark.essential
def test_mcnemars_test_counts_discordant_images(b: int, c: int) -> None:
    random = np.random.default_rng(b * 100 + c)
    outcomes = [(True, False)] * b + [(False, True)] * c + [(True, True)] * 30 + [(False, False)] * 5
    baseline, scff = zip(*random.permutation(outcomes), strict=True)
    found = mcnemar(baseline, scff)
    assert (found.baseline_only, found.scff_only) == (b, c)
    assert found.p_value == pytest.approx(two_sided(b, c))


def test_mcnemars_test_matches_a_calculation_by_hand() -> None:
    """b = 1, c = 8: p = 2 (C(9,0) + C(9,1)) / 2^9 = 20 / 512, by hand."""
    assert mcnemar([True] + [False] * 8, [False] + [True] * 8).p_value == pytest.approx(20 / 512)


def test_predictions_of_different_lengths_are_rejected() -> None:
    with pytest.raises(ValueError, match="zip"):
        mcnemar([True], [True, False])


@pytest.mark.essential
def test_mcnemar_bound_follows_from_confusion_matrices() -> None:
    baseline, scff = ((5, 5), (2, 8)), ((9, 1), (3, 7))
    bound = mcnemar_bound(baseline, scff)
    assert (bound.baseline_only, bound.scff_only) == (1, 4)
    assert bound.least_p == pytest.approx(2 * (1 + 5) / 2**5)  # at most one of five by fair coins, on either side
    assert mcnemar_bound(baseline, baseline).least_p == 1
    assert mcnemar_bound(baseline, ((9, 2), (3, 7))) is None  # other images


def confusion(true: Sequence[int], predicted: Sequence[int]) -> list[list[int]]:
    pairs = list(zip(true, predicted, strict=True))
    return [[pairs.count((row, column)) for column in range(2)] for row in range(2)]


def test_the_bound_holds_for_every_set_of_predictions() -> None:
    """All predictions of two networks for five images of two classes, enumerated; some of them attain the bound."""
    true = [0, 0, 0, 1, 1]
    attained = 0
    for baseline, scff in product(product((0, 1), repeat=5), repeat=2):
        bound = mcnemar_bound(confusion(true, baseline), confusion(true, scff))
        found = mcnemar(*([a == t for a, t in zip(p, true, strict=True)] for p in (baseline, scff)))
        assert bound.baseline_only <= found.baseline_only
        assert bound.scff_only <= found.scff_only
        assert bound.least_p <= found.p_value + 1e-12
        attained += bound.least_p == found.p_value
    assert attained > 100
