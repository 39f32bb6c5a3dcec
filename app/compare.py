"""The Compare tab: one image, and what each pair's two networks see in it, side by side."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial, wraps
from html import escape
from pathlib import Path

import gradio as gr
from gradio.components import Component

from app.drawn_scenes import SCENES, DrawnScene
from app.pairs import PairFolder
from app.report import read_report
from app.shelf import Shelf
from app.takeaway import takeaway
from app.view import message, png, view
from app.visit import (
    NO_CLASS,
    OWN_PREDICTION,
    Analyses,
    Picture,
    Seen,
    Settings,
    Uploads,
    Visit,
    settings_of_link,
    shown_size,
)
from app.widgets import before_after, marker, marking
from app.worth import measured, worth_table
from explain.cam import METHODS
from explain.figure import COLOUR_MAPS, SCALES
from explain.geotiff import georeferenced
from explain.layers import FUSED, layer_names
from models.checkpoint import Pair
from models.errors import BadInputError
from models.image_file import read_image

__all__ = ["Compare", "Parts", "lay_out", "wire"]

HOUR = 3600
"""How long an uploaded image and what was computed of it are kept, in seconds."""

_MOST_PAIRS = 6
_STRENGTH = """(strength) => {
  document.documentElement.style.setProperty('--strength', strength);
  if (!window.scffLensArrived) return;
  const address = new URL(location.href);
  address.searchParams.set('opacity', strength);
  history.replaceState(history.state, '', address);
}"""
_COPY = """async () => {
  const button = document.querySelector('#copy-link');
  try {
    await navigator.clipboard.writeText(location.href);
  } catch {  // without https
    const field = document.createElement('textarea');
    field.value = location.href;
    document.body.append(field);
    field.select();
    document.execCommand('copy');
    field.remove();
  }
  const words = button.textContent;
  button.textContent = 'Copied';
  setTimeout(() => { button.textContent = words; }, 1500);
}"""
_OWN = ("each network's own prediction", OWN_PREDICTION)
_NOTHING = ("nothing", NO_CLASS)
_COLOURS = [
    ("inferno", "inferno"),
    ("viridis", "viridis"),
    ("cividis (for the colour-blind)", "cividis"),
    ("jet, as in the paper", "jet"),
]
_SCALES = [("each map to its own maximum", "own"), ("one scale for both", "shared")]


@dataclass(frozen=True)
class Parts:
    """What the tab consists of, as far as it changes."""

    visit: gr.State
    link: gr.Textbox
    pair: gr.Dropdown
    more: gr.Dropdown
    upload: gr.File
    examples: gr.Gallery
    target: gr.Dropdown
    against: gr.Dropdown
    layer: gr.Dropdown
    method: gr.Dropdown
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

    def results(self) -> list[Component]:
        """What other settings change."""
        shown = [self.rows, self.slider, self.difference, self.region, self.worth, self.files]
        return [self.visit, self.status, self.link, *shown]

    def everything(self) -> list[Component]:
        """What another image or pair changes."""
        return [*self.results(), *self.settings(), self.image, self.pair, self.more]


def lay_out(drawings: Sequence[DrawnScene]) -> Parts:
    """Places everything on the tab."""
    visit = gr.State(None, time_to_live=HOUR)
    link = gr.Textbox(visible="hidden", label="link", elem_id="link")
    with gr.Row(elem_id="layout"):
        with gr.Column(scale=1, min_width=250, elem_id="controls"):
            # Custom values reach our own checks and words, also when a restarted server has forgotten its choices.
            pair = gr.Dropdown(label="Pair of networks", elem_id="pair", allow_custom_value=True)
            upload = gr.File(label="Your image: drop, browse or paste", elem_id="upload", height=120)
            gr.HTML(
                "<p class='fine'>TIFF and GeoTIFF (8, 16 or 32 bits), PNG, JPEG, JPEG 2000, WebP, BMP, GIF; from 8 "
                "pixels a side to 100 million in all.</p>"
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
            target = _choice("Show evidence for", [_OWN], OWN_PREDICTION, "target", free=True)
            method = _choice("Method", [(m.title, name) for name, m in METHODS.items()], Settings.method, "method")
            layer = _choice("Layer", [_layer(FUSED)], FUSED, "layer", free=True)
            with gr.Accordion("More questions", open=False, elem_id="more-questions"):
                against = _choice("Rather than (contrast)", [_NOTHING], NO_CLASS, "against", free=True)
                smooth = gr.Checkbox(label="Average over 8 noisy copies", elem_id="smooth")
                more = gr.Dropdown(
                    label="Further pairs, a row each",
                    multiselect=True,
                    max_choices=_MOST_PAIRS - 1,
                    elem_id="more",
                    allow_custom_value=True,
                )
            with gr.Accordion("Colours", open=False, elem_id="colours"):
                colour_map = _choice("Colour map", _COLOURS, COLOUR_MAPS[0], "colour-map")
                scale = gr.Radio(_SCALES, value=SCALES[0], label="Colours run from zero to", elem_id="scale")
                opacity = gr.Slider(
                    0, 1, Settings.opacity, step=0.05, label="Strength of the overlay", elem_id="opacity"
                )
        with gr.Column(scale=4, min_width=280, elem_id="results"):
            status = gr.HTML(message("Loading …"), elem_id="status", padding=False)
            with gr.Row(elem_id="pictures"):
                with gr.Column(scale=1, min_width=220):
                    image = marker("image")
                with gr.Column(scale=2, min_width=280):
                    rows = gr.HTML(elem_id="rows", padding=False)
            with gr.Row(elem_id="closer"):
                with gr.Column(scale=1, min_width=220):
                    gr.HTML("<h3>Before and after</h3>", padding=False)
                    slider = before_after("slider")
                with gr.Column(scale=1, min_width=220):
                    gr.HTML("<h3>Difference</h3>", padding=False)
                    difference = gr.HTML(elem_id="difference", padding=False)
                with gr.Column(scale=1, min_width=220):
                    gr.HTML("<h3>Can the maps be believed?</h3>", padding=False)
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
    return Parts(
        visit, link, pair, more, upload, examples, target, against, layer, method, smooth, colour_map, scale, opacity,
        status, image, rows, slider, difference, region, measure, stop, worth, files, copy,
    )  # fmt: skip


def wire(parts: Parts, actions: "Compare", private: Mapping[str, object]) -> None:
    """Binds the tab's actions to its parts."""
    chosen = [parts.visit, parts.pair, parts.more, *parts.settings()]
    everything = parts.everything()
    parts.pair.focus(actions.list_pairs, None, parts.pair, show_progress="hidden", **private)
    parts.more.focus(actions.list_more, parts.pair, parts.more, show_progress="hidden", **private)
    for event in (parts.pair.input, parts.more.input):
        event(actions.change_pairs, chosen, everything, **private)
    opened = parts.upload.upload(actions.open_file, [parts.upload, *chosen], everything, **private)
    opened.then(lambda: None, None, parts.upload, show_progress="hidden", **private)  # open for the next file
    parts.examples.select(actions.open_drawing, chosen, everything, **private)
    redrawn = [parts.visit, *parts.settings()]
    for setting in parts.settings()[:-1]:
        setting.input(
            actions.redraw, redrawn, parts.results(), trigger_mode="always_last", show_progress="hidden", **private
        )
    parts.opacity.change(None, parts.opacity, None, js=_STRENGTH)  # drawn by the browser alone
    parts.image.input(
        actions.mark, [parts.image, *redrawn], parts.results(), trigger_mode="always_last", show_progress="hidden",
        **private,
    )  # fmt: skip
    running = parts.measure.click(
        actions.measure, redrawn, [parts.status, parts.worth, parts.stop], show_progress_on=parts.worth,
        **private,
    )  # fmt: skip
    parts.copy.click(None, None, None, js=_COPY)
    parts.stop.click(
        lambda: gr.Button(visible=False), None, parts.stop, cancels=[running], queue=False, api_visibility="private"
    )


def said(method: Callable[..., dict]) -> Callable[..., dict]:
    """A method of Compare with what goes wrong in it said on the page, until the next action."""

    @wraps(method)
    def guarded(self: "Compare", *arguments: object) -> dict:
        visit = next((argument for argument in arguments if isinstance(argument, Visit)), None)
        try:
            return method(self, *arguments)
        except BadInputError as error:
            return {self.parts.status: refused(error, visit)}
        except Exception:
            return {self.parts.status: _failed()}

    return guarded


def _failed() -> str:
    """HTML: that something went wrong which is not the visitor's doing; called where it is caught."""
    logging.getLogger(__name__).exception("an action on the page failed")
    return message("The server failed at this; its log says why.", "error")


def refused(error: BadInputError, visit: Visit | None) -> str:
    """HTML: why something was not done, and what is still shown."""
    below = ""
    if visit is not None and visit.pairs:
        pairs = ", ".join(visit.pairs)
        below = f" Below is still {escape(visit.picture.name)}, seen by {escape(pairs)}."
    return message(f"<b>{escape(str(error))}.</b>{below}", "error")


class Compare:
    """What the tab does; each action returns the new values of the parts that change."""

    def __init__(self, pairs: PairFolder, drawings: Sequence[DrawnScene], parts: Parts, shelf: Shelf) -> None:
        self.pairs = pairs
        self.drawings = dict(zip(SCENES, drawings, strict=True))
        self.parts = parts
        self.shelf = shelf
        self.analyses = Analyses()
        self.uploads = Uploads(HOUR)

    @said
    def arrive(self, request: gr.Request) -> dict:
        """Shows what the address asks for; else the first example with the first pair that can be used."""
        query = dict(request.query_params)
        names = self.pairs.names()
        usual = next((name for name in names if _usable(self.pairs, name)), names[0] if names else None)
        asked = [query["pair"], *query.get("more", "").split(",")] if "pair" in query else [usual]
        picture, missing = self._linked(query.get("image"))
        shown = self._look(Visit(picture), asked, settings_of_link(query), query.get("box"))
        if missing:
            shown[self.parts.status] = message(missing, "error")
        first = next((name for name in asked if name), None)
        rest = [name for name in asked[1:] if name]
        return {
            **shown,
            self.parts.pair: gr.Dropdown(names, value=first),
            self.parts.more: gr.Dropdown([name for name in names if name != first], value=rest),
        }

    def list_pairs(self) -> gr.Dropdown:
        """Offers the pairs that there are now."""
        return gr.Dropdown(self.pairs.names())

    def list_more(self, first: str | None) -> gr.Dropdown:
        """The same, without the first."""
        return gr.Dropdown([name for name in self.pairs.names() if name != first])

    @said
    def open_file(
        self, file: str | None, visit: Visit | None, pair: str | None, more: list[str], *values: object
    ) -> dict:
        """Reads an uploaded file and explains it."""
        del visit  # of which a refusal says that it is still shown
        if file is None:
            raise BadInputError("no file was received")
        path = Path(file)
        picture = _uploaded(path, path.name, self.uploads.keep(path, path.name))
        return self._look(Visit(picture), [pair, *more], Settings(*values))

    @said
    def open_drawing(
        self, event: gr.SelectData, visit: Visit | None, pair: str | None, more: list[str], *values: object
    ) -> dict:
        """Explains an example."""
        del visit  # as above
        return self._look(Visit(self._drawn(list(self.drawings)[event.index])), [pair, *more], Settings(*values))

    @said
    def change_pairs(self, visit: Visit | None, pair: str | None, more: list[str], *values: object) -> dict:
        """Explains the visitor's image with other pairs."""
        return self._look(visit or Visit(self._drawn(next(iter(self.drawings)))), [pair, *more], Settings(*values))

    @said
    def redraw(self, visit: Visit | None, *values: object) -> dict:
        """Shows an analysed image by other settings."""
        return self._show(_analysed(visit), Settings(*values))

    @said
    def mark(self, value: object, visit: Visit | None, *values: object) -> dict:
        """Holds the maps against what was marked."""
        return self._show(_marked(_analysed(visit), value), Settings(*values))

    def measure(self, visit: Visit | None, *values: object, progress: gr.Progress = gr.Progress()) -> Iterator[dict]:  # noqa: B008
        """Measures the maps' faithfulness, pair by pair and network by network."""
        parts, settings = self.parts, Settings(*values)
        yield {parts.stop: gr.Button(visible=True)}
        try:
            seen = self._seen(_analysed(visit))
            for done, of in measured(seen, settings):
                progress((done, of), desc="measuring", unit="steps")
                yield {parts.worth: worth_table(seen, settings)}
            yield {parts.stop: gr.Button(visible=False)}
        except BadInputError as error:
            yield {parts.status: refused(error, visit), parts.stop: gr.Button(visible=False)}
        except Exception:
            yield {parts.status: _failed(), parts.stop: gr.Button(visible=False)}

    def _look(self, visit: Visit, names: Sequence[str | None], settings: Settings, box: str | None = None) -> dict:
        """Shows pairs' view of the visitor's image, in which a link may mark a box."""
        parts = self.parts
        names = tuple(dict.fromkeys(name for name in names if name))
        if not names:
            return {parts.visit: visit, parts.status: message(_no_pairs(self.pairs), "error")}
        try:
            self.pairs.load(names[0])
        except BadInputError as error:  # the image is kept for a pair that can be used
            visit.picture.read()
            return {parts.visit: replace(visit, pairs=()), parts.status: refused(error, None)}
        visit, seen, troubles = self._run(visit, names)
        with suppress(ValueError, BadInputError):  # a box that is none is left out
            visit = visit if box is None else _marked(visit, {"box": [int(side) for side in box.split(",")]})
        classes, layers = _common(seen)
        settings = replace(
            settings,
            target=settings.target if settings.target in classes else OWN_PREDICTION,
            against=settings.against if settings.against in classes else NO_CLASS,
            layer=settings.layer if settings.layer in layers else FUSED,
        )
        choices = [(name, name) for name in classes]
        shown = self._show(visit, settings) | {
            parts.target: gr.Dropdown([_OWN, *choices], value=settings.target),
            parts.against: gr.Dropdown([_NOTHING, *choices], value=settings.against),
            parts.layer: gr.Dropdown([_layer(name) for name in layers], value=settings.layer),
            parts.method: settings.method,
            parts.smooth: settings.smooth,
            parts.colour_map: settings.colour_map,
            parts.scale: settings.scale,
            parts.opacity: settings.opacity,
            parts.image: self._image(visit, next(iter(seen.values()))),
        }
        if troubles:
            shown[parts.status] = message(f"<b>{escape('; '.join(troubles))}.</b>", "error")
        return shown

    def _run(self, visit: Visit, names: Sequence[str]) -> tuple[Visit, dict[str, Seen], list[str]]:
        """Runs pairs over the visitor's image, as far as what they see in it is not kept.

        Returns:
            The visit, what was seen by pair, and why further pairs saw nothing.
        """
        image, seen, troubles = None, {}, []
        for name in names:
            try:
                pair = self.pairs.load(name)
                found = self.analyses.find(visit.picture, pair)
                if found is None:
                    image = visit.picture.read() if image is None else image
                    found = self.analyses.make(visit.picture, pair, image)
                seen[name] = found
            except BadInputError as error:
                if name == names[0]:
                    raise
                troubles.append(str(error))
        first = next(iter(seen.values()))
        if not visit.address:
            name, small = f"{Path(visit.picture.name).stem}.png", first.analysis.image
            visit = replace(visit, address=self.shelf.put(name, "image/png", lambda: png(small)))
        return replace(visit, size=first.size, pairs=tuple(seen)), seen, troubles

    def _seen(self, visit: Visit) -> dict[str, Seen]:
        """What the visitor's pairs see."""
        return self._run(visit, visit.pairs)[1]

    def _show(self, visit: Visit, settings: Settings) -> dict:
        parts, seen = self.parts, self._seen(visit)
        recognised = {name: _recognised(each.analysis.pair) for name, each in seen.items()}
        shown = view(visit, seen, settings, recognised, self.shelf)
        return {
            parts.visit: visit,
            parts.status: message(f"<span class='file'>{escape(visit.picture.name)}</span> {shown.sentence}"),
            parts.rows: shown.rows,
            parts.slider: gr.HTML(**shown.before_after),
            parts.difference: shown.difference,
            parts.region: shown.region,
            parts.worth: worth_table(seen, settings),
            parts.files: takeaway(visit, partial(self._seen, visit), settings, self.shelf),
            parts.link: visit.link(settings),
        }

    def _image(self, visit: Visit, seen: Seen) -> gr.HTML:
        """The image, to be marked."""
        height, width = visit.size
        down, across = seen.analysis.pair.preprocessing.size
        factor = max(width / across, height / down)
        said = f"{width:,} × {height:,} pixels; the networks see all of it at {across} × {down}"
        said += f", 1 : {factor:.1f}." if factor > 1.05 else "."
        box = visit.marking.box if visit.marking else None
        value = {"box": list(box)} if box else None
        alt = f"{visit.picture.name}, as it was read"
        return gr.HTML(value=value, src=visit.address, alt=alt, seen=said, width=width, height=height)

    def _drawn(self, name: str) -> Picture:
        drawing = self.drawings[name]
        title = f"{drawing.title} (a drawing; the networks were trained on other images)"
        return Picture(title, lambda: drawing.image, name)

    def _linked(self, key: str | None) -> tuple[Picture, str | None]:
        """The image of a link; the first example, and why, where it is not to be had."""
        first = next(iter(self.drawings))
        if key is None or key in self.drawings:
            return self._drawn(key or first), None
        found = self.uploads.find(key)
        if found is None:
            words = "The image of this link is no longer kept (uploads are, for an hour); below is an example."
            return self._drawn(first), words
        return _uploaded(*found, key), None


def _uploaded(path: Path, name: str, key: str) -> Picture:
    return Picture(name, partial(read_image, path, name), key, path, georeferenced(path))


def _marked(visit: Visit, value: object) -> Visit:
    """The visit with what a marker's value marks."""
    return replace(visit, marking=marking(value, visit.size, shown_size(*visit.size)))


def _analysed(visit: Visit | None) -> Visit:
    """A visit that has something to show.

    Raises:
        BadInputError: it has not.
    """
    if visit is None:
        raise BadInputError("this page has rested for long; choose an image again")
    if not visit.pairs:
        raise BadInputError("nothing is analysed yet; choose a pair that can be used")
    return visit


def _common(seen: Mapping[str, Seen]) -> tuple[list[str], list[str]]:
    """Classes and layers that all pairs have, in the first one's order."""
    pairs = [each.analysis.pair for each in seen.values()]
    layers = [layer_names(pair.scff.network) for pair in pairs]
    classes = [name for name in pairs[0].classes if all(name in pair.classes for pair in pairs)]
    return classes, [name for name in layers[0] if all(name in names for names in layers)]


def _choice(
    label: str, choices: Sequence[tuple[str, str]], value: str, elem_id: str, free: bool = False
) -> gr.Dropdown:
    return gr.Dropdown(list(choices), value=value, label=label, elem_id=elem_id, allow_custom_value=free)


def _layer(name: str) -> tuple[str, str]:
    """A layer in words, and its name."""
    if name == FUSED:
        return "the classifier's input", name
    if name[0] == "Y":
        return f"{name}: fused map (baseline: X{name[1:]})", name
    return f"{name}: stage", name


def _recognised(pair: Pair) -> dict[str, dict[str, float | None]]:
    """By role and class, the share of the test images that were recognised, as far as the pair's report says."""
    report = read_report(pair.path, pair.classes)
    return {role: network.class_accuracy for role, network in report.networks.items()}


def _usable(pairs: PairFolder, name: str) -> bool:
    try:
        pairs.load(name)
    except BadInputError:
        return False
    return True


def _no_pairs(pairs: PairFolder) -> str:
    return (
        f"There is no pair of networks in <code>{escape(pairs.path.name)}</code> yet. Train one with "
        "<code>python -m training train</code>, then load this page again."
    )
