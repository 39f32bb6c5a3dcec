"""Summary of a comparison, against sentences written by hand."""

from dataclasses import replace

import numpy as np
import pytest

from explain.cam.analysis import Heatmap, PairAnalysis, analyse
from explain.cam.question import Question
from explain.explanation import Explanation
from explain.metrics.localisation import RegionResult
from explain.output.summary import MUCH_THE_SAME, PARTLY_THE_SAME, comparison_summary, peak_position
from pairs.pair import Pair
from tests.conftest import texture

FIELD, ROOF, WATER = range(3)
HIGHER = "Both predict roof; SCFF's confidence is 10 percentage points higher."
SAME = "The two heatmaps highlight much the same areas."


@pytest.fixture(scope="module")
def analysis(pair: Pair) -> PairAnalysis:
    return analyse(pair, texture(0, 0, side=80))


def with_probabilities(analysis: PairAnalysis, baseline: tuple[float, ...], scff: tuple[float, ...]) -> PairAnalysis:
    """The analysis with other probabilities."""
    runs = {"baseline": baseline, "scff": scff}
    return replace(
        analysis,
        **{role: replace(analysis.networks[role], probabilities=np.array(values)) for role, values in runs.items()},
    )


def corner(down: int, right: int, side: int = 4) -> np.ndarray:
    """A map of 8 x 8 cells with a hot square at this position."""
    values = np.zeros((8, 8), dtype=np.float32)
    values[down : down + side, right : right + side] = 1
    return values


def maps(
    targets: tuple[int, int],
    baseline: np.ndarray | None = None,
    scff: np.ndarray | None = None,
    against: int | None = None,
) -> dict[str, Heatmap]:
    """Two maps, equal unless given."""
    values = {"baseline": baseline, "scff": scff}
    return {
        role: Heatmap(corner(0, 0) if values[role] is None else values[role], target, against)
        for (role, target) in zip(values, targets, strict=True)
    }


def explanation(analysis: PairAnalysis, heatmaps: dict[str, Heatmap], method: str = Question.method) -> Explanation:
    return Explanation(analysis, Question(method=method), heatmaps)


def covering(baseline: float | None, scff: float | None) -> dict[str, RegionResult | None]:
    """Results for a region that holds these fractions of the maps' energy."""
    return {
        role: None if share is None else RegionResult(0.1, share, 0.5, True)
        for role, share in {"baseline": baseline, "scff": scff}.items()
    }


@pytest.mark.parametrize(
    ("baseline", "scff", "text"),
    [
        ((0.1, 0.61, 0.29), (0.1, 0.73, 0.17), "Both predict roof; SCFF's confidence is 12 percentage points higher."),
        (
            (0.1, 0.73, 0.17),
            (0.1, 0.61, 0.29),
            "Both predict roof; the baseline's confidence is 12 percentage points higher.",
        ),
        ((0.1, 0.61, 0.29), (0.1, 0.62, 0.28), "Both predict roof; SCFF's confidence is 1 percentage point higher."),
        (
            (0.1, 0.61, 0.29),
            (0.1, 0.6151, 0.2849),
            "Both predict roof; SCFF's confidence is 1 percentage point higher.",
        ),
        ((0.1, 0.61, 0.29), (0.1, 0.612, 0.288), "Both predict roof with about the same confidence (61 %)."),
        (
            (0.1, 0.61, 0.29),
            (0.1, 0.615, 0.285),
            "Both predict roof with about the same confidence (61 % without SCFF, 62 % with it).",
        ),
        ((0, 1.0, 0), (0, 0.99999, 0.00001), "Both predict roof with about the same confidence (> 99.9 %)."),
        (
            (0, 0.9951, 0.0049),
            (0, 0.9996, 0.0004),
            "Both predict roof with about the same confidence (99.5 % without SCFF, > 99.9 % with it).",
        ),
        (
            (0.39, 0.61, 0),
            (0.2, 0.32, 0.48),
            "The predictions differ: the baseline predicts roof (61 %), SCFF predicts water (48 %).",
        ),
        (
            (1, 0, 0),
            (0.002, 0, 0.998),
            "The predictions differ: the baseline predicts field (> 99.9 %), SCFF predicts water (99.8 %).",
        ),
    ],
)
def test_predictions_are_summarised(
    analysis: PairAnalysis, baseline: tuple[float, ...], scff: tuple[float, ...], text: str
) -> None:
    found = with_probabilities(analysis, baseline, scff)
    own = tuple(run.prediction for run in found.networks.values())
    sentence = comparison_summary(explanation(found, maps(own)))
    apart = "Each for its own class, the two heatmaps highlight much the same areas."
    assert sentence == f"{text} {SAME if own[0] == own[1] else apart}"


@pytest.mark.parametrize(
    ("baseline", "scff", "target", "against", "text"),
    [
        ((0.1, 0.6, 0.3), (0.1, 0.7, 0.2), WATER, None, "evidence for water (30 % without SCFF, 20 % with it)."),
        ((0.4, 0.6, 0), (0.3, 0.7, 0.00003), WATER, None, "evidence for water (< 0.1 %)."),
        ((0.39, 0.6, 0.01), (0.296, 0.7, 0.004), WATER, FIELD, "water over field (1 % without SCFF, 0.4 % with it)."),
        ((0.1, 0.6, 0.3), (0.6, 0.1, 0.3), ROOF, None, "evidence for roof (60 % without SCFF, 10 % with it)."),
        (
            (0.1, 0.6, 0.3),
            (0.1, 0.7, 0.2),
            ROOF,
            WATER,
            "Each heatmap shows evidence for its network's own prediction over water.",
        ),
    ],
)
def test_a_chosen_class_is_named(
    analysis: PairAnalysis,
    baseline: tuple[float, ...],
    scff: tuple[float, ...],
    target: int,
    against: int | None,
    text: str,
) -> None:
    sentence = comparison_summary(
        explanation(with_probabilities(analysis, baseline, scff), maps((target, target), against=against))
    )
    assert f"{text} {SAME}" in sentence


def test_class_predicted_by_both_is_not_repeated(analysis: PairAnalysis) -> None:
    found = with_probabilities(analysis, (0.1, 0.6, 0.3), (0.1, 0.7, 0.2))
    assert comparison_summary(explanation(found, maps((ROOF, ROOF)))) == f"{HIGHER} {SAME}"


def test_class_agnostic_method_names_no_target(analysis: PairAnalysis) -> None:
    found = with_probabilities(analysis, (0.39, 0.61, 0), (0.2, 0.32, 0.48))
    predictions = "The predictions differ: the baseline predicts roof (61 %), SCFF predicts water (48 %)."
    for targets in ((ROOF, WATER), (FIELD, FIELD)):
        assert comparison_summary(explanation(found, maps(targets), "eigencam")) == f"{predictions} {SAME}"


@pytest.mark.parametrize(
    ("baseline", "scff", "text"),
    [
        (0.43, 0.61, "The region holds more of the energy of SCFF's heatmap (61 %) than of the baseline's (43 %)."),
        (0.61, 0.43, "The region holds less of the energy of SCFF's heatmap (43 %) than of the baseline's (61 %)."),
        (0.0, 1.0, "The region holds more of the energy of SCFF's heatmap (all) than of the baseline's (none)."),
        (0.0, 0.0, "The region holds none of the energy of both heatmaps."),
        (1.0, 1.0, "The region holds all of the energy of both heatmaps."),
        (0.614, 0.606, "The region holds 61 % of the energy of both heatmaps."),
        (0.604, 0.606, "The region holds about 61 % of the energy of both heatmaps."),
        (None, 0.3, "The region holds 30 % of the energy of SCFF's heatmap."),
        (0.3, None, "The region holds 30 % of the energy of the baseline's heatmap."),
        (
            0.9999,
            0.5,
            "The region holds less of the energy of SCFF's heatmap (50 %) than of the baseline's (> 99.9 %).",
        ),
    ],
)
def test_region_energy_is_summarised(
    analysis: PairAnalysis, baseline: float | None, scff: float | None, text: str
) -> None:
    found = with_probabilities(analysis, (0.1, 0.6, 0.3), (0.1, 0.7, 0.2))
    sentence = comparison_summary(explanation(found, maps((ROOF, ROOF))), covering(baseline, scff))
    assert sentence == f"{HIGHER} {text} {SAME}"


@pytest.mark.parametrize(
    ("baseline", "scff", "text"),
    [
        (corner(0, 0), corner(0, 0), SAME),
        (corner(0, 0), corner(0, 0) * 7, SAME),
        (corner(0, 0), corner(0, 2), "The two heatmaps highlight partly the same areas."),
        (corner(0, 0), corner(4, 4), "The two heatmaps highlight different areas."),
        (
            corner(0, 0, 1),
            corner(7, 7, 1),
            "The two heatmaps highlight different areas.",
        ),  # cells at zero in both maps do not count
        (corner(0, 0), corner(0, 0) * 0, "SCFF's heatmap is empty: no evidence for roof."),
        (corner(0, 0) * 0, corner(0, 0), "The baseline's heatmap is empty: no evidence for roof."),
        (corner(0, 0) * 0, corner(0, 0) * 0, "Both heatmaps are empty."),
    ],
)
def test_similarity_of_the_heatmaps_is_summarised(
    analysis: PairAnalysis, baseline: np.ndarray, scff: np.ndarray, text: str
) -> None:
    found = with_probabilities(analysis, (0.1, 0.6, 0.3), (0.1, 0.7, 0.2))
    assert comparison_summary(explanation(found, maps((ROOF, ROOF), baseline, scff))).endswith(f"higher. {text}")


def test_overlap_of_equal_opposite_independent_and_empty_maps(analysis: PairAnalysis) -> None:
    """At 64 x 64, where a fifth is 819 pixels, a map of two values by rows has its hottest fifth in the hot ones."""
    rising = np.linspace(0.1, 1, 64, dtype=np.float32)[:, None].repeat(64, axis=1)
    assert explanation(analysis, maps((ROOF, ROOF), rising, rising)).overlap() == 1
    assert explanation(analysis, maps((ROOF, ROOF), rising, rising[::-1].copy())).overlap() == 0
    across = explanation(analysis, maps((ROOF, ROOF), rising, rising.T)).overlap()
    assert across == pytest.approx(0.2, abs=0.01)  # independent of one another
    assert across < PARTLY_THE_SAME < MUCH_THE_SAME
    assert explanation(analysis, maps((ROOF, ROOF), rising, rising * 0)).overlap() is None


@pytest.mark.parametrize(
    ("row", "column", "text"),
    [
        (0, 0, "top left"), (0, 4, "top"), (1, 8, "top right"), (4, 2, "left"), (4, 4, "centre"), (5, 6, "right"),
        (8, 0, "bottom left"), (7, 3, "bottom"), (6, 8, "bottom right"),
    ],
)  # fmt: skip
def test_position_of_the_maximum(row: int, column: int, text: str) -> None:
    values = np.zeros((9, 9))
    values[row, column] = 1
    assert peak_position(values) == text
