"""The page: its tabs, its looks, and what happens when somebody arrives."""

import gradio as gr
from fastapi import FastAPI

from app import models_tab, programs
from app.compare import Compare, wire
from app.compare_parts import lay_out
from app.drawn_scenes import SCENES, draw
from app.own_files import refuse_addresses
from app.pairs import PairFolder
from app.shelf import Shelf
from app.sight import Sight
from app.visit import HOUR
from app.widgets import asset

__all__ = ["CSS", "SCRIPT", "THEME", "build_page"]

_FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif")
_MONO = ("ui-monospace", "Menlo", "Consolas", "monospace")
THEME = gr.themes.Default(primary_hue="teal", neutral_hue="slate", font=_FONT, font_mono=_MONO)
CSS = "\n".join(map(asset, ("page.css", "cards.css")))
SCRIPT = asset("paste.js")

_INTRODUCTION = (
    "<h1>SCFF Lens</h1><p>Where do a network and the same network with <b>SCFF</b> (selective cross-layer feature "
    "fusion) look in an aerial image, and how far can the heatmaps be trusted?</p>"
)


def build_page(pairs: PairFolder, server: FastAPI) -> gr.Blocks:
    """The whole page over a folder of pairs; pictures and downloads are served by the server given."""
    drawings = [draw(name) for name in SCENES]
    shelf = Shelf(HOUR)
    shelf.serve(server)
    with gr.Blocks(title="SCFF Lens", analytics_enabled=False, delete_cache=(HOUR, HOUR)) as page:
        gr.HTML(_INTRODUCTION, elem_id="intro", padding=False)
        networks = {"concurrency_id": "networks", "concurrency_limit": 2}
        private = {"api_visibility": "private", **networks}
        with gr.Tabs():
            with gr.Tab("Compare", id="compare", elem_id="compare"):
                parts = lay_out(drawings)
                compare = Compare(Sight(pairs, shelf), drawings, parts)
                wire(parts, compare, private)
            with gr.Tab("Models", id="models", elem_id="models") as models:
                cards = models_tab.lay_out()
                models.select(lambda: models_tab.all_cards(pairs), None, cards, **private)
        arrived = page.load(compare.arrive, None, parts.everything(), **private)
        arrived.then(None, None, None, js="() => { window.scffLensArrived = true; }")
        parts.link.change(None, parts.link, None, js=asset("keep_link.js"))
        programs.offer(pairs, networks)
        refuse_addresses(page)
    return page
