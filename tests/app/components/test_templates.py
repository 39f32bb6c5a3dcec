"""Rendering and escaping of HTML templates."""

import pytest
from jinja2 import DictLoader, UndefinedError
from markupsafe import Markup

from app.components import templates
from app.components.templates import render

pytestmark = pytest.mark.essential


@pytest.fixture(autouse=True)
def greeting(monkeypatch: pytest.MonkeyPatch) -> None:
    loader = DictLoader({"greeting.html": "<p title='{{ name }}'>{{ name }}</p>"})
    monkeypatch.setattr(templates, "_ENVIRONMENT", templates._ENVIRONMENT.overlay(loader=loader))


def test_text_is_escaped_for_html_and_gradio_templates() -> None:
    html = render("greeting.html", name="<b>'${x}' {{y}} `z`</b> \ud800")
    shown = "&lt;b&gt;&#39;&#36;&#123;x&#125;&#39; &#123;&#123;y&#125;&#125; &#96;z&#96;&lt;/b&gt; ?"
    assert html == f"<p title='{shown}'>{shown}</p>"


def test_markup_is_kept_and_can_be_nested() -> None:
    inner = render("greeting.html", name=Markup("<i>both</i>"))
    assert render("greeting.html", name=inner).count("<i>both</i>") == 4


def test_percent_sign_follows_a_no_break_space() -> None:
    assert ">69\N{NO-BREAK SPACE}%, not 5 or %<" in render("greeting.html", name="69 %, not 5 or %")


def test_missing_value_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="name"):
        render("greeting.html")
