"""The page's glossary: each term in two sentences."""

from app.components.templates import render
from explain.cam.methods import METHODS
from explain.metrics.catalogue import METRICS

__all__ = ["TERMS", "help_with", "term"]

TERMS = {
    "SCFF": (
        "Selective cross-layer feature fusion: feature maps of earlier stages are downsampled and fused into the later "
        "ones, with channel weights that depend on the image. The classifier receives the last fused map instead of "
        "the last stage's map."
    ),
    "model pair": (
        "A baseline network and the same network with SCFF, trained alike on the same images from the same initial "
        "weights. Their heatmaps differ through the effect of the fusion and the randomness of a single training run."
    ),
    "heatmap": (
        "The evidence that a network finds for one class, by position in the image. Its resolution is that of the "
        "layer it is computed from; here it is interpolated to the image's size."
    ),
    **{method.title: method.cited_description for method in METHODS.values()},
    "method": (
        "The CAM method (class activation mapping): how the channels of a feature map are weighted to form the heatmap "
        "of a class. The Compare tab explains each."
    ),
    "layer": (
        "The feature map that the heatmap is computed from. The last feature map is the coarsest and the one that the "
        "classifier receives; stages X1, X2, ... and fused maps Y2, Y3, ... are earlier and finer."
    ),
    "target class": (
        "The class whose evidence the heatmap shows. With each network's own prediction the two maps may explain "
        "different classes; choose one class to compare them directly."
    ),
    "contrast class": (
        "The heatmap then explains the difference between the logits of the target and the contrast class. Evidence "
        "that both classes share cancels out."
    ),
    "logit": (
        "The network's output for a class before the softmax turns all outputs into probabilities. Heatmaps explain "
        "logits."
    ),
    "confidence": (
        "The probability that the network assigns to a class (softmax). Networks are often overconfident: the "
        "probability may exceed the actual accuracy."
    ),
    "normalisation": (
        "Per map, each heatmap is divided by its own maximum: colours show where the evidence is, not which network "
        "finds more of it. Shared, both are divided by the larger maximum, so that equal colours mean equal evidence."
    ),
    "difference": (
        "The normalised heatmap with SCFF minus the baseline's: red where SCFF finds more evidence, blue where it "
        "finds less. White means no difference."
    ),
    "colour map": (
        "The colours of the heatmap, from no evidence to the maximum. Inferno, viridis and cividis are perceptually "
        "uniform; jet, common in papers, suggests edges that are not in the data."
    ),
    "opacity": ("Opacity of the heatmap over the image. It affects the display only, not the computation."),
    "band": (
        "One channel of a raster file, such as near infrared; three are displayed as red, green and blue. The "
        "networks receive the displayed bands, whatever bands they were trained on."
    ),
    "faithfulness": (
        "How well a heatmap shows what the network's output really depends on. It is measured by removing or keeping "
        "the regions that the heatmap highlights and running the network again."
    ),
    "SmoothGrad": (
        "The heatmap is averaged over samples of the image with added noise. It depends less on single pixels and "
        "takes one forward pass per sample (Smilkov et al., 2017)."
    ),
    "localisation": (
        "How well the heatmap agrees with an object that you mark. The table gives the fraction of its energy inside, "
        "its overlap with the region, and whether its maximum lies inside."
    ),
    "energy inside": (
        "The fraction of the heatmap's sum that lies inside the marked region. For an uninformative map it is the "
        "region's fraction of the image (Wang et al., 2020)."
    ),
    "overlap": (
        "Intersection over union of the marked region and an equal number of the heatmap's highest pixels. 100 % is a "
        "perfect match."
    ),
    "pointing game": (
        "Whether the heatmap's maximum lies inside the marked region. It is the simplest localisation metric "
        "(Zhang et al., 2016)."
    ),
    "fusion weight": (
        "For each channel, the weight of the earlier feature map in the fused map, from 0 to 1; with SK attention, the "
        "weights of both maps add up to one. This selection per channel is the S in SCFF."
    ),
    "stage contribution": (
        "The drop in the class's logit when one stage's feature map is replaced by zeros at the input of SCFF. A "
        "negative contribution means that the stage lowers the logit."
    ),
    **{metric.label: f"{metric.description.removesuffix('.')} ({metric.reference})." for metric in METRICS.values()},
}
"""Explanations, keyed by the term as the page uses it."""


def term(word: str, label: str | None = None) -> str:
    """HTML: a term that expands to its explanation, also from the keyboard."""
    return render("components/term.html", word=word, label=label or word, explanation=TERMS[word], help=False)


def help_with(word: str) -> str:
    """HTML: a question mark that opens a term's explanation over the content below."""
    return render("components/term.html", word=word, label="?", explanation=TERMS[word], help=True)
