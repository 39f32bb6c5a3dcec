"""Fusion with squeeze-and-excitation."""

import numpy as np
import pytest
import torch

from models.fusion.se import SqueezeExcitation
from tests.models.derivation import State, linear


def derivation(a: np.ndarray, b: np.ndarray, state: State, name: str, training: bool) -> np.ndarray:  # noqa: ARG001
    return _gated(a, state, f"{name}.gate_earlier") + _gated(b, state, f"{name}.gate_stage")


def _gated(x: np.ndarray, state: State, name: str) -> np.ndarray:
    hidden = np.maximum(linear(x.mean(axis=(2, 3)), state, f"{name}.squeeze"), 0)
    weight = (1 + np.tanh(linear(hidden, state, f"{name}.excite") / 2)) / 2  # the sigmoid
    return x * weight[..., None, None]


@pytest.mark.essential
def test_weight_of_each_map_is_independent_of_the_other() -> None:
    torch.manual_seed(0)
    fusion, a, b, other = SqueezeExcitation(8, 4), *(torch.randn(2, 8, 5, 5) for _ in range(3))
    weight_a, weight_b = fusion.weights(a, b)
    assert weight_a.shape == weight_b.shape == (2, 8)
    assert 0 < weight_a.min() < weight_a.max() < 1
    assert torch.equal(fusion.weights(a, other)[0], weight_a)
    torch.testing.assert_close(fusion(a, b), weight_a[..., None, None] * a + weight_b[..., None, None] * b)
