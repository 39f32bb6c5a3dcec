"""Lightning trainers as they are used here: one device, quiet, mixed precision where the hardware supports it."""

import logging
import warnings
from typing import Any, Literal

import lightning
import torch

__all__ = ["mixed_precision", "new_trainer"]

# Lightning's hints about devices, workers and loggers require no action from the user.
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")


def new_trainer(device: torch.device, **options: Any) -> lightning.Trainer:
    """A trainer on one device, without logger or progress bar; `options` are Lightning's."""
    return lightning.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **options,
    )


def mixed_precision(device: torch.device) -> Literal["bf16-mixed", "32-true"]:
    """bfloat16 mixed precision where the hardware computes it natively, about twice as fast; otherwise float32."""
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        capabilities = getattr(torch.cpu, "get_capabilities", dict)()
        native = capabilities.get("avx512_bf16", False) or capabilities.get("amx_bf16", False)
    return "bf16-mixed" if native else "32-true"
