"""The page: its tabs, its looks, and what happens when somebody arrives."""

import gradio as gr
from fastapi import FastAPI

from app.api.registration import register_endpoints
from app.components.glossary import help_with
from app.components.html import message
from app.components.widgets import asset
from app.example_scenes import SCENES, draw
from app.session.analysis import SessionAnalyses
from app.storage.downloads import DownloadStore
from app.storage.uploads import RETENTION_SECONDS
from app.tabs.batch import callbacks as batch
from app.tabs.batch import layout as batch_parts
from app.tabs.batch.jobs import BatchJobs
from app.tabs.compare import callbacks as compare
from app.tabs.compare import layout as compare_parts
from app.tabs.inside.callbacks import Inside
from app.tabs.models import callbacks as models
from app.tabs.models import layout as models_layout
from app.upload_security import refuse_remote_urls
from pairs.folder import PairFolder

__all__ = ["CSS", "SCRIPT", "THEME", "build_page"]

_FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
_MONO = ("ui-monospace", "Menlo", "Consolas", "monospace")
# Gradio's own shades of these are too pale to be read by all.
THEME = gr.themes.Default(primary_hue="teal", neutral_hue="slate", font=_FONT, font_mono=_MONO).set(
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
SCRIPT = f"() => {{ ({asset('paste.js')})(); ({asset('keys.js')})(); }}"

_INTRODUCTION = (
    "<h1>SCFF Lens</h1><p>Where do a network and the same network with <b>SCFF</b> (selective cross-layer feature "
    f"fusion) look in an aerial image, and how far can the heatmaps be trusted?</p>{help_with('SCFF')}"
)


def build_page(pairs: PairFolder, server: FastAPI) -> gr.Blocks:
    """The whole page over a folder of pairs; pictures and downloads are served by the server given."""
    refuse_remote_urls()
    drawings = [draw(name) for name in SCENES]
    shelf = DownloadStore(RETENTION_SECONDS)
    batch_shelf = DownloadStore(RETENTION_SECONDS, most=16_000, route="/batch")  # strips and figures, by the hundred
    for each in (shelf, batch_shelf):
        each.serve(server)
    with gr.Blocks(
        title="SCFF Lens", analytics_enabled=False, delete_cache=(RETENTION_SECONDS, RETENTION_SECONDS)
    ) as page:
        networks = {"concurrency_id": "networks", "concurrency_limit": 2}
        register_endpoints(
            pairs, networks
        )  # first: Gradio names private events too, and gives a name that is taken a number
        gr.HTML(_INTRODUCTION, elem_id="intro", padding=False)
        private = {"api_visibility": "private", **networks}
        with gr.Tabs() as tabs:
            with gr.Tab("Compare", id="compare", elem_id="compare"):
                parts, sight = compare_parts.lay_out(drawings), SessionAnalyses(pairs, shelf)
                comparing = compare.Compare(sight, drawings, parts)
                compare.wire(parts, comparing, private)
            with gr.Tab("Inside", id="inside", elem_id="inside") as tab:
                body = gr.HTML(message("Loading …"), elem_id="inside-body", padding=False)
                tab.select(Inside(sight).show, [parts.visit, *parts.settings()], body, **private)
            with gr.Tab("Batch", id="batch", elem_id="batch") as tab:
                many = batch_parts.lay_out()
                batch.wire(tab, many, batch.Batch(pairs, BatchJobs(RETENTION_SECONDS), batch_shelf, many), private)
            with gr.Tab("Models", id="models", elem_id="models") as tab:
                models.wire(tab, models_layout.lay_out(), pairs, private)

        def opened(request: gr.Request) -> gr.Tabs:
            """The tab that the address asks for, where there is one."""
            asked = request.query_params.get("tab")
            return gr.Tabs(selected=asked) if asked in {tab.id for tab in tabs.children} else gr.Tabs()

        arrived = page.load(comparing.arrive, None, parts.everything(), show_progress_on=parts.status, **private)
        # Not before: what a tab shows when it is opened is of the image that the visitor arrives at.
        arrived.then(opened, None, tabs, queue=False, api_visibility="private")
        arrived.then(None, None, None, js="() => { window.scffLensArrived = true; }")
        parts.link.change(None, parts.link, None, js=asset("keep_link.js"))
    # Otherwise everybody in line is told whenever anybody's turn comes: with the square of their number.
    return page.queue(status_update_rate=1)
