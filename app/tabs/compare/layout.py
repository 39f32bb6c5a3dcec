"""Components of the Compare tab and their layout."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import gradio as gr

from app.components.controls import (
    NO_CLASS,
    NONE,
    OWN,
    OWN_PREDICTION,
    dropdown,
    heading,
    layer_choice,
    with_help,
)
from app.components.glossary import help_with
from app.components.html import message
from app.components.widgets import before_after, region_marker
from app.example_scenes import DrawnScene
from app.session.callback_order import Session
from app.session.settings import Settings
from app.storage.uploads import RETENTION_SECONDS
from explain.cam.layers import FUSED
from explain.cam.methods import METHODS
from explain.figures.style import COLOUR_MAPS, SCALES

__all__ = ["CompareComponents", "SettingsControls", "lay_out"]

_MOST_PAIRS = 6
_COLOUR_MAPS = [
    ("inferno", "inferno"),
    ("viridis", "viridis"),
    ("cividis (colour-blind safe)", "cividis"),
    ("jet (as in the paper)", "jet"),
]
_SCALES = [("per map", "own"), ("shared", "shared")]


@dataclass(frozen=True)
class SettingsControls:
    """One control per field of Settings, with the field's name."""

    target: gr.Dropdown
    against: gr.Dropdown
    layer: gr.Dropdown
    method: gr.Dropdown
    smooth: gr.Checkbox
    colour_map: gr.Dropdown
    scale: gr.Radio
    opacity: gr.Slider

    def all(self) -> set[Any]:
        """All controls."""
        return {getattr(self, field.name) for field in fields(self)}

    def values(self, inputs: Mapping[Any, Any]) -> Settings:
        """Settings from a callback's inputs."""
        return Settings(**{field.name: inputs[getattr(self, field.name)] for field in fields(self)})


@dataclass(frozen=True)
class CompareComponents:
    """The components that callbacks read or update."""

    session: gr.State
    sequence: gr.Number
    """Sequence number of the last answer; app/assets/sequence.js checks that it increases."""
    resync: gr.Button
    """Clicked by that script if it decreases."""
    link: gr.Textbox
    pair: gr.Dropdown
    more_pairs: gr.Dropdown
    upload: gr.File
    bands: gr.Column
    red: gr.Dropdown
    green: gr.Dropdown
    blue: gr.Dropdown
    examples: gr.Gallery
    settings: SettingsControls
    method_help: gr.HTML
    status: gr.HTML
    image: gr.HTML
    rows: gr.HTML
    slider: gr.HTML
    difference: gr.HTML
    region: gr.HTML
    measure: gr.Button
    stop: gr.Button
    faithfulness: gr.HTML
    files: gr.HTML
    copy: gr.Button

    def ordering(self) -> set[Any]:
        """Inputs of every serialised callback."""
        return {self.session, self.sequence}

    def view_inputs(self) -> set[Any]:
        """Inputs of a callback that shows an analysed image."""
        return self.ordering() | self.settings.all()

    def analysis_inputs(self) -> set[Any]:
        """Inputs of a callback that analyses an image."""
        return self.view_inputs() | {self.pair, self.more_pairs}

    def channels(self) -> list[gr.Dropdown]:
        """Controls of the bands displayed as red, green and blue."""
        return [self.red, self.green, self.blue]

    def view(self) -> list[Any]:
        """Outputs that depend on the settings."""
        results = [
            self.method_help,
            self.rows,
            self.slider,
            self.difference,
            self.region,
            self.faithfulness,
            self.files,
        ]
        return [self.session, self.sequence, self.status, self.link, *results]

    def analysis(self) -> list[Any]:
        """Outputs that depend on image and pairs."""
        # No more than that: each output costs Gradio time, changed or not.
        shared = [self.settings.target, self.settings.against, self.settings.layer]
        return [*self.view(), *shared, self.image, self.bands, *self.channels()]

    def everything(self) -> list[Any]:
        """Outputs of the callback on page load."""
        settings = self.settings
        linked = [settings.method, settings.smooth, settings.colour_map, settings.scale, settings.opacity]
        return [*self.analysis(), *linked, self.pair, self.more_pairs]


def lay_out(examples: Sequence[DrawnScene]) -> CompareComponents:
    """Lays out the tab: image, pair, settings and results."""
    with gr.Row(elem_id="layout"):
        with gr.Column(elem_id="start", min_width=0):
            inputs = _image_and_pair(examples)
        with gr.Column(elem_id="settings", min_width=0):
            settings = _settings()
        with gr.Column(elem_id="results", min_width=0):
            results = _results()
    return CompareComponents(
        session=gr.State(Session(), time_to_live=RETENTION_SECONDS),
        sequence=gr.Number(0, precision=0, visible="hidden", label="answer", elem_id="sequence"),
        resync=gr.Button("Show the latest view", visible="hidden", elem_id="resync"),
        link=gr.Textbox(visible="hidden", label="link", elem_id="link"),
        **inputs,
        **settings,
        **results,
    )


def _image_and_pair(examples: Sequence[DrawnScene]) -> dict[str, Any]:
    with with_help("model pair"):
        # Custom values are checked by our callbacks, also after a restart, when the server no longer knows the choices.
        pair = gr.Dropdown(label="Model pair", elem_id="pair", allow_custom_value=True)
    upload = gr.File(label="Image: drop, browse or paste", elem_id="upload", height=145)
    gr.HTML(
        "<p class='fine'>TIFF and GeoTIFF (8, 16 or 32 bit), PNG, JPEG, JPEG 2000, WebP, BMP, GIF; at least 8 pixels "
        "per side, at most 100 megapixels.</p>"
    )
    with gr.Column(visible=False, elem_id="bands", min_width=0) as bands:
        gr.HTML(heading("Bands shown as red, green, blue", "band"), padding=False)
        red, green, blue = (
            gr.Dropdown(label=colour, elem_id=colour.lower(), allow_custom_value=True)
            for colour in ("Red", "Green", "Blue")
        )
    gallery = gr.Gallery(
        [(example.image, example.title) for example in examples],
        label="Examples (synthetic)",
        columns=3,
        height="auto",
        format="png",
        object_fit="cover",
        allow_preview=False,
        interactive=False,
        buttons=[],
        elem_id="examples",
    )
    return {
        "pair": pair, "upload": upload, "bands": bands, "red": red, "green": green, "blue": blue, "examples": gallery,
    }  # fmt: skip


def _settings() -> dict[str, Any]:
    defaults = Settings()
    with with_help("target class"):
        target = dropdown("Target class", [OWN], OWN_PREDICTION, "target", custom=True)
    with gr.Column(elem_classes="explained", min_width=0):
        method_help = gr.HTML(help_with(METHODS[defaults.method].title), padding=False)
        methods = [(method.title, name) for name, method in METHODS.items()]
        method = dropdown("Method", methods, defaults.method, "method")
    with with_help("layer"):
        layer = dropdown("Layer", [layer_choice(FUSED)], FUSED, "layer", custom=True)
    with gr.Accordion("Advanced settings", open=False, elem_id="advanced"):
        with with_help("contrast class"):
            against = dropdown("Contrast class", [NONE], NO_CLASS, "against", custom=True)
        with with_help("SmoothGrad"):
            smooth = gr.Checkbox(label="SmoothGrad (8 samples)", elem_id="smooth")
        more_pairs = gr.Dropdown(
            label="Compare more model pairs",
            multiselect=True,
            max_choices=_MOST_PAIRS - 1,
            elem_id="more",
            allow_custom_value=True,
        )
    with gr.Accordion("Display", open=False, elem_id="display"):
        with with_help("colour map"):
            colour_map = dropdown("Colour map", _COLOUR_MAPS, COLOUR_MAPS[0], "colour-map")
        with with_help("normalisation"):
            scale = gr.Radio(_SCALES, value=SCALES[0], label="Normalisation", elem_id="scale")
        with with_help("opacity"):
            opacity = gr.Slider(0, 1, defaults.opacity, step=0.05, label="Overlay opacity", elem_id="opacity")
    settings = SettingsControls(
        target=target, against=against, layer=layer, method=method, smooth=smooth, colour_map=colour_map, scale=scale,
        opacity=opacity,
    )  # fmt: skip
    return {"settings": settings, "method_help": method_help, "more_pairs": more_pairs}


def _results() -> dict[str, Any]:
    status = gr.HTML(message("Loading …"), elem_id="status", padding=False)
    with gr.Row(elem_id="pictures"):
        with gr.Column(min_width=0):
            image = region_marker("image")
        with gr.Column(min_width=0):
            rows = gr.HTML(elem_id="rows", padding=False)
    with gr.Row(elem_id="closer"):
        with gr.Column(min_width=0):
            gr.HTML(heading("Before/after slider"), padding=False)
            slider = before_after("slider")
        with gr.Column(min_width=0):
            gr.HTML(heading("Difference", "difference"), padding=False)
            difference = gr.HTML(elem_id="difference", padding=False)
        with gr.Column(min_width=0):
            gr.HTML(heading("Localisation", "localisation"), padding=False)
            region = gr.HTML(elem_id="region", padding=False)
            gr.HTML(heading("Faithfulness", "faithfulness"), padding=False)
            with gr.Row():
                measure = gr.Button("Measure faithfulness", elem_id="measure", size="sm")
                stop = gr.Button("Stop", elem_id="stop", size="sm", visible=False)
            faithfulness = gr.HTML(elem_id="faithfulness", padding=False)
    with gr.Row(elem_id="export"):
        with gr.Column(scale=4, min_width=220):
            gr.HTML(heading("Export"), padding=False)
            files = gr.HTML(elem_id="files", padding=False)
        with gr.Column(scale=1, min_width=120):
            copy = gr.Button("Copy link to this view", elem_id="copy-link", size="sm")
    return {
        "status": status, "image": image, "rows": rows, "slider": slider, "difference": difference, "region": region,
        "measure": measure, "stop": stop, "faithfulness": faithfulness, "files": files, "copy": copy,
    }  # fmt: skip
