"""The Compare tab's actions: one image, and what each pair's two networks see in it, side by side."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from html import escape
from pathlib import Path

import gradio as gr

from app.components.controls import OWN, layer_choice
from app.components.errors import failure_html, refusal_html, shows_errors
from app.components.glossary import help_with
from app.components.html import message
from app.components.widgets import asset, marker_value, marking
from app.example_scenes import SCENES, DrawnScene
from app.session.analysis import RESTED, SessionAnalyses, analysed
from app.session.callback_order import debounced, in_order
from app.session.faithfulness import faithfulness_steps
from app.session.image import SourceImage, display_size
from app.session.settings import NO_CLASS, OWN_PREDICTION, Settings, settings_from_query
from app.session.state import SessionState
from app.storage.analyses import CachedAnalysis
from app.storage.uploads import RETENTION_SECONDS, Uploads
from app.tabs.compare.bands import as_colours, bands_text, chosen_bands, linked_bands, offered_bands
from app.tabs.compare.exports import export_links
from app.tabs.compare.faithfulness import faithfulness_table
from app.tabs.compare.layout import NOTHING, CompareComponents
from app.tabs.compare.view import view
from core.errors import BadInputError
from explain.cam.layers import FUSED, explainable_layers
from explain.cam.methods import METHODS
from imagery.reading import describe_image, read_image
from pairs.folder import PairFolder
from pairs.pair import Pair
from pairs.report import read_partial_report

__all__ = ["Compare", "wire"]


def wire(parts: CompareComponents, actions: "Compare", private: Mapping[str, object]) -> None:
    """Binds the tab's actions to its parts."""
    chosen = [parts.visit, parts.pair, parts.more, *parts.settings()]
    looked = parts.looked()  # no more: what an action leaves as it is costs Gradio as much as a change
    waiting = {"show_progress_on": parts.status, **private}
    latest = {"trigger_mode": "always_last", **waiting}
    each = {
        "trigger_mode": "multiple",
        **waiting,
    }  # one after the other (app.session.callback_order), so that the last one stays
    parts.pair.focus(actions.list_pairs, None, parts.pair, show_progress="hidden", **private)
    parts.more.focus(actions.list_more, parts.pair, parts.more, show_progress="hidden", **private)
    for event in (parts.pair.input, parts.more.input):
        event(actions.change_pairs, chosen, looked, **each)
    opened = parts.upload.upload(actions.open_file, [parts.upload, *chosen], looked, **waiting)
    opened.then(lambda: None, None, parts.upload, show_progress="hidden", **private)  # open for the next file
    for colour in parts.colours():
        colour.input(actions.change_bands, [*parts.colours(), *chosen], looked, **latest)
    parts.examples.select(actions.open_drawing, chosen, looked, **each)
    redrawn = [parts.visit, *parts.settings()]
    changes = [setting.input for setting in parts.settings()[:-1]]
    gr.on(changes, actions.redraw, redrawn, parts.results(), **latest)
    parts.opacity.change(None, parts.opacity, None, js=asset("strength.js"))  # drawn by the browser alone
    parts.image.input(actions.mark, [parts.image, *redrawn], parts.results(), **latest)
    running = parts.measure.click(
        actions.measure, redrawn, [parts.status, parts.worth, parts.stop], show_progress_on=parts.worth,
        **private,
    )  # fmt: skip
    parts.copy.click(None, None, None, js=asset("copy_link.js"))
    parts.stop.click(
        lambda: gr.Button(visible=False), None, parts.stop, cancels=[running], queue=False, api_visibility="private"
    )


class Compare:
    """What the tab does; each action returns the new values of the parts that change."""

    def __init__(self, sight: SessionAnalyses, drawings: Sequence[DrawnScene], parts: CompareComponents) -> None:
        self.sight = sight
        self.pairs = sight.pairs
        self.shelf = sight.shelf
        self.drawings = dict(zip(SCENES, drawings, strict=True))
        self.parts = parts
        self.uploads = Uploads(RETENTION_SECONDS)

    @in_order
    @shows_errors
    def arrive(self, request: gr.Request) -> dict:
        """Shows what the address asks for; else the first example with the first pair that can be used."""
        query = dict(request.query_params)
        names = self.pairs.names()
        usual = self.pairs.first_usable() or (names[0] if names else None)
        asked = [query["pair"], *query.get("more", "").split(",")] if "pair" in query else [usual]
        picture, missing = self._linked(query.get("image"), query.get("bands"))
        parts, settings = self.parts, settings_from_query(query)
        shown = self._look(SessionState(picture), asked, settings, query.get("box"))
        if missing:
            shown[parts.status] = message(missing, "error") + shown[parts.status]
        first = next((name for name in asked if name), None)
        rest = [name for name in asked[1:] if name]
        return {
            **shown,
            parts.method: settings.method,
            parts.smooth: settings.smooth,
            parts.colour_map: settings.colour_map,
            parts.scale: settings.scale,
            parts.opacity: settings.opacity,
            parts.pair: gr.update(choices=names, value=first),
            parts.more: gr.update(choices=[name for name in names if name != first], value=rest),
        }

    def list_pairs(self) -> gr.Dropdown:
        """Offers the pairs that there are now."""
        return gr.Dropdown(self.pairs.names())

    def list_more(self, first: str | None) -> gr.Dropdown:
        """The same, without the first."""
        return gr.Dropdown([name for name in self.pairs.names() if name != first])

    @in_order
    @shows_errors
    def open_file(
        self, file: str | None, visit: SessionState | None, pair: str | None, more: list[str], *values: object
    ) -> dict:
        """Reads an uploaded file and explains it."""
        del visit  # of which a refusal says that it is still shown
        if file is None:
            raise BadInputError("no file was received")
        path = Path(file)
        picture = _uploaded(path, path.name, self.uploads.keep(path, path.name))
        return self._look(SessionState(picture), [pair, *more], Settings(*values))

    @in_order
    @shows_errors
    def change_bands(
        self,
        red: object,
        green: object,
        blue: object,
        visit: SessionState | None,
        pair: str | None,
        more: list[str],
        *values: object,
    ) -> dict:
        """Reads the visitor's file anew, with other bands, and explains it."""
        if visit is None:
            raise BadInputError(RESTED)
        try:
            bands = chosen_bands((red, green, blue), visit.picture.band_names)
            other = replace(visit, picture=_with_bands(visit.picture, bands), address="")
            return self._look(other, [pair, *more], Settings(*values))
        except BadInputError as error:
            return {self.parts.status: refusal_html(error, visit), **self._bands(visit.picture)}

    @in_order
    @shows_errors
    def open_drawing(
        self, event: gr.SelectData, visit: SessionState | None, pair: str | None, more: list[str], *values: object
    ) -> dict:
        """Explains an example."""
        del visit  # as above
        return self._look(SessionState(self._drawn(list(self.drawings)[event.index])), [pair, *more], Settings(*values))

    @in_order
    @debounced
    @shows_errors
    def change_pairs(self, visit: SessionState | None, pair: str | None, more: list[str], *values: object) -> dict:
        """Explains the visitor's image with other pairs."""
        return self._look(
            visit or SessionState(self._drawn(next(iter(self.drawings)))), [pair, *more], Settings(*values)
        )

    @in_order
    @debounced
    @shows_errors
    def redraw(self, visit: SessionState | None, *values: object) -> dict:
        """Shows an analysed image by other settings."""
        return self._show(analysed(visit), Settings(*values))

    @in_order
    @shows_errors
    def mark(self, value: object, visit: SessionState | None, *values: object) -> dict:
        """Holds the maps against what was marked."""
        return self._show(_marked(analysed(visit), value), Settings(*values))

    def measure(
        self,
        visit: SessionState | None,
        *values: object,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio looks for it here
    ) -> Iterator[dict]:
        """Measures the maps' faithfulness, pair by pair and network by network, until the visitor asks for others."""
        parts, settings = self.parts, Settings(*values)
        yield {parts.stop: gr.Button(visible=True)}
        try:
            turns, seen = analysed(visit).turns, self.sight.again(visit)
            count = turns.count
            for done, of in faithfulness_steps(seen, settings):
                if turns.count != count:
                    break
                progress((done, of), desc="measuring", unit="steps")
                yield {parts.worth: faithfulness_table(seen, settings)}
            yield {parts.stop: gr.Button(visible=False)}
        except BadInputError as error:
            yield {parts.status: refusal_html(error, visit), parts.stop: gr.Button(visible=False)}
        except Exception:
            yield {parts.status: failure_html(), parts.stop: gr.Button(visible=False)}

    def _look(
        self, visit: SessionState, names: Sequence[str | None], settings: Settings, box: str | None = None
    ) -> dict:
        """Shows pairs' view of the visitor's image, in which a link may mark a box."""
        parts = self.parts
        names = tuple(dict.fromkeys(name for name in names if name))
        if not names:
            return {parts.visit: visit, parts.status: message(_no_pairs(self.pairs), "error")}
        try:
            self.pairs.load(names[0])
        except BadInputError as error:
            if visit.pairs:  # which have seen the same image, and are still shown
                raise
            visit.picture.read()
            kept = f"<b>{escape(str(error))}.</b> {escape(visit.picture.name)} is kept for another pair."
            return {
                parts.visit: replace(visit, pairs=()),
                parts.status: message(kept, "error"),
                parts.rows: "",  # of another image; without rows no result is shown
                parts.link: "",
                **self._bands(visit.picture),
            }
        visit, seen, troubles = self.sight.look(visit, names)
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
            parts.target: gr.update(choices=[OWN, *choices], value=settings.target),
            parts.against: gr.update(choices=[NOTHING, *choices], value=settings.against),
            parts.layer: gr.update(choices=[layer_choice(name) for name in layers], value=settings.layer),
            parts.image: self._image(visit, next(iter(seen.values()))),
            **self._bands(visit.picture),
        }
        if troubles:
            shown[parts.status] = message(f"<b>{escape('; '.join(troubles))}.</b>", "error")
        return shown

    def _show(self, visit: SessionState, settings: Settings) -> dict:
        parts, seen = self.parts, self.sight.again(visit)
        recognised = {name: _recognised(each.analysis.pair) for name, each in seen.items()}
        shown = view(visit, seen, settings, recognised, self.shelf)
        return {
            parts.visit: visit,
            parts.status: message(f"<span class='file'>{escape(visit.picture.name)}</span> {shown.sentence}"),
            parts.about_method: help_with(METHODS[settings.method].title),
            parts.rows: shown.rows,
            parts.slider: shown.before_after,
            parts.difference: shown.difference,
            parts.region: shown.region,
            parts.worth: faithfulness_table(seen, settings),
            parts.files: export_links(visit, partial(self.sight.again, visit), settings, self.shelf),
            parts.link: visit.link(settings),
        }

    def _bands(self, picture: SourceImage) -> dict:
        """The choice of bands, where a file has one."""
        parts, names = self.parts, picture.band_names
        if not names:
            # Without choices, but not left out: Gradio makes anew what an answer leaves out.
            return {parts.bands: gr.update(visible=False), **dict.fromkeys(parts.colours())}
        choices = [(name if name == f"band {i}" else f"{i}: {name}", i) for i, name in enumerate(names, start=1)]
        shown = as_colours(picture.bands, names)
        colours = zip(parts.colours(), shown, strict=True)
        return {parts.bands: gr.update(visible=True)} | {
            control: gr.update(choices=choices, value=band) for control, band in colours
        }

    def _image(self, visit: SessionState, seen: CachedAnalysis) -> dict:
        """What the marker takes."""
        height, width = visit.size
        down, across = seen.analysis.pair.preprocessing.size
        wide, high = width / across, height / down
        said = f"{width:,} × {height:,} pixels; the networks see all of it at {across} × {down}"
        if abs(wide / high - 1) > 0.02:
            said += f", squeezed 1 : {wide:.2g} across and 1 : {high:.2g} down"
        elif wide > 1.05:
            said += f", 1 : {wide:.1f}"
        said += "."
        alt = f"{visit.picture.name}, as it was read{bands_text(visit.picture.bands)}"
        return marker_value(visit.address, alt, said, visit.size, visit.marking)

    def _drawn(self, name: str) -> SourceImage:
        drawing = self.drawings[name]
        title = f"{drawing.title} (a drawing; the networks were trained on other images)"
        return SourceImage(title, lambda: drawing.image, name)

    def _linked(self, key: str | None, bands: str | None) -> tuple[SourceImage, str | None]:
        """The image of a link; the first example, and why, where it is not to be had."""
        first = next(iter(self.drawings))
        if key is None or key in self.drawings:
            return self._drawn(key or first), None
        found = self.uploads.find(key)
        if found is None:
            words = "The image of this link is no longer kept (uploads are, for an hour); an example stands in for it."
            return self._drawn(first), words
        picture = _uploaded(*found, key)
        chosen = linked_bands(bands, picture.band_names)
        return picture if chosen is None else _with_bands(picture, chosen), None


def _uploaded(path: Path, name: str, key: str) -> SourceImage:
    picture = SourceImage(name, partial(read_image, path, name), key, path)
    try:
        file = describe_image(path)
    except BadInputError:  # whoever reads it says why
        return picture
    return replace(picture, georeferenced=file.georeferenced, band_names=offered_bands(path, file))


def _with_bands(picture: SourceImage, bands: tuple[int, ...]) -> SourceImage:
    """An uploaded picture, read by other bands."""
    return replace(picture, bands=bands, read=partial(read_image, picture.path, picture.name, bands))


def _marked(visit: SessionState, value: object) -> SessionState:
    """The visit with what a marker's value marks."""
    return replace(visit, marking=marking(value, visit.size, display_size(*visit.size)))


def _common(seen: Mapping[str, CachedAnalysis]) -> tuple[list[str], list[str]]:
    """Classes and layers that all pairs have, in the first one's order."""
    pairs = [each.analysis.pair for each in seen.values()]
    layers = [explainable_layers(pair.scff.network) for pair in pairs]
    classes = [name for name in pairs[0].classes if all(name in pair.classes for pair in pairs)]
    return classes, [name for name in layers[0] if all(name in names for names in layers)]


def _recognised(pair: Pair) -> dict[str, dict[str, float | None]]:
    """By role and class, the share of the test images that were recognised, as far as the pair's report says."""
    report = read_partial_report(pair.path, pair.classes).report
    return {role: network.test.per_class for role, network in report.networks.items()}


def _no_pairs(pairs: PairFolder) -> str:
    return (
        f"There is no pair of networks in <code>{escape(pairs.path.name)}</code> yet. Train one with "
        "<code>python -m training train</code>, then load this page again."
    )
