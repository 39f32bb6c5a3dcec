"""The paper's fusion: selective kernel attention preceded by a softmax."""

import numpy as np
import pytest
import torch

from models.fusion.sk_softmax import SoftmaxSelectiveKernel
from tests.models.derivation import State, softmax
from tests.models.fusion import test_sk


def derivation(a: np.ndarray, b: np.ndarray, state: State, name: str, training: bool) -> np.ndarray:
    return test_sk.derivation(a, b, state, name, training, lambda s: softmax(s, 1))


@pytest.mark.essential
def test_a_shift_of_all_channels_does_not_change_the_attention() -> None:
    """A softmax depends on differences only."""
    torch.manual_seed(0)
    fusion, a, b = SoftmaxSelectiveKernel(8, 4).eval(), torch.randn(2, 8, 5, 5), torch.randn(2, 8, 5, 5)
    for weights, shifted in zip(fusion.weights(a, b), fusion.weights(a + 3, b), strict=True):
        torch.testing.assert_close(shifted, weights)
    torch.testing.assert_close(fusion.channel_descriptor(torch.randn(2, 8)).sum(dim=1), torch.ones(2))
