"""Labels on figures: names of networks and layers, predictions with their confidence, resizing of the image."""

from explain.cam.analysis import Heatmap, NetworkAnalysis, PairAnalysis
from explain.cam.layers import FUSED

__all__ = ["TITLES", "layer_label", "panel_label", "panel_title", "percent", "resized_text"]

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


def resized_text(analysis: PairAnalysis) -> str:
    """Resizing of the image for the networks, such as "resized from 4000 x 3000 to 200 x 200 pixels, ..."."""
    size, whole = analysis.pair.preprocessing.size[::-1], analysis.image.shape[1::-1]  # (width, height)
    across, down = (_factor(full, part) for full, part in zip(whole, size, strict=True))
    if across is None and down is None:
        return f"at its own size of {whole[0]} x {whole[1]} pixels"
    factors = [f"{across} horizontally" if across else "", f"{down} vertically" if down else ""]
    factor = across if across == down else " and ".join(filter(None, factors))
    return f"resized from {whole[0]} x {whole[1]} to {size[0]} x {size[1]} pixels, {factor}"


def _factor(full: int, part: int) -> str | None:
    """Scale factor along one side as text; None for 1."""
    if full == part:
        return None
    return f"downsampled {full / part:.3g}x" if full > part else f"upsampled {part / full:.3g}x"
