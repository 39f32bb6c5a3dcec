"""What a visit's heatmaps are worth, as a table."""

from collections.abc import Mapping
from html import escape

from app.components.glossary import term
from app.session.settings import Settings
from app.storage.analyses import CachedAnalysis
from explain.figures.labels import TITLES
from explain.metrics.faithfulness import Faithfulness

__all__ = ["faithfulness_table"]

_FIGURES = (
    ("drop", "drop in confidence", "drop", False),
    ("insertion", "insertion", "insertion_area", True),
    ("deletion", "deletion", "deletion_area", False),
    ("ROAD", "ROAD", "road", True),
)


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
    for word, shown, attribute, higher in _FIGURES:
        values = {role: getattr(each, attribute) for role, each in found.items()}
        best = _best(list(values.values()), higher)
        cells = "".join(f"<td>{_number(value, value == best)}</td>" for value in values.values())
        better = "higher" if higher else "lower"
        rows.append(
            f"<tr><th scope='row'>{term(word, shown)} <span class='fine'>{better} is better</span></th>{cells}</tr>"
        )
    increases = "".join(f"<td>{_yes(each.increase)}</td>" for each in found.values())
    rows.append(f"<tr><th scope='row'>{term('increase', 'increase in confidence')}</th>{increases}</tr>")
    return f"<table class='figures'><thead><tr><th></th>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _best(values: list[float | None], higher: bool) -> float | None:
    """The better of two, None where they are not two or are equal."""
    known = [value for value in values if value is not None]
    if len(known) < 2 or known[0] == known[1]:
        return None
    return max(known) if higher else min(known)


def _number(value: float | None, best: bool) -> str:
    if value is None:
        return "empty map"
    return f"<b>{value:.3f} ✓</b>" if best else f"{value:.3f}"


def _yes(value: bool | None) -> str:
    return "empty map" if value is None else "yes" if value else "no"
