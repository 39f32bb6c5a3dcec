"""A visitor's actions one after another, and what the page is sent of them."""

import time
from collections.abc import Callable
from itertools import pairwise
from threading import Thread
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from app.session.callback_order import HEAD_START, debounced, in_order
from app.session.image import SourceImage
from app.session.state import SessionState
from tests.conftest import texture

VISIT = SessionState(SourceImage("scene.tif", lambda: texture(0, 0), "k"))


class Tab:
    """Some parts, and actions on them."""

    def __init__(self) -> None:
        with gr.Blocks():
            self.parts = SimpleNamespace(visit=gr.State(), status=gr.HTML(), layer=gr.Dropdown(), bands=gr.Column())

        self.during: Callable[[], None] = lambda: None
        """Happens within an action."""

    @in_order
    @debounced
    def choose(self, visit: SessionState | None, value: str) -> dict:
        return {self.parts.visit: visit, self.parts.layer: value}

    @in_order
    def act(self, visit: SessionState | None, layers: list[str], value: str) -> dict:
        self.during()
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


def test_an_answer_has_a_head_start_before_the_next_ones(tab: Tab) -> None:
    visit = tab.act(None, ["X1"], "X1")[tab.parts.visit]
    ended: list[float] = []

    def act(value: str) -> None:
        tab.act(visit, ["X1", "X2", "X3"], value)
        ended.append(time.monotonic())

    threads = [Thread(target=act, args=(value,)) for value in ("X1", "X2", "X3")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    act("X4")
    assert len(ended) == 4
    assert all(later - earlier > 0.9 * HEAD_START for earlier, later in pairwise(sorted(ended)))
    waited = []
    for _ in range(5):
        time.sleep(HEAD_START)
        start = time.monotonic()
        act("X5")
        waited.append(time.monotonic() - start)
    assert min(waited) < 0.5 * HEAD_START  # whoever takes that long to think waits for nothing


def test_a_choice_that_is_told_twice_at_once_is_answered_once(tab: Tab) -> None:
    visit = tab.act(None, ["X1"], "X1")[tab.parts.visit]
    count, nothing = visit.turns.count, {tab.parts.status: gr.skip()}
    assert sent(tab, tab.choose(visit, "X1")) == "X1"
    assert tab.choose(visit, "X1") == nothing
    assert sent(tab, tab.choose(visit, "X2")) == "X2"
    assert tab.choose(visit, "X2") == nothing
    tab.act(visit, ["X1"], "X1")
    assert sent(tab, tab.choose(visit, "X2")) == "X2"  # something else has been shown meanwhile
    time.sleep(HEAD_START)
    assert sent(tab, tab.choose(visit, "X2")) == "X2"  # somebody wants it again
    assert visit.turns.count == count + 5


def test_an_action_that_fails_lets_the_next_one_come(tab: Tab) -> None:
    visit = tab.act(None, ["X1"], "X1")[tab.parts.visit]

    def fail() -> None:
        raise RuntimeError("no")

    tab.during = fail
    with pytest.raises(RuntimeError):
        tab.act(visit, ["X1"], "X1")
    tab.during = lambda: None
    assert sent(tab, tab.act(visit, ["X1"], "X1")) == "X1"


def test_what_has_no_value_is_sent_as_it_is(tab: Tab) -> None:
    visit = tab.act(None, ["X1"], "X1")[tab.parts.visit]
    assert tab.act(visit, ["X1"], "X1")[tab.parts.bands]["visible"] is False
