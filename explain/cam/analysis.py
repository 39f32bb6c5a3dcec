"""Analysis of an image by a pair: both networks run once, then heatmaps of any layer, class and method."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explain.cam.forward_pass import ForwardPass, forward_pass
from explain.cam.question import Question, Target
from pairs.checkpoint import LoadedNetwork
from pairs.pair import Pair

__all__ = ["Heatmap", "NetworkAnalysis", "PairAnalysis", "analyse"]


@dataclass(frozen=True)
class Heatmap:
    """Class activation map of one network for one class."""

    values: np.ndarray
    """float32 [h, w], non-negative, not normalised."""
    target: int
    """Index of the target class."""
    against: int | None = None
    """Index of the contrast class, if any."""

    @property
    def empty(self) -> bool:
        """Whether the map is zero everywhere: no evidence for the class."""
        return not self.values.max() > 0


@dataclass(frozen=True)
class NetworkAnalysis:
    """One network's forward pass over one image."""

    loaded: LoadedNetwork
    forward_pass: ForwardPass
    probabilities: np.ndarray
    """Softmax of the logits, float64 [classes]."""

    @property
    def prediction(self) -> int:
        """Class index of the highest probability."""
        return int(self.probabilities.argmax())

    def target(self, question: Question) -> Target:
        """The score to explain; that of this network's own prediction if the question names no class."""
        return Target(self.prediction if question.target is None else question.target, question.against)

    def all_heatmaps(self, question: Question, layers: Sequence[str]) -> dict[str, Heatmap]:
        """Heatmaps at several layers, keyed by layer, from one backward pass; the question's own layer is ignored.

        Raises:
            BadInputError: a layer or the method is unknown.
        """
        target = self.target(question)
        maps = self.forward_pass.all_heatmaps([target], layers, question.method, question.smoothing)
        return {layer: Heatmap(values[0].cpu().numpy(), target.index, target.against) for layer, values in maps.items()}


@dataclass(frozen=True)
class PairAnalysis:
    """Both networks' forward passes over one image."""

    pair: Pair
    image: np.ndarray
    """RGB uint8 [H, W, 3]."""
    baseline: NetworkAnalysis
    scff: NetworkAnalysis

    @property
    def networks(self) -> dict[str, NetworkAnalysis]:
        """Both networks' analyses by role, in display order."""
        return {"baseline": self.baseline, "scff": self.scff}

    def heatmaps(self, question: Question = Question()) -> dict[str, Heatmap]:
        """Both heatmaps by role; runs no more of the networks than it must (explain.cam.forward_pass).

        Raises:
            BadInputError: the layer or the method is unknown.
        """
        return self.all_heatmaps(question, [question.layer])[question.layer]

    def all_heatmaps(self, question: Question, layers: Sequence[str]) -> dict[str, dict[str, Heatmap]]:
        """Both heatmaps by layer and role."""
        found = {role: run.all_heatmaps(question, layers) for role, run in self.networks.items()}
        return {layer: {role: maps[layer] for role, maps in found.items()} for layer in layers}


def analyse(pair: Pair, image: np.ndarray) -> PairAnalysis:
    """Runs both networks once.

    Args:
        pair: preferably inference-ready (pairs.inference).
        image: RGB uint8 [H, W, 3], any size; it is resized to the networks' input size as a whole.

    Raises:
        BadInputError: a network's output is not finite.
    """
    batch = pair.preprocessing(image).to(pair.device)
    found = {}
    for role, loaded in pair.networks.items():
        run = forward_pass(loaded.network, batch)
        found[role] = NetworkAnalysis(loaded, run, run.probabilities[0])
    return PairAnalysis(pair, image, **found)
