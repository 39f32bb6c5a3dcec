"""Fusion by concatenation."""

import numpy as np
import pytest
import torch

from models.fusion.concat import Concatenation
from tests.models.derivation import State


def derivation(a: np.ndarray, b: np.ndarray, state: State, name: str, training: bool) -> np.ndarray:  # noqa: ARG001
    both = np.concatenate((a, b), axis=1)
    mixed = np.einsum("oc,bchw->bohw", state[f"{name}.mix.weight"][:, :, 0, 0], both)
    return mixed + state[f"{name}.mix.bias"][None, :, None, None]


@pytest.mark.essential
def test_concatenation_mixes_both_maps_position_by_position() -> None:
    fusion = Concatenation(4, 2)
    a, b = torch.randn(1, 4, 5, 5), torch.randn(1, 4, 5, 5)
    changed = a.clone()
    changed[..., 2, 3] += 1
    difference = (fusion(changed, b) - fusion(a, b)).abs().sum(dim=(0, 1)) > 1e-6
    assert difference.nonzero().tolist() == [[2, 3]]
    assert fusion.weights(a, b) is None
