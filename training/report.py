"""The files that describe a pair: report.json, the model card, and its figures."""

from pathlib import Path

from pairs.faithfulness_figure import draw_faithfulness, faithfulness_file
from pairs.layout import REPORT
from pairs.model_card_markdown import model_card_markdown
from pairs.report import Report

__all__ = ["write_report"]

_MODEL_CARD = "README.md"


def write_report(folder: Path, report: Report, name: str) -> None:
    """Writes the report, and the model card and figures made from it, of the pair of that name into a folder."""
    (folder / REPORT).write_text(report.to_json())
    (folder / _MODEL_CARD).write_text(model_card_markdown(name, report))
    for subset, found in report.faithfulness.items():
        (folder / faithfulness_file(subset)).write_bytes(draw_faithfulness(found))
