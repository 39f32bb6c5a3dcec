"""Recipes, the settings made of them, and that training follows them."""

from pathlib import Path

import lightning
import pytest
import torch

from models.network import Network
from models.preprocessing import Preprocessing
from models.scff import FusionSettings
from tests.conftest import CLASSES, settings
from training.classifier import Classifier
from training.data_loading import SceneDataset, training_batches
from training.recipe import RECIPES, TrainingSettings
from training.scenes import read_scenes


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"arch": "resnet81"}, "unknown arch 'resnet81'; the nearest that can be used are resnet18"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"batch_size": 1}, "batch size must be at least 2"),
        ({"lr": 0.0}, "learning rate must be above zero"),
        ({"image_size": (32, 8)}, "image size must be from 32"),
        ({"seed": -1}, "seed must be from 0"),
        ({"freeze_backbone": True}, "a frozen backbone must be trained already: add --pretrained"),
        ({"arch": "inception_v3"}, "inception_v3 cannot take images of 32 x 32"),
        ({"arch": "vgg11", "small_stem": True}, "vgg11 has no ResNet's stem"),
    ],
)
def test_settings_out_of_range_are_named(change: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        settings(**change)


def test_settings_of_a_recipe() -> None:
    found = TrainingSettings.of_recipe("siri-whu", arch="resnet18", seed=3, epochs=2, lr=None)
    assert (found.epochs, found.lr, found.batch_size, found.image_size) == (2, 0.001, 32, (200, 200))
    with pytest.raises(ValueError, match="unknown recipe 'imagenet'; known: siri-whu"):
        TrainingSettings.of_recipe("imagenet", arch="resnet18", seed=0)


def test_settings_as_json_say_nothing_of_scff_where_there_is_none() -> None:
    chosen = settings(fusion=FusionSettings(fusion="se"))
    assert chosen.as_json(with_fusion=True)["fusion"]["fusion"] == "se"
    assert chosen.as_json(with_fusion=False)["fusion"] is None


@pytest.mark.parametrize(
    ("recipe", "optimizer", "schedule"),
    [
        ("siri-whu", torch.optim.Adam, torch.optim.lr_scheduler.CosineAnnealingLR),
        ("fine-tune", torch.optim.AdamW, torch.optim.lr_scheduler.OneCycleLR),
    ],
)
def test_training_follows_the_recipe(recipe: str, optimizer: type, schedule: type, scenes: Path) -> None:
    chosen = settings(recipe=recipe, lr=0.002)
    classifier = Classifier(
        Network("resnet18", 3), Preprocessing((32, 32), (0.5,) * 3, (0.5,) * 3), len(CLASSES), chosen
    )
    trainer = lightning.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False
    )
    trainer.fit(classifier, training_batches(SceneDataset(read_scenes(scenes).scenes, (32, 32)), chosen))
    (found,) = trainer.optimizers
    assert type(found) is optimizer
    assert found.param_groups[0]["weight_decay"] == RECIPES[recipe].weight_decay
    assert type(trainer.lr_scheduler_configs[0].scheduler) is schedule
    assert found.param_groups[0]["lr"] < 1e-4  # at the end of its way


def test_label_smoothing_is_the_recipes(scenes: Path) -> None:
    """A network that is sure and right has no loss but what smoothing asks for."""
    images, labels = next(iter(training_batches(SceneDataset(read_scenes(scenes).scenes, (32, 32)), settings())))
    losses = {}
    for recipe in RECIPES:
        classifier = Classifier(
            Network("resnet18", 3), Preprocessing((32, 32), (0.5,) * 3, (0.5,) * 3), 3, settings(recipe=recipe)
        )
        classifier.network.forward = lambda _: 20.0 * torch.nn.functional.one_hot(labels, 3)
        classifier.log = lambda *_, **__: None
        losses[recipe] = classifier.training_step((images, labels)).item()
    assert losses["siri-whu"] == pytest.approx(0, abs=1e-6)
    assert losses["fine-tune"] == pytest.approx(0.05 * 2 / 3 * 20, rel=1e-4)
