"""Pieces of HTML that several tabs are made of."""

from collections.abc import Callable, Iterable
from functools import cache
from html import escape

import matplotlib
import numpy as np

from app.storage.downloads import DownloadStore

__all__ = ["colour_bar", "link_list", "links", "message", "stack"]


def message(text: str, kind: str = "note") -> str:
    """HTML: a line that stays until the next action; kind is note or error."""
    role = "alert" if kind == "error" else "status"
    return f"<div class='message {kind}' role='{role}'>{text}</div>"


def links(shelf: DownloadStore, files: Iterable[tuple[str, str, str, Callable[[], bytes]]], label: str) -> str:
    """HTML: files to take away, each made when it is first fetched.

    Args:
        shelf: where they are put.
        files: of each the words of its link, its name, its media type, and what makes it.
        label: of the list, for those who do not see it; plain text.
    """
    return link_list(((words, name, shelf.put(name, kind, make)) for words, name, kind, make in files), label)


def link_list(files: Iterable[tuple[str, str, str]], label: str) -> str:
    """HTML: files to take away that are on a shelf.

    Args:
        files: of each the words of its link, its name and its address.
        label: of the list, for those who do not see it; plain text.
    """
    items = "".join(
        f"<li><a href='{address}?save=true' download='{escape(name)}'>{escape(words)}</a></li>"
        for words, name, address in files
    )
    return f"<ul class='links' aria-label='{escape(label)}'>{items}</ul>"


def stack(image: str, heat: str, alt: str, size: tuple[int, int]) -> str:
    """HTML: an image, and heat over it at the strength that the visitor has set.

    Args:
        image, heat: addresses; no heat where there is nothing to lay over the image.
        alt: for those who see neither; plain text.
        size: height and width of the image in pixels.
    """
    height, width = size
    over = f"<img class='heat' src='{heat}' alt=''>" if heat else ""
    base = f"<img src='{image}' alt='{escape(alt)}'>"
    return f"<div class='stack' style='--shape: {width / height:.4f}'>{base}{over}</div>"


def colour_bar(colour_map: str, low: str, high: str) -> str:
    """HTML: the colours between two ends that are said in words."""
    return (
        f"<div class='colours'><span class='strip' style='background: {_gradient(colour_map)}'></span>"
        f"<span class='ends'><span>{escape(low)}</span><span>{escape(high)}</span></span></div>"
    )


@cache
def _gradient(colour_map: str) -> str:
    colours = matplotlib.colormaps[colour_map](np.linspace(0, 1, 9))
    return f"linear-gradient(to right, {', '.join(map(matplotlib.colors.to_hex, colours))})"
