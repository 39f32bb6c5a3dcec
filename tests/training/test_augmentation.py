"""Augmentation by seed, epoch and scene."""

import pytest
import torch

from tests.conftest import settings
from training.augmentation import AugmentedDataset, RandomQuarterTurn, training_transform

pytestmark = pytest.mark.essential

IMAGE = torch.arange(3 * 32 * 32).reshape(3, 32, 32).to(torch.uint8)


def test_same_seed_epoch_and_index_give_the_same_image() -> None:
    transform = training_transform(settings())
    scenes = [(IMAGE, 0), (IMAGE, 1)]
    first, second = AugmentedDataset(scenes, transform, seed=3), AugmentedDataset(scenes, transform, seed=3)
    expected, label = first[2, 1]
    torch.rand(7)  # random numbers drawn in between make no difference
    second[0, 0]
    assert label == 1
    assert torch.equal(second[2, 1][0], expected)
    others = [second[2, 0], second[1, 1], AugmentedDataset(scenes, transform, seed=4)[2, 1]]
    assert not any(torch.equal(image, expected) for image, _ in others)


def test_global_random_state_is_left_alone() -> None:
    dataset = AugmentedDataset([(IMAGE, 0)], training_transform(settings()), seed=0)
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    dataset[0, 0]
    assert torch.equal(torch.rand(3), expected)


def test_square_images_are_turned_by_quarters() -> None:
    torch.manual_seed(0)
    turned = {tuple(RandomQuarterTurn()(IMAGE).flatten().tolist()) for _ in range(40)}
    assert turned == {tuple(torch.rot90(IMAGE, k, (1, 2)).flatten().tolist()) for k in range(4)}


def test_other_images_are_turned_by_halves() -> None:
    image = IMAGE[:, :16]
    torch.manual_seed(0)
    turned = {tuple(RandomQuarterTurn()(image).flatten().tolist()) for _ in range(20)}
    assert turned == {tuple(torch.rot90(image, k, (1, 2)).flatten().tolist()) for k in (0, 2)}
