"""A visitor's actions one after another, however quickly they follow: each starts from what the last one has left."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from gradio.blocks import Block
from gradio.utils import is_prop_update

from app.visit import Turns, Visit

__all__ = ["HEAD_START", "in_turn"]

HEAD_START = 0.1
"""Seconds that an answer has to reach the page in, before the next action begins, whose answer must not overtake it."""


def in_turn(method: Callable[..., dict]) -> Callable[..., dict]:
    """A tab's action that waits for the visitor's earlier ones.

    The visit among its arguments is that of the moment when it was asked for; it gets the latest one instead. What it
    makes of `parts.visit` is the latest from then on. Of updates of parts, the page is sent what it does not know.
    """

    @wraps(method)
    def waiting(self: Any, *arguments: object) -> dict:
        asked = next((argument for argument in arguments if isinstance(argument, Visit)), None)
        turns = Turns() if asked is None else asked.turns
        with turns.lock:
            time.sleep(max(0, turns.ended + HEAD_START - time.monotonic()))
            turns.count += 1
            latest = turns.latest or asked
            shown = method(self, *(latest if argument is asked else argument for argument in arguments))
            left = shown.get(self.parts.visit)
            if isinstance(left, Visit):
                shown[self.parts.visit] = turns.latest = replace(left, turns=turns)
            turns.ended = time.monotonic()
            return {part: _news(part, value, turns) for part, value in shown.items()}

    return waiting


def _news(part: Block, value: Any, turns: Turns) -> Any:
    """A part's new value alone, where its other properties stay: for an update Gradio makes the whole part anew."""
    if not is_prop_update(value) or "value" not in value:
        return value
    properties = {name: each for name, each in value.items() if name != "value"}
    if turns.properties.get(part) == properties:
        return value["value"]
    turns.properties[part] = properties
    return value
