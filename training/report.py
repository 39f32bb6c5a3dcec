"""What a training run found: report.json, and the model card made of it."""

import json
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from core.errors import BadInputError
from explain.cam.methods import METHODS
from explain.figures.labels import layer_label
from models.scff import FusionSettings
from pairs.checkpoint import REPORT, ROLES
from pairs.statistics import Interval
from training.faithfulness_evaluation import MEASURES, FaithfulnessReport
from training.faithfulness_figure import draw_faithfulness
from training.lightning_module import EpochResult
from training.settings import FROM_SCRATCH

__all__ = ["NetworkReport", "PartResult", "Report", "read_report", "write_report"]

_CARD = "README.md"
_ONCE_COMMON = ("settings", "precision", "device", "versions")


@dataclass(frozen=True)
class PartResult:
    """How a network does on one part."""

    images: int
    accuracy: float
    """Share of images classified rightly, 0 to 1."""
    per_class: dict[str, float | None]
    """The same for each class; None where the part has no image of it."""
    confusion: list[list[int]]
    """Images by true class (rows) and predicted class (columns), in the order of the classes."""

    @classmethod
    def from_confusion(cls, confusion: list[list[int]], classes: tuple[str, ...]) -> "PartResult":
        """The accuracies that a confusion matrix stands for."""
        images = sum(map(sum, confusion))
        right = [row[i] for i, row in enumerate(confusion)]
        per_class = {
            name: right[i] / sum(confusion[i]) if sum(confusion[i]) else None for i, name in enumerate(classes)
        }
        return cls(images, sum(right) / images, per_class, confusion)


@dataclass(frozen=True)
class NetworkReport:
    """One network's training and its one test."""

    parameters: int
    best_epoch: int
    """The epoch, counted from 1, whose weights are kept: the best on the validation part."""
    val_accuracy: float
    test: PartResult
    """Measured with the weights as they are stored."""
    curves: list[EpochResult]
    seconds: float
    """Training and validation, wall clock."""
    settings: dict[str, Any]
    """TrainingSettings, in full."""
    precision: str
    """Lightning's name of the arithmetic trained in."""
    device: str
    versions: dict[str, str]


@dataclass(frozen=True)
class Report:
    """What the networks of a pair share, then each network."""

    dataset: str
    classes: list[str]
    images: dict[str, int]
    """Readable images of each class."""
    sizes: dict[str, int]
    """Images of each "WxH"."""
    unreadable: list[str]
    duplicates: int
    """Images beyond the first of each group that is the same picture."""
    data_fingerprint: str
    split_source: str
    split_fingerprint: str
    split: dict[str, list[str]]
    """Scene names by part."""
    split_missing: list[str]
    """Names that the split lists but the folder lacked."""
    split_shared: list[list[str]]
    """Names of scenes that are the same picture but lie in different parts."""
    mean: list[float]
    std: list[float]
    networks: dict[str, NetworkReport] = field(default_factory=dict)
    """By role: baseline, scff."""
    faithfulness: dict[str, FaithfulnessReport] = field(default_factory=dict)
    """What the heatmaps are worth, by part, as far as it was measured."""


def write_report(folder: Path, report: Report, name: str) -> None:
    """Writes report.json, the model card of the pair of that name, and its figures into a folder."""
    (folder / REPORT).write_text(json.dumps(asdict(report), allow_nan=False) + "\n")
    (folder / _CARD).write_text(_card(name, report))
    for part, judged in report.faithfulness.items():
        (folder / _figure(part)).write_bytes(draw_faithfulness(judged))


def read_report(folder: Path) -> Report:
    """Reads a pair's report.json.

    Raises:
        BadInputError: it is missing, damaged, or of another version.
    """
    path = folder / REPORT
    try:
        values = json.loads(path.read_text())
        common = {name: values.pop(name) for name in _ONCE_COMMON if name in values}
        networks = {
            role: NetworkReport(
                **{
                    **_as_today(common, role),
                    **network,
                    "test": PartResult(**network["test"]),
                    "curves": [EpochResult(**result) for result in network["curves"]],
                }
            )
            for role, network in values.pop("networks").items()
        }
        judged = {part: FaithfulnessReport.of_json(found) for part, found in values.pop("faithfulness", {}).items()}
        return Report(**values, networks=networks, faithfulness=judged)
    except FileNotFoundError:
        raise BadInputError(f"{folder.name}/{REPORT} is missing") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInputError(f"{folder.name}/{REPORT} cannot be read: {error}") from None


def _as_today(common: dict[str, Any], role: str) -> dict[str, Any]:
    """What earlier reports say once for both networks, as it is now said of each."""
    if not common:
        return {}
    settings = common["settings"]
    size = [settings["image_size"]] * 2
    fusion = asdict(FusionSettings()) if role == "scff" else None
    added = {"fusion": fusion, "small_stem": False, "initial": FROM_SCRATCH, "freeze_backbone": False}
    return {**common, "settings": {**settings, **added, "image_size": size}}


def _card(name: str, report: Report) -> str:
    parts = " / ".join(str(len(report.split[part])) for part in ("train", "val", "test"))
    networks = {role: report.networks[role] for role in ROLES if role in report.networks}
    settings = next(iter(networks.values())).settings
    rows = [
        f"| {role} | {n.parameters:,} | {n.val_accuracy:.1%} | {n.test.accuracy:.1%} | {n.best_epoch} |"
        for role, n in networks.items()
    ]
    shared = ""
    if report.split_shared:
        groups = "; ".join(" = ".join(names) for names in report.split_shared)
        shared = f" The same picture lies in different parts in {len(report.split_shared)} case(s): {groups}."
    per_class = [
        f"| {cls} | " + " | ".join(_percent(n.test.per_class[cls]) for n in networks.values()) + " |"
        for cls in report.classes
    ]
    fused = f" ({_variant(networks['scff'].settings['fusion'])})" if "scff" in networks else ""
    alike = all({**n.settings, "fusion": None} == {**settings, "fusion": None} for n in networks.values())
    same = " All networks here saw the same batches from the same initial backbone weights." if alike else ""
    width, height = reversed(settings["image_size"])
    return f"""# {name}

{settings["arch"]}{" with the small-image stem" if settings["small_stem"] else ""} as baseline and with SCFF \
(selective cross-layer feature fusion){fused}, trained on {report.dataset}: {len(report.classes)} classes, \
{sum(report.images.values()):,} images, seen by the network at {width} x {height} pixels.

| network | parameters | accuracy on validation | accuracy on test | best epoch |
| --- | --- | --- | --- | --- |
{chr(10).join(rows)}

- **Split:** {report.split_source}; {parts} images for training, validation and test.{shared}
{chr(10).join(_recipes(networks))}{same}
- **Selection:** the epoch best on the validation part; the test part was used once, with the weights as stored.
- **How sure:** one image of the test part is {1 / len(report.split["test"]):.2%}, and one run with one seed says \
little about differences of a few images.
- **Terms:** weights trained on a data set carry its terms; see the project's README for SIRI-WHU's.

| class | {" | ".join(f"{role}, test" for role in networks)} |
| --- |{" --- |" * len(networks)}
{chr(10).join(per_class)}
{"".join(_judged(part, found) for part, found in report.faithfulness.items())}"""


def _judged(part: str, report: FaithfulnessReport) -> str:
    """The card's section on the heatmaps of one part."""
    rows = []
    for name, found in report.measures.items():
        arrow = "higher" if MEASURES[name].higher_is_better else "lower"
        both = found.paired
        compared = both.scff_better + both.baseline_better + both.equal
        rows.append(
            f"| {MEASURES[name].title} ({arrow} is better) | {_interval(found.baseline)} | {_interval(found.scff)} | "
            f"{_interval(both.difference)} | {both.scff_better} and {both.baseline_better} of {compared} |"
        )
    empty = ", ".join(f"{role} {count}" for role, count in report.empty.items())
    return f"""
## What the heatmaps are worth: {part} part

{METHODS[report.method].title} of {layer_label(report.layer)} for each network's own prediction, over the \
{report.images} images of the {part} part; mean with 95 % bootstrap interval over images. Empty maps: {empty}.

| measure | baseline | scff | scff minus baseline | better on images: scff, baseline |
| --- | --- | --- | --- | --- |
{chr(10).join(rows)}

![Mean insertion and deletion curves of both networks, and the differences between them]({_figure(part)})
"""


def _interval(found: Interval | None) -> str:
    if found is None:
        return "-"
    mean, low, high = (round(value, 3) + 0.0 for value in (found.mean, found.low, found.high))  # + 0.0: no "-0.000"
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]"


def _figure(part: str) -> str:
    return f"faithfulness-{part}.svg"


def _variant(fusion: dict[str, Any]) -> str:
    """The fusion in words."""
    words = f"{fusion['downsample']} + {fusion['fusion']}, start: {fusion['start']}"
    return words + (", gradient cut" if fusion["gradient_cut"] else "")


def _recipes(networks: dict[str, NetworkReport]) -> list[str]:
    """A line for each way in which networks were trained."""
    lines: dict[str, list[str]] = {}
    for role, n in networks.items():
        s = n.settings
        frozen = ", backbone frozen" if s["freeze_backbone"] else ""
        lines.setdefault(
            f"{s['recipe']}{frozen}, epochs: {s['epochs']}, batch size: {s['batch_size']}, highest learning rate: "
            f"{s['lr']:g}, seed: {s['seed']}, arithmetic: {n.precision}, on {n.device}. Weights at the start: "
            f"{s['initial']}.",
            [],
        ).append(f"{role} {timedelta(seconds=round(n.seconds))}")
    return [
        f"- **Recipe:** {words} By the clock, other work of the machine included: {', '.join(times)}."
        for words, times in lines.items()
    ]


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
