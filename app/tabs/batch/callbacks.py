"""Callbacks of the Batch tab: many images, explained with one model pair."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import gradio as gr

from app.components.controls import OWN, OWN_PREDICTION, layer_choice
from app.components.html import message
from app.components.templates import render
from app.session.callback_order import Inputs
from app.session.errors import error_message, server_error_message, shows_errors
from app.session.settings import Settings
from app.storage.downloads import DownloadStore
from app.tabs.batch.archive import gather
from app.tabs.batch.exports import export_links
from app.tabs.batch.jobs import BatchJob, BatchJobs
from app.tabs.batch.layout import BatchComponents
from app.tabs.batch.view import column_glossary, columns, entry, outcome_message, progress_bar
from core.errors import BadInputError
from explain.batch.folder import explain_in_steps
from explain.batch.folder_run import FolderRun
from explain.batch.rows import ImageRow
from explain.cam.layers import FUSED, explainable_layers, find_layer
from explain.cam.methods import METHODS
from pairs.folder import PairFolder

__all__ = ["Batch", "bind_callbacks"]

_BATCH_SIZES = {
    "none": 8,
    "quick": 4,
    "full": 2,
}  # kept small, because results appear, and Stop takes effect, after each batch
_MOST_SLOW_IMAGES = 8  # for methods that run the network once per channel, minutes per image

Updates = dict[Any, Any]


def bind_callbacks(
    tab: gr.Tab, components: BatchComponents, callbacks: "Batch", event_options: Mapping[str, Any]
) -> None:
    """Binds the tab's callbacks to the events of its components."""
    offered = [components.pair, components.target, components.layer, components.pair_error]
    choices: set[Any] = {components.pair, components.target, components.layer}
    quiet = {"show_progress": "hidden", **event_options}
    tab.select(callbacks.offer, choices, offered, **quiet)
    components.pair.focus(callbacks.list_pairs, None, components.pair, **quiet)
    components.pair.input(callbacks.offer, choices, offered, **quiet)
    # Uploads are unpacked before the job is queued: errors in them are shown at once.
    unpacking = {**event_options, "concurrency_id": "unpacking"}
    prepared = components.start.click(
        callbacks.prepare, components.request(), components.answer(), show_progress_on=components.progress, **unpacking
    )
    # One batch at a time, so that single images of other visitors are not held up.
    processing = {**quiet, "concurrency_id": "batch", "concurrency_limit": 1}
    prepared.then(callbacks.explain, components.job, components.answer(), trigger_mode="multiple", **processing)
    components.stop.click(callbacks.stop, components.job, components.answer(), queue=False, api_visibility="private")
    components.job.delete_callback = callbacks.cancel  # deletes the job one hour after the page was closed


class Batch:
    """Callbacks of the tab; each returns the updates of components.

    Args:
        pairs: the model pairs that can be chosen.
        jobs: batch jobs and their files.
        downloads: store for images and files; not shared, so that a batch evicts no other downloads.
        components: the tab's components.
    """

    def __init__(
        self, pairs: PairFolder, jobs: BatchJobs, downloads: DownloadStore, components: BatchComponents
    ) -> None:
        self.pairs = pairs
        self.jobs = jobs
        self.downloads = downloads
        self.components = components

    def list_pairs(self) -> gr.Dropdown:
        """Refreshes the choice of pairs from the folder."""
        return gr.Dropdown(self.pairs.names())

    def offer(self, inputs: Inputs) -> Updates:
        """Updates the choices of classes and layers to a pair's; by default those of the first pair that can be loaded.

        Errors are shown at the pair's dropdown, because the status may be that of a running batch.
        """
        components = self.components
        try:
            return {**self._offered(inputs), components.pair_error: ""}
        except BadInputError as error:
            return {components.pair_error: error_message(error)}
        except Exception:
            return {components.pair_error: server_error_message()}

    def _offered(self, inputs: Inputs) -> Updates:
        components, names = self.components, self.pairs.names()
        name, target, layer = inputs[components.pair], inputs[components.target], inputs[components.layer]
        pair = self.pairs.load(name) if name else self.pairs.first_usable()
        if pair is None:
            return {components.pair: gr.Dropdown(names)}
        layers = explainable_layers(pair.scff.network)
        return {
            components.pair: gr.Dropdown(names, value=pair.name),
            components.target: gr.Dropdown(
                [OWN, *((name, name) for name in pair.classes)],
                value=target if target in pair.classes else OWN_PREDICTION,
            ),
            components.layer: gr.Dropdown(list(map(layer_choice, layers)), value=layer if layer in layers else FUSED),
        }

    def prepare(self, inputs: Inputs) -> Updates:
        """Collects the uploads of a batch, which is then queued."""
        return {self.components.job: None, **self._prepared(inputs)}  # a refused batch has no job to process

    @shows_errors
    def _prepared(self, inputs: Inputs) -> Updates:
        components = self.components
        if not inputs[components.pair]:
            raise BadInputError("no model pair is chosen; choose one")
        pair = self.pairs.load(inputs[components.pair])
        target, layer, method = (inputs[each] for each in (components.target, components.layer, components.method))
        level, files = inputs[components.metrics], [Path(file) for file in inputs[components.files] or ()]
        question = Settings(target=target, layer=layer, method=method).question(pair)
        find_layer(pair.scff.network, layer)
        slow = METHODS[method].scores

        def build(folder: Path) -> BatchJob:
            (images := folder / "images").mkdir()
            (out := folder / "results").mkdir()
            gathered = gather(files, images)
            if slow and len(gathered.names) > _MOST_SLOW_IMAGES:
                raise BadInputError(
                    f"{METHODS[method].title} runs both networks once for each channel of the layer; a batch is "
                    f"limited to {_MOST_SLOW_IMAGES} images; upload fewer, or choose another method"
                )
            rows = [ImageRow(name, reason) for name, reason in gathered.refused.items()]
            size = 1 if slow else _BATCH_SIZES[level]
            work = FolderRun(
                folder=images, names=gathered.names, out=out, pair=pair, question=question, level=level, batch=size
            )
            entries = [entry(work, row, self.downloads) for row in rows]
            return BatchJob(work=work, gathered=gathered, rows=rows, entries=entries)

        key = self.jobs.make(build)
        queued = message(
            "Queued: the server processes one batch at a time; this one starts when the earlier ones have finished."
        )
        return {**self._results(key, self.jobs.find(key)), components.status: queued, **self._buttons(running=True)}

    def explain(self, key: str | None) -> Iterator[Updates]:
        """Processes a batch and shows its results as they are computed.

        Results so far are complete files, which a stopped or failed batch keeps.
        """
        job = self.jobs.find(key)
        if key is None or (job is not None and not job.begin()):
            yield {self.components.status: gr.skip()}  # an empty answer would clear all components
            return
        if job is None:
            yield self._expired()
            return
        error_html = None
        try:
            with closing(explain_in_steps(job.work)) as steps:
                for step in steps:
                    if not job.add(step.rows, [entry(job.work, row, self.downloads) for row in step.rows]):
                        break
                    yield self._running(key, job)
        except BadInputError as error:
            error_html = error_message(error)
        except Exception:
            error_html = server_error_message()
        finally:
            job.end()
            self.jobs.keep(key)
        yield self._ended(key, job, error_html)

    def stop(self, key: str | None) -> Updates:
        """Stops a batch and keeps the results so far; the images in progress are discarded."""
        try:
            job = self.jobs.find(key)
            if key is None or job is None:
                return self._expired()
            self.cancel(key)
            return self._ended(key, job)
        except Exception:
            return {self.components.status: server_error_message()}

    def cancel(self, key: str | None) -> None:
        """Stops a batch, so that it leaves the queue."""
        job = self.jobs.find(key)
        if key is not None and job is not None and job.stop():
            self.jobs.keep(key)

    def _running(self, key: str, job: BatchJob) -> Updates:
        status = message(render("batch/running.html", pair=job.work.pair.name))
        return {**self._results(key, job), self.components.status: status, **self._buttons(running=True)}

    def _expired(self) -> Updates:
        status = message("This batch has expired; press Explain again.", "error")
        return {self.components.status: status, self.components.progress: "", **self._buttons(running=False)}

    def _ended(self, key: str, job: BatchJob, error_html: str | None = None) -> Updates:
        components = self.components
        return {
            **self._results(key, job),
            components.status: error_html or outcome_message(job),
            components.progress: progress_bar(job) if job.stopped or error_html else "",
            components.downloads: export_links(job, self.downloads) if job.rows else "",
            **self._buttons(running=False),
        }

    def _results(self, key: str, job: BatchJob | None) -> Updates:
        """Results so far."""
        if job is None:
            return {}
        components = self.components
        return {
            components.job: key,  # sent with each answer, because that renews Gradio's retention time
            components.progress: progress_bar(job),
            components.results: {"run": key[:8], "columns": columns(job.work), "rows": list(job.entries)},
            components.column_glossary: column_glossary(job.work) if job.rows else "",
            components.downloads: "",
        }

    def _buttons(self, running: bool) -> Updates:
        return {
            self.components.start: gr.Button(interactive=not running),
            self.components.stop: gr.Button(visible=running),
        }
