"""A visitor's actions one after another, and what the page is sent of them."""

from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from app.turns import in_turn
from app.visit import Picture, Visit
from tests.conftest import texture

VISIT = Visit(Picture("scene.tif", lambda: texture(0, 0), "k"))


class Tab:
    """Two parts, a state and an action."""

    def __init__(self) -> None:
        with gr.Blocks():
            self.parts = SimpleNamespace(visit=gr.State(), layer=gr.Dropdown(), bands=gr.Column())

    @in_turn
    def act(self, visit: Visit | None, layers: list[str], value: str) -> dict:
        update = gr.update(choices=layers, value=value)
        return {self.parts.visit: visit or VISIT, self.parts.layer: update, self.parts.bands: gr.update(visible=False)}


@pytest.fixture
def tab() -> Tab:
    return Tab()


def sent(tab: Tab, shown: dict) -> Any:
    return shown[tab.parts.layer]


def test_choices_that_the_page_has_are_not_sent_again(tab: Tab) -> None:
    first = tab.act(None, ["X1", "X2"], "X1")
    assert sent(tab, first)["choices"] == ["X1", "X2"]
    assert sent(tab, first)["value"] == "X1"
    visit = first[tab.parts.visit]
    assert sent(tab, tab.act(visit, ["X1", "X2"], "X2")) == "X2"
    assert sent(tab, tab.act(visit, ["X1", "X3"], "X3"))["choices"] == ["X1", "X3"]
    assert sent(tab, tab.act(visit, ["X1", "X3"], "X1")) == "X1"
    assert sent(tab, tab.act(visit, ["X1", "X2"], "X1"))["choices"] == ["X1", "X2"]


def test_a_page_that_has_rested_or_is_new_gets_everything(tab: Tab) -> None:
    tab.act(None, ["X1"], "X1")
    assert sent(tab, tab.act(None, ["X1"], "X1"))["choices"] == ["X1"]


def test_what_has_no_value_is_sent_as_it_is(tab: Tab) -> None:
    visit = tab.act(None, ["X1"], "X1")[tab.parts.visit]
    assert tab.act(visit, ["X1"], "X1")[tab.parts.bands]["visible"] is False
