"""The Batch tab's actions: many images, seen by both networks of a pair, one after the other."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from app.components.controls import OWN, layer_choice
from app.components.errors import failure_html, refusal_html, shows_errors
from app.components.html import message
from app.session.settings import OWN_PREDICTION, Settings
from app.storage.downloads import DownloadStore
from app.tabs.batch.archive import gather
from app.tabs.batch.exports import batch_files
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

__all__ = ["Batch", "wire"]

# Images at once: a step is short, so that what is done is seen soon and Stop is heard soon.
_AT_ONCE = {"none": 8, "quick": 4, "full": 2}
_MOST_SCORED = 8  # images of a batch by a method that runs the network once a channel: minutes each


def wire(tab: gr.Tab, parts: BatchComponents, actions: "Batch", private: Mapping[str, object]) -> None:
    """Binds the tab's actions to its parts."""
    choices = [parts.pair, parts.target, parts.layer]
    offered = [*choices, parts.trouble]
    tab.select(actions.offer, choices, offered, show_progress="hidden", **private)
    parts.pair.focus(actions.list_pairs, None, parts.pair, show_progress="hidden", **private)
    parts.pair.input(actions.offer, choices, offered, show_progress="hidden", **private)
    # Files are unpacked before a batch waits for its turn: what is wrong with them is said at once.
    unpacking = {**private, "concurrency_id": "unpacking"}
    ready = parts.start.click(
        actions.prepare, parts.request(), parts.answer(), show_progress_on=parts.progress, **unpacking
    )
    # One batch at a time, so that single images of others are still seen soon.
    working = {**private, "concurrency_id": "batch", "concurrency_limit": 1}
    ready.then(actions.explain, parts.job, parts.answer(), trigger_mode="multiple", show_progress="hidden", **working)
    parts.stop.click(actions.stop, parts.job, parts.answer(), queue=False, api_visibility="private")
    parts.job.delete_callback = actions.left  # an hour after the page was closed


class Batch:
    """What the tab does; each action returns the new values of the parts that change.

    Args:
        pairs: that can be chosen.
        jobs: visitors' batches, and where their files are kept.
        shelf: where pictures and downloads are put; of its own, so that a batch pushes off nothing of anybody's.
        parts: of the tab.
    """

    def __init__(self, pairs: PairFolder, jobs: BatchJobs, shelf: DownloadStore, parts: BatchComponents) -> None:
        self.pairs = pairs
        self.jobs = jobs
        self.shelf = shelf
        self.parts = parts

    def list_pairs(self) -> gr.Dropdown:
        """Offers the pairs that there are now."""
        return gr.Dropdown(self.pairs.names())

    def offer(self, pair: str | None, target: str, layer: str) -> dict:
        """Offers what a pair can be asked; without one, the first that can be used.

        What is wrong with a pair is said beside it: the status may be that of a batch.
        """
        try:
            return {**self._offered(pair, target, layer), self.parts.trouble: ""}
        except BadInputError as error:
            return {self.parts.trouble: refusal_html(error)}
        except Exception:
            return {self.parts.trouble: failure_html()}

    def _offered(self, pair: str | None, target: str, layer: str) -> dict:
        parts, names = self.parts, self.pairs.names()
        name = pair or self.pairs.first_usable()
        if name is None:
            return {parts.pair: gr.Dropdown(names)}
        loaded = self.pairs.load(name)
        layers = explainable_layers(loaded.scff.network)
        return {
            parts.pair: gr.Dropdown(names, value=name),
            parts.target: gr.Dropdown(
                [OWN, *((each, each) for each in loaded.classes)],
                value=target if target in loaded.classes else OWN_PREDICTION,
            ),
            parts.layer: gr.Dropdown(list(map(layer_choice, layers)), value=layer if layer in layers else FUSED),
        }

    def prepare(self, *asked: Any) -> dict:
        """Lays a visitor's files out for a batch, which then waits for its turn.

        Args:
            asked: the values of BatchComponents.request().
        """
        return {self.parts.job: None, **self._prepared(*asked)}  # of what is refused, nothing is to be explained

    @shows_errors
    def _prepared(
        self, files: list[str] | None, pair: str | None, target: str, method: str, layer: str, measured: str
    ) -> dict:
        if not pair:
            raise BadInputError("no pair of networks is chosen; choose one")
        loaded = self.pairs.load(pair)
        question = Settings(target=target, layer=layer, method=method).question(loaded)
        find_layer(loaded.scff.network, layer)
        scored = METHODS[method].scores

        def build(folder: Path) -> BatchJob:
            (images := folder / "images").mkdir()
            (out := folder / "results").mkdir()
            found = gather(list(map(Path, files or ())), images)
            if scored and len(found.names) > _MOST_SCORED:
                raise BadInputError(
                    f"{METHODS[method].title} runs both networks once for each of a layer's channels, so that a batch "
                    f"by it holds at most {_MOST_SCORED} images; send fewer, or choose another method"
                )
            rows = [ImageRow(name, reason) for name, reason in found.refused.items()]
            work = FolderRun(
                images, found.names, out, loaded, question, measured, batch=1 if scored else _AT_ONCE[measured]
            )
            return BatchJob(work, found, rows, [entry(work, row, self.shelf) for row in rows])

        key = self.jobs.make(build)
        waiting = message("In line: the server explains one batch at a time, and yours comes when it is its turn.")
        job = self.jobs.find(key)
        return {**self._shown(key, job), self.parts.status: waiting, **self._buttons(running=True)}

    def explain(self, key: str | None) -> Iterator[dict]:
        """Does a batch that was prepared, and shows what is done after every few images."""
        job = self.jobs.find(key)
        if job is None and key is not None:
            yield self._gone()
            return
        if job is None or not job.begin():
            yield {self.parts.status: gr.skip()}  # without a word, Gradio would clear everything
            return
        trouble = None
        try:
            with closing(explain_in_steps(job.work)) as steps:
                for step in steps:
                    if not job.add(step.rows, [entry(job.work, row, self.shelf) for row in step.rows]):
                        break
                    yield self._running(key, job)
        except BadInputError as error:
            trouble = refusal_html(error)
        except Exception:
            trouble = failure_html()
        finally:
            job.end()
            self.jobs.keep(key)
        yield self._ended(key, job, trouble)

    @shows_errors
    def stop(self, key: str | None) -> dict:
        """Leaves a batch at what is done; the images that are being worked on are dropped."""
        job = self.jobs.find(key)
        if job is None:
            return self._gone()
        self.left(key)
        return self._ended(key, job)

    def left(self, key: str | None) -> None:
        """Stops a batch that nobody wants any more, so that it holds no place in line."""
        job = self.jobs.find(key)
        if job is not None and job.stop():
            self.jobs.keep(key)

    def _running(self, key: str, job: BatchJob) -> dict:
        words = message(f"Explaining with {escape(job.work.pair.name)}; results come in below as they are done.")
        return {**self._shown(key, job), self.parts.status: words, **self._buttons(running=True)}

    def _gone(self) -> dict:
        words = message("<b>This batch is no longer kept; press Explain again.</b>", "error")
        return {self.parts.status: words, self.parts.progress: "", **self._buttons(running=False)}

    def _ended(self, key: str, job: BatchJob, trouble: str | None = None) -> dict:
        parts = self.parts
        return {
            **self._shown(key, job),
            parts.status: trouble or outcome_message(job),
            parts.progress: progress_bar(job) if job.stopped or trouble else "",
            parts.downloads: batch_files(job, self.shelf) if job.rows else "",
            **self._buttons(running=False),
        }

    def _shown(self, key: str, job: BatchJob) -> dict:
        """What is done so far; the key with it, which is kept for as long as something comes."""
        parts = self.parts
        return {
            parts.job: key,
            parts.progress: progress_bar(job),
            parts.results: {"run": key[:8], "columns": columns(job.work), "rows": list(job.entries)},
            parts.terms: column_glossary(job.work) if job.rows else "",
            parts.downloads: "",
        }

    def _buttons(self, running: bool) -> dict:
        return {self.parts.start: gr.Button(interactive=not running), self.parts.stop: gr.Button(visible=running)}
