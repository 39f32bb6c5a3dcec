"""What the page shows of an analysed image."""

from dataclasses import replace

import numpy as np
import pytest

from app.pairs import PairSummary
from app.view import OWN_PREDICTION, card, for_screen, legend, view
from explain.analysis import PairAnalysis, analyse
from models.checkpoint import Pair
from models.errors import BadInputError
from tests.conftest import texture


@pytest.fixture(scope="module")
def analysis(pair: Pair) -> PairAnalysis:
    return analyse(pair, texture(1, 0, side=80))


def saying(analysis: PairAnalysis, baseline: tuple[float, ...], scff: tuple[float, ...]) -> PairAnalysis:
    """The analysis with other probabilities."""
    return replace(
        analysis,
        baseline=replace(analysis.baseline, probabilities=np.array(baseline)),
        scff=replace(analysis.scff, probabilities=np.array(scff)),
    )


def test_pictures_share_a_size_and_differ(analysis: PairAnalysis) -> None:
    shown = view(analysis, "water", 0.5)
    assert np.array_equal(shown.image, analysis.image)
    assert shown.image.shape == shown.baseline.shape == shown.scff.shape
    assert not np.array_equal(shown.baseline, shown.image)
    assert not np.array_equal(shown.baseline, shown.scff)


def test_a_large_image_is_shown_smaller_in_its_own_shape() -> None:
    assert for_screen(np.zeros((1000, 3000, 3), dtype=np.uint8)).shape == (341, 1024, 3)
    small = texture(0, 0)
    assert for_screen(small) is small


def test_confidences_are_sorted(analysis: PairAnalysis) -> None:
    shown = view(saying(analysis, (0.2, 0.7, 0.1), (0.1, 0.3, 0.6)), OWN_PREDICTION, 0.5)
    assert list(shown.baseline_top) == ["roof", "field", "water"]
    assert list(shown.scff_top.values()) == [0.6, 0.3, 0.1]


def test_agreement_and_disagreement_are_said(analysis: PairAnalysis) -> None:
    same = view(saying(analysis, (0.2, 0.7, 0.1), (0.1, 0.85, 0.05)), OWN_PREDICTION, 0.5)
    assert same.sentence == "Both networks say <b>roof</b> (70.0 % without SCFF, 85.0 % with it)."
    other = view(saying(analysis, (0.2, 0.7, 0.1), (0.1, 0.3, 0.6)), OWN_PREDICTION, 0.5)
    assert "The networks disagree: the baseline says <b>roof</b> (70.0 %), with SCFF it is <b>water</b> (60.0 %)." in (
        other.sentence
    )
    assert "evidence for roof and water" in other.sentence
    chosen = view(saying(analysis, (0.2, 0.7, 0.1), (0.1, 0.85, 0.05)), "field", 0.5)
    assert "evidence for field" in chosen.sentence


def test_an_empty_map_is_said_and_not_drawn(analysis: PairAnalysis) -> None:
    dark = replace(analysis, scff=replace(analysis.scff, features=analysis.scff.features * 0))
    shown = view(dark, "roof", 0.5)
    assert np.array_equal(shown.scff, shown.image)
    assert "Empty map</b> (With SCFF)" in shown.sentence


def test_unknown_class_is_refused(analysis: PairAnalysis) -> None:
    with pytest.raises(BadInputError, match="unknown class 'lake'"):
        view(analysis, "lake", 0.5)


def test_names_from_files_are_escaped() -> None:
    accuracy, parameters = {"baseline": 0.5, "scff": 0.75}, {"baseline": 1, "scff": 2}
    summary = PairSummary("a", "<script>", 10, 2, (64, 64), "<b>", 4, accuracy, parameters, 3, 0)
    shown = card(summary)
    assert "<script>" not in shown
    assert "75.0%" in shown
    assert "linear-gradient" in legend()
