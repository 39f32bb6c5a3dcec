"""Datasets, data loaders and channel statistics."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import CLASSES, settings
from training.data_loading import SceneDataset, channel_statistics, evaluation_batches, training_batches
from training.scenes import read_scenes


def epoch(loader: torch.utils.data.DataLoader, number: int) -> tuple[torch.Tensor, torch.Tensor]:
    loader.sampler.set_epoch(number)
    images, labels = zip(*loader, strict=True)
    return torch.cat(images), torch.cat(labels)


def test_batches_depend_only_on_seed_and_epoch(scenes: Path) -> None:
    chosen = SceneDataset(read_scenes(scenes).scenes, (32, 32))
    first = epoch(training_batches(chosen, settings()), 1)
    torch.rand(7)  # random numbers drawn in between make no difference
    again = training_batches(chosen, settings())
    epoch(again, 0)
    second = epoch(again, 1)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert not torch.equal(epoch(again, 0)[0], first[0])
    assert not torch.equal(epoch(training_batches(chosen, settings(seed=4)), 1)[0], first[0])


def test_data_set_too_large_for_the_cache_gives_the_same_batches(scenes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = read_scenes(scenes).scenes
    cached = epoch(training_batches(SceneDataset(chosen, (32, 32)), settings()), 2)
    monkeypatch.setattr("training.data_loading._CACHE_BYTES", 0)
    loader = training_batches(SceneDataset(chosen, (32, 32)), settings())
    assert loader.num_workers > 0
    decoded = epoch(loader, 2)
    assert torch.equal(cached[0], decoded[0])
    assert torch.equal(cached[1], decoded[1])


def test_last_batch_of_one_image_is_dropped(scenes: Path) -> None:
    chosen = SceneDataset(read_scenes(scenes).scenes[:17], (32, 32))
    assert [len(labels) for _, labels in training_batches(chosen, settings())] == [4, 4, 4, 4]
    assert [len(labels) for _, labels in training_batches(chosen, settings(batch_size=6))] == [6, 6, 5]


def test_augmented_images_keep_their_size_and_labels(scenes: Path) -> None:
    chosen = SceneDataset(read_scenes(scenes).scenes, (32, 32))
    images, labels = epoch(training_batches(chosen, settings()), 0)
    assert images.shape == (18, 3, 32, 32)
    assert images.dtype == torch.uint8
    for image, label in zip(images, labels, strict=True):  # each class is brightest in its own channel
        assert image.float().mean(dim=(1, 2)).argmax() == label


def test_evaluation_batches_are_in_order(scenes: Path) -> None:
    folder = read_scenes(scenes)
    batches = list(evaluation_batches(SceneDataset(folder.scenes, (24, 30)), batch_size=5))
    assert torch.cat([labels for _, labels in batches]).tolist() == [scene.label for scene in folder.scenes]
    assert batches[0][0].shape == (5, 3, 24, 30)
    assert len(folder.classes) == len(CLASSES)


def test_channel_statistics_of_all_pixels(scenes: Path) -> None:
    dataset = SceneDataset(read_scenes(scenes).scenes, (40, 40))
    pixels = np.stack([dataset[i][0].numpy() for i in range(len(dataset))]) / 255
    found = channel_statistics(dataset)
    np.testing.assert_allclose(found.mean, pixels.mean(axis=(0, 2, 3)), atol=2e-6)
    np.testing.assert_allclose(found.std, pixels.std(axis=(0, 2, 3)), atol=2e-6)


def test_batches_of_images_that_are_not_square(scenes: Path) -> None:
    dataset = SceneDataset(read_scenes(scenes).scenes, (40, 64))
    batches = list(training_batches(dataset, settings(image_size=(40, 64))))
    assert {batch.shape[1:] for batch, _ in batches} == {(3, 40, 64)}
