"""The figure of a pair's faithfulness evaluation: insertion and deletion curves, and paired differences."""

from io import BytesIO
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pairs.layout import ROLES
from pairs.report import FaithfulnessReport

__all__ = ["draw_faithfulness", "faithfulness_file"]

# Distinguishable with colour vision deficiencies, and by their dashes in grey.
_STYLES: dict[str, dict[str, Any]] = {
    "baseline": {"color": "#555555", "linestyle": "--", "label": "baseline"},
    "scff": {"color": "#00708a", "linestyle": "-", "label": "with SCFF"},
}


def faithfulness_file(subset: str) -> str:
    """File name of the figure of one subset of the split, in the pair's folder."""
    return f"faithfulness-{subset}.svg"


def draw_faithfulness(report: FaithfulnessReport) -> bytes:
    """An SVG: both networks' mean insertion and deletion curves, and the paired differences with their intervals."""
    figure = Figure(figsize=(11, 3.4), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    insertion, deletion, differences = figure.subplots(1, 3, width_ratios=(1, 1, 1.2))
    _draw_curves(insertion, report.insertion, "Insertion: higher is better", "fraction of pixels inserted")
    _draw_curves(deletion, report.deletion, "Deletion: lower is better", "fraction of pixels removed")
    insertion.set_ylabel("probability of the prediction")
    if insertion.lines:
        insertion.legend(frameon=False)
    _draw_differences(differences, report)
    data = BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "faithfulness"}):
        figure.savefig(data, format="svg", metadata={"Date": None})
    return data.getvalue()


def _draw_curves(axes: Axes, curves: dict[str, tuple[float, ...]] | None, title: str, xlabel: str) -> None:
    for role in ROLES:
        if curves and curves[role]:
            axes.plot(np.linspace(0, 1, len(curves[role])), curves[role], **_STYLES[role])
    axes.set(title=title, xlabel=xlabel, xlim=(0, 1), ylim=(0, 1))
    axes.spines[["top", "right"]].set_visible(False)


def _draw_differences(axes: Axes, report: FaithfulnessReport) -> None:
    color = _STYLES["scff"]["color"]
    labels = []
    for key, metric in reversed(report.metrics.items()):
        difference = metric.paired and metric.paired.difference
        if difference is None:
            continue
        height = len(labels)
        axes.plot([difference.low, difference.high], [height, height], color=color, linewidth=2)
        axes.plot([difference.mean], [height], "o", color=color)
        labels.append(f"{metric.title or key}\n({metric.direction})")
    axes.axvline(0, color="#999999", linewidth=1)
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set(title="SCFF minus baseline, 95 % interval", ylim=(-0.6, len(labels) - 0.4))
    axes.spines[["top", "right"]].set_visible(False)
