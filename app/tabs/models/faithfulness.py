"""A pair's faithfulness evaluation as HTML: a table of metrics and the mean curves, for each subset of the split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from app.components.charts import line_chart
from app.components.templates import render
from explain.cam.layers import FUSED
from explain.cam.methods import METHODS
from explain.figures.labels import TITLES, layer_label
from explain.metrics.catalogue import METRICS
from pairs.metrics import Metric
from pairs.report import FaithfulnessReport, MetricResult
from pairs.report_reading import PartialReport
from pairs.statistics import Interval

__all__ = ["faithfulness_html"]

_COLUMNS = ("Metric", "Better", *TITLES.values(), "SCFF minus baseline", "Better on images", "Conclusion")
_FIELDS = ("baseline", "scff", "paired")


@dataclass(frozen=True)
class _Subset:
    """A subset of the split."""

    title: str
    method: str | None
    layer: str | None
    images: str | None
    empty: str | None
    rows: list[tuple[str | None, ...]]
    metrics: list[Metric]
    """The metrics that have a description."""
    charts: dict[str, Markup | None]


def faithfulness_html(partial: PartialReport, subset_titles: Mapping[str, str]) -> Markup:
    """HTML: both networks' metrics on each evaluated subset, or a message that there is none."""
    found = dict(partial.report.faithfulness)
    found |= {subset: FaithfulnessReport() for subset in partial.invalid_keys("faithfulness")}
    subsets = [
        _subset(subset, subset_titles.get(subset, subset), section, partial) for subset, section in found.items()
    ]
    return render(
        "models/faithfulness.html", invalid=("faithfulness",) in partial.invalid, columns=_COLUMNS, subsets=subsets
    )


def _subset(subset: str, title: str, found: FaithfulnessReport, partial: PartialReport) -> _Subset:
    path = ("faithfulness", subset, "metrics")
    rows = [
        _row(key, metric, all(partial.is_valid(*path, key, field) for field in _FIELDS))
        for key, metric in found.metrics.items()
    ]
    rows += [_row(key, MetricResult(), False) for key in partial.invalid_keys(*path)]
    charts: dict[str, Markup | None] = {}
    for heading, curves, across in (
        ("Insertion: mean probability", found.insertion, "pixels inserted, %"),
        ("Deletion: mean probability", found.deletion, "pixels removed, %"),
    ):
        lines = {role: _points(curve) for role, curve in (curves or {}).items() if curve}
        charts[heading] = Markup(line_chart(heading, lines, across, True)) if lines else None
    return _Subset(
        title=title.capitalize(),
        method=found.method_title or (METHODS[found.method].title if found.method in METHODS else found.method),
        layer=found.layer_title or _layer_title(found.layer),
        images=None if found.images is None else f"{found.images:,}",
        empty=None if found.empty is None else ", ".join(f"{TITLES[r]} {count}" for r, count in found.empty.items()),
        rows=rows,
        metrics=[METRICS[key] for key in found.metrics if key in METRICS],
        charts=charts,
    )


def _layer_title(layer: str | None) -> str | None:
    if layer is None or not (layer == FUSED or (layer[:1] in ("X", "Y") and layer[1:].isdecimal())):
        return layer
    return layer_label(layer)


def _row(key: str, found: MetricResult, complete: bool) -> tuple[str | None, ...]:
    """A metric's row; reports of version 1 have neither its title nor its direction."""
    known = METRICS.get(key)
    title = found.title or (known.title if known else key)
    higher = known.higher_is_better if found.higher_is_better is None and known else found.higher_is_better
    better = "unknown" if higher is None else "higher" if higher else "lower"
    both = found.paired
    if both is None or not complete:
        return (title, better, *[None] * 5)
    counts = f"baseline {both.baseline_better}, SCFF {both.scff_better}, equal {both.equal}"
    means = map(_interval, found.by_role.values())
    return (title, better, *means, _interval(both.difference, "+"), counts, _conclusion(both.difference, higher))


def _conclusion(difference: Interval | None, higher_is_better: bool | None) -> str:
    """Which network's heatmaps are better, where the interval of the difference excludes zero."""
    if difference is None or higher_is_better is None:
        return "–"
    if difference.low <= 0 <= difference.high:
        return "no significant difference"
    return "SCFF better" if (difference.mean > 0) == higher_is_better else "baseline better"


def _points(curve: Sequence[float]) -> list[tuple[float, float]]:
    """Points of a curve over the percentage of pixels, 0 to 100."""
    return [(100 * step / max(1, len(curve) - 1), value) for step, value in enumerate(curve)]


def _interval(found: Interval | None, sign: str = "") -> str:
    if found is None:
        return "no image has a value"
    mean, low, high = (
        f"{round(value, 3) + 0.0:{sign}.3f}".replace("-", "−") for value in (found.mean, found.low, found.high)
    )
    return Markup("{} <span class='interval'>[{}, {}]</span>").format(mean, low, high)
