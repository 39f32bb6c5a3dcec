"""Pieces of HTML that cards are made of."""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import TypeVar

__all__ = ["ABSENT", "PART_TITLES", "figure_html", "or_absent", "safe", "scrolled", "table_html"]

_Value = TypeVar("_Value")

ABSENT = "<span class='absent'>not in this report</span>"
"""Instead of a value."""
PART_TITLES = {"train": "training", "val": "validation", "test": "test"}
"""Of a split, by the names in reports."""


def table_html(columns: Iterable[str], rows: Iterable[Sequence[str]], kind: str = "figures") -> str:
    """A table whose rows are named by their first cells, in a box that scrolls; cells are HTML."""
    columns = list(columns)
    head = "".join(f"<th scope='col'>{words}</th>" for words in columns)
    body = "".join(
        f"<tr><th scope='row'>{first}</th>{''.join(f'<td>{cell}</td>' for cell in rest)}</tr>" for first, *rest in rows
    )
    return scrolled(
        f"Table by {columns[0].lower()}", f"<table class='{kind}'><thead><tr>{head}</tr></thead>{body}</table>"
    )


def scrolled(label: str, table: str) -> str:
    """A box that the keyboard scrolls as well."""
    return f"<div class='scroll' role='region' tabindex='0' aria-label='{label}'>{table}</div>"


def figure_html(title: str, body: str) -> str:
    """A chart or a matrix below its title."""
    return f"<figure><figcaption>{title}</figcaption>{body}</figure>"


def or_absent(value: _Value | None, words: Callable[[_Value], str]) -> str:
    """A value of a report in words, or that it is not there."""
    return ABSENT if value is None else words(value)


def safe(words: str) -> str:
    """Words from a file as HTML that no template takes for its own, and that can be sent."""
    known = escape(words.encode(errors="replace").decode())
    return known.translate({ord(sign): f"&#{ord(sign)};" for sign in "$`{}"})
