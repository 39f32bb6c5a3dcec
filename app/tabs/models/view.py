"""A pair's model card as HTML: contents of its weights and report, and the fields that the report lacks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from markupsafe import Markup

from app.components.charts import line_chart
from app.components.templates import render
from app.tabs.models.faithfulness import faithfulness_html
from explain.figures.labels import TITLES
from models.downsample import DOWNSAMPLES
from models.fusion import FUSIONS
from models.fusion_settings import FusionSettings
from pairs.checkpoint import Header
from pairs.layout import REPORT, ROLES
from pairs.model_card import Accuracy, ModelCard
from pairs.report import Epoch, NetworkReport

__all__ = ["SUBSET_TITLES", "broken_html", "card_html", "variant_text"]

SUBSET_TITLES = {"train": "training", "val": "validation", "test": "test"}
"""Titles of the subsets of a split, keyed by their names in reports."""

_Value = TypeVar("_Value")
_PRECISIONS = {"bf16-mixed": "mixed bfloat16", "16-mixed": "mixed float16", "32-true": "float32"}
_MOST_CLASSES = 60  # the largest confusion matrix that is legible
_MOST_NAMES = 12


@dataclass(frozen=True)
class _AccuracyText:
    share: str
    interval: str
    images: str


@dataclass(frozen=True)
class _RecallText:
    share: str | None
    """The recall as text; None if the test set has no image of the class."""
    width: str
    """Width of the bar in per cent."""


@dataclass(frozen=True)
class _ClassRow:
    name: str
    recall: dict[str, _RecallText | None]
    """Recall by role; None if the report lacks it."""
    difference: str
    images: int | None


def card_html(card: ModelCard) -> str:
    """HTML: the model card, with long sections collapsed; styled by cards.css."""
    sections = {
        "Training": _training(card),
        "Data set and split": _scenes(card),
        "Training curves": _curves(card),
        "Test recall by class": _recall(card),
        "Confusion matrices": _confusion(card),
        "Faithfulness evaluation": faithfulness_html(card.partial, SUBSET_TITLES),
    }
    return render("models/card.html", head=_head(card), sections=sections)


def broken_html(name: str, reason: str) -> str:
    """HTML: a card for a pair that cannot be used.

    Args:
        name: the folder's name.
        reason: a sentence, with or without its full stop.
    """
    return render("models/broken.html", name=name, reason=reason.rstrip("."))


def variant_text(fusion: FusionSettings) -> str:
    """A variant of SCFF as text."""
    downsample, fuse = DOWNSAMPLES[fusion.downsample], FUSIONS[fusion.fusion]
    text = f"{downsample.title}; {fuse.title}"
    if fusion.variant == FusionSettings().variant:
        text += " (the paper's)"
    if downsample.ours or fuse.ours:
        text += " (our own variant)"
    return text


def _head(card: ModelCard) -> Markup:
    """The pair in a sentence, accuracy and cost, and the fields that the report lacks."""
    header, partial, report = card.common, card.partial, card.report
    height, width = header.preprocessing.size
    conflicts = [
        (TITLES[role], _percent(reported), _percent(found.share))
        for role, found in card.test.items()
        if (reported := report.networks[role].test.accuracy) is not None and abs(reported - found.share) > 1e-6
    ]
    added = None
    if card.cost is not None:
        baseline, scff = card.cost.networks["baseline"], card.cost.networks["scff"]
        added = {
            "params": _percent(scff.params / baseline.params - 1), "macs": _percent(scff.macs / baseline.macs - 1)
        }  # fmt: skip
    test_images = card.test["scff"].images
    return render(
        "models/head.html",
        titles=TITLES,
        report_file=REPORT,
        name=card.name,
        error=partial.error,
        missing=_listed([".".join(path) for path in partial.missing if not partial.error]),
        invalid=_listed([".".join(path) for path in partial.invalid]),
        header=header,
        images=None if report.image_count is None else f"{report.image_count:,}",
        width=width,
        height=height,
        variant=variant_text(_fusion(card)),
        test={role: _accuracy_text(card.test[role]) for role in ROLES},
        val={role: _accuracy_text(card.val[role]) for role in ROLES},
        parameters=[_text(card.parameters(role), "{:,}".format) for role in ROLES],
        macs=[_text(card.macs(role), lambda count: f"{count / 1e9:.3f} G") for role in ROLES],
        has_intervals=any(found and found.interval for found in (*card.test.values(), *card.val.values())),
        has_val=any(card.val.values()),
        image_points=f"{100 / test_images:.2g}" if test_images else None,
        conflicts=conflicts,
        added=added,
        mcnemar=card.mcnemar,
    )


def _training(card: ModelCard) -> Markup:
    """How each network was trained, side by side."""

    def row(text: Callable[[Header, NetworkReport], str | None]) -> tuple[str | None, ...]:
        return tuple(text(card.headers[role], card.report.networks[role]) for role in ROLES)

    fusion = _fusion(card)
    start = "default initialisation (the paper's)" if fusion.start == "neutral" else "identity initialisation"
    cut = "; no gradient through SCFF into earlier stages (gradient cut)" if fusion.gradient_cut else ""
    rows = {
        "Backbone": row(lambda h, _: h.arch + (", small-image stem" if h.small_stem else "")),
        "Initial weights": row(lambda h, _: h.initial),
        "Recipe": row(lambda h, _: h.recipe),
        "Batch size": row(lambda _, n: _text(n.settings.batch_size, str)),
        "Peak learning rate": row(lambda _, n: _text(n.settings.lr, "{:g}".format)),
        "Backbone weights": row(lambda _, n: _text(n.settings.freeze_backbone, lambda f: "frozen" if f else "trained")),
        "Seed": row(lambda h, _: str(h.seed)),
        "Epochs": row(lambda h, _: str(h.epochs)),
        "Selected epoch (best validation accuracy)": row(lambda _, n: _text(n.best_epoch, str)),
        "Precision": row(lambda _, n: _text(n.precision, lambda name: _PRECISIONS.get(name, name))),
        "Device": row(lambda _, n: n.device),
        "Training time (h:min:s)": row(lambda _, n: _text(n.seconds, lambda s: str(timedelta(seconds=round(s))))),
        "Versions": row(lambda _, n: _text(n.versions, lambda all_: ", ".join(map(" ".join, all_.items())))),
    }
    return render(
        "models/training.html",
        titles=TITLES,
        fusion=f"{variant_text(fusion)}; attention width: channels / {fusion.reduction}, at least {fusion.min_width}; "
        f"{start}{cut}",
        training=rows,
    )


def _scenes(card: ModelCard) -> Markup:
    """Data set and split that the networks were trained and tested on."""
    header, report = card.common, card.report
    shared = report.shared_across_subsets()
    shared_text = _text(shared, lambda groups: _listed([" = ".join(group) for group in groups], "; ") or "none")
    if shared:
        shared_text = f"{len(shared)} groups of identical images: {shared_text}"
    mean, std = (
        ", ".join(f"{value:.3g}" for value in values)
        for values in (header.preprocessing.mean, header.preprocessing.std)
    )
    height, width = header.preprocessing.size
    rows = {
        "Data set": header.dataset,
        "Classes": f"{len(header.classes)}: {_listed(header.classes)}",
        "Images": _text(report.image_count, "{:,}".format),
        "Image sizes (pixels)": _text(
            report.sizes_by_frequency,
            lambda sizes: _listed([f"{size.replace('x', ' × ')} ({count:,})" for size, count in sizes.items()]),
        ),
        "Unreadable files": _text(report.unreadable, lambda names: str(len(names))),
        "Duplicate images": _text(report.duplicates, str),
        "Split": report.split_source,
        "Images shared across subsets": shared_text,
        "Images of the split missing from the folder": _text(report.split_missing, lambda names: str(len(names))),
        "Preprocessing": f"resized to {width} × {height} pixels, normalised by mean {mean}, standard deviation {std} "
        "(red, green, blue; 0 to 1)",
        "Fingerprints (SHA-256)": f"scenes {header.data_fingerprint[:16]}, split {header.split_fingerprint[:16]}",
    }
    subsets = {title: _text(report.subset_sizes.get(subset), "{:,}".format) for subset, title in SUBSET_TITLES.items()}
    return render("models/scenes.html", scenes=rows, subsets=subsets)


def _curves(card: ModelCard) -> Markup:
    """Loss and accuracy by epoch, on both subsets."""
    curves = {role: network.curves for role, network in card.report.networks.items() if network.curves}
    selected = {role: epoch for role in curves if (epoch := card.report.networks[role].best_epoch)}
    charts = {}
    for title, value, shares in (
        ("Validation loss", lambda epoch: epoch.val_loss, False),
        ("Validation accuracy", lambda epoch: epoch.val_accuracy, True),
        ("Training loss", lambda epoch: epoch.train_loss, False),
        ("Training accuracy", lambda epoch: epoch.train_accuracy, True),
    ):
        lines = {role: [(epoch.epoch, value(epoch)) for epoch in epochs] for role, epochs in curves.items()}
        if lines:
            charts[title] = Markup(line_chart(f"{title} by epoch", lines, "epoch", shares, selected))
    quantities = ("training loss", "validation loss", "training accuracy", "validation accuracy")
    return render(
        "models/curves.html",
        curves=charts,
        without_curves=[TITLES[role] for role in ROLES if role not in curves],
        selected=" and ".join(f"{epoch} ({TITLES[role]})" for role, epoch in selected.items()),
        epoch_columns=("Epoch", *(f"{TITLES[role]}: {quantity}" for role in curves for quantity in quantities)),
        epochs=_epoch_rows(curves),
    )


def _epoch_rows(curves: dict[str, tuple[Epoch, ...]]) -> list[tuple[str, ...]]:
    def cells(epoch: Epoch | None) -> tuple[str, ...]:
        if epoch is None:
            return ("",) * 4
        shares = map(_percent, (epoch.train_accuracy, epoch.val_accuracy))
        return (f"{epoch.train_loss:.3f}", f"{epoch.val_loss:.3f}", *shares)

    found = {role: {epoch.epoch: epoch for epoch in epochs} for role, epochs in curves.items()}
    return [
        (str(number), *(cell for epochs in found.values() for cell in cells(epochs.get(number))))
        for number in sorted({number for epochs in found.values() for number in epochs})
    ]


def _recall(card: ModelCard) -> Markup:
    """A row for each class: both networks' recall as bars, and the difference."""
    by_role = {role: card.class_recall(role) for role in ROLES}
    confusion = next((n.test.confusion for n in card.report.networks.values() if n.test.confusion), None)
    rows = []
    for number, name in enumerate(card.common.classes):
        baseline, scff = (by_role[role].get(name) for role in ROLES)
        rows.append(
            _ClassRow(
                name=name,
                recall={role: _recall_text(found[name]) if name in found else None for role, found in by_role.items()},
                difference="–" if baseline is None or scff is None else _points(scff - baseline),
                images=sum(confusion[number]) if confusion else None,
            )
        )
    return render("models/recall.html", titles=TITLES, recalls=rows if any(by_role.values()) else [])


def _confusion(card: ModelCard) -> Markup:
    matrices = {TITLES[role]: network.test.confusion for role, network in card.report.networks.items()}
    return render(
        "models/confusion.html",
        classes=card.common.classes,
        most_classes=_MOST_CLASSES,
        report_file=REPORT,
        matrices=matrices if any(matrices.values()) else {},
    )


def _fusion(card: ModelCard) -> FusionSettings:
    return card.headers["scff"].fusion or FusionSettings()


def _accuracy_text(found: Accuracy | None) -> _AccuracyText | None:
    if found is None:
        return None
    interval = "[{:.1f}, {:.1f}]".format(*(100 * bound for bound in found.interval)) if found.interval else ""
    return _AccuracyText(_percent(found.share), interval, f"{found.images:,}" if found.images else "")


def _recall_text(share: float | None) -> _RecallText:
    return _RecallText(None, "0") if share is None else _RecallText(_percent(share), f"{share * 100:.1f}")


def _text(value: _Value | None, text: Callable[[_Value], str]) -> str | None:
    """A value of a report as text; None if the report lacks it."""
    return None if value is None else text(value)


def _listed(texts: Sequence[str], separator: str = ", ") -> str:
    """The first few of many names, separated by commas."""
    more = f" and {len(texts) - _MOST_NAMES} more" if len(texts) > _MOST_NAMES else ""
    return separator.join(texts[:_MOST_NAMES]) + more


def _points(difference: float) -> str:
    """Difference in percentage points, with a sign unless it is zero."""
    points = f"{difference * 100:+.1f}"
    return "0.0" if float(points) == 0 else points.replace("-", "−")


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"
