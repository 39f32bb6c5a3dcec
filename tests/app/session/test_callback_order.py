"""Serial execution of a session's callbacks, and numbered answers."""

import copy
import time
from collections.abc import Callable
from threading import Thread
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from app.session.callback_order import Session, debounced, in_order
from app.session.state import SessionState
from app.storage.source_image import SourceImage
from tests.conftest import texture

pytestmark = pytest.mark.essential


class Tab:
    """Some components and their callbacks, for one session."""

    def __init__(self) -> None:
        with gr.Blocks():
            self.components = SimpleNamespace(
                session=gr.State(Session()),
                sequence=gr.Number(0),
                status=gr.HTML(),
                layer=gr.Dropdown(),
                bands=gr.Column(),
            )
        self.session = Session()
        self.received = 0
        """Number of the last answer that the page has received."""
        self.during: Callable[[], None] = lambda: None
        """Called within a callback."""

    def inputs(self, value: str, layers: tuple[str, ...] = ("X1",)) -> dict:
        return {
            self.components.session: self.session,
            self.components.sequence: self.received,
            self.components.layer: value,
            "layers": layers,
        }

    @in_order
    @debounced
    def choose(self, inputs: dict) -> dict:
        return {self.components.layer: inputs[self.components.layer]}

    @in_order
    def act(self, inputs: dict) -> dict:
        self.during()
        update = gr.update(choices=list(inputs["layers"]), value=inputs[self.components.layer])
        return {self.components.layer: update, self.components.bands: gr.update(visible=False)}

    def receive(self, answer: dict) -> dict:
        """Records that the page has received an answer."""
        self.received = answer[self.components.sequence]
        return answer


@pytest.fixture
def tab() -> Tab:
    return Tab()


def sent(tab: Tab, answer: dict) -> Any:
    return answer[tab.components.layer]


def test_unchanged_choices_are_not_resent(tab: Tab) -> None:
    first = tab.act(tab.inputs("X1", ("X1", "X2")))
    assert sent(tab, first)["choices"] == ["X1", "X2"]
    assert sent(tab, first)["value"] == "X1"
    assert sent(tab, tab.act(tab.inputs("X2", ("X1", "X2")))) == "X2"
    assert sent(tab, tab.act(tab.inputs("X3", ("X1", "X3"))))["choices"] == ["X1", "X3"]
    assert sent(tab, tab.act(tab.inputs("X1", ("X1", "X3")))) == "X1"
    assert sent(tab, tab.act(tab.inputs("X1", ("X1", "X2"))))["choices"] == ["X1", "X2"]


def test_new_session_resends_everything_with_the_next_sequence_number(tab: Tab) -> None:
    for _ in range(3):
        tab.receive(tab.act(tab.inputs("X1")))
    tab.session = copy.deepcopy(tab.session)  # as Gradio does for a session that is new or has expired
    assert tab.session.state is None
    answer = tab.act(tab.inputs("X1"))
    assert sent(tab, answer)["choices"] == ["X1"]
    assert answer[tab.components.sequence] == 4


def test_callbacks_run_serially_and_answers_are_numbered(tab: Tab) -> None:
    running, most, answers = [], [], []

    def during() -> None:
        running.append(1)
        most.append(len(running))
        time.sleep(0.01)
        running.pop()

    tab.during = during
    threads = [Thread(target=lambda: answers.append(tab.act(tab.inputs("X1")))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert max(most) == 1
    assert sorted(answer[tab.components.sequence] for answer in answers) == list(range(1, 9))
    assert all(answer[tab.components.session] is tab.session for answer in answers)  # which renews its retention


def test_duplicate_event_is_answered_once(tab: Tab) -> None:
    nothing = {tab.components.status: gr.skip()}
    first = tab.choose(tab.inputs("X1"))
    assert sent(tab, first) == "X1"
    assert tab.choose(tab.inputs("X1")) == nothing  # sent before the page had the first answer
    second = tab.choose(tab.inputs("X2"))
    assert sent(tab, second) == "X2"
    assert tab.choose(tab.inputs("X2")) == nothing
    assert tab.session.sequence == 2
    tab.act(tab.inputs("X1"))
    third = tab.choose(tab.inputs("X2"))  # another answer was shown in between
    assert sent(tab, third) == "X2"
    tab.receive(third)
    assert sent(tab, tab.choose(tab.inputs("X2"))) == "X2"  # repeated on purpose


def test_current_view_merges_all_answers(tab: Tab) -> None:
    components = tab.components
    outputs = [components.session, components.sequence, components.status, components.layer, components.bands]
    assert tab.session.current_view(components, outputs) == {components.status: gr.skip()}  # of a new session
    tab.act(tab.inputs("X1", ("X1", "X2")))
    tab.choose(tab.inputs("X2"))
    view = tab.session.current_view(components, outputs)
    assert view[components.sequence] == 3
    assert view[components.layer] == gr.update(choices=["X1", "X2"], value="X2")
    assert view[components.bands] == gr.update(visible=False)
    tab.act(tab.inputs("X1", ("X1",)))
    tab.choose(tab.inputs("X1"))
    assert tab.session.current_view(components, outputs)[components.layer] == gr.update(choices=["X1"], value="X1")


def test_failed_callback_does_not_block_the_next(tab: Tab) -> None:
    def fail() -> None:
        raise RuntimeError("no")

    tab.during = fail
    with pytest.raises(RuntimeError):
        tab.act(tab.inputs("X1"))
    tab.during = lambda: None
    assert sent(tab, tab.act(tab.inputs("X1")))["value"] == "X1"


def test_component_without_value_is_sent_with_its_properties(tab: Tab) -> None:
    tab.act(tab.inputs("X1"))
    assert tab.act(tab.inputs("X1"))[tab.components.bands]["visible"] is False


def test_copied_session_has_no_state() -> None:
    session = Session()
    session.state = SessionState(SourceImage("scene.tif", lambda: texture(0, 0), "k"))
    assert copy.deepcopy(session).state is None
