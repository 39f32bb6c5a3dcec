"""Parts of the page that Gradio has not: an image to mark a region on, a slider between two pictures, many results.

Each is a gr.HTML whose template never changes; what is shown goes in as its value, and its script keeps the rest. It
does not go in as properties, for which Gradio makes the whole component anew.
"""

import base64
import binascii
from io import BytesIO
from pathlib import Path

import gradio as gr
import numpy as np
from PIL import Image, UnidentifiedImageError

from app.session.image import Marking
from core.errors import BadInputError
from explain.metrics.localisation import Region

__all__ = ["asset", "before_after", "marker", "marker_value", "marking", "results"]

_PNG = "data:image/png;base64,"


def asset(name: str) -> str:
    """The text of a file beside this module."""
    return (Path(__file__).parents[1] / "assets" / name).read_text()


def marker(elem_id: str) -> gr.HTML:
    """An image on which a box can be drawn, or a region brushed.

    Its value is of marker_value; its input event gives the picture again, with "box", [left, top, right, bottom], or
    "mask", a PNG as a data address, where something is marked.
    """
    return _component("marker", elem_id)


def marker_value(
    address: str, alt: str, caption: str, size: tuple[int, int], marking: Marking | None
) -> dict[str, object]:
    """What a marker shows.

    Args:
        address: of the image on the page.
        alt: for those who do not see it.
        caption: what is said below it.
        size: height and width of the image itself, pixels.
        marking: of this image; a box is drawn, and a region that was brushed stays.
    """
    height, width = size
    box = list(marking.box) if marking is not None and marking.box is not None else None
    return {
        "picture": {"src": address, "alt": alt, "caption": caption, "width": width, "height": height},
        "box": box,
        "brushed": marking is not None and box is None,
    }


def before_after(elem_id: str) -> gr.HTML:
    """Two pictures of one size, one over the other as far as a line that the visitor moves.

    Its value: base, the address of an image that lies beneath both; for left and right alike: left (a title),
    left_src, left_alt.
    """
    return _component("before_after", elem_id)


def results(elem_id: str) -> gr.HTML:
    """Many images with their answers: a gallery and a table that can be sorted, both of all or of some.

    Its value: run (a name; with another one all begins anew), columns (titles), rows (as
    app.tabs.batch.view.entry gives them; only more come to those that are there). All are texts and numbers, which
    its script writes as texts.
    """
    return _component("results", elem_id)


def marking(value: object, size: tuple[int, int], shown: tuple[int, int]) -> Marking | None:
    """What a marker's value marks; it comes from the visitor's browser, and may be anything.

    Args:
        value: as the marker gives it.
        size: height and width of the image itself, pixels.
        shown: the same of the image on the page.

    Returns:
        None where nothing is marked.

    Raises:
        BadInputError: it is no marking of this image.
    """
    if isinstance(value, dict):
        value = {name: value[name] for name in ("box", "mask") if value.get(name)}
    if not value:
        return None
    match value:
        case {"box": [left, top, right, bottom]} if all(type(side) is int for side in value["box"]):
            if right <= left or bottom <= top:
                raise BadInputError("the box has no area; draw it anew")
            down, across = shown[0] / size[0], shown[1] / size[1]
            first, start = int(top * down), int(left * across)
            last, end = max(first + 1, round(bottom * down)), max(start + 1, round(right * across))
            return Marking(Region.box(*shown, start, first, end, last), (left, top, right, bottom))
        case {"mask": str(address)} if address.startswith(_PNG):
            return Marking(Region.of_mask(_mask(address), *shown), None)
    raise BadInputError("what was marked cannot be read; mark it again")


def _mask(address: str) -> np.ndarray:
    """The opacity of a picture, [H, W]."""
    try:
        with Image.open(BytesIO(base64.b64decode(address[len(_PNG) :], validate=True)), formats=["PNG"]) as picture:
            if picture.width * picture.height > 2**22:
                raise BadInputError("what was marked is larger than any image here; mark it again")
            return np.asarray(picture.convert("RGBA"))[..., 3] > 127
    except BadInputError:
        raise
    except (binascii.Error, UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise BadInputError("what was marked cannot be read; mark it again") from None


def _component(name: str, elem_id: str) -> gr.HTML:
    return gr.HTML(
        value=None,
        html_template=asset(f"{name}.html"),
        css_template=asset(f"{name}.css"),
        js_on_load=asset(f"{name}.js"),
        elem_id=elem_id,
        padding=False,
    )
