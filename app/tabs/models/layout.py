"""Components of the Models tab and their layout."""

import gradio as gr

from app.components.html import message

__all__ = ["lay_out"]


def lay_out() -> gr.HTML:
    """Lays out the tab: one component for the model cards, filled when the tab is opened."""
    return gr.HTML(message("Loading …"), elem_id="cards", padding=False)
