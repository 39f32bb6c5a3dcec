"""Both networks of a pair see the same batches, and the statistics are the scenes' own."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import CLASSES
from training.batches import SceneDataset, channel_statistics, evaluation_batches, training_batches
from training.recipe import TrainingSettings
from training.scenes import read_scenes


def settings(**changes: object) -> TrainingSettings:
    values = {
        "arch": "resnet18",
        "recipe": "siri-whu",
        "epochs": 2,
        "batch_size": 4,
        "lr": 0.001,
        "image_size": 32,
        "seed": 3,
    }
    return TrainingSettings(**{**values, **changes})


def epoch(loader: torch.utils.data.DataLoader, number: int) -> tuple[torch.Tensor, torch.Tensor]:
    loader.sampler.set_epoch(number)
    images, labels = zip(*loader, strict=True)
    return torch.cat(images), torch.cat(labels)


def test_batches_depend_on_seed_and_epoch_alone(scenes: Path) -> None:
    chosen = read_scenes(scenes).scenes
    first = epoch(training_batches(chosen, settings()), 1)
    torch.rand(7)  # whatever else drew a random number
    again = training_batches(chosen, settings())
    epoch(again, 0)
    second = epoch(again, 1)
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert not torch.equal(epoch(again, 0)[0], first[0])
    assert not torch.equal(epoch(training_batches(chosen, settings(seed=4)), 1)[0], first[0])


def test_drawing_batches_leaves_the_random_state(scenes: Path) -> None:
    loader = training_batches(read_scenes(scenes).scenes, settings())
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    loader.dataset[0, 0]
    assert torch.equal(torch.rand(3), expected)


def test_a_last_batch_of_one_is_left_out(scenes: Path) -> None:
    chosen = read_scenes(scenes).scenes[:17]
    assert [len(labels) for _, labels in training_batches(chosen, settings())] == [4, 4, 4, 4]
    assert [len(labels) for _, labels in training_batches(chosen, settings(batch_size=6))] == [6, 6, 5]


def test_augmented_images_keep_their_size_and_labels(scenes: Path) -> None:
    images, labels = epoch(training_batches(read_scenes(scenes).scenes, settings()), 0)
    assert images.shape == (18, 3, 32, 32)
    assert images.dtype == torch.uint8
    for image, label in zip(images, labels, strict=True):  # each class is brightest in its own channel
        assert image.float().mean(dim=(1, 2)).argmax() == label


def test_evaluation_sees_every_image_once_in_order(scenes: Path) -> None:
    folder = read_scenes(scenes)
    batches = list(evaluation_batches(folder.scenes, (24, 30), batch_size=5))
    assert torch.cat([labels for _, labels in batches]).tolist() == [scene.label for scene in folder.scenes]
    assert batches[0][0].shape == (5, 3, 24, 30)
    assert len(folder.classes) == len(CLASSES)


def test_statistics_are_those_of_all_pixels(scenes: Path) -> None:
    dataset = SceneDataset(read_scenes(scenes).scenes, (40, 40))
    pixels = np.stack([dataset.image(i).numpy() for i in range(len(dataset))]) / 255
    mean, std = channel_statistics(dataset)
    np.testing.assert_allclose(mean, pixels.mean(axis=(0, 2, 3)), atol=2e-6)
    np.testing.assert_allclose(std, pixels.std(axis=(0, 2, 3)), atol=2e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"arch": "resnet81"}, "unknown arch 'resnet81'; the nearest names are resnet18"),
        ({"recipe": "imagenet"}, "unknown recipe 'imagenet'; known: siri-whu"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"batch_size": 1}, "batch size must be at least 2"),
        ({"lr": 0.0}, "learning rate must be above zero"),
        ({"image_size": 8}, "image size must be from 32"),
        ({"seed": -1}, "seed must be from 0"),
    ],
)
def test_settings_out_of_range_are_named(change: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        settings(**change)
