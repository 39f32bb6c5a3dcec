"""A visitor's actions one after another, however quickly they follow: each starts from what the last one has left."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from app.visit import Turns, Visit

__all__ = ["in_turn"]


def in_turn(method: Callable[..., dict]) -> Callable[..., dict]:
    """A tab's action that waits for the visitor's earlier ones.

    The visit among its arguments is that of the moment when it was asked for; it gets the latest one instead. What it
    makes of `parts.visit` is the latest from then on.
    """

    @wraps(method)
    def waiting(self: Any, *arguments: object) -> dict:
        asked = next((argument for argument in arguments if isinstance(argument, Visit)), None)
        turns = Turns() if asked is None else asked.turns
        with turns.lock:
            turns.count += 1
            latest = turns.latest or asked
            shown = method(self, *(latest if argument is asked else argument for argument in arguments))
            left = shown.get(self.parts.visit)
            if isinstance(left, Visit):
                shown[self.parts.visit] = turns.latest = replace(left, turns=turns)
        return shown

    return waiting
