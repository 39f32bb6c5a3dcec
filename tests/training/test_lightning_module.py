"""Optimiser, schedule, loss and curves of a network in training."""

from pathlib import Path

import lightning
import pytest
import torch

from models.network import Network
from models.preprocessing import Preprocessing
from pairs.report import Epoch
from tests.conftest import CLASSES, settings
from training.data_loading import SceneDataset, training_batches
from training.lightning_module import DivergedError, EvaluationModule, TrainingModule
from training.recipes import RECIPES
from training.scenes import read_scenes

PREPROCESSING = Preprocessing(size=(32, 32), mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


def module(**changes: object) -> TrainingModule:
    """A training module without a trainer to log to."""
    made = TrainingModule(Network("resnet18", len(CLASSES)), PREPROCESSING, len(CLASSES), settings(**changes))
    made.log = lambda *_, **__: None
    return made


@pytest.mark.parametrize(
    ("recipe", "optimizer", "schedule"),
    [
        ("siri-whu", torch.optim.Adam, torch.optim.lr_scheduler.CosineAnnealingLR),
        ("fine-tune", torch.optim.AdamW, torch.optim.lr_scheduler.OneCycleLR),
    ],
)
def test_training_follows_the_recipe(recipe: str, optimizer: type, schedule: type, scenes: Path) -> None:
    chosen = settings(recipe=recipe, lr=0.002)
    trained = TrainingModule(Network("resnet18", 3), PREPROCESSING, len(CLASSES), chosen)
    trainer = lightning.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False
    )
    trainer.fit(trained, training_batches(SceneDataset(read_scenes(scenes).scenes, (32, 32)), chosen))
    (found,) = trainer.optimizers
    assert type(found) is optimizer
    assert found.param_groups[0]["weight_decay"] == RECIPES[recipe].weight_decay
    assert type(trainer.lr_scheduler_configs[0].scheduler) is schedule
    assert found.param_groups[0]["lr"] < 1e-4  # at the end of the schedule


@pytest.mark.essential
def test_label_smoothing_follows_the_recipe(scenes: Path) -> None:
    """A confident, correct network has no loss but that of label smoothing: 2/3 of its share times the logit's lead."""
    images, labels = next(iter(training_batches(SceneDataset(read_scenes(scenes).scenes, (32, 32)), settings())))
    losses = {}
    for recipe in RECIPES:
        trained = module(recipe=recipe)
        trained.network.forward = lambda _: 20.0 * torch.nn.functional.one_hot(labels, 3)
        losses[recipe] = trained.training_step((images, labels)).item()
    assert losses["siri-whu"] == pytest.approx(0, abs=1e-6)
    assert losses["fine-tune"] == pytest.approx(0.05 * 2 / 3 * 20, rel=1e-4)


@pytest.mark.essential
def test_a_frozen_backbone_keeps_its_batch_statistics() -> None:
    trained = module(freeze_backbone=True, initial="weights.pth").train()
    assert not any(submodule.training for submodule in trained.network.backbone.modules())
    trainable = {name for name, parameter in trained.named_parameters() if parameter.requires_grad}
    assert trainable == {"network.backbone.fc.weight", "network.backbone.fc.bias"}


def test_non_finite_loss_stops_training() -> None:
    trained = module()
    trained.network.forward = lambda images: images.mean(dim=(2, 3)) * torch.nan
    with pytest.raises(DivergedError, match=r"the loss is nan in epoch 1; try a learning rate below 0\.001"):
        trained.training_step((torch.zeros(2, 3, 32, 32, dtype=torch.uint8), torch.tensor([0, 1])))


def test_curves_are_part_of_a_checkpoint() -> None:
    saved, restored = module(), module()
    saved.curves = [Epoch(epoch=1, train_loss=1.5, train_accuracy=0.5, val_loss=1.25, val_accuracy=0.75)]
    checkpoint: dict = {}
    saved.on_save_checkpoint(checkpoint)
    restored.on_load_checkpoint(checkpoint)
    assert restored.curves == saved.curves


def test_confusion_matrix_counts_true_classes_in_rows() -> None:
    """Three images of classes 0, 0 and 2, the second predicted as class 1."""
    evaluated = EvaluationModule(Network("resnet18", 3), PREPROCESSING, 3)
    evaluated.network.forward = lambda _: torch.eye(3)[[0, 1, 2]]
    evaluated.test_step((torch.zeros(3, 3, 32, 32, dtype=torch.uint8), torch.tensor([0, 0, 2])))
    assert evaluated.confusion.compute().tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
