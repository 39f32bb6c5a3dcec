"""Progress bar of one network's training."""

from types import SimpleNamespace

import pytest

from training.progress_bar import TrainingProgressBar


def trainer(step: int) -> SimpleNamespace:
    """Attributes that the bar reads of a trainer: ten steps, five in each of two epochs."""
    metrics = {"loss": 1.23456, "accuracy": 0.5}
    return SimpleNamespace(
        estimated_stepping_batches=10,
        global_step=step,
        current_epoch=step // 5,
        max_epochs=2,
        progress_bar_metrics=metrics,
    )


def test_bar_counts_all_epochs_and_shows_their_means(capsys: pytest.CaptureFixture[str]) -> None:
    bar = TrainingProgressBar("scff")
    bar.on_train_start(trainer(0), None)
    for step in range(10):
        bar.on_train_batch_end(trainer(step), None)
    bar.on_train_end(trainer(10), None)
    last = capsys.readouterr().err.split("\r")[-1]
    assert last.startswith("scff: 100%")
    assert "epoch=2/2, loss=1.235, accuracy=0.500" in last


def test_bar_of_a_resumed_run_starts_at_its_step(capsys: pytest.CaptureFixture[str]) -> None:
    bar = TrainingProgressBar("scff")
    bar.on_train_start(trainer(5), None)
    bar.on_exception(trainer(5), None, KeyboardInterrupt())
    assert "50%" in capsys.readouterr().err
