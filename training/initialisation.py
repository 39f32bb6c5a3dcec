"""Where a run starts: random weights, pre-trained weights, or the trained baseline of another pair."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import timm
import torch

from core.errors import BadInputError
from models.initial_weights import InitialWeights, hub_weights, read_weights
from models.preprocessing import Statistics
from pairs.checkpoint import Header, load_network
from pairs.layout import weights_file
from pairs.report import NetworkReport
from pairs.report_reading import read_report
from training.settings import FROM_SCRATCH
from training.splits import Split

__all__ = ["Initialisation", "TrainedBaseline"]


@dataclass(frozen=True, kw_only=True)
class TrainedBaseline:
    """The baseline of an existing pair, complete or not, to which SCFF is added."""

    pair: str
    """Name of that pair."""
    file: bytes
    """Its weights file, copied unchanged into the new pair."""
    header: Header
    report: NetworkReport
    split: Split


@dataclass(frozen=True, kw_only=True)
class Initialisation:
    """Initial weights shared by all networks of a run; without arguments, random ones."""

    weights: InitialWeights | None = None
    statistics: Statistics | None = None
    """Mean and standard deviation that the weights were trained with; None for those of the training set."""
    baseline: TrainedBaseline | None = None
    """Used in place of a newly trained baseline."""

    @property
    def source(self) -> str:
        """Source of the weights, for settings and reports."""
        return FROM_SCRATCH if self.weights is None else self.weights.source

    @classmethod
    def pretrained(cls, arch: str) -> Self:
        """timm's pre-trained weights.

        Raises:
            BadInputError: there are none, or they cannot be downloaded.
        """
        return cls(weights=hub_weights(arch), statistics=_statistics(arch))

    @classmethod
    def from_file(cls, arch: str, path: Path) -> Self:
        """Weights in a local file, trained on images normalised with timm's statistics for that architecture.

        Raises:
            BadInputError: the file cannot be read.
        """
        return cls(weights=read_weights(path), statistics=_statistics(arch))

    @classmethod
    def from_pair(cls, folder: Path) -> Self:
        """The baseline in a pair's folder, with its preprocessing and split.

        Raises:
            BadInputError: the baseline or the report is missing or damaged, or the two do not belong together.
        """
        folder = folder.resolve()
        path = folder / weights_file("baseline")
        loaded, report = load_network(path), read_report(folder)
        split = Split(source=report.split_source or "", subsets=report.split, missing=report.split_missing or ())
        if loaded.header.fusion is not None:
            raise BadInputError(f"{folder.name}/{path.name} holds a network with SCFF; the files may be swapped")
        if "baseline" not in report.networks or split.fingerprint != loaded.header.split_fingerprint:
            raise BadInputError(f"{folder.name}: its report does not describe its baseline")
        file = path.read_bytes()
        source = f"the baseline of {folder.name} (SHA-256 {hashlib.sha256(file).hexdigest()[:16]})"
        preprocessing = loaded.header.preprocessing
        return cls(
            weights=InitialWeights(source, loaded.network.backbone.state_dict()),
            statistics=Statistics(preprocessing.mean, preprocessing.std),
            baseline=TrainedBaseline(
                pair=folder.name,
                file=file,
                header=loaded.header,
                report=report.networks["baseline"],
                split=split,
            ),
        )


def _statistics(arch: str) -> Statistics:
    with torch.device("meta"):
        config: Any = timm.create_model(arch).pretrained_cfg
    return Statistics(tuple(config["mean"]), tuple(config["std"]))
