"""The schema of a model pair's report (report.json), which training writes and every other package reads.

Its fields can be read one by one (pairs.report_reading): an invalid one is then None or empty.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    InstanceOf,
    ValidationError,
    ValidationInfo,
    WrapValidator,
    field_validator,
)

from models.fusion_settings import FusionSettings
from pairs.layout import ROLES, SUBSETS
from pairs.statistics import Count, Interval, Number, PairedComparison

__all__ = [
    "NULLABLE", "OPTIONAL", "VERSION", "Epoch", "EvaluationResult", "FaithfulnessReport", "MetricResult",
    "NetworkReport", "Report", "RunSettings", "Section", "json_schema",
]  # fmt: skip

VERSION = 2
"""Version of the schema. Reports without a version are version 1."""

NULLABLE = "null is a value"
"""Marks fields where null is a result, not an omission."""
OPTIONAL = "may be absent"
"""Marks fields that a complete report may lack."""


def _to_one(share: float) -> float:
    return min(share, 1.0)  # float32 sums can exceed it


def _keep_valid_entries(values: Any, handler: Callable[[Any], Any], info: ValidationInfo) -> Any:
    """Leaves out the invalid entries of a mapping in lenient reading."""
    if info.context is None or not isinstance(values, dict):
        return handler(values)
    kept = {}
    for key, value in values.items():
        try:
            kept |= handler({key: value})
        except ValidationError:
            continue
    return kept


def _is_confusion_matrix(rows: tuple[tuple[int, ...], ...], info: ValidationInfo) -> tuple[tuple[int, ...], ...]:
    classes = (info.context or {}).get("classes") or len(rows)
    if [len(row) for row in rows] != [classes] * classes:
        raise ValueError("not a square of a row and a column per class")
    if info.data.get("images") not in (None, sum(map(sum, rows))):
        raise ValueError("does not add up to the number of images")
    return rows


def _has_both_roles(values: dict[str, Any]) -> dict[str, Any]:
    if values.keys() != set(ROLES):
        raise ValueError(f"not of {' and '.join(ROLES)}")
    return values


Text = InstanceOf[str]  # not str, which refuses lone surrogates
Flag = Annotated[bool, Field(strict=True)]
Share = Annotated[float, Field(strict=True, ge=0, le=1 + 1e-6, allow_inf_nan=False), AfterValidator(_to_one)]
Seconds = Annotated[float, Field(strict=True, ge=0, le=1e9, allow_inf_nan=False)]
Names = tuple[Text, ...]
Channels = tuple[Number, Number, Number]
"""Red, green, blue; of pixels from 0 to 1."""
ConfusionMatrix = Annotated[tuple[tuple[Count, ...], ...], AfterValidator(_is_confusion_matrix)]
_ByRole = AfterValidator(_has_both_roles)
_ByKey = WrapValidator(_keep_valid_entries)


def _complete_schema(schema: dict[str, Any], section: type["Section"]) -> None:
    """Adapts a JSON Schema to complete reports: the defaults and nulls of the fields are for incomplete ones."""
    schema["required"] = [name for name, field in section.model_fields.items() if OPTIONAL not in field.metadata]
    for name, field in section.model_fields.items():
        known = schema["properties"][name]
        known.pop("default", None)
        if not {NULLABLE, OPTIONAL} & {*field.metadata} and {"type": "null"} in known.get("anyOf", ()):
            (only,) = (choice for choice in known.pop("anyOf") if choice != {"type": "null"})
            known |= only


class Section(BaseModel):
    """A section of a report whose fields are read one by one; a missing field is None or empty."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, json_schema_extra=_complete_schema)

    @field_validator("*", mode="wrap")
    @classmethod
    def _keep_valid_fields(cls, value: Any, handler: Callable[[Any], Any], info: ValidationInfo) -> Any:
        try:
            return handler(value)
        except ValidationError:
            if info.context is None or info.field_name is None:  # not reading, but constructing
                raise
            empty = cls.model_fields[info.field_name].get_default(call_default_factory=True)
            return empty if isinstance(empty, Section | dict) else None


@dataclass(frozen=True)
class Epoch:
    """Means over one epoch; accuracies from 0 to 1."""

    epoch: Count
    """Counted from 1."""
    train_loss: Number
    train_accuracy: Share
    """Computed on augmented images, while the weights change."""
    val_loss: Number
    val_accuracy: Share


class EvaluationResult(Section):
    """A network's accuracy on one subset of the split."""

    images: Count | None = None
    accuracy: Share | None = None
    """Overall accuracy, 0 to 1."""
    per_class: Annotated[dict[Text, Share | None], _ByKey] = Field(default_factory=dict)
    """Recall of each class, 0 to 1; null where the subset has no image of it."""
    confusion: ConfusionMatrix | None = None
    """Images by true class (rows) and predicted class (columns), in the order of the classes."""

    @classmethod
    def from_confusion(cls, confusion: Sequence[Sequence[int]], classes: Sequence[str]) -> Self:
        """The accuracies of a confusion matrix."""
        images = sum(map(sum, confusion))
        correct = [row[i] for i, row in enumerate(confusion)]
        per_class = {
            name: correct[i] / sum(confusion[i]) if sum(confusion[i]) else None for i, name in enumerate(classes)
        }
        rows = tuple(map(tuple, confusion))
        return cls(images=images, accuracy=sum(correct) / images, per_class=per_class, confusion=rows)


class RunSettings(Section):
    """The settings of one network's training run."""

    arch: Text | None = None
    """timm's name of the backbone."""
    recipe: Text | None = None
    epochs: Count | None = None
    batch_size: Count | None = None
    lr: Number | None = None
    """Peak learning rate."""
    image_size: tuple[Count, Count] | None = None
    """The network's input, [height, width] in pixels."""
    seed: Count | None = None
    fusion: Annotated[FusionSettings | None, NULLABLE] = None
    """The SCFF variant; null for a baseline."""
    small_stem: Flag | None = None
    """Whether the network has a ResNet's stem for small images."""
    initial: Text | None = None
    """Initial weights: random, or their source."""
    freeze_backbone: Flag | None = None
    """Whether SCFF and the classifier alone were trained."""


class NetworkReport(Section):
    """One network's training and test."""

    parameters: Count | None = None
    best_epoch: Count | None = None
    """The epoch, counted from 1, whose weights are kept: the best on the validation set."""
    val_accuracy: Share | None = None
    test: EvaluationResult = EvaluationResult()
    """Test set results, evaluated once with the weights as stored."""
    curves: Annotated[tuple[Epoch, ...], Field(min_length=1)] | None = None
    seconds: Seconds | None = None
    """Wall-clock time of training and validation."""
    settings: RunSettings = RunSettings()
    precision: Text | None = None
    """Lightning's name of the training precision."""
    device: Text | None = None
    versions: dict[Text, Text] | None = None
    """Versions of the libraries."""


class MetricResult(Section):
    """One heatmap metric over a subset of the split, with 95 % bootstrap intervals over images."""

    title: Annotated[Text | None, OPTIONAL] = None
    unit: Annotated[Text | None, OPTIONAL] = None
    higher_is_better: Annotated[Flag | None, OPTIONAL] = None
    baseline: Annotated[Interval | None, NULLABLE] = None
    """Null where no image has a value."""
    scff: Annotated[Interval | None, NULLABLE] = None
    paired: PairedComparison | None = None

    @property
    def direction(self) -> str:
        """The better direction, as text."""
        return {True: "higher is better", False: "lower is better", None: "direction unknown"}[self.higher_is_better]

    @property
    def by_role(self) -> dict[str, Interval | None]:
        """Mean of each network."""
        return {"baseline": self.baseline, "scff": self.scff}


class FaithfulnessReport(Section):
    """Faithfulness of both networks' heatmaps over a subset of the split, each of the network's own prediction."""

    images: Count | None = None
    layer: Text | None = None
    layer_title: Annotated[Text | None, OPTIONAL] = None
    method: Text | None = None
    method_title: Annotated[Text | None, OPTIONAL] = None
    empty: Annotated[dict[Text, Count], _ByRole] | None = None
    """Images whose heatmap is zero everywhere, by role; they have no other metric."""
    metrics: Annotated[dict[Text, MetricResult], _ByKey] = Field(default_factory=dict)
    insertion: Annotated[dict[Text, tuple[Share, ...]], _ByRole] | None = None
    """Mean insertion curve by role: the probability of the predicted class; empty where no image has one."""
    deletion: Annotated[dict[Text, tuple[Share, ...]], _ByRole] | None = None
    """Mean deletion curve by role, in the same form."""


class Report(Section):
    """The report of a model pair, or of an incomplete pair."""

    version: Literal[2] | None = VERSION
    """Version of the schema."""
    dataset: Text | None = None
    """Name of the folder of scenes."""
    classes: Names | None = None
    """Class names, in the order of the logits."""
    images: dict[Text, Count] | None = None
    """Readable images of each class."""
    sizes: dict[Text, Count] | None = None
    """Number of images of each size, "WxH" in pixels."""
    unreadable: Names | None = None
    """Files."""
    duplicates: Count | None = None
    """Images beyond the first of each group of identical images."""
    data_fingerprint: Text | None = None
    """SHA-256 over the scenes' names and pixels."""
    split_source: Text | None = None
    split_fingerprint: Text | None = None
    """SHA-256 over the names in each subset."""
    split: Annotated[dict[Text, Names], _ByKey] = Field(default_factory=dict)
    """Scene names by subset: train, val, test."""
    split_missing: Names | None = None
    """Scene names that the split lists but the folder lacked."""
    split_shared: tuple[Names, ...] | None = None
    """Groups of scenes that are identical images in different subsets."""
    mean: Channels | None = None
    """The normalisation's mean."""
    std: Channels | None = None
    """The normalisation's standard deviation."""
    networks: Annotated[dict[Text, NetworkReport], _ByKey] = Field(default_factory=dict)
    """Networks by role: baseline, scff."""
    faithfulness: Annotated[dict[Text, FaithfulnessReport], _ByKey, OPTIONAL] = Field(default_factory=dict)
    """Faithfulness evaluations, by subset of the split."""

    @property
    def image_count(self) -> int | None:
        """Readable images of all classes."""
        return None if self.images is None else sum(self.images.values())

    @property
    def subset_sizes(self) -> dict[str, int]:
        """Images by subset, as far as the report has them."""
        return {subset: len(self.split[subset]) for subset in SUBSETS if subset in self.split}

    @property
    def sizes_by_frequency(self) -> dict[str, int] | None:
        """The images' sizes, the most frequent first."""
        return None if self.sizes is None else dict(Counter(self.sizes).most_common())

    def shared_across_subsets(self) -> tuple[Names, ...] | None:
        """The groups of split_shared, each scene as "name (subset)"."""
        if self.split_shared is None:
            return None
        wanted = {name for group in self.split_shared for name in group}
        subsets = {name: subset for subset in SUBSETS for name in self.split.get(subset, ()) if name in wanted}
        return tuple(
            tuple(f"{name} ({subsets.get(name, 'subset unknown')})" for name in group) for group in self.split_shared
        )

    def to_json(self) -> str:
        """The text of report.json."""
        return json.dumps(self.model_dump(mode="json"), allow_nan=False) + "\n"


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a complete report of this version."""
    schema = Report.model_json_schema()
    for section in (schema, *schema["$defs"].values()):
        section["description"] = section["description"].partition("\n")[0]
    return schema
