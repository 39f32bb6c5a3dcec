"""The Batch tab's actions: many images, seen by both networks of a pair, one after the other."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from html import escape
from pathlib import Path

import gradio as gr

from app.batch.archive import gather
from app.batch.files import batch_files
from app.batch.parts import BatchParts
from app.batch.run import Run, Runs
from app.batch.view import columns, done_words, entry, progress_bar, table_words
from app.controls import OWN, layer_choice
from app.html import message
from app.pairs import PairFolder
from app.shelf import Shelf
from app.troubles import failed, refused, said
from app.visit import OWN_PREDICTION, Settings
from explain.folder import explained
from explain.layers import FUSED, explained_layers, find_layer
from explain.work import Work
from models.errors import BadInputError

__all__ = ["Batch", "wire"]

# Images at once: a step is short, so that what is done is seen soon and Stop is heard soon.
_AT_ONCE = {"none": 8, "quick": 4, "full": 2}
_SLOW_METHOD = "scorecam"  # one at a time


def wire(tab: gr.Tab, parts: BatchParts, actions: "Batch", private: Mapping[str, object]) -> None:
    """Binds the tab's actions to its parts."""
    choices = [parts.pair, parts.target, parts.layer]
    tab.select(actions.offer, choices, [*choices, parts.status], show_progress="hidden", **private)
    parts.pair.focus(actions.list_pairs, None, parts.pair, show_progress="hidden", **private)
    parts.pair.input(actions.offer, choices, [*choices, parts.status], show_progress="hidden", **private)
    # Files are unpacked before a run waits for its turn: what is wrong with them is said at once.
    unpacking = {**private, "concurrency_id": "unpacking"}
    ready = parts.start.click(
        actions.prepare, parts.request(), parts.answer(), show_progress_on=parts.progress, **unpacking
    )
    # One batch at a time, so that single images of others are still seen soon.
    working = {**private, "concurrency_id": "batch", "concurrency_limit": 1}
    ready.then(actions.explain, parts.run, parts.answer(), trigger_mode="multiple", show_progress="hidden", **working)
    parts.stop.click(actions.stop, parts.run, parts.answer(), queue=False, api_visibility="private")


class Batch:
    """What the tab does; each action returns the new values of the parts that change.

    Args:
        pairs: that can be chosen.
        runs: where visitors' files are kept.
        shelf: where pictures and downloads are put; of its own, so that a batch pushes off nothing of anybody's.
        parts: of the tab.
    """

    def __init__(self, pairs: PairFolder, runs: Runs, shelf: Shelf, parts: BatchParts) -> None:
        self.pairs = pairs
        self.runs = runs
        self.shelf = shelf
        self.parts = parts

    def list_pairs(self) -> gr.Dropdown:
        """Offers the pairs that there are now."""
        return gr.Dropdown(self.pairs.names())

    @said
    def offer(self, pair: str | None, target: str, layer: str) -> dict:
        """Offers what a pair can be asked; without one, the first that can be used."""
        parts, names = self.parts, self.pairs.names()
        loaded = None
        for name in [pair] if pair else names:
            try:
                loaded = self.pairs.load(name)
                break
            except BadInputError:
                if pair:
                    raise
        if loaded is None:
            return {parts.pair: gr.Dropdown(names)}
        layers = explained_layers(loaded.scff.network)
        return {
            parts.pair: gr.Dropdown(names, value=name),
            parts.target: gr.Dropdown(
                [OWN, *((each, each) for each in loaded.classes)],
                value=target if target in loaded.classes else OWN_PREDICTION,
            ),
            parts.layer: gr.Dropdown(list(map(layer_choice, layers)), value=layer if layer in layers else FUSED),
        }

    @said
    def prepare(
        self, files: list[str] | None, pair: str | None, target: str, method: str, layer: str, measured: str
    ) -> dict:
        """Lays a visitor's files out for a run, which then waits for its turn."""
        if not pair:
            raise BadInputError("no pair of networks is chosen; choose one")
        loaded = self.pairs.load(pair)
        question = Settings(target=target, layer=layer, method=method).question(loaded)
        find_layer(loaded.scff.network, layer)
        batch = 1 if method == _SLOW_METHOD else _AT_ONCE[measured]

        def build(folder: Path) -> Run:
            (images := folder / "images").mkdir()
            (out := folder / "results").mkdir()
            found = gather(list(map(Path, files or ())), images)
            rows = [{"image": name, "error": reason} for name, reason in found.refused.items()]
            work = Work(images, found.names, out, loaded, question, measured, batch=batch)
            return Run(work, found, rows, [entry(work, row, self.shelf) for row in rows])

        key = self.runs.make(build)
        waiting = message("In line: the server explains one batch at a time, and yours comes when it is its turn.")
        run = self.runs.find(key)
        return {**self._shown(key, run), self.parts.status: waiting, **self._buttons(running=True)}

    def explain(self, key: str | None) -> Iterator[dict]:
        """Does a run that was prepared, and shows what is done after every few images."""
        run = self.runs.find(key)
        if run is None or not run.begin():
            yield {self.parts.status: gr.skip()}  # without a word, Gradio would clear everything
            return
        trouble = None
        try:
            with closing(explained(run.work)) as steps:
                for step in steps:
                    if not run.add(step.rows, [entry(run.work, row, self.shelf) for row in step.rows]):
                        break
                    yield self._running(key, run)
        except BadInputError as error:
            trouble = refused(error)
        except Exception:
            trouble = failed()
        finally:
            run.end()
            self.runs.keep(key)
        yield self._ended(key, run, trouble)

    @said
    def stop(self, key: str | None) -> dict:
        """Leaves a run at what is done; the images that are being worked on are dropped."""
        run = self.runs.find(key)
        if run is None:
            raise BadInputError("this batch is no longer kept; press Explain again")
        run.stop()
        return self._ended(key, run)

    def _running(self, key: str, run: Run) -> dict:
        words = message(f"Explaining with {escape(run.work.pair.name)}; results come in below as they are done.")
        return {**self._shown(key, run), self.parts.status: words, **self._buttons(running=True)}

    def _ended(self, key: str, run: Run, trouble: str | None = None) -> dict:
        parts = self.parts
        return {
            **self._shown(key, run),
            parts.status: trouble or done_words(run),
            parts.progress: progress_bar(run) if run.stopped or trouble else "",
            parts.downloads: batch_files(run, self.shelf) if run.rows else "",
            **self._buttons(running=False),
        }

    def _shown(self, key: str, run: Run) -> dict:
        """What is done so far; the key with it, which is kept for as long as something comes."""
        parts = self.parts
        return {
            parts.run: key,
            parts.progress: progress_bar(run),
            parts.results: {"run": key[:8], "columns": columns(run.work), "rows": list(run.entries)},
            parts.terms: table_words(run.work) if run.rows else "",
            parts.downloads: "",
        }

    def _buttons(self, running: bool) -> dict:
        return {self.parts.start: gr.Button(interactive=not running), self.parts.stop: gr.Button(visible=running)}
