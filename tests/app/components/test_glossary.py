"""Glossary of the page."""

import re

import pytest
from markupsafe import escape

from app.components.glossary import TERMS, help_with, term
from explain.cam.methods import METHODS
from explain.metrics.catalogue import METRICS

pytestmark = pytest.mark.essential


def sentences(text: str) -> int:
    return len(re.findall(r"[.](?=\s|$)", re.sub(r"et al\.|\.\.\.", "", text)))


@pytest.mark.parametrize("name", TERMS)
def test_definition_has_two_sentences(name: str) -> None:
    assert sentences(TERMS[name]) == 2


def test_every_method_and_metric_has_a_definition() -> None:
    assert {method.title for method in METHODS.values()} <= TERMS.keys()
    assert {metric.label for metric in METRICS.values()} <= TERMS.keys()


def test_term_renders_an_expandable_definition() -> None:
    html = term("pointing game", "hottest <pixel>")
    assert html.startswith("<details")
    assert "hottest &lt;pixel&gt;</summary>" in html


def test_help_icon_has_accessible_label_and_definition() -> None:
    html = help_with("layer")
    assert "aria-label='layer: what is this?'" in html
    assert str(escape(TERMS["layer"])) in html
