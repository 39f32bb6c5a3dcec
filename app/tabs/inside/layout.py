"""Components of the Layers and fusion tab."""

from dataclasses import dataclass

import gradio as gr

from app.components.html import message

__all__ = ["InsideComponents", "lay_out"]


@dataclass(frozen=True)
class InsideComponents:
    """The components that callbacks update."""

    body: gr.HTML


def lay_out() -> InsideComponents:
    """Lays out the tab: one component, filled when the tab is opened."""
    return InsideComponents(body=gr.HTML(message("Loading …"), elem_id="inside-body", padding=False))
