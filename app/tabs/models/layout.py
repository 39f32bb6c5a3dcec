"""The Models tab: what it consists of."""

import gradio as gr

from app.components.html import message

__all__ = ["lay_out"]


def lay_out() -> gr.HTML:
    """The place of the model cards; shown when the tab is opened."""
    return gr.HTML(message("Loading …"), elem_id="cards", padding=False)
