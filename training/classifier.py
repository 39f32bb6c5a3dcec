"""The Lightning module: what one epoch of training and validation does to a network."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import lightning
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR
from torchmetrics import MeanMetric
from torchmetrics.classification import MulticlassAccuracy, MulticlassConfusionMatrix

from core.errors import BadInputError
from models.network import Network
from models.preprocessing import Preprocessing
from training.recipe import RECIPES, TrainingSettings

__all__ = ["Classifier", "DivergedError", "EpochResult"]


class DivergedError(BadInputError):
    """Training that has ended in numbers that are not finite."""


@dataclass(frozen=True)
class EpochResult:
    """One epoch's means; accuracies from 0 to 1."""

    epoch: int
    """Counted from 1."""
    train_loss: float
    train_accuracy: float
    """On augmented images, while learning."""
    val_loss: float
    val_accuracy: float


class Classifier(lightning.LightningModule):
    """A network that learns by a recipe.

    Batches are uint8 images [B, 3, h, w] with labels [B]; normalisation happens here, on the device.
    `curves` holds one EpochResult an epoch and travels in Lightning's checkpoints.

    Args:
        network: to be trained, or tested.
        preprocessing: what normalises its images.
        classes: of its classifier.
        settings: of the training; None where the network is tested alone.
    """

    def __init__(
        self, network: Network, preprocessing: Preprocessing, classes: int, settings: TrainingSettings | None = None
    ) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)
        self.preprocessing = preprocessing
        self.settings = settings
        self.curves: list[EpochResult] = []
        self.train_loss, self.val_loss = (MeanMetric(nan_strategy="disable") for _ in range(2))
        self.train_accuracy, self.val_accuracy = (MulticlassAccuracy(classes, average="micro") for _ in range(2))
        self.confusion = MulticlassConfusionMatrix(classes)
        if settings is not None and settings.freeze_backbone:
            network.freeze_backbone()

    def train(self, mode: bool = True) -> Self:
        """Training mode, but for a frozen backbone, whose statistics stay as well."""
        super().train(mode)
        if self.settings is not None and self.settings.freeze_backbone:
            self.network.backbone.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Logits [B, classes] of uint8 images [B, 3, h, w]."""
        normalised = self.preprocessing.normalise(images)
        return self.network(normalised.contiguous(memory_format=torch.channels_last)).float()

    def configure_optimizers(self) -> dict[str, Any]:
        """The recipe's optimiser, its learning rate changed after every batch."""
        recipe = RECIPES[self.settings.recipe]
        learning = [parameter for parameter in self.parameters() if parameter.requires_grad]
        kind = getattr(torch.optim, recipe.optimizer)
        optimizer = kind(learning, lr=self.settings.lr, weight_decay=recipe.weight_decay)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule: LRScheduler
        if recipe.schedule == "one_cycle":
            schedule = OneCycleLR(optimizer, max_lr=self.settings.lr, total_steps=steps)
        else:
            schedule = CosineAnnealingLR(optimizer, T_max=steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_train_epoch_start(self) -> None:
        """Starts the epoch's means anew."""
        self.train()  # Lightning leaves modes as it finds them
        self.train_loss.reset()
        self.train_accuracy.reset()

    def training_step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """The loss of one batch.

        Raises:
            DivergedError: it is not finite.
        """
        images, labels = batch
        logits = self(images)
        loss = cross_entropy(logits, labels, label_smoothing=RECIPES[self.settings.recipe].label_smoothing)
        self._check("loss", loss)
        self.train_loss.update(loss.detach(), len(labels))
        self.train_accuracy.update(logits, labels)
        self.log("loss", self.train_loss.compute(), prog_bar=True)
        self.log("accuracy", self.train_accuracy.compute(), prog_bar=True)
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor]) -> None:
        """Counts one batch of the validation part."""
        images, labels = batch
        logits = self(images)
        self.val_loss.update(cross_entropy(logits, labels), len(labels))
        self.val_accuracy.update(logits, labels)

    def on_validation_epoch_end(self) -> None:
        """Closes the validation part's means, before Lightning looks at them to keep the best epoch.

        Raises:
            DivergedError: the loss is not finite.
        """
        self._check("loss on the validation part", self.val_loss.compute())
        self.log("val_accuracy", self.val_accuracy.compute())
        self.curves.append(
            EpochResult(
                epoch=self.current_epoch + 1,
                train_loss=self.train_loss.compute().item(),
                train_accuracy=self.train_accuracy.compute().item(),
                val_loss=self.val_loss.compute().item(),
                val_accuracy=self.val_accuracy.compute().item(),
            )
        )
        self.val_loss.reset()
        self.val_accuracy.reset()

    def _check(self, name: str, loss: Tensor) -> None:
        if not loss.isfinite():
            raise DivergedError(
                f"training has diverged: the {name} is {loss.item()} in epoch {self.current_epoch + 1}; "
                f"try a learning rate below {self.settings.lr:g}"
            )

    def test_step(self, batch: tuple[Tensor, Tensor]) -> None:
        """Counts one batch in the confusion matrix: rows are true classes, columns predictions."""
        images, labels = batch
        self.confusion.update(self(images), labels)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keeps the curves for a resumed run."""
        checkpoint["curves"] = [asdict(result) for result in self.curves]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Takes the curves of the run so far."""
        self.curves = [EpochResult(**result) for result in checkpoint["curves"]]
