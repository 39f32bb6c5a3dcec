"""What the words on the page mean, each in two sentences."""

from html import escape

from explain.cam.methods import METHODS
from explain.metrics.catalogue import METRICS

__all__ = ["TERMS", "help_with", "term"]

TERMS = {
    "SCFF": (
        "Selective cross-layer feature fusion: the maps of a network's earlier stages are brought to the size of "
        "the later ones and mixed in, channel by channel, by weights that depend on the image. The last mixture, "
        "and not the last stage, is what the classifier receives."
    ),
    "pair": (
        "A baseline network and the same network with SCFF, trained alike on the same scenes from the same start. "
        "What differs between their heatmaps is what the fusion has changed, and the chance of one training."
    ),
    "heatmap": (
        "It says where in the image a network finds evidence for one class. It is as coarse as the layer it is "
        "taken from, here interpolated to the image's size."
    ),
    **{method.title: method.cited_description for method in METHODS.values()},
    "layer": (
        "Where in the network the heatmap is taken. The classifier's input is coarse and final; fused maps Y2, "
        "Y3, and so on, and the stages X1, X2, and so on, are finer and earlier."
    ),
    "target": (
        "The class for which the heatmap shows evidence. With each network's own prediction the two maps may be "
        "about different classes; choose one class to hold them against each other."
    ),
    "contrast": (
        "The heatmap then shows what speaks for the target over this class, by the difference of their logits. "
        "Evidence that both share falls away."
    ),
    "logit": (
        "The number that a network gives a class before all classes are turned into probabilities. Heatmaps "
        "explain logits."
    ),
    "confidence": (
        "The probability that a network gives to a class, between 0 and 100 %. Networks are often surer than they "
        "are right."
    ),
    "colour scale": (
        "Per map, each runs from zero to its own maximum: colours say where a network looks, not which one finds "
        "more. Shared, both run to the larger maximum, so that equal colours are equal evidence."
    ),
    "difference": (
        "The map with SCFF less the baseline's, as scaled: red where SCFF finds more, blue where it finds less. "
        "White is no difference."
    ),
    "colour map": (
        "The colours in which a heatmap's values are drawn, from nothing to most. Inferno, viridis and cividis rise "
        "evenly in brightness; jet, that of many papers, shows edges where there are none."
    ),
    "strength": (
        "How much of what is seen is the heatmap's colour; the rest is the image. It changes the picture alone, and "
        "nothing that is computed."
    ),
    "band": (
        "One layer of a file's samples, such as near infrared; a picture shows three of them as red, green and blue. "
        "The networks are given what is shown, and know only what they were trained with."
    ),
    "faithfulness": (
        "How far a heatmap shows what the network needs, and not just what looks right. It is measured by taking "
        "from the image what the map shows, or leaving that alone, and asking the network again."
    ),
    "smoothing": (
        "The heatmap is the mean over copies of the image with a little noise. It shows less of what hangs on "
        "single pixels, and takes as many passes as there are copies."
    ),
    **{metric.label: f"{metric.description.removesuffix('.')} ({metric.reference})." for metric in METRICS.values()},
    "energy inside": (
        "The share of the heatmap that lies in the marked region. A map that knows nothing would have as much "
        "inside as the region has of the image."
    ),
    "overlap": (
        "How far the marked region and as many of the map's hottest pixels cover each other: their common area "
        "over their joint one. 100 % is a perfect match."
    ),
    "pointing game": (
        "Whether the map's hottest pixel lies in the marked region. The simplest question one can ask of a "
        "heatmap (Zhang et al., 2016)."
    ),
    "fusion weight": (
        "For each channel, how much of the earlier map goes into the mixture, from 0 to 1; the rest is the "
        "stage's own. This choice is what the S in SCFF stands for."
    ),
    "stage share": (
        "By how much the class's logit falls when one stage's map is replaced by zeros where SCFF takes it. Below "
        "zero the stage speaks against the class."
    ),
}
"""By the word that the page uses."""


def term(word: str, shown: str | None = None) -> str:
    """HTML: a word of TERMS that opens its explanation in place, with the keyboard too."""
    return (
        f"<details class='term'><summary title='What is this?'>{escape(shown or word)}</summary>"
        f"<span>{escape(TERMS[word])}</span></details>"
    )


def help_with(word: str) -> str:
    """HTML: a question mark that opens a word of TERMS over what is beneath."""
    return (
        f"<details class='term help'><summary aria-label='{escape(word)}: what is this?' title='What is this?'>?"
        f"</summary><span>{escape(TERMS[word])}</span></details>"
    )
