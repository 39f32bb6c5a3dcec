"""The Models tab: a card for each pair in the folder."""

from app.components.html import message
from app.tabs.models.model_card import read_card
from app.tabs.models.view import broken_html, card_html
from core.errors import BadInputError
from pairs.folder import PairFolder

__all__ = ["all_cards"]


def all_cards(pairs: PairFolder) -> str:
    """HTML: the cards of all pairs that there are now; of one that cannot be used, why."""
    return "".join(_card(pairs, name) for name in pairs.names()) or message("There is no pair of networks yet.")


def _card(pairs: PairFolder, name: str) -> str:
    try:
        return card_html(read_card(pairs.load(name)))
    except BadInputError as error:
        return broken_html(name, str(error))
