"""Labels on figures: names of networks and layers, predictions with their confidence."""

from explain.cam.analysis import Heatmap, NetworkAnalysis
from explain.cam.layers import FUSED

__all__ = ["TITLES", "layer_label", "panel_label", "panel_title", "percent"]

TITLES = {"baseline": "Baseline", "scff": "With SCFF"}


def panel_title(role: str, run: NetworkAnalysis, heatmap: Heatmap, of_class: bool = True) -> str:
    """Label of two lines: network and prediction, then the heatmap's class."""
    return f"{TITLES[role]}: {panel_label(run, heatmap, of_class)}"


def panel_label(run: NetworkAnalysis, heatmap: Heatmap, of_class: bool = True) -> str:
    """Label of two lines: prediction with confidence, then the heatmap's class if its method is class-specific."""
    classes = run.loaded.header.classes
    first = f"{classes[run.prediction]}, {percent(run.probabilities[run.prediction])}"
    over = "" if heatmap.against is None else f" over {classes[heatmap.against]}"
    if not of_class:
        return f"{first}\n{'empty map' if heatmap.empty else 'class-agnostic heatmap'}"
    if heatmap.empty:
        return f"{first}\nempty map: no evidence for {classes[heatmap.target]}{over}"
    if heatmap.target == run.prediction:
        return f"{first}\nheatmap for its prediction{over}"
    return f"{first}\nheatmap for {classes[heatmap.target]}, {percent(run.probabilities[heatmap.target])}{over}"


def layer_label(layer: str) -> str:
    """Description of a layer for captions."""
    if layer == FUSED:
        return "the last feature map"
    return f"stage {layer}" if layer[0] == "X" else f"fused map {layer} (baseline: stage X{layer[1:]})"


def percent(share: float) -> str:
    """A probability in percent, never rounded to certainty: "> 99.9 %" and "< 0.1 %" at the ends."""
    if share > 0.999:
        return "> 99.9 %"
    if share < 0.001:
        return "< 0.1 %"
    return f"{share * 100:.1f} %"
