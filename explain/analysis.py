"""An image seen by a pair: both networks run once, then any number of questions."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from explain.gradcam import gradcam_plus_plus
from models.checkpoint import LoadedNetwork, Pair
from models.errors import BadInputError

__all__ = ["LAYERS", "METHODS", "Heatmap", "NetworkAnalysis", "PairAnalysis", "analyse"]

LAYERS = ("fused",)
"""Layers that can be explained: the classifier's input, Yn with SCFF and Xn without."""
METHODS = ("gradcam++",)


@dataclass(frozen=True)
class Heatmap:
    """Where one network finds evidence for one class."""

    values: np.ndarray
    """float32 [h, w], at least zero, not scaled."""
    target: int
    """Class index."""

    @property
    def empty(self) -> bool:
        """Whether nothing in the map speaks for the class."""
        return not self.values.max() > 0


@dataclass(frozen=True)
class NetworkAnalysis:
    """One network's run over one image."""

    loaded: LoadedNetwork
    features: Tensor
    """The classifier's input, [1, C, h, w]."""
    probabilities: np.ndarray
    """Softmax of the logits, float64 [classes]."""

    @property
    def prediction(self) -> int:
        """Class index of the highest probability."""
        return int(self.probabilities.argmax())

    def heatmap(self, target: int | None = None) -> Heatmap:
        """Grad-CAM++ for a class index, or for the network's own prediction; runs the classifier alone."""
        target = self.prediction if target is None else target
        targets = torch.tensor([target], device=self.features.device)
        return Heatmap(gradcam_plus_plus(self.loaded.network, self.features, targets)[0], target)


@dataclass(frozen=True)
class PairAnalysis:
    """Both networks' runs over one image."""

    pair: Pair
    image: np.ndarray
    """RGB uint8 [H, W, 3]."""
    baseline: NetworkAnalysis
    scff: NetworkAnalysis

    @property
    def runs(self) -> dict[str, NetworkAnalysis]:
        """Both by role, in the order in which they are shown."""
        return {"baseline": self.baseline, "scff": self.scff}

    def heatmaps(self, target: int | None = None) -> dict[str, Heatmap]:
        """Both heatmaps by role, for a class index or for each network's own prediction."""
        return {role: run.heatmap(target) for role, run in self.runs.items()}


def analyse(pair: Pair, image: np.ndarray) -> PairAnalysis:
    """Runs both networks once.

    Args:
        pair: the networks.
        image: RGB uint8 [H, W, 3], any size; all of it is seen, at the network's input size.

    Raises:
        BadInputError: a network's output is not finite.
    """
    batch = pair.preprocessing(image).to(pair.device)
    return PairAnalysis(pair, image, _run(pair.baseline, batch), _run(pair.scff, batch))


def _run(loaded: LoadedNetwork, batch: Tensor) -> NetworkAnalysis:
    with torch.inference_mode():
        features = loaded.network.features(batch)
        probabilities = loaded.network.head(features)[0].double().softmax(dim=0)
    if not probabilities.isfinite().all():
        raise BadInputError(f"the output of this {loaded.header.arch} is not finite; it says nothing of the image")
    return NetworkAnalysis(loaded, features, probabilities.cpu().numpy())
