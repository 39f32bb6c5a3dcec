"""Fusion by addition."""

import numpy as np
import pytest
import torch

from models.fusion.add import Addition
from tests.models.derivation import State


def derivation(a: np.ndarray, b: np.ndarray, state: State, name: str, training: bool) -> np.ndarray:  # noqa: ARG001
    return a + b


@pytest.mark.essential
def test_addition_is_a_sum_without_parameters() -> None:
    fusion, a, b = Addition(8, 4), torch.randn(2, 8, 5, 3), torch.randn(2, 8, 5, 3)
    assert torch.equal(fusion(a, b), a + b)
    assert list(fusion.parameters()) == []
    assert fusion.weights(a, b) is None
