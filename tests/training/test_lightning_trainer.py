"""Trainer and precision by device."""

import pytest
import torch

from training.lightning_trainer import mixed_precision, new_trainer

CPU = torch.device("cpu")


def test_mixed_precision_where_the_processor_has_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    for capabilities, expected in (
        ({"avx512_bf16": True}, "bf16-mixed"),
        ({"amx_bf16": True}, "bf16-mixed"),
        ({"avx2": True}, "32-true"),
    ):
        monkeypatch.setattr(torch.cpu, "get_capabilities", capabilities.copy, raising=False)
        assert mixed_precision(CPU) == expected


def test_trainer_is_quiet_and_uses_one_device() -> None:
    trainer = new_trainer(CPU, max_epochs=3)
    assert (trainer.num_devices, trainer.max_epochs, trainer.loggers) == (1, 3, [])
    assert trainer.progress_bar_callback is None
