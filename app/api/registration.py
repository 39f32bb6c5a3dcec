"""What programs ask of the app: named endpoints with the parameters that a client sees."""

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from app.api.endpoints import Endpoints
from app.session.settings import OWN_PREDICTION, Settings
from core.errors import BadInputError
from explain.cam.methods import METHODS
from explain.figures.style import COLOUR_MAPS, SCALES
from pairs.folder import PairFolder

__all__ = ["register_endpoints"]


def register_endpoints(pairs: PairFolder, networks: Mapping[str, object]) -> None:
    """Adds the endpoints to the page that is being built; nothing of them is to be seen on it.

    Args:
        pairs: that can be asked.
        networks: the events' share of the networks: concurrency_id and concurrency_limit.
    """
    # Hidden components, and not gr.api: that takes a file's path as it comes, and so any file of this machine.
    with gr.Group(visible=False):
        image = gr.File(label="image file: TIFF, GeoTIFF, PNG, JPEG, JPEG 2000, WebP, BMP or GIF")
        pair = gr.Textbox(label="name of a pair, one of /pairs")
        target = gr.Textbox(OWN_PREDICTION, label="class to explain, or own: each network's own prediction")
        layer = gr.Textbox(Settings.layer, label="fused, Y2, Y3, ... or X1, X2, ...")
        method = gr.Dropdown([*METHODS], value=Settings.method, label="method", allow_custom_value=True)
        against = gr.Textbox(None, label="class over which the target leads, or None")
        bands = gr.Textbox(None, label="bands to read, counted from 1, such as 4,3,2 or 5, or None: as they come")
        smooth = gr.Checkbox(False, label="whether maps are averaged over 8 noisy copies of the image")
        box = gr.Textbox(None, label="left,top,right,bottom in pixels of the image to hold the maps against, or None")
        scale = gr.Dropdown([*SCALES], value=Settings.scale, label="of the colours", allow_custom_value=True)
        colour_map = gr.Dropdown(
            [*COLOUR_MAPS], value=Settings.colour_map, label="of the heatmaps", allow_custom_value=True
        )
        question = [image, pair, target, layer, method, against, bands, smooth]
        drawn = [*question, box, scale, colour_map]
        figure, maps = gr.File(label="figure"), gr.File(label="maps")
        geotiff, answer = gr.File(label="geotiff"), gr.JSON(label="answer")
        ask = Endpoints(pairs, Path(figure.GRADIO_CACHE))

        def endpoint(name: str, action: Callable, inputs: list[Component], outputs: list[Component]) -> None:
            gr.Button().click(_refusing(action), inputs, outputs, api_name=name, **networks)

        endpoint("card", ask.card, [pair], [answer])
        endpoint("explain", ask.explain, drawn, [figure, answer])
        endpoint("maps", ask.maps, question, [maps, geotiff])
        endpoint("faithfulness", ask.faithfulness, question, [answer])
        endpoint("inside", ask.inside, [image, pair, target, against, bands], [answer])
        endpoint("record", ask.record, drawn, [answer])
    gr.api(ask.pairs, api_name="pairs")


def _refusing(action: Callable[..., Any]) -> Callable[..., Any]:
    """An action whose refusals reach the client as they are said; of all else it hears only that it failed."""

    @wraps(action)
    def guarded(*arguments: object) -> Any:
        try:
            return action(*arguments)
        except BadInputError as error:
            raise gr.Error(str(error), print_exception=False) from None

    return guarded
