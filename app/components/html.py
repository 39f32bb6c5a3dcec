"""HTML that several tabs share: messages, an image under its heatmap, a colour bar."""

from functools import cache

import matplotlib
import numpy as np
from matplotlib.colors import to_hex

from app.components.templates import render

__all__ = ["colour_bar", "image_with_heatmap", "message"]


def message(text: str, kind: str = "note") -> str:
    """HTML: a message that stays until the next action.

    Args:
        text: plain text, or Markup.
        kind: note or error.
    """
    return render("components/message.html", text=text, kind=kind)


def image_with_heatmap(image: str, heatmap: str, alt: str, size: tuple[int, int]) -> str:
    """HTML: an image with its heatmap overlaid, at the opacity that is set on the page.

    Args:
        image, heatmap: URLs; an empty heatmap is left out.
        alt: text alternative of the overlay.
        size: height and width of the image in pixels.
    """
    height, width = size
    return render(
        "components/image_with_heatmap.html", image=image, heatmap=heatmap, alt=alt, aspect=f"{width / height:.4f}"
    )


def colour_bar(colour_map: str, low: str, high: str) -> str:
    """HTML: a colour map as a bar with labels at both ends."""
    return render("components/colour_bar.html", gradient=_gradient(colour_map), low=low, high=high)


@cache
def _gradient(colour_map: str) -> str:
    """CSS gradient of a colour map."""
    colours = matplotlib.colormaps[colour_map](np.linspace(0, 1, 9))
    return f"linear-gradient(to right, {', '.join(map(to_hex, colours))})"
