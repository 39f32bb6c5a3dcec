"""The LightningModule of a scene classifier: loss, optimiser, schedule and metrics."""

from dataclasses import asdict
from typing import Any, Self

import lightning
import torch
from lightning.pytorch.utilities.types import OptimizerLRSchedulerConfig
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR
from torchmetrics import MeanMetric
from torchmetrics.classification import MulticlassAccuracy, MulticlassConfusionMatrix

from core.errors import BadInputError
from models.network import Network
from models.preprocessing import Preprocessing
from pairs.report import Epoch
from training.recipes import RECIPES
from training.settings import TrainingSettings

__all__ = ["DivergedError", "EvaluationModule", "TrainingModule"]


class DivergedError(BadInputError):
    """Training diverged: a loss or a weight is not finite."""


class EvaluationModule(lightning.LightningModule):
    """Confusion matrix of a trained network.

    Batches are uint8 images [B, 3, h, w] and labels [B]; normalisation happens here, on the device.

    Args:
        network: the network.
        preprocessing: normalises its images.
        classes: number of classes.
    """

    def __init__(self, network: Network, preprocessing: Preprocessing, classes: int) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.preprocessing = preprocessing
        self.confusion = MulticlassConfusionMatrix(classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, classes] of uint8 images [B, 3, h, w]."""
        normalised = self.preprocessing.normalise(images)
        return self.network(normalised.contiguous(memory_format=torch.channels_last)).float()

    def test_step(self, batch: tuple[Tensor, Tensor]) -> None:
        """Updates the confusion matrix: rows are true classes, columns predictions."""
        images, labels = batch
        self.confusion.update(self(images), labels)


class TrainingModule(EvaluationModule):
    """Trains a network by a recipe.

    `curves` holds an Epoch per epoch and is part of Lightning's checkpoints.

    Args:
        network: the network.
        preprocessing: normalises its images.
        classes: number of classes.
        settings: of the run.
    """

    def __init__(
        self, network: Network, preprocessing: Preprocessing, classes: int, settings: TrainingSettings
    ) -> None:
        super().__init__(network, preprocessing, classes)
        self.settings = settings
        self.curves: list[Epoch] = []
        self.train_loss, self.val_loss = (MeanMetric(nan_strategy="disable") for _ in range(2))
        self.train_accuracy, self.val_accuracy = (MulticlassAccuracy(classes, average="micro") for _ in range(2))
        if settings.freeze_backbone:
            network.freeze_backbone()

    def train(self, mode: bool = True) -> Self:
        """Training mode; a frozen backbone stays in eval mode, so that its batch statistics are frozen too."""
        super().train(mode)
        if self.settings.freeze_backbone:
            self.network.backbone.eval()
        return self

    def configure_optimizers(self) -> OptimizerLRSchedulerConfig:
        """The recipe's optimiser and learning-rate schedule, stepped after every batch."""
        recipe, lr = RECIPES[self.settings.recipe], self.settings.lr
        trainable = [parameter for parameter in self.parameters() if parameter.requires_grad]
        optimizer = getattr(torch.optim, recipe.optimizer)(trainable, lr=lr, weight_decay=recipe.weight_decay)
        steps = int(self.trainer.estimated_stepping_batches)
        if recipe.schedule == "one_cycle":
            schedule = OneCycleLR(optimizer, max_lr=lr, total_steps=steps)
        else:
            schedule = CosineAnnealingLR(optimizer, T_max=steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_train_epoch_start(self) -> None:
        """Resets the epoch's means."""
        self.train()  # Lightning does not set modes that it did not change
        self.train_loss.reset()
        self.train_accuracy.reset()

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """The loss of one batch.

        Raises:
            DivergedError: it is not finite.
        """
        images, labels = batch
        logits = self(images)  # [B, classes]
        loss = cross_entropy(logits, labels, label_smoothing=RECIPES[self.settings.recipe].label_smoothing)
        self._check_finite("loss", loss)
        self.train_loss.update(loss.detach(), len(labels))
        self.train_accuracy.update(logits, labels)
        self.log("loss", self.train_loss.compute(), prog_bar=True)
        self.log("accuracy", self.train_accuracy.compute(), prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor]) -> None:
        """Updates validation loss and accuracy with one batch."""
        images, labels = batch
        logits = self(images)  # [B, classes]
        self.val_loss.update(cross_entropy(logits, labels), len(labels))
        self.val_accuracy.update(logits, labels)

    def on_validation_epoch_end(self) -> None:
        """Records the epoch's result, before Lightning's ModelCheckpoint compares it with the best one.

        Raises:
            DivergedError: the validation loss is not finite.
        """
        self._check_finite("validation loss", self.val_loss.compute())
        self.log("val_accuracy", self.val_accuracy.compute())
        self.curves.append(
            Epoch(
                epoch=self.current_epoch + 1,
                train_loss=self.train_loss.compute().item(),
                train_accuracy=self.train_accuracy.compute().item(),
                val_loss=self.val_loss.compute().item(),
                val_accuracy=self.val_accuracy.compute().item(),
            )
        )
        self.val_loss.reset()
        self.val_accuracy.reset()

    def _check_finite(self, name: str, loss: Tensor) -> None:
        if not loss.isfinite():
            raise DivergedError(
                f"training has diverged: the {name} is {loss.item()} in epoch {self.current_epoch + 1}; "
                f"try a learning rate below {self.settings.lr:g}"
            )

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Stores the curves for a resumed run."""
        checkpoint["curves"] = [asdict(result) for result in self.curves]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Restores the curves."""
        self.curves = [Epoch(**result) for result in checkpoint["curves"]]
