"""The page: one image, two networks, side by side."""

from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import gradio as gr
import numpy as np

from app.drawn_scenes import SCENES, draw
from app.pairs import PairFolder
from app.view import OWN_PREDICTION, card, legend, message, view
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

    image: np.ndarray
    name: str
    analysis: PairAnalysis | None = None


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
                choice = gr.Dropdown(label="Pair of networks", elem_id="pair", interactive=True)
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
                target = gr.Dropdown([_OWN], value=OWN_PREDICTION, label="Heatmaps show evidence for", elem_id="target")
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

        def look(seen: _Visit | None, name: str | None, wanted: str, strength: float) -> dict:
            """Runs the chosen pair over the visitor's image."""
            if name is None:
                return {status: message(_no_pairs(pairs), "error")}
            try:
                pair = pairs.load(name)
                seen = replace(seen, analysis=analyse(pair, seen.image))
                if wanted not in pair.classes:
                    wanted = OWN_PREDICTION
                return show(seen, wanted, strength) | {
                    visit: seen,
                    target: gr.Dropdown([_OWN, *((name, name) for name in pair.classes)], value=wanted),
                    about: card(pairs.summary(name)),
                }
            except BadInputError as error:
                return {status: _refused(error, "What is shown below is of the pair chosen before.")}

        def open_file(file: str | None, seen: _Visit | None, name: str | None, wanted: str, strength: float) -> dict:
            if file is None:
                return {status: message("No file.", "error")}
            try:
                found = _Visit(read_image(file), Path(file).name)
            except BadInputError as error:
                return {status: _refused(error, "What is shown below is the image before." if seen else "")}
            return look(found, name, wanted, strength)

        def open_drawing(event: gr.SelectData, name: str | None, wanted: str, strength: float) -> dict:
            drawing = drawings[event.index]
            return look(_Visit(drawing.image, f"{drawing.title} (a drawing)"), name, wanted, strength)

        def change_pair(seen: _Visit | None, name: str | None, wanted: str, strength: float) -> dict:
            return look(seen or _first(), name, wanted, strength)

        def redraw(seen: _Visit | None, wanted: str, strength: float) -> dict:
            if seen is None or seen.analysis is None:
                return {status: message("This page has rested for long: choose an image again.", "error")}
            return show(seen, wanted, strength)

        def arrive() -> dict:
            names = pairs.names()
            chosen = next((name for name in names if _usable(pairs, name)), names[0] if names else None)
            return {choice: gr.Dropdown(names, value=chosen), **look(_first(), chosen, OWN_PREDICTION, OPACITY)}

        def _first() -> _Visit:
            return _Visit(drawings[0].image, f"{drawings[0].title} (a drawing)")

        private = {"api_visibility": "private", "concurrency_id": "networks", "concurrency_limit": 2}
        settings = [choice, target, opacity]
        page.load(arrive, None, [choice, *everything], **private)
        choice.focus(lambda: gr.Dropdown(pairs.names()), None, choice, show_progress="hidden", **private)
        choice.input(change_pair, [visit, *settings], everything, **private)
        upload.upload(open_file, [upload, visit, *settings], everything, **private)
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


def _refused(error: BadInputError, consequence: str) -> str:
    return message(f"<b>{escape(str(error))}.</b> {consequence}", "error")


def _no_pairs(pairs: PairFolder) -> str:
    return (
        f"There is no pair of networks in <code>{escape(pairs.path.name)}</code> yet. Train one with "
        "<code>python -m training train</code>, then load this page again."
    )
