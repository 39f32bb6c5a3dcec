"""The page: one image, two networks, side by side."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial, wraps
from html import escape
from pathlib import Path

import gradio as gr
import numpy as np

from app.drawn_scenes import SCENES, draw
from app.pairs import PairFolder
from app.view import OWN_PREDICTION, card, for_screen, legend, message, view
from explain.analysis import PairAnalysis, analyse
from explain.figure import OPACITY, TITLES
from models.errors import BadInputError
from models.image_file import read_image

__all__ = ["CSS", "THEME", "build_page"]

_FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
_MONO = ("ui-monospace", "Menlo", "Consolas", "monospace")
THEME = gr.themes.Default(primary_hue="teal", neutral_hue="slate", font=_FONT, font_mono=_MONO)
CSS = (Path(__file__).parent / "page.css").read_text()

_HOUR = 3600  # how long an uploaded image and what was computed of it are kept, in seconds
_OWN = ("each network's own prediction", OWN_PREDICTION)


@dataclass(frozen=True)
class _Visit:
    """What one visitor looks at."""

    name: str
    read: Callable[[], np.ndarray]
    """The image at its own size; kept as a file and not in memory."""
    analysis: PairAnalysis | None = None
    """Of the last pair that could be used, its image reduced to the size of the page."""


def build_page(pairs: PairFolder) -> gr.Blocks:
    """The whole page over a folder of pairs."""
    drawings = [draw(name) for name in SCENES]
    with gr.Blocks(title="SCFF Lens", analytics_enabled=False, delete_cache=(_HOUR, _HOUR)) as page:
        visit = gr.State(None, time_to_live=_HOUR)
        gr.HTML(
            "<h1>SCFF Lens</h1><p>Where do a network and the same network with <b>SCFF</b> (selective cross-layer "
            "feature fusion) look in an aerial image? <b>Grad-CAM++</b> heatmaps of what their classifiers receive, "
            "side by side.</p>",
            elem_id="intro",
        )
        with gr.Row(elem_id="layout"):
            with gr.Column(scale=1, min_width=260):
                # Custom values reach our own checks and words, also when a restarted server has forgotten its choices.
                choice = gr.Dropdown(
                    label="Pair of networks", elem_id="pair", interactive=True, allow_custom_value=True
                )
                upload = gr.File(label="Your image", elem_id="upload", height=132, file_count="single")
                gr.HTML("<p class='fine'>TIFF, PNG, JPEG, WebP, BMP, GIF, JPEG 2000; 16 bits too.</p>")
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
                opacity = gr.Slider(0, 1, OPACITY, step=0.05, label="Strength of the overlay", elem_id="opacity")
            with gr.Column(scale=3, min_width=260):
                status = gr.HTML(message("Loading …"), elem_id="status")
                with gr.Row(elem_id="pictures"):
                    with gr.Column(min_width=220):
                        image = _picture("Image", "The image as it was read", "image")
                        gr.HTML(legend(), elem_id="legend")
                    pictures, tops = {}, {}
                    for role, title in TITLES.items():
                        with gr.Column(min_width=220):
                            pictures[role] = _picture(title, f"{title}: heatmap over the image", role)
                            tops[role] = gr.Label(
                                label=f"{title}: five likeliest classes",
                                show_label=False,
                                num_top_classes=5,
                                elem_id=f"{role}-top",
                            )
                about = gr.HTML(elem_id="about")

        results = [image, *pictures.values(), *tops.values(), status]
        everything = [visit, target, about, *results]

        def show(seen: _Visit, wanted: str, strength: float) -> dict:
            shown = view(seen.analysis, wanted, strength)
            values = (shown.image, shown.baseline, shown.scff, shown.baseline_top, shown.scff_top)
            return dict(zip(results[:-1], values, strict=True)) | {
                status: message(f"<span class='file'>{escape(seen.name)}</span> {shown.sentence}")
            }

        def look(seen: _Visit, name: str | None, wanted: str, strength: float) -> dict:
            """Runs the chosen pair over the visitor's image."""
            if name is None:
                return {visit: seen, status: message(_no_pairs(pairs), "error")}
            image = seen.read()
            try:
                pair = pairs.load(name)
                summary = pairs.summary(name)
            except BadInputError as error:  # the image is kept for a pair that can be used
                return {visit: replace(seen, analysis=None), status: _refused(error)}
            analysis = analyse(pair, image)
            seen = replace(seen, analysis=replace(analysis, image=for_screen(image)))
            wanted = wanted if wanted in pair.classes else OWN_PREDICTION
            return show(seen, wanted, strength) | {
                visit: seen,
                target: gr.Dropdown([_OWN, *((name, name) for name in pair.classes)], value=wanted),
                about: card(summary),
            }

        def said(function: Callable[..., dict]) -> Callable[..., dict]:
            """The function with what goes wrong said on the page, until the next action."""

            @wraps(function)
            def guarded(*arguments: object) -> dict:
                try:
                    return function(*arguments)
                except BadInputError as error:
                    return {status: _refused(error)}
                except Exception:
                    logging.getLogger(__name__).exception("an action on the page failed")
                    return {status: message("The server failed at this; its log says why.", "error")}

            return guarded

        @said
        def open_file(file: str | None, name: str | None, wanted: str, strength: float) -> dict:
            if file is None:
                raise BadInputError("no file was received")
            return look(_Visit(Path(file).name, partial(read_image, file)), name, wanted, strength)

        @said
        def open_drawing(event: gr.SelectData, name: str | None, wanted: str, strength: float) -> dict:
            return look(drawn(event.index), name, wanted, strength)

        @said
        def change_pair(seen: _Visit | None, name: str | None, wanted: str, strength: float) -> dict:
            return look(seen or drawn(0), name, wanted, strength)

        @said
        def redraw(seen: _Visit | None, wanted: str, strength: float) -> dict:
            if seen is None:
                raise BadInputError("this page has rested for long; choose an image again")
            if seen.analysis is None:
                raise BadInputError("nothing is analysed yet; choose a pair that can be used")
            return show(seen, wanted, strength)

        @said
        def arrive() -> dict:
            names = pairs.names()
            chosen = next((name for name in names if _usable(pairs, name)), names[0] if names else None)
            return {choice: gr.Dropdown(names, value=chosen), **look(drawn(0), chosen, OWN_PREDICTION, OPACITY)}

        def drawn(index: int) -> _Visit:
            drawing = drawings[index]
            return _Visit(f"{drawing.title} (a drawing; the networks may know photographs only)", lambda: drawing.image)

        private = {"api_visibility": "private", "concurrency_id": "networks", "concurrency_limit": 2}
        settings = [choice, target, opacity]
        page.load(arrive, None, [choice, *everything], **private)
        choice.focus(lambda: gr.Dropdown(pairs.names()), None, choice, show_progress="hidden", **private)
        choice.input(change_pair, [visit, *settings], everything, **private)
        opened = upload.upload(open_file, [upload, *settings], everything, **private)
        opened.then(lambda: None, None, upload, show_progress="hidden", **private)  # open for the next file
        examples.select(open_drawing, settings, everything, **private)
        for event in (target.input, opacity.release):
            event(redraw, [visit, target, opacity], results, trigger_mode="always_last", **private)
    return page


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


def _refused(error: BadInputError) -> str:
    return message(f"<b>{escape(str(error))}.</b> The pictures below, if any, are those from before.", "error")


def _no_pairs(pairs: PairFolder) -> str:
    return (
        f"There is no pair of networks in <code>{escape(pairs.path.name)}</code> yet. Train one with "
        "<code>python -m training train</code>, then load this page again."
    )
