"""Building blocks of an independent derivation of SCFF: sections 2.3.1 to 2.3.3 of the paper in float64 NumPy, position
by position. Each variant's test module derives the variant from them, as a function `derivation`."""

from collections.abc import Callable
from itertools import product

import numpy as np
import torch
from torch import Tensor, nn

State = dict[str, np.ndarray]

_EPSILON = 1e-5  # of torch's batch normalisation


def windows(before: int, after: int) -> list[tuple[int, int]]:
    """The positions [floor(i H / h), ceil((i + 1) H / h)) that are pooled into position i."""
    return [(i * before // after, -(-(i + 1) * before // after)) for i in range(after)]


def pooled(x: np.ndarray, size: tuple[int, int], reduce: Callable) -> np.ndarray:
    """Adaptive pooling to a size."""
    result = np.empty((*x.shape[:2], *size))
    for i, (top, bottom) in enumerate(windows(x.shape[2], size[0])):
        for j, (left, right) in enumerate(windows(x.shape[3], size[1])):
            result[:, :, i, j] = reduce(x[:, :, top:bottom, left:right], axis=(2, 3))
    return result


def projected(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """A 1x1 convolution without bias."""
    return np.einsum("oc,bchw->bohw", weight[:, :, 0, 0], x)


def strided(x: np.ndarray, size: tuple[int, int], weight: np.ndarray) -> np.ndarray:
    """A convolution with steps of about H / h over the middle of the map, which counts as zero outside."""
    kernel = weight.shape[-1]
    result = np.zeros((x.shape[0], weight.shape[0], *size))
    steps = [max(1, round(before / after)) for before, after in zip(x.shape[2:], size, strict=True)]
    first = [
        max(0, before - (after - 1) * step - kernel) // 2
        for before, after, step in zip(x.shape[2:], size, steps, strict=True)
    ]
    for i, j, k, m in product(range(size[0]), range(size[1]), range(kernel), range(kernel)):
        row, column = first[0] + i * steps[0] + k, first[1] + j * steps[1] + m
        if row < x.shape[2] and column < x.shape[3]:
            result[:, :, i, j] += x[:, :, row, column] @ weight[:, :, k, m].T
    return result


def normalised(x: np.ndarray, state: State, name: str, training: bool) -> np.ndarray:
    """Batch normalisation, [B, C] or [B, C, h, w]."""
    axes, shape = (0, *range(2, x.ndim)), (1, -1) + (1,) * (x.ndim - 2)
    weight, bias = (state[f"{name}.{part}"].reshape(shape) for part in ("weight", "bias"))
    if training:
        mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    else:
        mean, var = (state[f"{name}.{part}"].reshape(shape) for part in ("running_mean", "running_var"))
    return (x - mean) / np.sqrt(var + _EPSILON) * weight + bias


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def linear(x: np.ndarray, state: State, name: str) -> np.ndarray:
    return x @ state[f"{name}.weight"].T + state.get(f"{name}.bias", 0.0)


def numbers(module: nn.Module) -> State:
    """A module's state dict for the derivation."""
    return {name: value.numpy() for name, value in module.state_dict().items() if value.is_floating_point()}


def randomised(module: nn.Module) -> nn.Module:
    """The module with statistics and weights far from their initial values."""
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.rand_like(value) + 0.1 if "running_var" in name else torch.randn_like(value))
    return module


def feature_maps(channels: list[int], sizes: list[tuple[int, int]], batch: int = 2) -> list[Tensor]:
    """Post-activation maps X1..Xn in float64."""
    return [torch.randn(batch, c, *size, dtype=torch.float64).relu() for c, size in zip(channels, sizes, strict=True)]
