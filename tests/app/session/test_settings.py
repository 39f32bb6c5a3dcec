"""Conversion of settings to request parameters and style, and their parsing from links."""

import pytest

from app.session.settings import Settings, settings_from_query
from core.errors import BadInputError
from pairs.pair import Pair

pytestmark = pytest.mark.essential


def test_settings_become_a_question_and_a_style(pair: Pair) -> None:
    question = Settings("roof", "water", "Y3", "layercam", smooth=True).question(pair)
    assert (question.target, question.against, question.layer, question.method) == (1, 2, "Y3", "layercam")
    assert question.smoothing is not None
    plain = Settings().question(pair)
    assert plain.target is plain.against is plain.smoothing is None
    assert Settings(colour_map="jet", scale="shared", opacity=0.2).style.colour_map == "jet"
    with pytest.raises(BadInputError, match="unknown class 'lake'"):
        Settings("lake").question(pair)
    with pytest.raises(BadInputError, match="cannot be contrasted with itself"):
        Settings("roof", "roof").question(pair)


def test_invalid_link_values_fall_back_to_defaults() -> None:
    wrong = {"opacity": "much", "unknown": "x", "method": "lime", "colour_map": "rainbow", "scale": "both"}
    assert settings_from_query(wrong) == settings_from_query({"opacity": "7"}) == settings_from_query({}) == Settings()
