"""The page: its tabs, its theme, and the callbacks on page load."""

import gradio as gr
from fastapi import FastAPI
from gradio.themes import Default

from app.api.registration import register_endpoints
from app.components.glossary import help_with
from app.components.templates import render
from app.components.widgets import asset
from app.example_scenes import SCENES, draw
from app.session.analysis import SessionAnalyses
from app.storage.downloads import DownloadStore
from app.storage.uploads import RETENTION_SECONDS
from app.tabs.batch import callbacks as batch
from app.tabs.batch import layout as batch_layout
from app.tabs.batch.jobs import BatchJobs
from app.tabs.compare import callbacks as compare
from app.tabs.compare import layout as compare_layout
from app.tabs.inside import callbacks as inside
from app.tabs.inside import layout as inside_layout
from app.tabs.models import callbacks as models
from app.tabs.models import layout as models_layout
from app.upload_security import refuse_remote_urls
from pairs.folder import PairFolder

__all__ = ["CSS", "SCRIPT", "THEME", "build_page"]

_FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
_MONO = ("ui-monospace", "Menlo", "Consolas", "monospace")
# Gradio's defaults for these lack contrast (WCAG AA).
THEME = Default(primary_hue="teal", neutral_hue="slate", font=_FONT, font_mono=_MONO).set(
    color_accent="*primary_600",
    button_primary_background_fill="*primary_700",
    button_primary_background_fill_dark="*primary_700",
    button_primary_background_fill_hover="*primary_800",
    button_primary_background_fill_hover_dark="*primary_800",
    block_info_text_color="*neutral_600",
    block_info_text_color_dark="*neutral_300",
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_300",
    input_placeholder_color="*neutral_600",
    input_placeholder_color_dark="*neutral_300",
    link_text_color="*primary_700",
    link_text_color_dark="*primary_300",
    link_text_color_hover_dark="*primary_200",
    link_text_color_active_dark="*primary_300",
    link_text_color_visited_dark="*primary_300",
)
CSS = "\n".join(map(asset, ("page.css", "cards.css", "inside.css", "batch.css")))
SCRIPT = f"() => {{ ({asset('paste.js')})(); ({asset('accessibility.js')})(); }}"


def build_page(pairs: PairFolder, server: FastAPI) -> gr.Blocks:
    """The page for a folder of pairs; its images and downloads are served by the server."""
    refuse_remote_urls()
    examples = [draw(name) for name in SCENES]
    downloads = DownloadStore(RETENTION_SECONDS)
    batch_downloads = DownloadStore(RETENTION_SECONDS, most=16_000, route="/batch")  # a batch has hundreds of images
    for store in (downloads, batch_downloads):
        store.serve(server)
    analyses = SessionAnalyses(pairs, downloads)
    with gr.Blocks(
        title="SCFF Lens", analytics_enabled=False, delete_cache=(RETENTION_SECONDS, RETENTION_SECONDS)
    ) as page:
        concurrency = {"concurrency_id": "networks", "concurrency_limit": 2}
        # Registered first: Gradio names private events too, and would append a number to a name that is taken.
        register_endpoints(pairs, concurrency)
        gr.HTML(render("page_header.html", help=help_with("SCFF")), elem_id="intro", padding=False)
        private = {"api_visibility": "private", **concurrency}
        with gr.Tabs() as tabs:
            with gr.Tab("Compare", id="compare", elem_id="compare"):
                compared = compare_layout.lay_out(examples)
                comparing = compare.Compare(analyses, examples, compared)
                compare.bind_callbacks(compared, comparing, private)
            with gr.Tab("Layers and fusion", id="inside", elem_id="inside") as tab:
                inside.bind_callbacks(tab, inside_layout.lay_out(), compared, inside.Inside(analyses), private)
            with gr.Tab("Batch", id="batch", elem_id="batch") as tab:
                laid_out = batch_layout.lay_out()
                callbacks = batch.Batch(pairs, BatchJobs(RETENTION_SECONDS), batch_downloads, laid_out)
                batch.bind_callbacks(tab, laid_out, callbacks, private)
            with gr.Tab("Models", id="models", elem_id="models") as tab:
                models.bind_callbacks(tab, models_layout.lay_out(), pairs, private)

        def linked_tab(request: gr.Request) -> gr.Tabs:
            """Selects the tab that a link names."""
            linked = request.query_params.get("tab")
            known = {tab.id for tab in tabs.children if isinstance(tab, gr.Tab)}
            return gr.Tabs(selected=linked) if linked in known else gr.Tabs()

        arrived = page.load(
            comparing.arrive, compared.ordering(), compared.everything(), show_progress_on=compared.status, **private
        )
        # Only now: a tab's content depends on the image of the link, which must have been restored.
        arrived.then(linked_tab, None, tabs, queue=False, api_visibility="private")
        arrived.then(None, None, None, js="() => { window.scffLensArrived = true; }")
        compared.link.change(None, compared.link, None, js=asset("keep_link.js"))
    # By default each change of the queue is sent to all clients in it, which is quadratic in their number.
    return page.queue(status_update_rate=1)
