"""What there is to know of a pair: how it was trained, how good it is, what it costs, what its heatmaps are worth."""

from dataclasses import dataclass
from functools import lru_cache

from scipy.stats import binomtest

from app.report import Report, read_report
from core.errors import BadInputError
from models.cost import Cost, PairCost, profile
from pairs.checkpoint import ROLES, Header
from pairs.pair import Pair

__all__ = ["Accuracy", "ModelCard", "PairedBound", "accuracy", "paired_bound", "read_card"]

_LEVEL = 0.95
_counted = lru_cache(maxsize=64)(profile)  # a second for a deep network, and the same for every visitor


@dataclass(frozen=True)
class Accuracy:
    """A share of images, and where that of other images of the kind is likely to lie."""

    share: float
    """0 to 1."""
    images: int | None
    """That it is the share of; None where the report does not say."""
    interval: tuple[float, float] | None
    """Wilson's score interval at 95 %, 0 to 1; None where the number of images is unknown or does not fit."""


@dataclass(frozen=True)
class PairedBound:
    """What both confusion matrices say of McNemar's comparison, which needs the predictions image by image."""

    baseline_only: int
    """Images, at least, that the baseline alone recognised."""
    scff_only: int
    """Images, at least, that SCFF alone recognised."""
    least_p: float
    """The exact test's p is at least this, 0 to 1."""


@dataclass(frozen=True)
class ModelCard:
    """What a pair's weights and its report say."""

    name: str
    headers: dict[str, Header]
    """By role: what the weights say of themselves."""
    report: Report
    cost: PairCost | None
    """Of one image at the pair's size; None where it cannot be counted."""
    test: dict[str, Accuracy]
    """By role: of the weights as they are stored."""
    val: dict[str, Accuracy | None]
    """By role: of the part that chose the epoch."""
    paired: PairedBound | None
    """None where the report lacks a confusion matrix."""

    @property
    def common(self) -> Header:
        """The baseline's header, for what a pair's two networks have in common."""
        return self.headers["baseline"]

    def parameters(self, role: str) -> int | None:
        """Of a network as it was trained."""
        return self.report.networks[role].parameters if self.cost is None else self._cost(role).params

    def macs(self, role: str) -> int | None:
        """Multiply-accumulates of one image."""
        return None if self.cost is None else self._cost(role).macs

    def class_accuracy(self, role: str) -> dict[str, float | None]:
        """On the test part by class, 0 to 1, as NetworkReport's."""
        return self.report.networks[role].class_accuracy

    def _cost(self, role: str) -> Cost:
        return getattr(self.cost, role)


def read_card(pair: Pair) -> ModelCard:
    """Puts together what is known of a pair.

    Args:
        pair: as loaded or prepared.
    """
    headers = {role: getattr(pair, role).header for role in ROLES}
    report = read_report(pair.path, pair.classes)
    networks = report.networks
    return ModelCard(
        name=pair.name,
        headers=headers,
        report=report,
        cost=_cost(headers),
        test={role: accuracy(header.test_accuracy, networks[role].test_images) for role, header in headers.items()},
        val={
            role: None if said.val_accuracy is None else accuracy(said.val_accuracy, report.parts.get("val"))
            for role, said in networks.items()
        },
        paired=paired_bound(*(networks[role].confusion for role in ROLES)),
    )


def accuracy(share: float, images: int | None) -> Accuracy:
    """A share with its interval.

    Args:
        share: 0 to 1.
        images: that it is the share of, as far as known.
    """
    if not images or abs(share * images - round(share * images)) > 0.01:  # shares may be float32
        return Accuracy(share, images, None)
    interval = binomtest(round(share * images), images).proportion_ci(_LEVEL, method="wilson")
    return Accuracy(share, images, (float(interval.low), float(interval.high)))


def paired_bound(
    baseline: tuple[tuple[int, ...], ...] | None, scff: tuple[tuple[int, ...], ...] | None
) -> PairedBound | None:
    """What is certain of McNemar's comparison without the single predictions.

    In each class one network has recognised so many images more, and at least as many are images that it alone has
    recognised. Any more of them would come in couples, one for either network, and raise p.

    Args:
        baseline, scff: confusion matrices, rows are true classes; of the same images.

    Returns:
        None where a matrix is missing, or they are not of as many images in every class.
    """
    if baseline is None or scff is None or [*map(sum, baseline)] != [*map(sum, scff)]:
        return None
    gained = [after[i] - before[i] for i, (before, after) in enumerate(zip(baseline, scff, strict=True))]
    baseline_only, scff_only = -sum(min(gain, 0) for gain in gained), sum(max(gain, 0) for gain in gained)
    different = baseline_only + scff_only
    return PairedBound(baseline_only, scff_only, binomtest(scff_only, different).pvalue if different else 1.0)


def _cost(headers: dict[str, Header]) -> PairCost | None:
    scff = headers["scff"]
    try:
        return _counted(scff.arch, scff.preprocessing.size, len(scff.classes), scff.fusion, scff.small_stem)
    except (BadInputError, RuntimeError):  # an operation may know no tensors without values
        return None
