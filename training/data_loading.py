"""Scenes as batches, the same for every network that is trained under one seed."""

import os
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler
from torchvision.transforms import v2

from imagery.reading import read_image
from models.preprocessing import Statistics, pixels
from training.recipe import RECIPES, TrainingSettings
from training.scenes import Scene

__all__ = [
    "AugmentedDataset",
    "EpochSampler",
    "SceneDataset",
    "channel_statistics",
    "evaluation_batches",
    "training_batches",
]

_KEPT_BYTES = 2 * 2**30  # a set whose resized scenes fit in here is decoded once and kept in memory


class SceneDataset(Dataset):
    """Scenes resized to the network's input, uint8 [3, h, w], with their labels."""

    def __init__(self, scenes: Sequence[Scene], size: tuple[int, int]) -> None:
        self.scenes = scenes
        self.kept = len(scenes) * 3 * size[0] * size[1] <= _KEPT_BYTES
        self._size = size
        self._pixels: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        scene = self.scenes[index]
        image = self._pixels.get(index)
        if image is None:
            image = pixels(read_image(scene.path), self._size)
            if self.kept:
                self._pixels[index] = image
        return image, scene.label


class AugmentedDataset(Dataset):
    """Scenes under random changes, by (epoch, index).

    The randomness depends on the seed and these two alone: not on the network, nor on what was drawn before, nor on
    the worker that draws it.
    """

    def __init__(self, scenes: SceneDataset, transform: v2.Transform, seed: int) -> None:
        self.scenes = scenes
        self.transform = transform
        self.seed = seed

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, key: tuple[int, int]) -> tuple[Tensor, int]:
        epoch, index = key
        image, label = self.scenes[index]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(np.random.SeedSequence([self.seed, epoch, index]).generate_state(1)[0]))
            return self.transform(image), label


class EpochSampler(Sampler[tuple[int, int]]):
    """All items in an order that depends on the seed and the epoch alone; Lightning calls `set_epoch`."""

    def __init__(self, length: int, seed: int) -> None:
        self.length = length
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch whose order comes next."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.length)
        return ((self.epoch, int(index)) for index in order)


class _QuarterTurn(v2.Transform):
    """Turns an image by 0, 90, 180 or 270 degrees, one that is not square by 0 or 180: an aerial scene has no up."""

    def make_params(self, flat_inputs: list) -> dict[str, int]:
        height, width = flat_inputs[0].shape[-2:]
        return {"turns": int(torch.randint(4, ())) if height == width else 2 * int(torch.randint(2, ()))}

    def transform(self, inpt: Tensor, params: dict[str, int]) -> Tensor:
        return torch.rot90(inpt, params["turns"], dims=(-2, -1))


def training_batches(scenes: SceneDataset, settings: TrainingSettings) -> DataLoader:
    """Shuffled, augmented batches: uint8 [B, 3, h, w] and labels [B]."""
    share = RECIPES[settings.recipe].crop_padding
    across, down = (round(share * side) for side in reversed(settings.image_size))
    transform = v2.Compose(
        [
            v2.RandomCrop(settings.image_size, padding=(across, down), padding_mode="reflect"),
            _QuarterTurn(),
            v2.RandomHorizontalFlip(),
        ]
    )
    return DataLoader(
        AugmentedDataset(scenes, transform, settings.seed),
        batch_size=settings.batch_size,
        sampler=EpochSampler(len(scenes), settings.seed),
        drop_last=len(scenes) % settings.batch_size == 1,  # batch normalisation cannot learn from one image
        **_workers(scenes),
    )


def evaluation_batches(scenes: SceneDataset, batch_size: int) -> DataLoader:
    """The scenes in order, whole: uint8 [B, 3, h, w] and labels [B]."""
    return DataLoader(scenes, batch_size=batch_size, **_workers(scenes))


def _workers(scenes: SceneDataset) -> dict[str, int | bool]:
    if scenes.kept:
        return {"num_workers": 0}
    return {"num_workers": min(8, os.cpu_count() or 1), "persistent_workers": True}


def channel_statistics(scenes: SceneDataset) -> Statistics:
    """Mean and standard deviation of each channel over all pixels."""
    total, squares, count = torch.zeros(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64), 0
    for index in range(len(scenes)):
        values = scenes[index][0].flatten(1).double() / 255  # [3, h * w]
        total += values.sum(dim=1)
        squares += values.square().sum(dim=1)
        count += values.shape[1]
    mean = total / count
    std = (squares / count - mean.square()).clamp(min=0).sqrt()
    # Of a set without contrast in a channel there is nothing to scale.
    std = torch.where(std > 1e-6, std, torch.ones_like(std))
    return Statistics(*(tuple(round(float(x), 6) for x in values) for values in (mean, std)))
