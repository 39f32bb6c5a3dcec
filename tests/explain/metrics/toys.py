"""Toy classifiers whose probability is a known function of the pixels."""

import numpy as np
import torch
from torch import nn

from explain.metrics.faithfulness import Faithfulness, faithfulness

__all__ = ["SIDE", "Toy", "left", "noise", "plane", "scene", "toy_faithfulness"]

SIDE = 20  # pixels, so that every step of a curve changes as many


class Toy(nn.Module):
    """p = 0.1 + 0.8 x the weighed mean of the first channel, of class 1 of three; records the batch sizes."""

    def __init__(self, weights: np.ndarray) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.from_numpy(weights / weights.sum()).float(), requires_grad=False)
        self.batches: list[int] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(images))
        p = 0.1 + 0.8 * (images[:, 0] * self.weights).sum(dim=(1, 2))
        return torch.stack([0.75 * (1 - p), p, 0.25 * (1 - p)], dim=1).log()

    def p(self, image: np.ndarray) -> float:
        """Of the first channel, [H, W], in NumPy."""
        return 0.1 + 0.8 * float((image * self.weights.numpy().astype(float)).sum())


def left(inside: float = 1.0, outside: float = 0.0) -> np.ndarray:
    """A map or weights whose left half differs from the right."""
    values = np.full((SIDE, SIDE), outside)
    values[:, : SIDE // 2] = inside
    return values


def plane(values: np.ndarray) -> torch.Tensor:
    """An image [1, 3, H, W] with these values in every channel."""
    return torch.from_numpy(values).float().expand(1, 3, *values.shape).clone()


def toy_faithfulness(network: nn.Module, image: np.ndarray, heatmap: np.ndarray, level: str = "quick") -> Faithfulness:
    return faithfulness(network, plane(image), heatmap[None], [1], level)[0]


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((SIDE, SIDE))


def scene() -> tuple[Toy, np.ndarray, np.ndarray]:
    """A network that depends on a square, an image in which it is bright, and a map without ties that highlights it."""
    square = np.zeros((SIDE, SIDE))
    square[6:13, 5:12] = 1
    return Toy(square), 0.8 * square + np.linspace(0, 0.1, SIDE), square + 0.5 * noise(8)
