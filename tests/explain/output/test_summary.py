"""What is said of a pair, against sentences written by hand."""

from dataclasses import replace

import numpy as np
import pytest

from explain.cam.analysis import Heatmap, PairAnalysis, analyse
from explain.metrics.localisation import RegionResult
from explain.metrics.overlap import hottest_overlap
from explain.output.summary import MUCH_THE_SAME, PARTLY_THE_SAME, comparison_summary, scale_text
from pairs.pair import Pair
from tests.conftest import texture

FIELD, ROOF, WATER = range(3)
SAME = "The two maps look at much the same places."


@pytest.fixture(scope="module")
def analysis(pair: Pair) -> PairAnalysis:
    return analyse(pair, texture(0, 0, side=80))


def saying(analysis: PairAnalysis, baseline: tuple[float, ...], scff: tuple[float, ...]) -> PairAnalysis:
    """The analysis with other probabilities."""
    runs = {"baseline": baseline, "scff": scff}
    return replace(
        analysis,
        **{role: replace(analysis.runs[role], probabilities=np.array(values)) for role, values in runs.items()},
    )


def corner(down: int, right: int, side: int = 4) -> np.ndarray:
    """A map of 8 x 8 cells with a hot square there."""
    values = np.zeros((8, 8), dtype=np.float32)
    values[down : down + side, right : right + side] = 1
    return values


def maps(
    targets: tuple[int, int],
    baseline: np.ndarray | None = None,
    scff: np.ndarray | None = None,
    against: int | None = None,
) -> dict[str, Heatmap]:
    """Two maps, alike unless given."""
    values = {"baseline": baseline, "scff": scff}
    return {
        role: Heatmap(corner(0, 0) if values[role] is None else values[role], target, against)
        for (role, target) in zip(values, targets, strict=True)
    }


def covering(baseline: float | None, scff: float | None) -> dict[str, RegionResult | None]:
    """Results against a region of which the maps cover these shares."""
    return {
        role: None if share is None else RegionResult(0.1, 0.5, share / (2 - share), True)
        for role, share in {"baseline": baseline, "scff": scff}.items()
    }


@pytest.mark.parametrize(
    ("baseline", "scff", "words"),
    [
        ((0.1, 0.61, 0.29), (0.1, 0.73, 0.17), "Both say roof; SCFF is 12 points surer."),
        ((0.1, 0.73, 0.17), (0.1, 0.61, 0.29), "Both say roof; the baseline is 12 points surer."),
        ((0.1, 0.61, 0.29), (0.1, 0.62, 0.28), "Both say roof; SCFF is 1 point surer."),
        ((0.1, 0.61, 0.29), (0.1, 0.6151, 0.2849), "Both say roof; SCFF is 1 point surer."),
        ((0.1, 0.61, 0.29), (0.1, 0.612, 0.288), "Both say roof and are about as sure (61 %)."),
        (
            (0.1, 0.61, 0.29),
            (0.1, 0.615, 0.285),
            "Both say roof and are about as sure (61 % without SCFF, 62 % with it).",
        ),
        ((0, 1.0, 0), (0, 0.99999, 0.00001), "Both say roof and are about as sure (> 99.9 %)."),
        (
            (0, 0.9951, 0.0049),
            (0, 0.9996, 0.0004),
            "Both say roof and are about as sure (99.5 % without SCFF, > 99.9 % with it).",
        ),
        (
            (0.39, 0.61, 0),
            (0.2, 0.32, 0.48),
            "They disagree: the baseline says roof (61 %), with SCFF it is water (48 %).",
        ),
        (
            (1, 0, 0),
            (0.002, 0, 0.998),
            "They disagree: the baseline says field (> 99.9 %), with SCFF it is water (99.8 %).",
        ),
    ],
)
def test_predictions(analysis: PairAnalysis, baseline: tuple[float, ...], scff: tuple[float, ...], words: str) -> None:
    found = saying(analysis, baseline, scff)
    own = tuple(run.prediction for run in found.runs.values())
    sentence = comparison_summary(found, maps(own))
    apart = "Each for its own class, the two maps look at much the same places."
    assert sentence == f"{words} {SAME if own[0] == own[1] else apart}"


@pytest.mark.parametrize(
    ("baseline", "scff", "target", "against", "words"),
    [
        ((0.1, 0.6, 0.3), (0.1, 0.7, 0.2), WATER, None, "what speaks for water (30 % without SCFF, 20 % with it)."),
        ((0.4, 0.6, 0), (0.3, 0.7, 0.00003), WATER, None, "what speaks for water (< 0.1 %)."),
        ((0.39, 0.6, 0.01), (0.296, 0.7, 0.004), WATER, FIELD, "water over field (1 % without SCFF, 0.4 % with it)."),
        ((0.1, 0.6, 0.3), (0.6, 0.1, 0.3), ROOF, None, "what speaks for roof (60 % without SCFF, 10 % with it)."),
        (
            (0.1, 0.6, 0.3),
            (0.1, 0.7, 0.2),
            ROOF,
            WATER,
            "Each map shows what speaks for its network's class over water.",
        ),
    ],
)
def test_a_chosen_class_is_named(
    analysis: PairAnalysis,
    baseline: tuple[float, ...],
    scff: tuple[float, ...],
    target: int,
    against: int | None,
    words: str,
) -> None:
    sentence = comparison_summary(saying(analysis, baseline, scff), maps((target, target), against=against))
    assert f"{words} {SAME}" in sentence


def test_a_class_that_both_predict_needs_no_words(analysis: PairAnalysis) -> None:
    found = saying(analysis, (0.1, 0.6, 0.3), (0.1, 0.7, 0.2))
    assert comparison_summary(found, maps((ROOF, ROOF))) == f"Both say roof; SCFF is 10 points surer. {SAME}"


def test_a_method_that_knows_no_class_is_not_said_to_show_one(analysis: PairAnalysis) -> None:
    found = saying(analysis, (0.39, 0.61, 0), (0.2, 0.32, 0.48))
    said = "They disagree: the baseline says roof (61 %), with SCFF it is water (48 %)."
    for targets in ((ROOF, WATER), (FIELD, FIELD)):
        assert comparison_summary(found, maps(targets), method="eigencam") == f"{said} {SAME}"


@pytest.mark.parametrize(
    ("baseline", "scff", "words"),
    [
        (0.43, 0.61, "The map of SCFF covers more of the marked area, 61 % of it; that of the baseline covers 43 %."),
        (0.61, 0.43, "The map of SCFF covers less of the marked area, 43 % of it; that of the baseline covers 61 %."),
        (0.0, 1.0, "The map of SCFF covers more of the marked area, all of it; that of the baseline covers none."),
        (0.0, 0.0, "Neither map covers any of the marked area."),
        (1.0, 1.0, "Both maps cover all of the marked area."),
        (0.614, 0.606, "Both maps cover 61 % of the marked area."),
        (0.604, 0.606, "Both maps cover about 61 % of the marked area."),
        (None, 0.3, "The map of SCFF covers 30 % of the marked area."),
        (0.3, None, "The map of the baseline covers 30 % of the marked area."),
        (
            0.9999,
            0.5,
            "The map of SCFF covers less of the marked area, 50 % of it; that of the baseline covers > 99.9 %.",
        ),
    ],
)
def test_a_region(analysis: PairAnalysis, baseline: float | None, scff: float | None, words: str) -> None:
    found = saying(analysis, (0.1, 0.6, 0.3), (0.1, 0.7, 0.2))
    sentence = comparison_summary(found, maps((ROOF, ROOF)), covering(baseline, scff))
    assert sentence == f"Both say roof; SCFF is 10 points surer. {words} {SAME}"


@pytest.mark.parametrize(
    ("baseline", "scff", "words"),
    [
        (corner(0, 0), corner(0, 0), SAME),
        (corner(0, 0), corner(0, 0) * 7, SAME),
        (corner(0, 0), corner(0, 2), "The two maps look at partly the same places."),
        (corner(0, 0), corner(4, 4), "The two maps look at different places."),
        (
            corner(0, 0, 1),
            corner(7, 7, 1),
            "The two maps look at different places.",
        ),  # what both leave at zero is no place
        (corner(0, 0), corner(0, 0) * 0, "The map of SCFF is empty: it finds nothing for roof."),
        (corner(0, 0) * 0, corner(0, 0), "The map of the baseline is empty: it finds nothing for roof."),
        (corner(0, 0) * 0, corner(0, 0) * 0, "Both maps are empty."),
    ],
)
def test_places(analysis: PairAnalysis, baseline: np.ndarray, scff: np.ndarray, words: str) -> None:
    found = saying(analysis, (0.1, 0.6, 0.3), (0.1, 0.7, 0.2))
    assert comparison_summary(found, maps((ROOF, ROOF), baseline, scff)).endswith(f"surer. {words}")


def test_hottest_fifths(analysis: PairAnalysis) -> None:
    """At 64 x 64, where a fifth is 819 pixels, a map of two values by rows has its hottest fifth in the hot ones."""
    rising = np.linspace(0.1, 1, 64, dtype=np.float32)[:, None].repeat(64, axis=1)
    assert hottest_overlap(analysis, maps((ROOF, ROOF), rising, rising)) == 1
    assert hottest_overlap(analysis, maps((ROOF, ROOF), rising, rising[::-1].copy())) == 0
    across = hottest_overlap(analysis, maps((ROOF, ROOF), rising, rising.T))
    assert across == pytest.approx(0.2, abs=0.01)  # independent of one another
    assert across < PARTLY_THE_SAME < MUCH_THE_SAME
    assert hottest_overlap(analysis, maps((ROOF, ROOF), rising, rising * 0)) is None


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((64, 64), "64 x 64 pixels, 1 : 1"),
        ((640, 640), "640 x 640 pixels, 1 : 10"),
        ((960, 1280), "1280 x 960 pixels, 1 : 20 by 1 : 15"),
        ((32, 100), "100 x 32 pixels, 1 : 1.56 by 2 : 1"),
    ],
)
def test_scale(analysis: PairAnalysis, shape: tuple[int, int], words: str) -> None:
    image = np.zeros((*shape, 3), dtype=np.uint8)
    assert scale_text(replace(analysis, image=image)) == f"seen at 64 x 64 of {words}"
