"""Where the weights of a run start: at random, at pre-trained weights, or at a trained baseline."""

from dataclasses import dataclass
from pathlib import Path

import timm

from models.checkpoint import Header, load_network, weights_file
from models.errors import BadInputError
from models.preprocessing import Statistics
from models.pretrained import InitialWeights, hub_weights, read_weights
from training.recipe import FROM_SCRATCH
from training.report import NetworkReport, Report, read_report
from training.splits import Split

__all__ = ["RANDOM", "Start", "TrainedBaseline", "start_from_file", "start_from_hub", "start_from_pair"]


@dataclass(frozen=True)
class TrainedBaseline:
    """The baseline of a pair, whole or half, that SCFF is added to."""

    file: Path
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
        BadInputError: the baseline or the report is missing or damaged.
    """
    file = folder / weights_file("baseline")
    loaded, report = load_network(file), read_report(folder)
    if "baseline" not in report.networks:
        raise BadInputError(f"{folder.name}: its report says nothing of a baseline")
    weights = InitialWeights(f"the baseline of {folder.resolve().name}", loaded.network.backbone.state_dict())
    preprocessing = loaded.header.preprocessing
    baseline = TrainedBaseline(file, loaded.header, report.networks["baseline"], _split(report))
    return Start(weights, Statistics(preprocessing.mean, preprocessing.std), baseline)


def _statistics(arch: str) -> Statistics:
    config = timm.create_model(arch).pretrained_cfg
    return Statistics(tuple(config["mean"]), tuple(config["std"]))


def _split(report: Report) -> Split:
    parts = {part: tuple(names) for part, names in report.split.items()}
    return Split(report.split_source, parts, tuple(report.split_missing))
