"""A visitor's actions one after another, however quickly they follow: each starts from what the last one has left."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any

import gradio as gr
from gradio.blocks import Block
from gradio.utils import is_prop_update

from app.session.state import CallbackOrder, SessionState

__all__ = ["HEAD_START", "debounced", "in_order"]

HEAD_START = 0.1
"""Seconds that an answer has to reach the page in, before the next one leaves, which must not overtake it."""


def in_order(method: Callable[..., dict]) -> Callable[..., dict]:
    """A tab's action that waits for the visitor's earlier ones.

    The visit among its arguments is that of the moment when it was asked for; it gets the latest one instead. What it
    makes of `parts.visit` is the latest from then on. Of updates of parts, the page is sent what it does not know.
    """

    @wraps(method)
    def waiting(self: Any, *arguments: object) -> dict:
        asked = next((argument for argument in arguments if isinstance(argument, SessionState)), None)
        turns = CallbackOrder() if asked is None else asked.turns
        with turns.lock:
            latest = turns.latest or asked
            shown = method(self, *(latest if argument is asked else argument for argument in arguments))
            if shown is None:
                return {self.parts.status: gr.skip()}
            turns.count += 1
            left = shown.get(self.parts.visit)
            if isinstance(left, SessionState):
                shown[self.parts.visit] = turns.latest = replace(left, turns=turns)
            time.sleep(max(0, turns.ended + HEAD_START - time.monotonic()))
            turns.asked, turns.ended = _asks(method, arguments), time.monotonic()
            return {part: _news(part, value, turns) for part, value in shown.items()}

    return waiting


def debounced(method: Callable[..., dict]) -> Callable[..., dict | None]:
    """An action in turn that answers nothing, None, where the page asks the same again within HEAD_START.

    Gradio's dropdowns do so: one choice was seen to come twice.
    """

    @wraps(method)
    def once(self: Any, *arguments: object) -> dict | None:
        visit = next((argument for argument in arguments if isinstance(argument, SessionState)), None)
        turns = CallbackOrder() if visit is None else visit.turns
        again = turns.asked == _asks(method, arguments) and time.monotonic() < turns.ended + HEAD_START
        return None if again else method(self, *arguments)

    return once


def _asks(method: Callable, arguments: Sequence[object]) -> tuple[object, ...]:
    """What an action is called, and asks besides the visit."""
    return (method.__name__, *(argument for argument in arguments if not isinstance(argument, SessionState)))


def _news(part: Block, value: Any, turns: CallbackOrder) -> Any:
    """A part's new value alone, where its other properties stay: for an update Gradio makes the whole part anew."""
    if not is_prop_update(value) or "value" not in value:
        return value
    properties = {name: each for name, each in value.items() if name != "value"}
    if turns.properties.get(part) == properties:
        return value["value"]
    turns.properties[part] = properties
    return value
