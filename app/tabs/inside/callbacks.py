"""Callback of the Layers and fusion tab: every layer's heatmap, and the fusion weights of the image."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import gradio as gr

from app.session.analysis import SessionAnalyses, analysed
from app.session.callback_order import Inputs, Session
from app.session.errors import error_message, server_error_message
from app.session.settings import Settings
from app.session.state import SessionState
from app.tabs.compare.layout import CompareComponents
from app.tabs.inside.layout import InsideComponents
from app.tabs.inside.view import inside_html
from core.errors import BadInputError

__all__ = ["Inside", "bind_callbacks"]


def bind_callbacks(
    tab: gr.Tab,
    components: InsideComponents,
    compare: CompareComponents,
    callbacks: "Inside",
    event_options: Mapping[str, Any],
) -> None:
    """Binds the callback to the opening of the tab; image and settings are those of the Compare tab."""

    def opened(inputs: Inputs) -> str:
        session: Session = inputs[compare.session]
        return callbacks.show(session.state, compare.settings.values(inputs))

    tab.select(opened, compare.view_inputs(), components.body, **event_options)


class Inside:
    """Callback of the tab."""

    def __init__(self, analyses: SessionAnalyses) -> None:
        self.analyses = analyses

    def show(self, state: SessionState | None, settings: Settings) -> str:
        """HTML: the layers and fusions of each pair of the session, for its image."""
        try:
            state = analysed(state)
            return inside_html(state, partial(self.analyses.current, state), settings, self.analyses.downloads)
        except BadInputError as error:
            return error_message(error)
        except Exception:
            return server_error_message()
