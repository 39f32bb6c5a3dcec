"""Random crops, rotations and flips, reproducible for every scene and epoch."""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms import v2

from training.recipes import RECIPES
from training.settings import TrainingSettings

__all__ = ["AugmentedDataset", "RandomQuarterTurn", "training_transform"]


class RandomQuarterTurn(v2.Transform):
    """Rotates by 0, 90, 180 or 270 degrees, a non-square image by 0 or 180: an aerial scene has no upright."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, int]:
        height, width = flat_inputs[0].shape[-2:]
        return {"turns": int(torch.randint(4, ())) if height == width else 2 * int(torch.randint(2, ()))}

    def transform(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        return torch.rot90(inpt, params["turns"], dims=(-2, -1))


def training_transform(settings: TrainingSettings) -> v2.Compose:
    """The recipe's augmentation, from uint8 [3, h, w] to the same shape."""
    share = RECIPES[settings.recipe].crop_padding
    height, width = settings.image_size
    # padding is (left and right, top and bottom)
    padding = [round(share * width), round(share * height)]
    return v2.Compose(
        [
            v2.RandomCrop((height, width), padding=padding, padding_mode="reflect"),
            RandomQuarterTurn(),
            v2.RandomHorizontalFlip(),
        ]
    )


class AugmentedDataset(Dataset[tuple[Tensor, int]]):
    """Augmented scenes, indexed by (epoch, index).

    The augmentation depends only on the seed and these two, not on the network, on earlier random numbers, or on the
    worker process: all networks of a run are trained on identical batches.

    Args:
        scenes: dataset of uint8 images [3, h, w] and labels.
        transform: a random transform of an image.
        seed: of the run.
    """

    def __init__(self, scenes: Dataset[tuple[Tensor, int]], transform: v2.Transform, seed: int) -> None:
        self.scenes = scenes
        self.transform = transform
        self.seed = seed

    def __getitem__(self, index: tuple[int, int]) -> tuple[Tensor, int]:
        epoch, scene = index
        image, label = self.scenes[scene]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(np.random.SeedSequence([self.seed, epoch, scene]).generate_state(1)[0]))
            return self.transform(image), label
