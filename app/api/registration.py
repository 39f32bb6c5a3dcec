"""HTTP API: named endpoints with their parameters, registered with Gradio."""

from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.components import Component

from app.api.endpoints import Endpoints
from app.components.controls import OWN_PREDICTION
from app.session.settings import Settings
from core.errors import BadInputError
from explain.cam.methods import METHODS
from explain.figures.style import COLOUR_MAPS, SCALES
from pairs.folder import PairFolder

__all__ = ["register_endpoints"]


def register_endpoints(pairs: PairFolder, concurrency: Mapping[str, Any]) -> None:
    """Adds the endpoints to the page that is being built, without visible components.

    Args:
        pairs: the model pairs that can be requested.
        concurrency: concurrency_id and concurrency_limit of the endpoints.
    """
    # Hidden components instead of gr.api, which would accept the path of any file on this machine.
    with gr.Group(visible=False):
        image = gr.File(label="image file: TIFF, GeoTIFF, PNG, JPEG, JPEG 2000, WebP, BMP or GIF")
        pair = gr.Textbox(label="name of a model pair, from /pairs")
        target = gr.Textbox(OWN_PREDICTION, label="target class, or own: each network's own prediction")
        layer = gr.Textbox(Settings.layer, label="layer: fused (last feature map), Y2, Y3, ... or X1, X2, ...")
        method = gr.Dropdown([*METHODS], value=Settings.method, label="CAM method", allow_custom_value=True)
        against = gr.Textbox(None, label="contrast class, or None")
        bands = gr.Textbox(None, label="bands to read, counted from 1, such as 4,3,2 or 5; None: the default")
        smooth = gr.Checkbox(False, label="SmoothGrad: average over 8 noisy samples of the image")
        box = gr.Textbox(None, label="region: left,top,right,bottom in pixels of the image, or None")
        scale = gr.Dropdown(
            [*SCALES], value=Settings.scale, label="normalisation: own (per map) or shared", allow_custom_value=True
        )
        colour_map = gr.Dropdown(
            [*COLOUR_MAPS], value=Settings.colour_map, label="colour map of the heatmaps", allow_custom_value=True
        )
        request = [image, pair, target, layer, method, against, bands, smooth]
        styled = [*request, box, scale, colour_map]
        figure, maps = gr.File(label="figure"), gr.File(label="maps")
        geotiff, answer = gr.File(label="geotiff"), gr.JSON(label="answer")
        endpoints = Endpoints(pairs, Path(figure.GRADIO_CACHE))

        def endpoint(name: str, action: Callable, inputs: list[Component], outputs: list[Component]) -> None:
            gr.Button().click(_with_errors(action), inputs, outputs, api_name=name, **concurrency)

        endpoint("card", endpoints.card, [pair], [answer])
        endpoint("explain", endpoints.explain, styled, [figure, answer])
        endpoint("maps", endpoints.maps, request, [maps, geotiff])
        endpoint("faithfulness", endpoints.faithfulness, request, [answer])
        endpoint("inside", endpoints.inside, [image, pair, target, against, bands], [answer])
        endpoint("record", endpoints.record, styled, [answer])
    gr.api(  # pyright: ignore[reportPrivateImportUsage] - public, but missing in its __all__
        endpoints.pairs, api_name="pairs"
    )


def _with_errors(action: Callable[..., Any]) -> Callable[..., Any]:
    """Passes the messages of BadInputError on to the client, but no details of other exceptions."""

    @wraps(action)
    def guarded(*arguments: object) -> Any:
        try:
            return action(*arguments)
        except BadInputError as error:
            raise gr.Error(str(error), print_exception=False) from None

    return guarded
