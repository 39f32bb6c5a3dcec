"""Where the weights of a run start: at random, at pre-trained weights, or at a trained baseline."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import timm
import torch

from core.errors import BadInputError
from models.initial_weights import InitialWeights, hub_weights, read_weights
from models.preprocessing import Statistics
from pairs.checkpoint import Header, load_network, weights_file
from training.recipe import FROM_SCRATCH
from training.report import NetworkReport, read_report
from training.splits import Split

__all__ = ["RANDOM", "Start", "TrainedBaseline", "start_from_file", "start_from_hub", "start_from_pair"]


@dataclass(frozen=True)
class TrainedBaseline:
    """The baseline of a pair, whole or half, that SCFF is added to."""

    pair: str
    """The pair's name."""
    file: bytes
    """Its weights file, which goes into the new pair as it is."""
    header: Header
    report: NetworkReport
    split: Split


@dataclass(frozen=True)
class Start:
    """What every network of a run starts from; as built here, random weights."""

    weights: InitialWeights | None = None
    statistics: Statistics | None = None
    """Mean and standard deviation that the weights were trained with; None for the training part's own."""
    baseline: TrainedBaseline | None = None
    """Takes the place of a baseline of the run's own."""

    @property
    def source(self) -> str:
        """In words, for settings and reports."""
        return FROM_SCRATCH if self.weights is None else self.weights.source


RANDOM = Start()


def start_from_hub(arch: str) -> Start:
    """timm's pre-trained weights.

    Raises:
        BadInputError: there are none, or they cannot be fetched.
    """
    return Start(hub_weights(arch), _statistics(arch))


def start_from_file(arch: str, path: Path) -> Start:
    """Weights in a local file, which were trained on images normalised as timm's own for that network.

    Raises:
        BadInputError: the file cannot be read.
    """
    return Start(read_weights(path), _statistics(arch))


def start_from_pair(folder: Path) -> Start:
    """The baseline of a pair, or of half a pair, with its preprocessing and its split.

    Raises:
        BadInputError: the baseline or the report is missing or damaged, or they do not belong together.
    """
    folder = folder.resolve()
    path = folder / weights_file("baseline")
    loaded, report = load_network(path), read_report(folder)
    parts = {part: tuple(names) for part, names in report.split.items()}
    split = Split(report.split_source, parts, tuple(report.split_missing))
    if loaded.header.fusion is not None:
        raise BadInputError(f"{folder.name}/{path.name} holds a network with SCFF; the files may be swapped")
    if "baseline" not in report.networks or split.fingerprint != loaded.header.split_fingerprint:
        raise BadInputError(f"{folder.name}: its report is not that of its baseline")
    file = path.read_bytes()
    source = f"the baseline of {folder.name} (SHA-256 {hashlib.sha256(file).hexdigest()[:16]})"
    preprocessing = loaded.header.preprocessing
    return Start(
        InitialWeights(source, loaded.network.backbone.state_dict()),
        Statistics(preprocessing.mean, preprocessing.std),
        TrainedBaseline(folder.name, file, loaded.header, report.networks["baseline"], split),
    )


def _statistics(arch: str) -> Statistics:
    with torch.device("meta"):
        config = timm.create_model(arch).pretrained_cfg
    return Statistics(tuple(config["mean"]), tuple(config["std"]))
