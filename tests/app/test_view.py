"""What the page shows of an analysed image."""

from dataclasses import replace

import numpy as np
import pytest

from app.model_card import ModelCard, read_card
from app.view import OWN_PREDICTION, for_screen, legend, view
from explain.analysis import PairAnalysis, analyse
from models.checkpoint import Pair
from models.errors import BadInputError
from tests.conftest import texture


@pytest.fixture(scope="module")
def card(pair: Pair) -> ModelCard:
    return read_card(pair)


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


def test_pictures_share_a_size_and_differ(analysis: PairAnalysis, card: ModelCard) -> None:
    shown = view(analysis, card, "water", 0.5)
    assert np.array_equal(shown.image, analysis.image)
    assert shown.image.shape == shown.baseline.shape == shown.scff.shape
    assert not np.array_equal(shown.baseline, shown.image)
    assert not np.array_equal(shown.baseline, shown.scff)


def test_a_large_image_is_shown_smaller_in_its_own_shape() -> None:
    assert for_screen(np.zeros((1000, 3000, 3), dtype=np.uint8)).shape == (341, 1024, 3)
    small = texture(0, 0)
    assert for_screen(small) is small


def test_confidences_are_sorted(analysis: PairAnalysis, card: ModelCard) -> None:
    shown = view(saying(analysis, (0.2, 0.7, 0.1), (0.1, 0.3, 0.6)), card, OWN_PREDICTION, 0.5)
    assert list(shown.baseline_top) == ["roof", "field", "water"]
    assert list(shown.scff_top.values()) == [0.6, 0.3, 0.1]


def test_agreement_and_disagreement_are_said(analysis: PairAnalysis, card: ModelCard) -> None:
    same = view(saying(analysis, (0.2, 0.7, 0.1), (0.1, 0.85, 0.05)), card, OWN_PREDICTION, 0.5)
    assert same.sentence == "Both networks say <b>roof</b> (70.0 % without SCFF, 85.0 % with it)."
    other = view(saying(analysis, (0.2, 0.7, 0.1), (0.1, 0.3, 0.6)), card, OWN_PREDICTION, 0.5)
    assert other.sentence == (
        "The networks disagree: the baseline says <b>roof</b> (70.0 %), with SCFF it is <b>water</b> (60.0 %)."
    )


def test_captions_say_what_each_map_shows(analysis: PairAnalysis, card: ModelCard) -> None:
    own = view(saying(analysis, (0.2, 0.7, 0.1), (0.1, 0.3, 0.6)), card, OWN_PREDICTION, 0.5)
    assert "Evidence for <b>roof</b> (70.0 %). 2 × 2 cells, interpolated." in own.baseline_caption
    assert "Of the test images of roof, 75.0 % were recognised" in own.baseline_caption
    assert "Evidence for <b>water</b> (60.0 %)" in own.scff_caption
    assert "test images" not in own.scff_caption  # the part had none of this class
    chosen = view(saying(analysis, (0.2, 0.7, 0.1), (0.1, 0.3, 0.6)), card, "field", 0.5)
    assert "Evidence for <b>field</b> (20.0 %)" in chosen.baseline_caption


def test_an_empty_map_is_said_and_not_drawn(analysis: PairAnalysis, card: ModelCard) -> None:
    run = analysis.scff.run
    maps = {layer: values * 0 for layer, values in run.maps.items()}
    dark = replace(analysis, scff=replace(analysis.scff, run=replace(run, maps=maps)))
    shown = view(dark, card, "roof", 0.5)
    assert np.array_equal(shown.scff, shown.image)
    assert "Empty map" in shown.scff_caption
    assert "Empty map" not in shown.baseline_caption


def test_unknown_class_is_refused(analysis: PairAnalysis, card: ModelCard) -> None:
    with pytest.raises(BadInputError, match="unknown class 'lake'"):
        view(analysis, card, "lake", 0.5)


def test_the_legend_shows_the_colours() -> None:
    assert "linear-gradient" in legend()
