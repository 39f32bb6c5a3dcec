"""What the Batch tab consists of, and how it is laid out."""

from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from app.components.controls import OWN, choice, layer_choice, with_help
from app.components.html import message
from app.components.widgets import results
from app.session.settings import OWN_PREDICTION, Settings
from app.tabs.batch.archive import MOST_BYTES, MOST_IMAGES
from explain.cam.layers import FUSED
from explain.cam.methods import METHODS

__all__ = ["BatchComponents", "lay_out"]

_EMPTY = (
    "Choose images, or a ZIP of them, and press <b>Explain</b>: every image is shown with both networks' heatmaps, and "
    "all answers come as a table."
)
_MEASURES = [
    ("nothing: quickest", "none"),
    ("drop, insertion, deletion: some 40 passes of each network an image", "quick"),
    ("ROAD as well: some 60 passes", "full"),
]


@dataclass(frozen=True)
class BatchComponents:
    """What the tab consists of, as far as it changes."""

    job: gr.State
    """The key of the visitor's batch."""
    files: gr.File
    pair: gr.Dropdown
    trouble: gr.HTML
    """With the pair."""
    target: gr.Dropdown
    method: gr.Dropdown
    layer: gr.Dropdown
    measure: gr.Radio
    start: gr.Button
    stop: gr.Button
    status: gr.HTML
    progress: gr.HTML
    results: gr.HTML
    terms: gr.HTML
    downloads: gr.HTML

    def request(self) -> list[Component]:
        """What a batch is asked."""
        return [self.files, self.pair, self.target, self.method, self.layer, self.measure]

    def answer(self) -> list[Component]:
        """What a batch changes."""
        shown = [self.status, self.progress, self.results, self.terms, self.downloads]
        return [self.job, self.start, self.stop, *shown]


def lay_out() -> BatchComponents:
    """Places everything on the tab."""
    job = gr.State(None)
    with gr.Row(elem_id="batch-layout"):
        with gr.Column(min_width=0):
            files = gr.File(label="Images or ZIPs", file_count="multiple", elem_id="batch-files", height=180)
            gr.HTML(
                f"<p class='fine'>Drop, browse or paste up to {MOST_IMAGES} images and {MOST_BYTES // 2**30} GB, of "
                "the kinds that Compare takes. One batch is worked on at a time; others wait in line.</p>",
                padding=False,
            )
            with with_help("pair"):
                pair = gr.Dropdown(label="Pair of networks", elem_id="batch-pair", allow_custom_value=True)
            trouble = gr.HTML(elem_id="batch-trouble", padding=False)
            with with_help("target"):
                target = choice("Show evidence for", [OWN], OWN_PREDICTION, "batch-target", free=True)
            with gr.Accordion("More questions", open=False, elem_id="batch-questions"):
                methods = [(method.title, name) for name, method in METHODS.items()]
                method = choice("Method", methods, Settings.method, "batch-method")
                with with_help("layer"):
                    layer = choice("Layer", [layer_choice(FUSED)], FUSED, "batch-layer", free=True)
                with with_help("faithfulness"):
                    measure = gr.Radio(
                        _MEASURES, value="none", label="Measure the maps' faithfulness", elem_id="batch-measure"
                    )
            with gr.Row():
                start = gr.Button("Explain", elem_id="batch-start", variant="primary")
                stop = gr.Button("Stop", elem_id="batch-stop", visible=False)
        with gr.Column(min_width=0):
            status = gr.HTML(message(_EMPTY), elem_id="batch-status", padding=False)
            progress = gr.HTML(elem_id="batch-progress", padding=False)
            downloads = gr.HTML(elem_id="batch-downloads", padding=False)
            found = results("batch-results")
            terms = gr.HTML(elem_id="batch-terms", padding=False)
    return BatchComponents(
        job,
        files,
        pair,
        trouble,
        target,
        method,
        layer,
        measure,
        start,
        stop,
        status,
        progress,
        found,
        terms,
        downloads,
    )
