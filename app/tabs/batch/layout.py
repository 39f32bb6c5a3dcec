"""Components of the Batch tab and their layout."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.components.controls import OWN, OWN_PREDICTION, dropdown, layer_choice, with_help
from app.components.html import message
from app.components.templates import render
from app.components.widgets import results_table
from app.session.settings import Settings
from app.tabs.batch.archive import MOST_BYTES, MOST_IMAGES
from explain.cam.layers import FUSED
from explain.cam.methods import METHODS

__all__ = ["BatchComponents", "lay_out"]

_METRICS = [
    ("none (fastest)", "none"),
    ("drop, insertion, deletion: about 40 forward passes per model and image", "quick"),
    ("also ROAD: about 50 forward passes per model and image", "full"),
]


@dataclass(frozen=True)
class BatchComponents:
    """The components that callbacks read or update."""

    job: gr.State
    """Key of the visitor's batch job."""
    files: gr.File
    pair: gr.Dropdown
    pair_error: gr.HTML
    target: gr.Dropdown
    method: gr.Dropdown
    layer: gr.Dropdown
    metrics: gr.Radio
    start: gr.Button
    stop: gr.Button
    status: gr.HTML
    progress: gr.HTML
    results: gr.HTML
    column_glossary: gr.HTML
    downloads: gr.HTML

    def request(self) -> set[Any]:
        """Inputs of a batch job."""
        return {self.files, self.pair, self.target, self.method, self.layer, self.metrics}

    def answer(self) -> list[Any]:
        """Outputs of a batch job."""
        results = [self.status, self.progress, self.results, self.column_glossary, self.downloads]
        return [self.job, self.start, self.stop, *results]


def lay_out() -> BatchComponents:
    """Lays out the tab: files, settings and results."""
    job = gr.State(None)
    with gr.Row(elem_id="batch-layout"):
        with gr.Column(min_width=0):
            files = gr.File(label="Images or ZIP files", file_count="multiple", elem_id="batch-files", height=180)
            gr.HTML(
                f"<p class='fine'>Drop, browse or paste up to {MOST_IMAGES} images and {MOST_BYTES // 2**30} GB, in "
                "the formats listed on the Compare tab. One batch is processed at a time; others wait in a queue.</p>",
                padding=False,
            )
            with with_help("model pair"):
                pair = gr.Dropdown(label="Model pair", elem_id="batch-pair", allow_custom_value=True)
            pair_error = gr.HTML(elem_id="batch-pair-error", padding=False)
            with with_help("target class"):
                target = dropdown("Target class", [OWN], OWN_PREDICTION, "batch-target", custom=True)
            with gr.Accordion("Advanced settings", open=False, elem_id="batch-advanced"):
                methods = [(method.title, name) for name, method in METHODS.items()]
                with with_help("method"):
                    method = dropdown("Method", methods, Settings.method, "batch-method")
                with with_help("layer"):
                    layer = dropdown("Layer", [layer_choice(FUSED)], FUSED, "batch-layer", custom=True)
                with with_help("faithfulness"):
                    metrics = gr.Radio(_METRICS, value="none", label="Faithfulness metrics", elem_id="batch-metrics")
            with gr.Row():
                start = gr.Button("Explain", elem_id="batch-start", variant="primary")
                stop = gr.Button("Stop", elem_id="batch-stop", visible=False)
        with gr.Column(min_width=0):
            status = gr.HTML(message(render("batch/introduction.html")), elem_id="batch-status", padding=False)
            progress = gr.HTML(elem_id="batch-progress", padding=False)
            downloads = gr.HTML(elem_id="batch-downloads", padding=False)
            results = results_table("batch-results")
            column_glossary = gr.HTML(elem_id="batch-glossary", padding=False)
    return BatchComponents(
        job=job, files=files, pair=pair, pair_error=pair_error, target=target, method=method, layer=layer,
        metrics=metrics, start=start, stop=stop, status=status, progress=progress, results=results,
        column_glossary=column_glossary, downloads=downloads,
    )  # fmt: skip
