"""Every term is explained, in two sentences."""

import re
from html import escape

import pytest

from app.components.glossary import TERMS, help_with, term
from explain.cam.methods import METHODS


@pytest.mark.parametrize("word", TERMS)
def test_two_sentences(word: str) -> None:
    assert len(re.findall(r"[.](?=\s|$)", TERMS[word].replace("et al.", "et al"))) == 2


def test_every_method_is_explained() -> None:
    assert {method.title for method in METHODS.values()} <= TERMS.keys()


def test_a_term_opens_in_place() -> None:
    html = term("pointing game", "hottest <pixel>")
    assert html.startswith("<details")
    assert "hottest &lt;pixel&gt;</summary>" in html


def test_a_question_mark_says_what_it_opens() -> None:
    html = help_with("layer")
    assert "aria-label='layer: what is this?'" in html
    assert escape(TERMS["layer"]) in html
