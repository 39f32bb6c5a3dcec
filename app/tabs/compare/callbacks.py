"""Callbacks of the Compare tab: heatmaps of one image by each pair's two networks, side by side."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from app.components.controls import NO_CLASS, NONE, OWN, OWN_PREDICTION, layer_choice
from app.components.glossary import help_with
from app.components.html import message
from app.components.region import parse_marking
from app.components.templates import render
from app.components.widgets import asset
from app.example_scenes import SCENES, DrawnScene
from app.session.analysis import EXPIRED, SessionAnalyses, analysed
from app.session.callback_order import Inputs, Session, debounced, in_order
from app.session.errors import error_message, server_error_message, shows_errors
from app.session.faithfulness import faithfulness_steps
from app.session.settings import Settings, settings_from_query
from app.session.state import SessionState
from app.storage.analyses import CachedAnalysis
from app.storage.source_image import SourceImage, display_size
from app.storage.uploads import RETENTION_SECONDS, Uploads
from app.tabs.compare.bands import chosen_bands, displayed_bands, linked_bands, offered_bands
from app.tabs.compare.exports import export_links
from app.tabs.compare.faithfulness import faithfulness_table
from app.tabs.compare.layout import CompareComponents
from app.tabs.compare.view import image_value, view
from core.errors import BadInputError
from explain.cam.layers import FUSED, explainable_layers
from explain.cam.methods import METHODS
from imagery.reading import describe_image, read_image
from pairs.pair import Pair

__all__ = ["Compare", "bind_callbacks"]

Updates = dict[Any, Any]


def bind_callbacks(components: CompareComponents, callbacks: "Compare", event_options: Mapping[str, Any]) -> None:
    """Binds the tab's callbacks to the events of its components."""
    view, analysis = components.view(), components.analysis()
    view_inputs, analysis_inputs = components.view_inputs(), components.analysis_inputs()
    quiet = {"show_progress": "hidden", **event_options}
    shown = {"show_progress_on": components.status, **event_options}
    latest = {"trigger_mode": "always_last", **shown}
    every = {"trigger_mode": "multiple", **shown}  # serialised by app.session.callback_order
    components.pair.focus(callbacks.list_pairs, None, components.pair, **quiet)
    components.more_pairs.focus(callbacks.list_more_pairs, components.pair, components.more_pairs, **quiet)
    for event in (components.pair.input, components.more_pairs.input):
        event(callbacks.change_pairs, analysis_inputs, analysis, **every)
    opened = components.upload.upload(callbacks.open_upload, analysis_inputs | {components.upload}, analysis, **shown)
    opened.then(lambda: None, None, components.upload, **quiet)  # cleared for the next file
    channels = components.channels()
    for channel in channels:
        channel.input(callbacks.change_bands, analysis_inputs | {*channels}, analysis, **latest)
    components.examples.select(callbacks.open_example, analysis_inputs, analysis, **every)
    redrawn = components.settings.all() - {components.settings.opacity}  # applied in the browser alone
    gr.on([control.input for control in redrawn], callbacks.redraw, view_inputs, view, **latest)
    components.settings.opacity.change(None, components.settings.opacity, None, js=asset("opacity.js"))
    components.image.input(callbacks.mark, view_inputs | {components.image}, view, **latest)
    measured = [components.sequence, components.status, components.faithfulness, components.stop]
    running = components.measure.click(
        callbacks.measure, view_inputs, measured, show_progress_on=components.faithfulness, **event_options
    )
    components.stop.click(
        lambda: gr.Button(visible=False), None, components.stop, cancels=[running], queue=False,
        api_visibility="private",
    )  # fmt: skip
    components.copy.click(None, None, None, js=asset("copy_link.js"))
    components.sequence.change(None, components.sequence, None, js=asset("sequence.js"))
    components.resync.click(callbacks.resync, components.ordering(), analysis, **quiet)


class Compare:
    """Callbacks of the tab; each returns the updates of components.

    Args:
        analyses: analyses of visitors' images.
        examples: the example images, in the order of SCENES.
        components: the tab's components.
    """

    def __init__(
        self, analyses: SessionAnalyses, examples: Sequence[DrawnScene], components: CompareComponents
    ) -> None:
        self.analyses = analyses
        self.pairs = analyses.pairs
        self.downloads = analyses.downloads
        self.examples = dict(zip(SCENES, examples, strict=True))
        self.components = components
        self.uploads = Uploads(RETENTION_SECONDS)

    @in_order
    @shows_errors
    def arrive(self, inputs: Inputs, request: gr.Request) -> Updates:
        """Restores the view of a link; by default the first example and the first pair that can be loaded."""
        components, query = self.components, dict(request.query_params)
        settings = settings_from_query(query)
        if "pair" in query:
            names = _distinct([query["pair"], *query.get("more", "").split(",")])
            pairs = [self._load(name) for name in names]
        else:
            first = self.pairs.first_usable()
            names = [first.name] if first else self.pairs.names()[:1]
            pairs = [first] if first else [self._load(name) for name in names]
        source, error = self._linked_image(query.get("image"), query.get("bands"))
        session: Session = inputs[components.session]
        updates = self._open(session, SessionState(source), pairs, settings, query.get("box"))
        if error:
            updates[components.status] = message(error, "error") + updates[components.status]
        first_name, more = next(iter(names), None), names[1:]
        choices = self.pairs.names()
        return {
            **updates,
            components.settings.method: settings.method,
            components.settings.smooth: settings.smooth,
            components.settings.colour_map: settings.colour_map,
            components.settings.scale: settings.scale,
            components.settings.opacity: settings.opacity,
            components.pair: gr.update(choices=choices, value=first_name),
            components.more_pairs: gr.update(choices=[name for name in choices if name != first_name], value=more),
        }

    def list_pairs(self) -> gr.Dropdown:
        """Refreshes the choice of pairs from the folder."""
        return gr.Dropdown(self.pairs.names())

    def list_more_pairs(self, first: str | None) -> gr.Dropdown:
        """Refreshes the choice of further pairs from the folder."""
        return gr.Dropdown([name for name in self.pairs.names() if name != first])

    @in_order
    @shows_errors
    def open_upload(self, inputs: Inputs) -> Updates:
        """Analyses an uploaded file."""
        file = inputs[self.components.upload]
        if file is None:
            raise BadInputError("no file was received")
        path = Path(file)
        return self._open_image(inputs, _uploaded_image(path, path.name, self.uploads.keep(path, path.name)))

    @in_order
    @shows_errors
    def open_example(self, inputs: Inputs, event: gr.SelectData) -> Updates:
        """Analyses an example."""
        return self._open_image(inputs, self._example(list(self.examples)[event.index]))

    @in_order
    @shows_errors
    def change_bands(self, inputs: Inputs) -> Updates:
        """Analyses the uploaded file again with other bands."""
        components, session = self.components, inputs[self.components.session]
        if session.state is None:
            raise BadInputError(EXPIRED)
        source = session.state.source
        try:
            bands = chosen_bands([inputs[channel] for channel in components.channels()], source.band_names)
            changed = replace(session.state, source=_with_bands(source, bands), image_url="")
            return self._open(session, changed, self._pairs(inputs), components.settings.values(inputs))
        except BadInputError as error:
            return {components.status: error_message(error, session.state), **self._bands(source)}

    @in_order
    @debounced
    @shows_errors
    def change_pairs(self, inputs: Inputs) -> Updates:
        """Analyses the session's image by other pairs."""
        session = inputs[self.components.session]
        state = session.state or SessionState(self._example(next(iter(self.examples))))
        return self._open(session, state, self._pairs(inputs), self.components.settings.values(inputs))

    @in_order
    @debounced
    @shows_errors
    def redraw(self, inputs: Inputs) -> Updates:
        """Shows the analysed image with other settings."""
        session = inputs[self.components.session]
        state = analysed(session.state)
        return self._view(session, state, self.analyses.current(state), self.components.settings.values(inputs))

    @in_order
    @shows_errors
    def mark(self, inputs: Inputs) -> Updates:
        """Compares the heatmaps with the marked region."""
        session = inputs[self.components.session]
        state = _marked(analysed(session.state), inputs[self.components.image])
        return self._view(session, state, self.analyses.current(state), self.components.settings.values(inputs))

    def measure(
        self,
        inputs: Inputs,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - Gradio looks for it here
    ) -> Iterator[Updates]:
        """Measures the heatmaps' faithfulness network by network, until other heatmaps are requested."""
        components = self.components
        session, settings = inputs[components.session], components.settings.values(inputs)
        yield {components.stop: gr.Button(visible=True)}
        try:
            with session.lock:
                state, sequence = analysed(session.state), session.sequence
            analyses = self.analyses.current(state)
            for done, total in faithfulness_steps(analyses, settings):
                if session.sequence != sequence:
                    break
                progress((done, total), desc="measuring", unit="steps")
                table = faithfulness_table(analyses, settings)
                yield {components.sequence: sequence, components.faithfulness: table}
            yield {components.stop: gr.Button(visible=False)}
        except BadInputError as error:
            yield {components.status: error_message(error, session.state), components.stop: gr.Button(visible=False)}
        except Exception:
            yield {components.status: server_error_message(), components.stop: gr.Button(visible=False)}

    def resync(self, inputs: Inputs) -> Updates:
        """Sends the complete current view again, after answers have arrived out of order."""
        session: Session = inputs[self.components.session]
        with session.lock:
            return session.current_view(self.components, self.components.analysis())

    def _open_image(self, inputs: Inputs, source: SourceImage) -> Updates:
        """Analyses another image."""
        session, settings = inputs[self.components.session], self.components.settings.values(inputs)
        return self._open(session, SessionState(source), self._pairs(inputs), settings)

    def _pairs(self, inputs: Inputs) -> list[Pair | BadInputError]:
        """Loads the chosen pairs, each once; also returns the errors of those that cannot be loaded."""
        names = _distinct([inputs[self.components.pair], *inputs[self.components.more_pairs]])
        return [self._load(name) for name in names]

    def _load(self, name: str) -> Pair | BadInputError:
        try:
            return self.pairs.load(name)
        except BadInputError as error:
            return error

    def _open(
        self,
        session: Session,
        state: SessionState,
        pairs: Sequence[Pair | BadInputError],
        settings: Settings,
        box: str | None = None,
    ) -> Updates:
        """Analyses the state's image by pairs and shows the heatmaps; a link's box is marked."""
        components = self.components
        if not pairs:
            session.state = state
            text = render("compare/no_pairs.html", folder=self.pairs.path.name)
            return {components.status: message(text, "error")}
        if isinstance(pairs[0], BadInputError):
            return self._without_pair(session, state, pairs[0])
        state, analyses, errors = self.analyses.analyse(state, [pair for pair in pairs if isinstance(pair, Pair)])
        errors = [*(str(error) for error in pairs if isinstance(error, BadInputError)), *errors]
        with suppress(ValueError, BadInputError):  # an invalid box is ignored
            state = state if box is None else _marked(state, {"box": [int(side) for side in box.split(",")]})
        classes, layers = _common(analyses)
        settings = replace(
            settings,
            target=settings.target if settings.target in classes else OWN_PREDICTION,
            against=settings.against if settings.against in classes else NO_CLASS,
            layer=settings.layer if settings.layer in layers else FUSED,
        )
        choices = [(name, name) for name in classes]
        updates = self._view(session, state, analyses, settings) | {
            components.settings.target: gr.update(choices=[OWN, *choices], value=settings.target),
            components.settings.against: gr.update(choices=[NONE, *choices], value=settings.against),
            components.settings.layer: gr.update(choices=[layer_choice(name) for name in layers], value=settings.layer),
            components.image: image_value(state, next(iter(analyses.values()))),
            **self._bands(state.source),
        }
        if errors:
            updates[components.status] = error_message(BadInputError("; ".join(errors)))
        return updates

    def _without_pair(self, session: Session, state: SessionState, error: BadInputError) -> Updates:
        """Keeps a new image even though the first pair cannot be loaded.

        Raises:
            BadInputError: the image has been analysed by other pairs, whose heatmaps stay.
        """
        if state.pairs:
            raise error
        components = self.components
        state.source.read()  # raises if the image cannot be read
        session.state = state
        text = render("compare/image_kept.html", error=error, name=state.source.name)
        return {
            components.status: message(text, "error"),
            components.rows: "",  # without a summary no result is shown (page.css)
            components.link: "",
            **self._bands(state.source),
        }

    def _view(
        self, session: Session, state: SessionState, analyses: Mapping[str, CachedAnalysis], settings: Settings
    ) -> Updates:
        """Shows an analysed image."""
        components = self.components
        shown = view(state, analyses, settings, self.downloads)
        files = export_links(state, partial(self.analyses.current, state), settings, self.downloads)
        session.state = state
        return {
            components.status: message(shown.status),
            components.method_help: help_with(METHODS[settings.method].title),
            components.rows: shown.rows,
            components.slider: shown.before_after,
            components.difference: shown.difference,
            components.region: shown.region,
            components.faithfulness: faithfulness_table(analyses, settings),
            components.files: files,
            components.link: state.link(settings),
        }

    def _bands(self, source: SourceImage) -> Updates:
        """Updates the band controls, which are shown if a file has more bands than are displayed."""
        components, names = self.components, source.band_names
        if not names:
            # Cleared, but not left out: Gradio re-creates components that an answer leaves out.
            return {components.bands: gr.update(visible=False), **dict.fromkeys(components.channels())}
        choices = [(name if name == f"band {i}" else f"{i}: {name}", i) for i, name in enumerate(names, start=1)]
        channels = zip(components.channels(), displayed_bands(source.bands, names), strict=True)
        return {components.bands: gr.update(visible=True)} | {
            channel: gr.update(choices=choices, value=band) for channel, band in channels
        }

    def _example(self, name: str) -> SourceImage:
        example = self.examples[name]
        title = f"{example.title} (synthetic; the networks were trained on real images)"
        return SourceImage(title, lambda: example.image, key=name)

    def _linked_image(self, key: str | None, bands: str | None) -> tuple[SourceImage, str | None]:
        """The image of a link; if it has expired, the first example and an error message."""
        first = next(iter(self.examples))
        if key is None or key in self.examples:
            return self._example(key or first), None
        upload = self.uploads.find(key)
        if upload is None:
            error = (
                "The image of this link has expired (uploads are kept for one hour); an example is selected instead."
            )
            return self._example(first), error
        source = _uploaded_image(*upload, key)
        chosen = linked_bands(bands, source.band_names)
        return source if chosen is None else _with_bands(source, chosen), None


def _distinct(names: Sequence[str | None]) -> list[str]:
    """The names without empty ones and duplicates."""
    return list(dict.fromkeys(name for name in names if name))


def _uploaded_image(path: Path, name: str, key: str) -> SourceImage:
    source = SourceImage(name, partial(read_image, path, name), key=key, path=path)
    try:
        file = describe_image(path)
    except BadInputError:  # reading the image raises the reason
        return source
    return replace(source, georeferenced=file.georeferenced, band_names=offered_bands(path, file))


def _with_bands(source: SourceImage, bands: tuple[int, ...]) -> SourceImage:
    """The uploaded image, to be read with other bands."""
    if source.path is None:
        raise BadInputError("examples have no bands to choose from")
    return replace(source, bands=bands, read=partial(read_image, source.path, source.name, bands))


def _marked(state: SessionState, value: object) -> SessionState:
    """The state with the region from a marker's value."""
    return replace(state, marking=parse_marking(value, state.size, display_size(*state.size)))


def _common(analyses: Mapping[str, CachedAnalysis]) -> tuple[list[str], list[str]]:
    """Classes and layers that all pairs have, in the order of the first."""
    pairs = [cached.analysis.pair for cached in analyses.values()]
    layers = [explainable_layers(pair.scff.network) for pair in pairs]
    classes = [name for name in pairs[0].classes if all(name in pair.classes for pair in pairs)]
    return classes, [name for name in layers[0] if all(name in names for names in layers)]
