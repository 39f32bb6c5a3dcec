"""Controls that several tabs share, and the help at their labels."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import gradio as gr

from app.components.glossary import help_with
from app.components.templates import render
from explain.cam.layers import FUSED

__all__ = ["NONE", "NO_CLASS", "OWN", "OWN_PREDICTION", "dropdown", "heading", "layer_choice", "with_help"]

OWN_PREDICTION = "own"
"""Value of the target class for each network's own prediction."""
NO_CLASS = "none"
"""Value of the contrast class for none."""
OWN = ("each network's own prediction", OWN_PREDICTION)
NONE = ("none", NO_CLASS)


@contextmanager
def with_help(term: str) -> Iterator[None]:
    """A control with a glossary term's help at its label."""
    with gr.Column(elem_classes="explained", min_width=0):
        gr.HTML(help_with(term), padding=False)
        yield


def heading(title: str, term: str | None = None) -> str:
    """HTML: a heading, with a glossary term's help beside it."""
    return render("components/heading.html", title=title, help=help_with(term) if term else "")


def dropdown(
    label: str, choices: Sequence[tuple[str, str]], value: str, elem_id: str, custom: bool = False
) -> gr.Dropdown:
    """A dropdown; custom values, such as those of a link, pass Gradio's validation and are checked by the callback."""
    return gr.Dropdown(list(choices), value=value, label=label, elem_id=elem_id, allow_custom_value=custom)


def layer_choice(name: str) -> tuple[str, str]:
    """Label and value of a layer in a dropdown."""
    if name == FUSED:
        return "Last feature map (default)", name
    if name[0] == "Y":
        return f"{name}: fused map (baseline: X{name[1:]})", name
    return f"{name}: stage", name
