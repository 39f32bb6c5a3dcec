"""Callback of the Models tab."""

from typing import Any

import gradio as gr

from app.components.html import message
from app.tabs.models.view import broken_html, card_html
from core.errors import BadInputError
from pairs.folder import PairFolder
from pairs.model_card import read_card

__all__ = ["all_cards", "bind_callbacks"]


def bind_callbacks(tab: gr.Tab, cards: gr.HTML, pairs: PairFolder, private: dict[str, Any]) -> None:
    """Binds the callback that shows the cards of all pairs in the folder whenever the tab is opened.

    Args:
        tab: the tab.
        cards: the component from layout.lay_out.
        pairs: the folder of pairs.
        private: options of callbacks that are not endpoints.
    """
    tab.select(lambda: all_cards(pairs), None, cards, **private)


def all_cards(pairs: PairFolder) -> str:
    """HTML: the cards of all pairs; of a pair that cannot be used, the reason."""
    return "".join(_card(pairs, name) for name in pairs.names()) or message("There is no model pair yet.")


def _card(pairs: PairFolder, name: str) -> str:
    try:
        return card_html(read_card(pairs.load(name)))
    except BadInputError as error:
        return broken_html(name, str(error))
