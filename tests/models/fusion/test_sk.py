"""Fusion by selective kernel attention."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from models.fusion.sk import SelectiveKernel
from tests.models.derivation import State, linear, normalised, softmax


def derivation(
    a: np.ndarray,
    b: np.ndarray,
    state: State,
    name: str,
    training: bool,
    descriptor: Callable[[np.ndarray], np.ndarray] = lambda s: s,
) -> np.ndarray:
    s = (a + b).mean(axis=(2, 3))
    squeezed = linear(descriptor(s), state, f"{name}.squeeze")
    z = np.maximum(normalised(squeezed, state, f"{name}.norm", training), 0)
    branches = np.stack([linear(z, state, f"{name}.{branch}") for branch in ("excite_earlier", "excite_stage")])
    weights = softmax(branches, axis=0)[..., None, None]
    return weights[0] * a + weights[1] * b


@pytest.mark.essential
def test_weights_of_both_maps_sum_to_one() -> None:
    torch.manual_seed(0)
    fusion, a, b = SelectiveKernel(8, 4).eval(), torch.randn(2, 8, 5, 5), torch.randn(2, 8, 5, 5)
    weight_a, weight_b = fusion.weights(a, b)
    torch.testing.assert_close(weight_a + weight_b, torch.ones(2, 8))
    torch.testing.assert_close(fusion(a, b), weight_a[..., None, None] * a + weight_b[..., None, None] * b)
