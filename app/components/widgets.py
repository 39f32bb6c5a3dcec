"""HTML components that Gradio lacks: region marker, before/after slider, table of batch results.

Each is a gr.HTML whose template never changes: content is passed as its value, and its script keeps the rest. Gradio
would re-create the whole component if content were passed as properties.
"""

from pathlib import Path

import gradio as gr

__all__ = ["asset", "before_after", "region_marker", "results_table"]


def asset(name: str) -> str:
    """Text of a file in app/assets."""
    return (Path(__file__).parents[1] / "assets" / name).read_text()


def region_marker(elem_id: str) -> gr.HTML:
    """Region marker: an image on which a box is drawn or a region brushed.

    Its value: app.components.region.marker_value. Its input event returns the picture with "box", [left, top, right,
    bottom], or "mask", a PNG as a data URL, where a region is marked.
    """
    return _component("region_marker", elem_id)


def before_after(elem_id: str) -> gr.HTML:
    """Before/after slider: two images of the same size, one covering the other up to a movable divider.

    Its value: base, the URL of the image under both heatmaps; left (a title), left_src, left_alt; the same for right.
    """
    return _component("before_after", elem_id)


def results_table(elem_id: str) -> gr.HTML:
    """Batch results: a gallery and a sortable table, with a filter.

    Its value: run (a name; a different one resets the component), columns (titles), rows (app.tabs.batch.view.entry;
    new ones are appended). Its script inserts all of them as text.
    """
    return _component("results_table", elem_id)


def _component(name: str, elem_id: str) -> gr.HTML:
    return gr.HTML(
        value=None,
        html_template=asset(f"{name}.html"),
        css_template=asset(f"{name}.css"),
        js_on_load=asset(f"{name}.js"),
        elem_id=elem_id,
        padding=False,
    )
