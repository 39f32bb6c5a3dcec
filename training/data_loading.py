"""Datasets, samplers and data loaders that yield identical batches to every network of a run."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from imagery.reading import read_image
from models.preprocessing import Statistics, resize_image
from training.augmentation import AugmentedDataset, training_transform
from training.scenes import Scene
from training.settings import TrainingSettings

__all__ = ["EpochSampler", "SceneDataset", "channel_statistics", "evaluation_batches", "training_batches"]

_CACHE_BYTES = 2 * 2**30  # a data set whose resized scenes fit in here is decoded once and cached in memory


class SceneDataset(Dataset[tuple[Tensor, int]]):
    """Scenes resized to the network's input, uint8 [3, h, w], with their labels.

    Args:
        scenes: the scenes, in order.
        size: (height, width) in pixels.
    """

    def __init__(self, scenes: Sequence[Scene], size: tuple[int, int]) -> None:
        self.scenes = scenes
        self.cached = len(scenes) * 3 * size[0] * size[1] <= _CACHE_BYTES
        self._size = size
        self._cache: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        scene = self.scenes[index]
        image = self._cache.get(index)
        if image is None:
            image = resize_image(read_image(scene.path), self._size)
            if self.cached:
                self._cache[index] = image
        return image, scene.label


class EpochSampler(Sampler[tuple[int, int]]):
    """(epoch, index) of all scenes, in an order that depends only on seed and epoch; Lightning calls `set_epoch`."""

    def __init__(self, length: int, seed: int) -> None:
        self.length = length
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch of the next iteration."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.length)
        return ((self.epoch, int(index)) for index in order)


def training_batches(scenes: SceneDataset, settings: TrainingSettings) -> DataLoader:
    """Shuffled, augmented batches: uint8 [B, 3, h, w] and labels [B]."""
    return DataLoader(
        AugmentedDataset(scenes, training_transform(settings), settings.seed),
        batch_size=settings.batch_size,
        sampler=EpochSampler(len(scenes), settings.seed),
        drop_last=len(scenes) % settings.batch_size == 1,  # batch normalisation needs two images
        **_workers(scenes),
    )


def evaluation_batches(scenes: SceneDataset, batch_size: int) -> DataLoader:
    """All scenes in order, not augmented: uint8 [B, 3, h, w] and labels [B]."""
    return DataLoader(scenes, batch_size=batch_size, **_workers(scenes))


def _workers(scenes: SceneDataset) -> dict[str, Any]:
    if scenes.cached:
        return {"num_workers": 0}
    return {"num_workers": min(8, os.cpu_count() or 1), "persistent_workers": True}


def channel_statistics(scenes: SceneDataset) -> Statistics:
    """Mean and standard deviation of each channel over all pixels, on the scale 0 to 1."""
    total, squares, count = torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64), 0
    for index in range(len(scenes)):
        values = scenes[index][0].flatten(1).double() / 255  # [3, h * w]
        total += values.sum(dim=1)
        squares += values.square().sum(dim=1)
        count += values.shape[1]
    mean = total / count
    std = (squares / count - mean.square()).clamp(min=0).sqrt()
    std = torch.where(std > 1e-6, std, torch.ones_like(std))  # a constant channel is not scaled
    red, green, blue = ((round(m, 6), round(s, 6)) for m, s in zip(mean.tolist(), std.tolist(), strict=True))
    return Statistics(mean=(red[0], green[0], blue[0]), std=(red[1], green[1], blue[1]))
