"""What goes wrong in an action of the page, said on the page."""

import logging
from collections.abc import Callable
from functools import wraps
from html import escape
from typing import Any

from app.components.html import message
from app.session.state import SessionState
from core.errors import BadInputError

__all__ = ["failure_html", "refusal_html", "shows_errors"]


def shows_errors(method: Callable[..., dict]) -> Callable[..., dict]:
    """A tab's action with what goes wrong in it said in the tab's `parts.status`, until the next action."""

    @wraps(method)
    def guarded(self: Any, *arguments: object) -> dict:
        visit = next((argument for argument in arguments if isinstance(argument, SessionState)), None)
        try:
            return method(self, *arguments)
        except BadInputError as error:
            return {self.parts.status: refusal_html(error, visit)}
        except Exception:
            return {self.parts.status: failure_html()}

    return guarded


def failure_html() -> str:
    """HTML: that something went wrong which is not the visitor's doing; called where it is caught."""
    logging.getLogger(__name__).exception("an action on the page failed")
    return message("The server failed at this; its log says why.", "error")


def refusal_html(error: BadInputError, visit: SessionState | None = None) -> str:
    """HTML: why something was not done, and what is still shown."""
    below = ""
    if visit is not None and visit.pairs:
        pairs = ", ".join(visit.pairs)
        below = f" Below is still {escape(visit.picture.name)}, seen by {escape(pairs)}."
    return message(f"<b>{escape(str(error))}.</b>{below}", "error")
