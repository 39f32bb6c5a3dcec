"""Faithfulness of a session's heatmaps as a table."""

from collections.abc import Mapping

from app.components.glossary import term
from app.components.templates import render
from app.session.settings import Settings
from app.storage.analyses import CachedAnalysis
from explain.figures.labels import TITLES
from explain.metrics.catalogue import PERTURBATIONS
from explain.metrics.faithfulness import Faithfulness

__all__ = ["faithfulness_table"]


def faithfulness_table(analyses: Mapping[str, CachedAnalysis], settings: Settings) -> str:
    """HTML: the metrics measured for these heatmaps, for each pair; before that, their cost."""
    tables = [
        (name, list(measured), _rows(measured))
        for name, cached in analyses.items()
        # A copy: another session may be measuring the same example.
        if (measured := dict(cached.faithfulness.get(settings.question(cached.analysis.pair), {})))
    ]
    return render("compare/faithfulness.html", tables=tables, titles=TITLES, several=len(analyses) > 1)


def _rows(measured: Mapping[str, Faithfulness]) -> list[tuple[str, str, list[tuple[str, bool]]]]:
    """One row per metric: term, direction, and each network's value with whether it is the better one."""
    rows = []
    for metric in (metric for perturbation in PERTURBATIONS for metric in perturbation.metrics):
        values = [each.values.get(metric.key) for each in measured.values()]
        best = _best(values, metric.higher_is_better)
        cells = [(_text(value), value is not None and value == best) for value in values]
        rows.append((term(metric.label, metric.title), metric.direction, cells))
    return rows


def _best(values: list[float | bool | None], higher_is_better: bool) -> float | None:
    """The better of two values; None if there are not two, if they are equal, or if they are boolean."""
    known = [value for value in values if value is not None and not isinstance(value, bool)]
    if len(known) < 2 or known[0] == known[1]:
        return None
    return max(known) if higher_is_better else min(known)


def _text(value: float | bool | None) -> str:
    if value is None:
        return "empty map"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3f}"
