"""Error messages of callbacks, on the page."""

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from app.components.html import message
from app.components.templates import render
from app.session.callback_order import Inputs, Session
from app.session.state import SessionState
from core.errors import BadInputError

__all__ = ["error_message", "server_error_message", "shows_errors"]


def shows_errors(method: Callable[..., dict]) -> Callable[..., dict]:
    """Decorator: a tab's callback whose exceptions become an error message in the tab's status."""

    @wraps(method)
    def guarded(self: Any, inputs: Inputs, *event: object) -> dict:
        session = next((value for value in inputs.values() if isinstance(value, Session)), None)
        try:
            return method(self, inputs, *event)
        except BadInputError as error:
            return {self.components.status: error_message(error, session and session.state)}
        except Exception:
            return {self.components.status: server_error_message()}

    return guarded


def server_error_message() -> str:
    """HTML: message for an unexpected exception, which is logged; call it in the except block."""
    logging.getLogger(__name__).exception("a callback of the page failed")
    return message("Internal server error; the server's log has the details.", "error")


def error_message(error: BadInputError, state: SessionState | None = None) -> str:
    """HTML: why a request was refused, and which results are still displayed."""
    text = render("components/error.html", error=error, state=state if state and state.pairs else None)
    return message(text, "error")
