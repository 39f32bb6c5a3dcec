"""What a pair's heatmaps are worth over a part, drawn."""

from io import BytesIO

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pairs.checkpoint import ROLES
from training.faithfulness_evaluation import MEASURES, FaithfulnessReport

__all__ = ["draw_faithfulness"]

# Told apart by the colour-blind, and by their lines in grey.
_LOOKS = {
    "baseline": {"color": "#555555", "linestyle": "--", "label": "baseline"},
    "scff": {"color": "#00708a", "linestyle": "-", "label": "with SCFF"},
}


def draw_faithfulness(report: FaithfulnessReport) -> bytes:
    """An SVG: both networks' mean insertion and deletion curves, and the paired differences with their intervals."""
    figure = Figure(figsize=(11, 3.4), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    insertion, deletion, differences = figure.subplots(1, 3, width_ratios=(1, 1, 1.2))
    _curves(insertion, report.insertion, "Insertion: higher is better", "share of pixels made sharp")
    _curves(deletion, report.deletion, "Deletion: lower is better", "share of pixels taken away")
    insertion.set_ylabel("probability of the prediction")
    if insertion.lines:
        insertion.legend(frameon=False)
    _differences(differences, report)
    data = BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "faithfulness"}):
        figure.savefig(data, format="svg", metadata={"Date": None})
    return data.getvalue()


def _curves(axes: Axes, curves: dict[str, list[float]], title: str, below: str) -> None:
    for role in ROLES:
        if curves[role]:
            axes.plot(np.linspace(0, 1, len(curves[role])), curves[role], **_LOOKS[role])
    axes.set(title=title, xlabel=below, xlim=(0, 1), ylim=(0, 1))
    axes.spines[["top", "right"]].set_visible(False)


def _differences(axes: Axes, report: FaithfulnessReport) -> None:
    names = [name for name, found in report.measures.items() if found.paired.difference is not None]
    for place, name in enumerate(reversed(names)):
        found = report.measures[name].paired.difference
        axes.plot([found.low, found.high], [place, place], color=_LOOKS["scff"]["color"], linewidth=2)
        axes.plot([found.mean], [place], "o", color=_LOOKS["scff"]["color"])
    axes.axvline(0, color="#999999", linewidth=1)
    better = {True: "higher is better", False: "lower is better"}
    labels = [f"{MEASURES[name].title}\n({better[MEASURES[name].higher_is_better]})" for name in reversed(names)]
    axes.set_yticks(range(len(names)), labels, fontsize=8)
    axes.set(title="SCFF minus baseline, 95 % interval", ylim=(-0.6, len(names) - 0.4))
    axes.spines[["top", "right"]].set_visible(False)
