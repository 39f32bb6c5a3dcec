"""Trains one network of a run with Lightning and evaluates its best epoch."""

import platform
from pathlib import Path

import lightning
import safetensors
import timm
import torch
import torchvision
from lightning.pytorch.callbacks import ModelCheckpoint, Timer

from core.errors import BadInputError
from models.initial_weights import InitialWeights, LoadResult, load_weights
from models.network import Network
from models.preprocessing import Preprocessing
from models.state import at_stored_precision, non_finite
from pairs.report import NetworkReport, RunSettings
from training.data_loading import SceneDataset, evaluation_batches, training_batches
from training.evaluation import evaluate_network
from training.lightning_module import DivergedError, TrainingModule
from training.lightning_trainer import mixed_precision, new_trainer
from training.progress_bar import TrainingProgressBar
from training.run import TrainingRun

__all__ = ["NetworkTraining"]

_PREFIX = "network."  # of the network's tensors in Lightning's checkpoints


class NetworkTraining:
    """Training of one network of a run.

    Args:
        role: baseline or scff.
        run: what the networks of the pair share.
        preprocessing: of the network.
        checkpoints: folder of the checkpoints of the best and the last epoch.
    """

    def __init__(self, role: str, run: TrainingRun, preprocessing: Preprocessing, checkpoints: Path) -> None:
        settings, classes = run.settings, len(run.scenes.classes)
        lightning.seed_everything(settings.seed, verbose=False)
        self.network = Network(settings.arch, classes, settings.fusion_of(role), settings.small_stem)
        self.finished = False
        self._role = role
        self._run = run
        self._module = TrainingModule(self.network, preprocessing, classes, settings)
        self._last_checkpoint = checkpoints / "last.ckpt"
        self._best = ModelCheckpoint(checkpoints, "best", monitor="val_accuracy", mode="max")
        self._timer = Timer()
        last = ModelCheckpoint(checkpoints, "last", enable_version_counter=False)  # after every epoch, to resume from
        self._trainer = new_trainer(
            run.device,
            precision=mixed_precision(run.device),
            max_epochs=settings.epochs,
            callbacks=[self._best, self._timer, TrainingProgressBar(role), last],
            num_sanity_val_steps=0,
        )

    def load_initial_weights(self, weights: InitialWeights) -> LoadResult:
        """Loads pre-trained weights into the backbone.

        Raises:
            BadInputError: they do not fit, or leave part of a frozen backbone untrained.
        """
        match = load_weights(self.network.backbone, weights)
        if self._run.settings.freeze_backbone and match.untrained:
            raise BadInputError(
                f"{len(match.untrained)} tensor(s) of the backbone would be frozen untrained, the first is "
                f"{match.untrained[0]}; leave out --freeze-backbone"
            )
        return match

    def fit(self, train: SceneDataset, val: SceneDataset) -> None:
        """Trains from the start, or from the last epoch of an interrupted run, and restores the best epoch's weights.

        Raises:
            KeyboardInterrupt: the user interrupted training; the last complete epoch is kept.
            DivergedError: a loss or a weight is not finite.
        """
        settings = self._run.settings
        lightning.seed_everything(settings.seed, verbose=False)
        try:
            self._trainer.fit(
                self._module,
                training_batches(train, settings),
                evaluation_batches(val, settings.batch_size),
                ckpt_path=self._last_checkpoint if self._last_checkpoint.exists() else None,
                weights_only=True,
            )
            self._load_best_epoch()
        except SystemExit:  # raised by Lightning on an interrupt
            raise KeyboardInterrupt from None
        except DivergedError as error:
            raise DivergedError(f"{self._role}: {error}") from None
        self.finished = True

    def _load_best_epoch(self) -> None:
        """Loads the best epoch's weights, rounded to the precision in which they are stored."""
        best = torch.load(self._best.best_model_path, map_location="cpu", weights_only=True)["state_dict"]
        weights = {name.removeprefix(_PREFIX): value for name, value in best.items() if name.startswith(_PREFIX)}
        stored = at_stored_precision(weights)
        if names := non_finite(stored):
            raise DivergedError(f"{names[0]} has values too large for the weights file (above 65,504)")
        self.network.load_state_dict(stored)

    def report(self, test: SceneDataset) -> NetworkReport:
        """Evaluates the best epoch's weights on the test set, once."""
        run, curves = self._run, self._module.curves
        best = max(curves, key=lambda result: (result.val_accuracy, -result.epoch))
        return NetworkReport(
            parameters=sum(parameter.numel() for parameter in self.network.parameters()),
            best_epoch=best.epoch,
            val_accuracy=best.val_accuracy,
            test=evaluate_network(self.network, self._module.preprocessing, test, run.scenes.classes, run.device),
            curves=tuple(curves),
            seconds=round(self._timer.time_elapsed(), 1),
            settings=RunSettings(**run.settings.as_json(self._role)),
            precision=str(self._trainer.precision),
            device=torch.cuda.get_device_name(run.device) if run.device.type == "cuda" else "cpu",
            versions={
                "python": platform.python_version(),
                **{
                    module.__name__: module.__version__ for module in (torch, torchvision, timm, lightning, safetensors)
                },
            },
        )
