"""ROAD, remove and debias (Rong et al., ICML 2022); as pytorch-grad-cam's ROADCombined."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import torch
from pytorch_grad_cam.metrics.road import NoisyLinearImputer, neighbors_weights
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import spsolve
from torch import Tensor

from explain.metrics.perturbation import Perturbation, RankedImage
from pairs.metrics import Metric

__all__ = ["PERCENTILES", "PERTURBATION"]

PERCENTILES = (20, 40, 60, 80)
"""Percentages of an image's pixels that are removed."""
_NOISE = 0.01  # standard deviation, as in the paper
_NOISE_SEED = 0


def _imputed(image: RankedImage) -> Iterator[Tensor]:
    """The image without the most important pixels at each percentage, then without the least important ones."""
    places = image.places
    counts = [round(places.numel() * percentile / 100) for percentile in PERCENTILES]
    missing = [order < count for order in (places, places.numel() - 1 - places) for count in counts]
    with ThreadPoolExecutor(os.cpu_count()) as solvers:  # SciPy's solver releases the GIL
        yield from solvers.map(partial(_impute, image.pixels), missing)


def _impute(pixels: Tensor, missing: Tensor) -> Tensor:
    """Noisy linear imputation: each missing pixel is the weighted mean of its neighbours.

    The equations are pytorch-grad-cam's. Its imputer is not called, because its noise, even at strength zero, is drawn
    from torch's global generator. Its thresholds are not used, because in a map that is mostly zero they remove all or
    nothing.

    Args:
        pixels: [3, H, W].
        missing: bool [H, W], not true everywhere.
    """
    missing = missing.cpu()
    known = pixels.cpu().float()
    system, right = NoisyLinearImputer.setup_sparse_system((~missing).numpy(), known.numpy(), neighbors_weights)
    solved = torch.as_tensor(spsolve(csc_matrix(system), right)).float()  # [missing pixels, 3]
    noise = torch.randn(known.shape, generator=torch.Generator().manual_seed(_NOISE_SEED))
    filled = known.clone()
    filled[:, missing] = solved.T + _NOISE * noise[:, missing]
    return filled.to(pixels)


def _values(_: float, probabilities: Sequence[float]) -> tuple[float]:
    most, least = probabilities[: len(PERCENTILES)], probabilities[len(PERCENTILES) :]
    return ((sum(least) - sum(most)) / (2 * len(PERCENTILES)),)


PERTURBATION = Perturbation(
    metrics=(
        Metric(
            key="road",
            title="ROAD",
            label="ROAD",
            unit="difference of probabilities, -0.5 to 0.5",
            higher_is_better=True,
            description="Half the difference between the target class's probability without the least important pixels "
            "and that without as many of the most important ones; removed pixels are imputed from their neighbours. "
            "Above zero, the ranking is better than chance.",
            reference="Rong et al., ICML 2022",
        ),
    ),
    order=4,
    count=2 * len(PERCENTILES),
    images=_imputed,
    values=_values,
    slow=True,
)
