"""A training run: the scenes, the split, the hyperparameters, and where the pair is written."""

from dataclasses import dataclass, field
from pathlib import Path

import torch

from pairs.layout import ROLES
from training.initialisation import Initialisation
from training.scenes import SceneFolder
from training.settings import TrainingSettings
from training.splits import Split

__all__ = ["TrainingRun"]


@dataclass(frozen=True, kw_only=True)
class TrainingRun:
    """One run, which trains one or both networks of a pair under the same conditions."""

    scenes: SceneFolder
    split: Split
    settings: TrainingSettings
    out: Path
    """The pair's folder."""
    device: torch.device
    roles: tuple[str, ...] = ROLES
    """The networks to train, of baseline and scff; scff alone where `initialisation` brings a trained baseline."""
    initialisation: Initialisation = field(default_factory=Initialisation)
