"""What a pair's report.json says, as far as it can be read.

Reports were written by this version of the training module, by an earlier one, or by somebody's hand: what is missing
in one, or is not what it should be, is None here, and the rest is read all the same.
"""

import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pairs.checkpoint import REPORT, ROLES
from pairs.statistics import Interval, Paired

__all__ = ["PARTS", "Epoch", "Judged", "Judgement", "NetworkReport", "Report", "read_report"]

PARTS = ("train", "val", "test")
"""Of the scenes, by the name that reports use."""

_ONCE_COMMON = ("settings", "precision", "device", "versions")
_EARLIER = {"freeze_backbone": False}  # what reports did not say while nothing else was possible
_LARGEST_COUNT = 10**12
_LONGEST = 1e9  # seconds, thirty years
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Epoch:
    """One epoch's means; accuracies from 0 to 1."""

    epoch: int
    """Counted from 1."""
    train_loss: float
    train_accuracy: float
    """On augmented images, while learning."""
    val_loss: float
    val_accuracy: float


@dataclass(frozen=True)
class NetworkReport:
    """One network's training and test; None is what the report does not say."""

    parameters: int | None = None
    best_epoch: int | None = None
    """The epoch, counted from 1, whose weights are kept."""
    val_accuracy: float | None = None
    """0 to 1."""
    test_accuracy: float | None = None
    """0 to 1."""
    test_images: int | None = None
    class_accuracy: dict[str, float | None] = field(default_factory=dict)
    """On the test part by class, 0 to 1; None where the part has no image of it, absent where nothing is said."""
    confusion: tuple[tuple[int, ...], ...] | None = None
    """Test images by true class (rows) and predicted class (columns), in the order of the classes."""
    curves: tuple[Epoch, ...] | None = None
    seconds: float | None = None
    """Training and validation, wall clock."""
    batch_size: int | None = None
    lr: float | None = None
    """Highest learning rate."""
    freeze_backbone: bool | None = None
    precision: str | None = None
    """Lightning's name of the arithmetic trained in."""
    device: str | None = None
    versions: dict[str, str] | None = None


@dataclass(frozen=True)
class Judgement:
    """One measure of faithfulness over a part, with 95 % bootstrap intervals over images."""

    by_role: dict[str, Interval | None]
    """Each network's mean; None where no image has a value."""
    paired: Paired


@dataclass(frozen=True)
class Judged:
    """What both networks' heatmaps are worth over a part."""

    images: int
    layer: str
    method: str
    empty: dict[str, int] | None
    """Images whose map is empty, by role."""
    measures: dict[str, Judgement | None]
    """By the report's name; None for one that cannot be read."""
    insertion: dict[str, tuple[float, ...]] | None
    """Mean curve by role: the probability of the network's own prediction; empty where no image has one."""
    deletion: dict[str, tuple[float, ...]] | None


@dataclass(frozen=True)
class Report:
    """What both networks share, and each network; None is what the report does not say."""

    problem: str | None = None
    """Why nothing at all could be read, in words; None when something could."""
    images: int | None = None
    sizes: dict[str, int] | None = None
    """Images of each "WxH" in pixels, the most frequent first."""
    unreadable: int | None = None
    """Files."""
    duplicates: int | None = None
    """Images beyond the first of each group that is the same picture."""
    split_source: str | None = None
    parts: dict[str, int] = field(default_factory=dict)
    """Images by a name in PARTS, as far as they are known."""
    shared: tuple[tuple[str, ...], ...] | None = None
    """Groups of scenes that are the same picture in different parts, each "name (part)"."""
    split_missing: int | None = None
    """Names that the split lists but the folder lacked."""
    networks: dict[str, NetworkReport] = field(default_factory=lambda: {role: NetworkReport() for role in ROLES})
    """By role, both."""
    judged: dict[str, Judged | None] | None = field(default_factory=dict)
    """Faithfulness by part, as far as it was measured; None for a part, or for all, whose figures cannot be read."""


def read_report(folder: Path, classes: tuple[str, ...]) -> Report:
    """Reads a pair's report.json.

    Args:
        folder: of the pair.
        classes: the pair's, in the order of the logits.
    """
    try:
        values = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Report(problem=f"{REPORT} is missing")
    except (OSError, ValueError, RecursionError):
        return Report(problem=f"{REPORT} cannot be read")
    if not isinstance(values, dict):
        return Report(problem=f"{REPORT} is not a report")
    common = {name: values[name] for name in _ONCE_COMMON if name in values}
    return Report(
        images=_tried(lambda: sum(map(_count, values["images"].values()))),
        sizes=_tried(lambda: dict(Counter(_counts(values["sizes"])).most_common())),
        unreadable=_tried(lambda: len(_texts(values["unreadable"]))),
        duplicates=_tried(lambda: _count(values["duplicates"])),
        split_source=_tried(lambda: _text(values["split_source"])),
        parts=_parts(values),
        shared=_tried(lambda: _shared(values)),
        split_missing=_tried(lambda: len(_texts(values["split_missing"]))),
        networks={role: _network(values, common, role, classes) for role in ROLES},
        judged=_tried(lambda: _by_part(values.get("faithfulness", {}))),
    )


def _network(values: dict, common: dict, role: str, classes: tuple[str, ...]) -> NetworkReport:
    """One network's part of a report, of today's form or of that which said the settings once for both."""
    found = _tried(lambda: {**common, **values["networks"][role]}) or common
    settings = _tried(lambda: {**(_EARLIER if common else {}), **found["settings"]}) or {}
    test = found.get("test")
    images = _tried(lambda: _count(test["images"]))
    return NetworkReport(
        parameters=_tried(lambda: _count(found["parameters"])),
        best_epoch=_tried(lambda: _count(found["best_epoch"])),
        val_accuracy=_tried(lambda: _share(found["val_accuracy"])),
        test_accuracy=_tried(lambda: _share(test["accuracy"])),
        test_images=images,
        class_accuracy=_class_accuracy(test, classes),
        confusion=_tried(lambda: _confusion(test["confusion"], len(classes), images)),
        curves=_tried(lambda: _curves(found["curves"])),
        seconds=_tried(lambda: _seconds(found["seconds"])),
        batch_size=_tried(lambda: _count(settings["batch_size"])),
        lr=_tried(lambda: _number(settings["lr"])),
        freeze_backbone=_tried(lambda: _checked(settings["freeze_backbone"], bool)),
        precision=_tried(lambda: _text(found["precision"])),
        device=_tried(lambda: _text(found["device"])),
        versions=_tried(lambda: {_text(name): _text(version) for name, version in found["versions"].items()}),
    )


def _class_accuracy(test: Any, classes: tuple[str, ...]) -> dict[str, float | None]:
    said = _tried(lambda: _checked(test["per_class"], dict)) or {}
    shares = {name: _tried(lambda n=name: _share(said[n])) for name in classes if name in said}
    return {name: share for name, share in shares.items() if share is not None or said[name] is None}


def _confusion(rows: Any, classes: int, images: int | None) -> tuple[tuple[int, ...], ...]:
    matrix = tuple(tuple(map(_count, row)) for row in rows)
    if [len(row) for row in matrix] != [classes] * classes:
        raise ValueError("its sides are not the classes")
    if images is not None and sum(map(sum, matrix)) != images:
        raise ValueError("it holds another number of images")
    return matrix


def _curves(epochs: Any) -> tuple[Epoch, ...]:
    curves = tuple(
        Epoch(
            _count(epoch["epoch"]),
            _number(epoch["train_loss"]),
            _share(epoch["train_accuracy"]),
            _number(epoch["val_loss"]),
            _share(epoch["val_accuracy"]),
        )
        for epoch in epochs
    )
    if not curves:
        raise ValueError("no epoch")
    return curves


def _parts(values: dict) -> dict[str, int]:
    counts = {part: _tried(lambda p=part: len(_texts(values["split"][p]))) for part in PARTS}
    return {part: count for part, count in counts.items() if count is not None}


def _shared(values: dict) -> tuple[tuple[str, ...], ...]:
    groups = [_texts(group) for group in values["split_shared"]]
    wanted = {name for group in groups for name in group}
    parts = {
        name: part
        for part in PARTS
        for name in _tried(lambda p=part: _texts(values["split"][p])) or ()
        if name in wanted
    }
    return tuple(tuple(f"{name} ({parts.get(name, 'part unknown')})" for name in group) for group in groups)


def _by_part(found: Any) -> dict[str, Judged | None]:
    return {part: _tried(lambda p=part: _judged(found[p])) for part in found.keys()}  # noqa: SIM118 - refuses a list


def _judged(found: Any) -> Judged:
    return Judged(
        images=_count(found["images"]),
        layer=_text(found["layer"]),
        method=_text(found["method"]),
        empty=_tried(lambda: {role: _count(found["empty"][role]) for role in ROLES}),
        measures={_text(name): _tried(lambda m=measure: _judgement(m)) for name, measure in found["measures"].items()},
        insertion=_tried(lambda: {role: tuple(map(_share, found["insertion"][role])) for role in ROLES}),
        deletion=_tried(lambda: {role: tuple(map(_share, found["deletion"][role])) for role in ROLES}),
    )


def _judgement(measure: Any) -> Judgement:
    both = measure["paired"]
    counts = (_count(both[name]) for name in ("scff_better", "baseline_better", "equal"))
    return Judgement({role: _interval(measure[role]) for role in ROLES}, Paired(_interval(both["difference"]), *counts))


def _interval(found: Any) -> Interval | None:
    if found is None:
        return None
    return Interval(*(_number(found[name]) for name in ("mean", "low", "high")), _count(found["count"]))


def _tried(reader: Callable[[], _Value]) -> _Value | None:
    """What a reader finds; None where the report has nothing of the kind."""
    try:
        return reader()
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def _checked(value: Any, kind: type[_Value]) -> _Value:
    if not isinstance(value, kind):
        raise TypeError(f"not a {kind.__name__}")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("not a finite number")
    return float(value)


def _seconds(value: Any) -> float:
    if not 0 <= _number(value) <= _LONGEST:
        raise ValueError("not a time that training takes")
    return float(value)


def _share(value: Any) -> float:
    if not 0 <= _number(value) <= 1 + 1e-6:
        raise ValueError("not from 0 to 1")
    return min(float(value), 1.0)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST_COUNT:
        raise ValueError("not a count")
    return value


def _counts(values: Any) -> dict[str, int]:
    return {_text(name): _count(count) for name, count in values.items()}


def _text(value: Any) -> str:
    return _checked(value, str)


def _texts(values: Any) -> list[str]:
    return [_text(value) for value in _checked(values, list)]
