"""Controls that several tabs have, and help at their labels."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import gradio as gr

from app.components.glossary import help_with
from app.session.settings import OWN_PREDICTION
from explain.cam.layers import FUSED

__all__ = ["OWN", "choice", "heading", "layer_choice", "with_help"]

OWN = ("each network's own prediction", OWN_PREDICTION)
"""The choice of a target that leaves each network its own prediction."""


@contextmanager
def with_help(word: str) -> Iterator[None]:
    """A control, with what a word means at its label."""
    with gr.Column(elem_classes="explained", min_width=0):
        gr.HTML(help_with(word), padding=False)
        yield


def heading(title: str, word: str) -> str:
    """HTML: a heading, with what a word means beside it; the title is HTML."""
    return f"<div class='headed'><h3>{title}</h3>{help_with(word)}</div>"


def choice(label: str, choices: Sequence[tuple[str, str]], value: str, elem_id: str, free: bool = False) -> gr.Dropdown:
    """A choice of one; a free one leaves unknown values, such as a link's, to our own checks and words."""
    return gr.Dropdown(list(choices), value=value, label=label, elem_id=elem_id, allow_custom_value=free)


def layer_choice(name: str) -> tuple[str, str]:
    """A layer in words, and its name."""
    if name == FUSED:
        return "the classifier's input", name
    if name[0] == "Y":
        return f"{name}: fused map (baseline: X{name[1:]})", name
    return f"{name}: stage", name
