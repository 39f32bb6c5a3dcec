"""The page: one image, two networks, side by side."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial, wraps
from html import escape
from pathlib import Path

import gradio as gr
import numpy as np
from gradio.components import Component

from app.cards import summary_html
from app.drawn_scenes import SCENES, DrawnScene, draw
from app.model_card import ModelCard, read_card
from app.pairs import PairFolder
from app.view import OWN_PREDICTION, for_screen, legend, message, view
from explain.analysis import PairAnalysis, analyse
from explain.figure import TITLES, Style
from models.errors import BadInputError
from models.image_file import read_image

__all__ = ["CSS", "THEME", "build_page"]

_FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
_MONO = ("ui-monospace", "Menlo", "Consolas", "monospace")
THEME = gr.themes.Default(primary_hue="teal", neutral_hue="slate", font=_FONT, font_mono=_MONO)
CSS = "\n".join((Path(__file__).parent / name).read_text() for name in ("page.css", "cards.css"))

_HOUR = 3600  # how long an uploaded image and what was computed of it are kept, in seconds
_OWN = ("each network's own prediction", OWN_PREDICTION)
_INTRODUCTION = (
    "<h1>SCFF Lens</h1><p>Where do a network and the same network with <b>SCFF</b> (selective cross-layer feature "
    "fusion) look in an aerial image? <b>Grad-CAM++</b> heatmaps of what their classifiers receive, side by side.</p>"
)


@dataclass(frozen=True)
class _Visit:
    """What one visitor looks at."""

    name: str
    read: Callable[[], np.ndarray]
    """The image at its own size; kept as a file and not in memory."""
    analysis: PairAnalysis | None = None
    """Of the chosen pair, its image reduced to the size of the page; None where that pair cannot be used."""
    card: ModelCard | None = None
    """Of that pair."""
    below: str = ""
    """What the pictures on the page are of."""


@dataclass(frozen=True)
class _Components:
    """What the page consists of, as far as it changes."""

    visit: gr.State
    pair: gr.Dropdown
    upload: gr.File
    examples: gr.Gallery
    target: gr.Dropdown
    opacity: gr.Slider
    status: gr.HTML
    image: gr.Image
    baseline: gr.Image
    scff: gr.Image
    baseline_top: gr.Label
    scff_top: gr.Label
    baseline_caption: gr.HTML
    scff_caption: gr.HTML
    about: gr.HTML

    def results(self) -> list[Component]:
        """What another target or strength changes."""
        pictures = [self.image, self.baseline, self.scff, self.baseline_top, self.scff_top]
        return [self.status, *pictures, self.baseline_caption, self.scff_caption]


def build_page(pairs: PairFolder) -> gr.Blocks:
    """The whole page over a folder of pairs."""
    drawings = [draw(name) for name in SCENES]
    with gr.Blocks(title="SCFF Lens", analytics_enabled=False, delete_cache=(_HOUR, _HOUR)) as page:
        parts = _lay_out(drawings)
        actions = _Actions(pairs, drawings, parts)
        private = {"api_visibility": "private", "concurrency_id": "networks", "concurrency_limit": 2}
        settings = [parts.pair, parts.target, parts.opacity]
        everything = [parts.visit, parts.target, parts.about, *parts.results()]
        page.load(actions.arrive, None, [parts.pair, *everything], **private)
        parts.pair.focus(actions.list_pairs, None, parts.pair, show_progress="hidden", **private)
        parts.pair.input(actions.change_pair, [parts.visit, *settings], everything, **private)
        opened = parts.upload.upload(actions.open_file, [parts.upload, parts.visit, *settings], everything, **private)
        opened.then(lambda: None, None, parts.upload, show_progress="hidden", **private)  # open for the next file
        parts.examples.select(actions.open_drawing, settings, everything, **private)
        for event in (parts.target.input, parts.opacity.release):
            inputs = [parts.visit, parts.target, parts.opacity]
            event(actions.redraw, inputs, parts.results(), trigger_mode="always_last", **private)
    return page


def _lay_out(drawings: Sequence[DrawnScene]) -> _Components:
    """Places everything on the page."""
    visit = gr.State(None, time_to_live=_HOUR)
    gr.HTML(_INTRODUCTION, elem_id="intro")
    with gr.Row(elem_id="layout"):
        with gr.Column(scale=1, min_width=260):
            # Custom values reach our own checks and words, also when a restarted server has forgotten its choices.
            pair = gr.Dropdown(label="Pair of networks", elem_id="pair", interactive=True, allow_custom_value=True)
            upload = gr.File(label="Your image", elem_id="upload", height=132, file_count="single")
            gr.HTML(
                "<p class='fine'>TIFF (8 and 16 bits, float), PNG, JPEG, WebP, BMP, GIF, JPEG 2000; from 8 pixels "
                "a side to 100 million in all.</p>"
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
            target = gr.Dropdown(
                [_OWN],
                value=OWN_PREDICTION,
                label="Heatmaps show evidence for",
                elem_id="target",
                allow_custom_value=True,
            )
            opacity = gr.Slider(0, 1, Style.opacity, step=0.05, label="Strength of the overlay", elem_id="opacity")
        with gr.Column(scale=3, min_width=260):
            status = gr.HTML(message("Loading …"), elem_id="status")
            with gr.Row(elem_id="pictures"):
                with gr.Column(min_width=220):
                    image = _picture("Image", "The image as it was read", "image")
                    gr.HTML(legend(), elem_id="legend")
                pictures, captions, tops = {}, {}, {}
                for role, title in TITLES.items():
                    with gr.Column(min_width=220):
                        pictures[role] = _picture(title, f"{title}: heatmap over the image", role)
                        captions[role] = gr.HTML(elem_id=f"{role}-caption")
                        tops[role] = gr.Label(
                            label=f"{title}: five likeliest classes",
                            show_label=False,
                            num_top_classes=5,
                            elem_id=f"{role}-top",
                        )
            about = gr.HTML(elem_id="about")
    changing = (*pictures.values(), *tops.values(), *captions.values())
    return _Components(visit, pair, upload, examples, target, opacity, status, image, *changing, about)


def _said(method: Callable[..., dict]) -> Callable[..., dict]:
    """The method of _Actions with what goes wrong in it said on the page, until the next action."""

    @wraps(method)
    def guarded(self: "_Actions", *arguments: object) -> dict:
        visit = next((argument for argument in arguments if isinstance(argument, _Visit)), None)
        try:
            return method(self, *arguments)
        except BadInputError as error:
            return {self.parts.status: _refused(error, visit)}
        except Exception:
            logging.getLogger(__name__).exception("an action on the page failed")
            return {self.parts.status: message("The server failed at this; its log says why.", "error")}

    return guarded


class _Actions:
    """What the page does; each returns the new values of the components that change."""

    def __init__(self, pairs: PairFolder, drawings: Sequence[DrawnScene], parts: _Components) -> None:
        self.pairs = pairs
        self.drawings = drawings
        self.parts = parts

    @_said
    def arrive(self) -> dict:
        """Shows the first example with the first pair that can be used."""
        names = self.pairs.names()
        chosen = next((name for name in names if _usable(self.pairs, name)), names[0] if names else None)
        shown = self._look(self._drawn(0), chosen, OWN_PREDICTION, Style.opacity)
        return {self.parts.pair: gr.Dropdown(names, value=chosen), **shown}

    def list_pairs(self) -> gr.Dropdown:
        """Offers the pairs that there are now."""
        return gr.Dropdown(self.pairs.names())

    @_said
    def open_file(self, file: str | None, visit: _Visit | None, pair: str | None, target: str, opacity: float) -> dict:
        """Reads an uploaded file and explains it."""
        if file is None:
            raise BadInputError("no file was received")
        name = Path(file).name
        below = visit.below if visit else ""
        return self._look(_Visit(name, partial(read_image, file, name), below=below), pair, target, opacity)

    @_said
    def open_drawing(self, event: gr.SelectData, pair: str | None, target: str, opacity: float) -> dict:
        """Explains an example."""
        return self._look(self._drawn(event.index), pair, target, opacity)

    @_said
    def change_pair(self, visit: _Visit | None, pair: str | None, target: str, opacity: float) -> dict:
        """Explains the visitor's image with another pair."""
        return self._look(visit or self._drawn(0), pair, target, opacity)

    @_said
    def redraw(self, visit: _Visit | None, target: str, opacity: float) -> dict:
        """Shows an analysed image for another target or strength; runs the classifiers alone."""
        if visit is None:
            raise BadInputError("this page has rested for long; choose an image again")
        if visit.analysis is None:
            raise BadInputError("nothing is analysed yet; choose a pair that can be used")
        return self._show(visit, target, opacity)

    def _look(self, visit: _Visit, name: str | None, target: str, opacity: float) -> dict:
        """Runs a pair over the visitor's image."""
        parts = self.parts
        if name is None:
            return {parts.visit: visit, parts.status: message(_no_pairs(self.pairs), "error")}
        image = visit.read()
        try:
            pair = self.pairs.load(name)
        except BadInputError as error:  # the image is kept for a pair that can be used
            return {parts.visit: replace(visit, analysis=None), parts.status: _refused(error, visit)}
        card = read_card(pair)
        analysis = replace(analyse(pair, image), image=for_screen(image))
        visit = replace(visit, analysis=analysis, card=card, below=f"{visit.name}, seen by {name}")
        target = target if target in pair.classes else OWN_PREDICTION
        return self._show(visit, target, opacity) | {
            parts.visit: visit,
            parts.target: gr.Dropdown([_OWN, *((name, name) for name in pair.classes)], value=target),
            parts.about: summary_html(card),
        }

    def _show(self, visit: _Visit, target: str, opacity: float) -> dict:
        shown = view(visit.analysis, visit.card, target, opacity)
        sentence = message(f"<span class='file'>{escape(visit.name)}</span> {shown.sentence}")
        pictures = (shown.image, shown.baseline, shown.scff, shown.baseline_top, shown.scff_top)
        values = (sentence, *pictures, shown.baseline_caption, shown.scff_caption)
        return dict(zip(self.parts.results(), values, strict=True))

    def _drawn(self, index: int) -> _Visit:
        drawing = self.drawings[index]
        return _Visit(f"{drawing.title} (a drawing; the networks were trained on other images)", lambda: drawing.image)


def _picture(label: str, alt: str, name: str) -> gr.Image:
    gr.HTML(f"<h2>{label}</h2>", padding=False)
    return gr.Image(
        label=label,
        show_label=False,
        alt_text=alt,
        elem_id=name,
        format="png",  # the default, lossy WebP, changes colours
        interactive=False,
        buttons=["download", "fullscreen"],
        min_width=200,
    )


def _usable(pairs: PairFolder, name: str) -> bool:
    try:
        pairs.load(name)
    except BadInputError:
        return False
    return True


def _refused(error: BadInputError, visit: _Visit | None) -> str:
    below = f" Below is still {escape(visit.below)}." if visit and visit.below else ""
    return message(f"<b>{escape(str(error))}.</b>{below}", "error")


def _no_pairs(pairs: PairFolder) -> str:
    return (
        f"There is no pair of networks in <code>{escape(pairs.path.name)}</code> yet. Train one with "
        "<code>python -m training train</code>, then load this page again."
    )
