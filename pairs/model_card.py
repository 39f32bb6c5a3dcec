"""The model card of a pair: training, accuracies with intervals, cost and faithfulness, from its weights and report."""

from dataclasses import dataclass
from functools import lru_cache

from core.errors import BadInputError
from models.cost import PairCost, profile
from pairs.checkpoint import Header
from pairs.layout import ROLES
from pairs.pair import Pair
from pairs.report import Report
from pairs.report_reading import PartialReport, read_partial_report
from pairs.statistics import McNemarBound, mcnemar_bound, wilson_interval

__all__ = ["Accuracy", "ModelCard", "accuracy", "read_card"]

_profile = lru_cache(maxsize=64)(profile)  # a second for a deep network, and the same for every session


@dataclass(frozen=True)
class Accuracy:
    """A share of images with its confidence interval."""

    share: float
    """0 to 1."""
    images: int | None
    """The denominator; None where the report lacks it."""
    interval: tuple[float, float] | None
    """Wilson's 95 % score interval, 0 to 1; None where the number of images is unknown or inconsistent."""


@dataclass(frozen=True)
class ModelCard:
    """Contents of a pair's weights files and report, with statistics derived from them."""

    name: str
    headers: dict[str, Header]
    """Headers of the weights files, by role."""
    partial: PartialReport
    cost: PairCost | None
    """Cost per image of the pair's input size; None if it cannot be counted."""
    test: dict[str, Accuracy]
    """Test accuracy of the stored weights, by role."""
    val: dict[str, Accuracy | None]
    """Accuracy on the validation set, which was used to select the epoch, by role."""
    mcnemar: McNemarBound | None
    """Bounds of McNemar's test; None if the report lacks a confusion matrix."""

    @property
    def report(self) -> Report:
        """The report, as far as it is valid."""
        return self.partial.report

    @property
    def common(self) -> Header:
        """The baseline's header, for what a pair's two networks have in common."""
        return self.headers["baseline"]

    def parameters(self, role: str) -> int | None:
        """Parameters of a network as it was trained."""
        return self.report.networks[role].parameters if self.cost is None else self.cost.networks[role].params

    def macs(self, role: str) -> int | None:
        """Multiply-accumulates of one image."""
        return None if self.cost is None else self.cost.networks[role].macs

    def class_recall(self, role: str) -> dict[str, float | None]:
        """Recall on the test set by class, 0 to 1: None where the subset has no image of it, absent where unknown."""
        found = self.report.networks[role].test.per_class
        return {name: found[name] for name in self.common.classes if name in found}


def read_card(pair: Pair) -> ModelCard:
    """The card of a pair, as loaded or inference-ready."""
    headers = {role: loaded.header for role, loaded in pair.networks.items()}
    partial = read_partial_report(pair.path, pair.classes)
    networks, sizes = partial.report.networks, partial.report.subset_sizes
    baseline, scff = (networks[role].test.confusion for role in ROLES)
    return ModelCard(
        name=pair.name,
        headers=headers,
        partial=partial,
        cost=_cost(headers["scff"]),
        test={role: accuracy(header.test_accuracy, networks[role].test.images) for role, header in headers.items()},
        val={
            role: None if network.val_accuracy is None else accuracy(network.val_accuracy, sizes.get("val"))
            for role, network in networks.items()
        },
        mcnemar=None if baseline is None or scff is None else mcnemar_bound(baseline, scff),
    )


def accuracy(share: float, images: int | None) -> Accuracy:
    """An accuracy with its interval.

    Args:
        share: 0 to 1.
        images: the denominator, where known.
    """
    if not images or abs(share * images - round(share * images)) > 0.01:  # shares may be float32
        return Accuracy(share, images, None)
    return Accuracy(share, images, wilson_interval(round(share * images), images))


def _cost(scff: Header) -> PairCost | None:
    if scff.fusion is None:
        return None
    try:
        return _profile(scff.arch, scff.preprocessing.size, len(scff.classes), scff.fusion, scff.small_stem)
    except (BadInputError, RuntimeError):  # an operation may not support tensors without values
        return None
