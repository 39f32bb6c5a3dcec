"""State dicts at stored precision, and non-finite tensors."""

import pytest
import torch
from torch import nn

from models.state import at_stored_precision, non_finite

pytestmark = pytest.mark.essential


def test_only_kernels_and_matrices_lose_precision() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))
    stored = at_stored_precision(network.state_dict())
    half = {name for name, value in stored.items() if value.dtype == torch.float16}
    assert half == {"0.weight", "2.weight"}
    assert stored["1.num_batches_tracked"].dtype == torch.int64
    assert stored["1.running_var"].dtype == torch.float32
    assert all(value.is_contiguous() and not value.requires_grad for value in stored.values())
    torch.testing.assert_close(stored["0.weight"].float(), network[0].weight.detach(), rtol=2**-11, atol=2**-24)


def test_tensors_with_nan_or_infinity_are_named() -> None:
    state = {
        "a": torch.ones(2),
        "b": torch.tensor([1.0, float("nan")]),
        "c": torch.tensor(float("-inf")),
        "d": torch.tensor(3),
    }
    assert non_finite(state) == ["b", "c"]
