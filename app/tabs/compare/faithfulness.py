"""What a visit's heatmaps are worth, as a table."""

from collections.abc import Mapping
from html import escape

from app.components.glossary import term
from app.session.settings import Settings
from app.storage.analyses import CachedAnalysis
from explain.figures.labels import TITLES
from explain.metrics.catalogue import PERTURBATIONS
from explain.metrics.faithfulness import Faithfulness

__all__ = ["faithfulness_table"]


def faithfulness_table(seen: Mapping[str, CachedAnalysis], settings: Settings) -> str:
    """HTML: what has been measured of these maps, by the pair's name; a hint where nothing has."""
    tables = []
    for name, each in seen.items():
        found = each.worth.get(settings.question(each.analysis.pair), {})
        if found:
            title = f"<h4>{escape(name)}</h4>" if len(seen) > 1 else ""
            tables.append(title + _table(found))
    if not tables:
        return "<p class='fine'>Does the network need what the map shows? Some 60 passes of each network tell.</p>"
    return "".join(tables)


def _table(found: dict[str, Faithfulness]) -> str:
    heads = "".join(f"<th scope='col'>{TITLES[role]}</th>" for role in found)
    rows = []
    for metric in (metric for each in PERTURBATIONS for metric in each.metrics):
        values = [each.values.get(metric.key) for each in found.values()]
        best = _best(values, metric.higher_is_better)
        cells = "".join(f"<td>{_value(value, value == best)}</td>" for value in values)
        rows.append(
            f"<tr><th scope='row'>{term(metric.label, metric.title)} <span class='fine'>{metric.direction}</span></th>"
            f"{cells}</tr>"
        )
    return f"<table class='figures'><thead><tr><th></th>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _best(values: list[float | bool | None], higher: bool) -> float | None:
    """The better of two, None where they are not two, are equal, or are a yes and a no."""
    known = [value for value in values if value is not None and not isinstance(value, bool)]
    if len(known) < 2 or known[0] == known[1]:
        return None
    return max(known) if higher else min(known)


def _value(value: float | bool | None, best: bool) -> str:
    if value is None:
        return "empty map"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"<b>{value:.3f} ✓</b>" if best else f"{value:.3f}"
