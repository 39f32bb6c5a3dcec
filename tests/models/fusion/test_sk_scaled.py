"""This project's own fusion: selective kernel attention preceded by a scaled softmax."""

import numpy as np
import pytest
import torch

from models.fusion.sk_scaled import ScaledSelectiveKernel
from tests.models.derivation import State, softmax
from tests.models.fusion import test_sk


def derivation(a: np.ndarray, b: np.ndarray, state: State, name: str, training: bool) -> np.ndarray:
    return test_sk.derivation(a, b, state, name, training, lambda s: softmax(s, 1) * s.shape[1])


@pytest.mark.parametrize("channels", [8, 512])
def test_descriptor_has_mean_1_at_any_width(channels: int) -> None:
    descriptor = ScaledSelectiveKernel(channels, 4).channel_descriptor(torch.randn(3, channels))
    torch.testing.assert_close(descriptor.mean(dim=1), torch.ones(3))
