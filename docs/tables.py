"""Tables of the documentation that are made of the code's own: CAM methods, metrics, variants of SCFF."""

from typing import Any

from explain.cam.methods import METHODS
from explain.metrics.catalogue import METRICS


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fills the placeholders of a page in; MkDocs calls it for each."""
    tables = {"{{ methods }}": _methods, "{{ metrics }}": _metrics}
    for placeholder, table in tables.items():
        if placeholder in markdown:
            markdown = markdown.replace(placeholder, table())
    return markdown


def _methods() -> str:
    rows = [f"| `{name}` | {method.title} | {method.description} |" for name, method in METHODS.items()]
    return "\n".join(["| `--method` | Name | What it shows |", "| --- | --- | --- |", *rows])


def _metrics() -> str:
    rows = [
        f"| {metric.title} | {metric.direction.split()[0]} | {metric.unit} | {metric.description} "
        f"({metric.reference}) |"
        for metric in METRICS.values()
    ]
    return "\n".join(["| Metric | Better is | Unit | What is measured |", "| --- | --- | --- | --- |", *rows])
