"""Every term is explained, in two sentences."""

import re

import pytest
from markupsafe import escape

from app.components.glossary import TERMS, help_with, term
from explain.cam.methods import METHODS
from explain.metrics.catalogue import METRICS

pytestmark = pytest.mark.essential


def sentences(text: str) -> int:
    return len(re.findall(r"[.](?=\s|$)", re.sub(r"et al\.|\.\.\.", "", text)))


@pytest.mark.parametrize("word", TERMS)
def test_two_sentences(word: str) -> None:
    assert sentences(TERMS[word]) == 2


def test_every_method_and_metric_is_explained() -> None:
    assert {method.title for method in METHODS.values()} <= TERMS.keys()
    assert {metric.label for metric in METRICS.values()} <= TERMS.keys()


def test_a_term_opens_in_place() -> None:
    html = term("pointing game", "hottest <pixel>")
    assert html.startswith("<details")
    assert "hottest &lt;pixel&gt;</summary>" in html


def test_a_question_mark_says_what_it_opens() -> None:
    html = help_with("layer")
    assert "aria-label='layer: what is this?'" in html
    assert str(escape(TERMS["layer"])) in html
