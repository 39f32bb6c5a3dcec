"""What the Compare tab consists of, and how it is laid out."""

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr
from gradio.blocks import Block
from gradio.components import Component

from app.components.controls import OWN, choice, heading, layer_choice, with_help
from app.components.glossary import help_with
from app.components.html import message
from app.components.widgets import before_after, marker
from app.example_scenes import DrawnScene
from app.session.settings import NO_CLASS, OWN_PREDICTION, Settings
from app.storage.uploads import RETENTION_SECONDS
from explain.cam.layers import FUSED
from explain.cam.methods import METHODS
from explain.figures.style import COLOUR_MAPS, SCALES

__all__ = ["NOTHING", "CompareComponents", "lay_out"]

_MOST_PAIRS = 6
NOTHING = ("nothing", NO_CLASS)
_COLOURS = [
    ("inferno", "inferno"),
    ("viridis", "viridis"),
    ("cividis (for the colour-blind)", "cividis"),
    ("jet, as in the paper", "jet"),
]
_SCALES = [("each map to its own maximum", "own"), ("one scale for both", "shared")]


@dataclass(frozen=True)
class CompareComponents:
    """What the tab consists of, as far as it changes."""

    visit: gr.State
    link: gr.Textbox
    pair: gr.Dropdown
    more: gr.Dropdown
    upload: gr.File
    bands: gr.Column
    red: gr.Dropdown
    green: gr.Dropdown
    blue: gr.Dropdown
    examples: gr.Gallery
    target: gr.Dropdown
    against: gr.Dropdown
    layer: gr.Dropdown
    method: gr.Dropdown
    about_method: gr.HTML
    smooth: gr.Checkbox
    colour_map: gr.Dropdown
    scale: gr.Radio
    opacity: gr.Slider
    status: gr.HTML
    image: gr.HTML
    rows: gr.HTML
    slider: gr.HTML
    difference: gr.HTML
    region: gr.HTML
    measure: gr.Button
    stop: gr.Button
    worth: gr.HTML
    files: gr.HTML
    copy: gr.Button

    def settings(self) -> list[Component]:
        """In the order of Settings' fields."""
        return [
            self.target,
            self.against,
            self.layer,
            self.method,
            self.smooth,
            self.colour_map,
            self.scale,
            self.opacity,
        ]

    def colours(self) -> list[gr.Dropdown]:
        """Which bands are red, green and blue."""
        return [self.red, self.green, self.blue]

    def results(self) -> list[Component]:
        """What other settings change."""
        shown = [self.about_method, self.rows, self.slider, self.difference, self.region, self.worth, self.files]
        return [self.visit, self.status, self.link, *shown]

    def looked(self) -> list[Block]:
        """What another image or pair changes."""
        common = [self.target, self.against, self.layer]  # those that all pairs have
        return [*self.results(), *common, self.image, self.bands, *self.colours()]

    def everything(self) -> list[Block]:
        """What an arrival changes."""
        linked = [self.method, self.smooth, self.colour_map, self.scale, self.opacity]
        return [*self.looked(), *linked, self.pair, self.more]


def lay_out(drawings: Sequence[DrawnScene]) -> CompareComponents:
    """Places everything on the tab: what one starts with, the settings, the results."""
    visit = gr.State(None, time_to_live=RETENTION_SECONDS)
    link = gr.Textbox(visible="hidden", label="link", elem_id="link")
    with gr.Row(elem_id="layout"):
        with gr.Column(elem_id="start", min_width=0):
            with with_help("pair"):
                # Custom values reach our own checks and words, also when a restarted server has forgotten its choices.
                pair = gr.Dropdown(label="Pair of networks", elem_id="pair", allow_custom_value=True)
            upload = gr.File(label="Your image: drop, browse or paste", elem_id="upload", height=145)
            gr.HTML(
                "<p class='fine'>TIFF and GeoTIFF (8, 16 or 32 bits), PNG, JPEG, JPEG 2000, WebP, BMP, GIF; from 8 "
                "pixels a side to 100 million in all.</p>"
            )
            with gr.Column(visible=False, elem_id="bands", min_width=0) as bands:
                gr.HTML(heading("Bands shown as red, green, blue", "band"), padding=False)
                red, green, blue = (
                    gr.Dropdown(label=colour, elem_id=colour.lower(), allow_custom_value=True)
                    for colour in ("Red", "Green", "Blue")
                )
            examples = gr.Gallery(
                [(drawing.image, drawing.title) for drawing in drawings],
                label="Or an example, drawn by this program",
                columns=3,
                height="auto",
                format="png",
                object_fit="cover",
                allow_preview=False,
                interactive=False,
                buttons=[],
                elem_id="examples",
            )
        with gr.Column(elem_id="settings", min_width=0):
            with with_help("target"):
                target = choice("Show evidence for", [OWN], OWN_PREDICTION, "target", free=True)
            with gr.Column(elem_classes="explained", min_width=0):
                about_method = gr.HTML(help_with(METHODS[Settings.method].title), padding=False)
                methods = [(method.title, name) for name, method in METHODS.items()]
                method = choice("Method", methods, Settings.method, "method")
            with with_help("layer"):
                layer = choice("Layer", [layer_choice(FUSED)], FUSED, "layer", free=True)
            with gr.Accordion("More questions", open=False, elem_id="more-questions"):
                with with_help("contrast"):
                    against = choice("Rather than (contrast)", [NOTHING], NO_CLASS, "against", free=True)
                with with_help("smoothing"):
                    smooth = gr.Checkbox(label="Average over 8 noisy copies", elem_id="smooth")
                more = gr.Dropdown(
                    label="Further pairs, a row each",
                    multiselect=True,
                    max_choices=_MOST_PAIRS - 1,
                    elem_id="more",
                    allow_custom_value=True,
                )
            with gr.Accordion("Colours", open=False, elem_id="colours"):
                with with_help("colour map"):
                    colour_map = choice("Colour map", _COLOURS, COLOUR_MAPS[0], "colour-map")
                with with_help("colour scale"):
                    scale = gr.Radio(_SCALES, value=SCALES[0], label="Colours run from zero to", elem_id="scale")
                with with_help("strength"):
                    opacity = gr.Slider(
                        0, 1, Settings.opacity, step=0.05, label="Strength of the overlay", elem_id="opacity"
                    )
        with gr.Column(elem_id="results", min_width=0):
            status = gr.HTML(message("Loading …"), elem_id="status", padding=False)
            with gr.Row(elem_id="pictures"):
                with gr.Column(min_width=0):
                    image = marker("image")
                with gr.Column(min_width=0):
                    rows = gr.HTML(elem_id="rows", padding=False)
            with gr.Row(elem_id="closer"):
                with gr.Column(min_width=0):
                    gr.HTML("<div class='headed'><h3>Before and after</h3></div>", padding=False)
                    slider = before_after("slider")
                with gr.Column(min_width=0):
                    gr.HTML(heading("Difference", "difference"), padding=False)
                    difference = gr.HTML(elem_id="difference", padding=False)
                with gr.Column(min_width=0):
                    gr.HTML(heading("Can the maps be believed?", "faithfulness"), padding=False)
                    region = gr.HTML(elem_id="region", padding=False)
                    with gr.Row():
                        measure = gr.Button("Measure faithfulness", elem_id="measure", size="sm")
                        stop = gr.Button("Stop", elem_id="stop", size="sm", visible=False)
                    worth = gr.HTML(elem_id="worth", padding=False)
            with gr.Row(elem_id="take-away"):
                with gr.Column(scale=4, min_width=220):
                    files = gr.HTML(elem_id="files", padding=False)
                with gr.Column(scale=1, min_width=120):
                    copy = gr.Button("Copy link to this view", elem_id="copy-link", size="sm")
    return CompareComponents(
        visit, link, pair, more, upload, bands, red, green, blue, examples, target, against, layer, method,
        about_method, smooth, colour_map, scale, opacity, status, image, rows, slider, difference, region, measure,
        stop, worth, files, copy,
    )  # fmt: skip
