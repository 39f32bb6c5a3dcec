"""The progress bar of one network's training."""

import sys
from typing import Any

from lightning import Callback, LightningModule, Trainer
from tqdm import tqdm

from training.lightning_module import TrainingModule

__all__ = ["TrainingProgressBar"]


class TrainingProgressBar(Callback):
    """One bar over all epochs, on standard error: loss, accuracy, latest validation accuracy, remaining time.

    Args:
        name: shown before the bar.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._bar: tqdm | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002 - Lightning's signature
        """Opens the bar."""
        self._bar = tqdm(
            total=int(trainer.estimated_stepping_batches),
            initial=trainer.global_step,
            desc=self.name,
            file=sys.stderr,
            dynamic_ncols=True,
            mininterval=1 if sys.stderr.isatty() else 30,  # few lines in a log file
            bar_format="{l_bar}{bar}| {elapsed} elapsed, {remaining} left{postfix}",
        )

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any, **__: Any) -> None:
        """Advances the bar by one batch."""
        self._describe(trainer, pl_module)
        if self._bar is not None:
            self._bar.update()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Shows the epoch's validation accuracy."""
        self._describe(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002 - Lightning's signature
        """Closes the bar."""
        self._close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:  # noqa: ARG002
        """Closes the bar when training stops early."""
        self._close()

    def _describe(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._bar is None:
            return
        fields = {"epoch": f"{trainer.current_epoch + 1}/{trainer.max_epochs}"}
        metrics = trainer.progress_bar_metrics
        fields |= {name: f"{metrics[name]:.3f}" for name in ("loss", "accuracy") if name in metrics}
        if isinstance(pl_module, TrainingModule) and pl_module.curves:
            last = pl_module.curves[-1]
            fields["val_accuracy"] = f"{last.val_accuracy:.3f} after epoch {last.epoch}"
        self._bar.set_postfix(fields, refresh=False)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
