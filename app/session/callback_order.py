"""Serialises a session's callbacks, and numbers their answers so that the page keeps the latest."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from threading import Lock
from typing import Any, Protocol, Self

import gradio as gr
from gradio.blocks import Block
from gradio.components import Number, State
from gradio.utils import is_prop_update

from app.session.state import SessionState

__all__ = ["Inputs", "Session", "SessionComponents", "debounced", "in_order"]

Inputs = Mapping[Any, Any]
"""Values of a callback's inputs, by component."""


class SessionComponents(Protocol):
    """The components that every serialised callback has among its inputs and outputs."""

    @property
    def session(self) -> State: ...

    @property
    def sequence(self) -> Number:
        """Number of the last answer that the page has received."""
        ...

    @property
    def status(self) -> gr.HTML: ...


class Session:
    """A visitor's session, as the value of a gr.State: its latest state, and what the page shows of it.

    Callbacks hold `lock`, so that each starts from the state that the previous one has left. Answers carry increasing
    sequence numbers. If answers arrive out of order, the page receives a lower number after a higher one and requests
    `current_view` (app/assets/sequence.js).
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.state: SessionState | None = None
        self.sequence = 0
        """Number of the last answer."""
        self.request: tuple[object, ...] = ()
        """Callback and inputs of the last answer."""
        self._values: dict[Any, Any] = {}
        self._properties: dict[Any, dict[str, Any]] = {}
        """Component properties other than the value."""

    def __deepcopy__(self, memo: object) -> Self:
        """A new session: Gradio copies a state's initial value for each visitor."""
        return type(self)()

    def answer(self, components: SessionComponents, inputs: Inputs, updates: Mapping[Any, Any]) -> dict[Any, Any]:
        """The numbered answer to a callback, recorded for `current_view`.

        For a component whose properties have not changed, only its value is sent: given properties, Gradio re-creates
        the whole component.
        """
        # A session that has expired on the server starts from zero again, but the page keeps its count.
        self.sequence = max(self.sequence, int(inputs.get(components.sequence) or 0)) + 1
        self._values |= {component: value for component, value in inputs.items() if component != components.session}
        sent = {}
        for component, update in updates.items():
            sent[component] = update
            if not is_prop_update(update):
                self._values[component] = update
                continue
            properties = {name: value for name, value in update.items() if name not in ("value", "__type__")}
            if "value" in update:
                self._values[component] = update["value"]
                if self._properties.get(component) == properties:
                    sent[component] = update["value"]
            if properties:
                self._properties[component] = properties
        return {components.session: self, components.sequence: self.sequence, **sent}

    def current_view(self, components: SessionComponents, outputs: Sequence[Block]) -> dict[Any, Any]:
        """Everything that the page should show now, as a numbered answer; empty for an expired session."""
        if not self.sequence:
            return {components.status: gr.skip()}
        self.sequence += 1
        view: dict[Any, Any] = {components.session: self, components.sequence: self.sequence}
        for component in outputs:
            if component in view:
                continue
            value = {"value": self._values[component]} if component in self._values else {}
            view[component] = gr.update(**self._properties.get(component, {}), **value)
        return view


def in_order(method: Callable[..., dict | None]) -> Callable[..., dict]:
    """Decorator: a tab's callback that waits for the session's earlier ones; its answer is numbered.

    The method takes the inputs as a dictionary by component, self.components.session among them, and returns the
    updates of components; None where there is nothing to answer.
    """

    @wraps(method)
    def ordered(self: Any, inputs: Inputs, *event: object) -> dict:
        session: Session = inputs[self.components.session]
        with session.lock:
            updates = method(self, inputs, *event)
            if updates is None:
                return {self.components.status: gr.skip()}
            session.request = _request(self.components, method, inputs)
            return session.answer(self.components, inputs, updates)

    return ordered


def debounced(method: Callable[..., dict]) -> Callable[..., dict | None]:
    """Decorator: a serialised callback that ignores duplicate events, such as those of Gradio's dropdowns.

    A duplicate repeats the previous request and was sent before the page had received its answer.
    """

    @wraps(method)
    def once(self: Any, inputs: Inputs) -> dict | None:
        session: Session = inputs[self.components.session]
        received = int(inputs.get(self.components.sequence) or 0)
        repeated = session.request == _request(self.components, method, inputs) and received < session.sequence
        return None if repeated else method(self, inputs)

    return once


def _request(components: SessionComponents, method: Callable, inputs: Inputs) -> tuple[object, ...]:
    """Callback name and inputs, without the inputs that every callback has."""
    values = {key: value for key, value in inputs.items() if key not in (components.session, components.sequence)}
    return method.__name__, values
