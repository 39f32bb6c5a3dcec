"""The progress bar of one network's training, and the time it has taken."""

import sys
import time
from typing import Any

from lightning import Callback, LightningModule, Trainer
from tqdm import tqdm

__all__ = ["TrainingProgress"]


class TrainingProgress(Callback):
    """One bar over all epochs, on standard error: loss, accuracy, the best on validation, the time left.

    `seconds` counts training and validation, across interruptions.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.seconds = 0.0
        self._bar: tqdm | None = None
        self._since = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002 - Lightning's signature
        """Opens the bar."""
        self._since = time.monotonic()
        self._bar = tqdm(
            total=int(trainer.estimated_stepping_batches),
            initial=trainer.global_step,
            desc=self.name,
            file=sys.stderr,
            dynamic_ncols=True,
            mininterval=1 if sys.stderr.isatty() else 30,  # few lines in a log file
            bar_format="{l_bar}{bar}| {elapsed} gone, {remaining} left{postfix}",
        )

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Moves the bar by one batch."""
        self._describe(trainer, pl_module)
        self._bar.update()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Shows what the epoch came to."""
        self._describe(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002 - Lightning's signature
        """Closes the bar."""
        self._bar.refresh()
        self._bar.close()
        self._count()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:  # noqa: ARG002
        """Closes the bar where training ends early."""
        if self._bar is not None:
            self._bar.close()

    def state_dict(self) -> dict[str, float]:
        """What a resumed run goes on from."""
        self._count()
        return {"seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, float]) -> None:
        """Takes the time of the run so far."""
        self.seconds = state_dict["seconds"]

    def _describe(self, trainer: Trainer, pl_module: LightningModule) -> None:
        shown = {"epoch": f"{trainer.current_epoch + 1}/{trainer.max_epochs}"}
        metrics = trainer.progress_bar_metrics
        shown |= {name: f"{metrics[name]:.3f}" for name in ("loss", "accuracy") if name in metrics}
        if pl_module.curves:
            last = pl_module.curves[-1]
            shown["validation"] = f"{last.val_accuracy:.3f} after epoch {last.epoch}"
        self._bar.set_postfix(shown, refresh=False)

    def _count(self) -> None:
        now = time.monotonic()
        self.seconds += now - self._since
        self._since = now
