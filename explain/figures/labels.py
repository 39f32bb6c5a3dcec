"""Texts on figures: names of networks and layers, predictions with their probabilities."""

from explain.cam.analysis import Heatmap, NetworkAnalysis
from explain.cam.layers import FUSED

__all__ = ["TITLES", "layer_label", "panel_label", "panel_title", "percent"]

TITLES = {"baseline": "Baseline", "scff": "With SCFF"}


def panel_title(role: str, run: NetworkAnalysis, heatmap: Heatmap, of_class: bool = True) -> str:
    """Two lines: which network predicts what, and what its heatmap shows."""
    return f"{TITLES[role]}: {panel_label(run, heatmap, of_class)}"


def panel_label(run: NetworkAnalysis, heatmap: Heatmap, of_class: bool = True) -> str:
    """Two lines: what a network predicts, and what its heatmap, by a method that knows a class or not, shows."""
    classes = run.loaded.header.classes
    first = f"{classes[run.prediction]}, {percent(run.probabilities[run.prediction])}"
    over = "" if heatmap.against is None else f" over {classes[heatmap.against]}"
    if not of_class:
        return f"{first}\n{'empty map' if heatmap.empty else 'heatmap of no class'}"
    if heatmap.empty:
        return f"{first}\nempty map: no evidence for {classes[heatmap.target]}{over}"
    if heatmap.target == run.prediction:
        return f"{first}\nheatmap of its prediction{over}"
    return f"{first}\nheatmap of {classes[heatmap.target]}, {percent(run.probabilities[heatmap.target])}{over}"


def layer_label(layer: str) -> str:
    """What a layer is, for captions."""
    if layer == FUSED:
        return "the classifier's input"
    return f"stage {layer}" if layer[0] == "X" else f"fused map {layer} (without SCFF: stage X{layer[1:]})"


def percent(share: float) -> str:
    """A probability in words that never round to certainty: at most 99.9 %, at least 0.1 %."""
    if share > 0.999:
        return "> 99.9 %"
    if share < 0.001:
        return "< 0.1 %"
    return f"{share * 100:.1f} %"
