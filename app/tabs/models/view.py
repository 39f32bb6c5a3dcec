"""The card of a pair as HTML: what is known of it, and what is not, in tables and charts."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from app.components.charts import line_chart
from app.report import Epoch, NetworkReport
from app.tabs.models.faithfulness import faithfulness_html
from app.tabs.models.html import ABSENT, PART_TITLES, figure_html, or_absent, safe, scrolled, table_html
from app.tabs.models.model_card import Accuracy, ModelCard, PairedBound
from explain.figures.labels import TITLES
from models.downsample import DOWNSAMPLES
from models.fusion import FUSIONS
from models.scff import FusionSettings
from pairs.checkpoint import REPORT, ROLES, Header

__all__ = ["broken_html", "card_html", "summary_html", "variant_text"]

_Value = TypeVar("_Value")
_PRECISIONS = {"bf16-mixed": "mixed bfloat16", "16-mixed": "mixed float16", "32-true": "float32"}
_MOST_CLASSES = 60  # of a confusion matrix that can still be looked at
_MOST_NAMES = 12


def card_html(card: ModelCard) -> str:
    """HTML: everything that is known of a pair, long sections folded; styled by cards.css."""
    sections = (
        ("How they were trained", _training(card)),
        ("Scenes and split", _scenes(card)),
        ("Training curves", _curves(card)),
        ("Accuracy by class", _by_class(card)),
        ("Confusion matrices", _confusions(card)),
        ("What the heatmaps are worth", faithfulness_html(card)),
    )
    folded = "".join(
        f"<details{' open' if number == 0 else ''}><summary><h4>{title}</h4></summary>{body}</details>"
        for number, (title, body) in enumerate(sections)
    )
    return f"<article class='card'>{_head(card)}{folded}</article>"


def summary_html(card: ModelCard) -> str:
    """HTML: the head of the card alone: which pair this is, how good it is, what it costs."""
    return f"<article class='card'>{_head(card)}</article>"


def broken_html(name: str, reason: str) -> str:
    """HTML: a card for a pair that cannot be used.

    Args:
        name: of its folder.
        reason: a sentence, with or without its full stop.
    """
    return (
        f"<article class='card broken'><h3>{safe(name)}</h3>"
        f"<p><b>This pair cannot be used:</b> {safe(reason.rstrip('.'))}.</p></article>"
    )


def variant_text(fusion: FusionSettings) -> str:
    """A variant of SCFF in words; plain text."""
    downsample, fuse = DOWNSAMPLES[fusion.downsample], FUSIONS[fusion.fusion]
    words = f"{downsample.title}; {fuse.title}"
    if fusion.variant == FusionSettings().variant:
        words += " (the paper's)"
    if downsample.ours or fuse.ours:
        words += " (this program's own)"
    return words


def _head(card: ModelCard) -> str:
    """What comes first: the pair in a sentence, accuracy and cost."""
    header, report = card.common, card.report
    problem = ""
    if report.problem:
        problem = f"<p class='note'><b>{safe(report.problem)}:</b> what is said here is from the weights alone.</p>"
    images = "an unknown number of" if report.images is None else f"{report.images:,}"
    height, width = header.preprocessing.size
    rows = {
        "Test accuracy": [_accuracy(card.test[role]) for role in ROLES],
        "Validation accuracy": [_accuracy(card.val[role]) for role in ROLES],
        "Parameters": [or_absent(card.parameters(role), "{:,}".format) for role in ROLES],
        "Multiply-accumulates": [_macs(card.macs(role)) for role in ROLES],
    }
    table = table_html(("Of each network", *TITLES.values()), [(title, *cells) for title, cells in rows.items()])
    return (
        f"<h3>{safe(card.name)}</h3>{problem}"
        f"<p><b>{safe(header.arch)}</b>{' with the small-image stem' if header.small_stem else ''} as a "
        f"baseline and with SCFF, trained on <b>{safe(header.dataset)}</b>: {len(header.classes)} classes, {images} "
        f"images, seen at {width}&nbsp;×&nbsp;{height} pixels.</p>"
        f"<p>SCFF: {variant_text(card.headers['scff'].fusion)}.</p>"
        f"{table}{_how_sure(card)}"
    )


def _how_sure(card: ModelCard) -> str:
    """What the accuracies can and cannot say."""
    said = [
        "In brackets: 95 % intervals (Wilson's), which count the images and not the luck of one training run."
        if any(figure and figure.interval for figure in (*card.test.values(), *card.val.values()))
        else "No intervals: the report does not say, or not consistently, of how many images these are shares."
    ]
    images = card.test["scff"].images
    if images:
        said.append(f"One test image is {100 / images:.2g} points.")
    if any(card.val.values()):
        said.append("The validation part chose the epoch, so its figures flatter.")
    for role, figure in card.test.items():
        reported = card.report.networks[role].test_accuracy
        if reported is not None and abs(reported - figure.share) > 1e-6:
            said.append(
                f"<b>{TITLES[role]}: {REPORT} says {_percent(reported)} on the test part, the weights say "
                f"{_percent(figure.share)}, which is shown; they are of different tests.</b>"
            )
    if card.cost is not None:
        more = {
            what: getattr(card.cost.scff, what) / getattr(card.cost.baseline, what) - 1 for what in ("params", "macs")
        }
        said.append(
            f"SCFF adds {_percent(more['params'])} to the parameters and {_percent(more['macs'])} to the "
            "multiply-accumulates of one image."
        )
    return f"<p class='fine'>{' '.join(said)}</p><p class='fine'>{_paired(card.paired)}</p>"


def _paired(bound: PairedBound | None) -> str:
    """McNemar's comparison, as far as it can be had."""
    start = "<b>Paired comparison (McNemar):</b> cannot be made, for reports keep no predictions image by image"
    if bound is None:
        return f"{start}; nor are there two confusion matrices of the same images that would limit it."
    return (
        f"{start}. The confusion matrices limit it: the baseline alone recognised {bound.baseline_only} images or "
        f"more, SCFF alone {bound.scff_only} or more, and any more are as many on both sides, so that p is at least "
        f"{bound.least_p:.2g}: "
        + (
            "on this test part the two networks cannot be told apart."
            if bound.least_p > 0.05
            else "whether the two networks differ remains open."
        )
    )


def _training(card: ModelCard) -> str:
    """How each network came about, side by side; what is the same of both is said once."""

    def cells(words: Callable[[Header, NetworkReport], str | None]) -> list[str | None]:
        return [words(card.headers[role], card.report.networks[role]) for role in ROLES]

    scff = card.headers["scff"].fusion
    start = "as its layers do (the paper's)" if scff.start == "neutral" else "so that each fused map is the stage's own"
    cut = "; SCFF's branches train no earlier stage (gradient cut)" if scff.gradient_cut else ""
    fusion = (
        f"{variant_text(scff)}; attention {scff.min_width} wide at least, else a {scff.reduction}th of the channels; "
        f"starts {start}{cut}"
    )
    rows = {
        "Backbone": cells(lambda h, _: safe(h.arch) + (", small-image stem" if h.small_stem else "")),
        "SCFF, where it is": [fusion, fusion],
        "Starting weights": cells(lambda h, _: safe(h.initial)),
        "Recipe": cells(lambda h, _: safe(h.recipe)),
        "Batch size": cells(lambda _, n: _or_none(n.batch_size, str)),
        "Highest learning rate": cells(lambda _, n: _or_none(n.lr, "{:g}".format)),
        "Backbone trained": cells(lambda _, n: _or_none(n.freeze_backbone, lambda f: "no, frozen" if f else "yes")),
        "Seed": cells(lambda h, _: str(h.seed)),
        "Epochs": cells(lambda h, _: str(h.epochs)),
        "Epoch kept (best on validation)": cells(lambda _, n: _or_none(n.best_epoch, str)),
        "Arithmetic": cells(lambda _, n: _or_none(n.precision, lambda p: safe(_PRECISIONS.get(p, p)))),
        "Device": cells(lambda _, n: _or_none(n.device, safe)),
        "By the clock, h:min:s": cells(lambda _, n: _or_none(n.seconds, _duration)),
        "Versions": cells(lambda _, n: _or_none(n.versions, _versions)),
    }
    both = "<span class='both'>both:</span> "
    body = "".join(
        f"<tr><th scope='row'>{title}</th>"
        + (
            f"<td colspan='2'>{'' if first is fusion else both}{or_absent(first, str)}</td>"
            if first == second
            else f"<td>{or_absent(first, str)}</td><td>{or_absent(second, str)}</td>"
        )
        + "</tr>"
        for title, (first, second) in rows.items()
    )
    head = "".join(f"<th scope='col'>{title}</th>" for title in TITLES.values())
    return scrolled(
        "How they were trained", f"<table class='facts'><thead><tr><td></td>{head}</tr></thead>{body}</table>"
    )


def _scenes(card: ModelCard) -> str:
    """What the networks were trained and tested on."""
    header, report = card.common, card.report
    parts = [
        f"{report.parts[part]:,} {words}" if part in report.parts else f"{words} {ABSENT}"
        for part, words in PART_TITLES.items()
    ]
    shared = or_absent(
        report.shared, lambda groups: _listed([" = ".join(map(safe, group)) for group in groups], "; ") or "none"
    )
    if report.shared:
        shared = f"{len(report.shared)} that the split has in several parts: {shared}"
    channels = [
        ", ".join(f"{value:.3g}" for value in values)
        for values in (header.preprocessing.mean, header.preprocessing.std)
    ]
    height, width = header.preprocessing.size
    rows = {
        "Data set": safe(header.dataset),
        "Classes": f"{len(header.classes)}: {_listed([safe(name) for name in header.classes])}",
        "Images": or_absent(report.images, lambda count: f"{count:,}"),
        "Their sizes, pixels": or_absent(
            report.sizes,
            lambda sizes: _listed([f"{safe(size.replace('x', ' × '))} ({count:,})" for size, count in sizes.items()]),
        ),
        "Files that could not be read": or_absent(report.unreadable, str),
        "Pictures that are there twice": or_absent(report.duplicates, str),
        "Split": or_absent(report.split_source, safe),
        "Its parts": ", ".join(parts),
        "Pictures shared between parts": shared,
        "Listed by the split, but not there": or_absent(report.split_missing, str),
        "The network sees": f"the whole image at {width} × {height} pixels, less {channels[0]} and over {channels[1]} "
        "(red, green, blue; 0 to 1)",
        "Fingerprints (SHA-256)": f"scenes {safe(header.data_fingerprint[:16])}, split "
        f"{safe(header.split_fingerprint[:16])}",
    }
    body = "".join(f"<tr><th scope='row'>{title}</th><td>{words}</td></tr>" for title, words in rows.items())
    return f"<table class='facts'>{body}</table>"


def _curves(card: ModelCard) -> str:
    """Loss and accuracy by epoch, on both parts."""
    networks = {role: card.report.networks[role] for role in ROLES if card.report.networks[role].curves}
    if not networks:
        return "<p class='absent'>There are no curves in this report.</p>"
    kept = {role: network.best_epoch for role, network in networks.items() if network.best_epoch}
    figures = []
    for title, value, shares in (
        ("Loss on validation", lambda epoch: epoch.val_loss, False),
        ("Accuracy on validation", lambda epoch: epoch.val_accuracy, True),
        ("Loss in training", lambda epoch: epoch.train_loss, False),
        ("Accuracy in training", lambda epoch: epoch.train_accuracy, True),
    ):
        lines = {role: [(e.epoch, value(e)) for e in network.curves] for role, network in networks.items()}
        figures.append(figure_html(title, line_chart(f"{title} by epoch", lines, "epoch", shares, kept)))
    rings = " and ".join(f"{epoch} ({TITLES[role]})" for role, epoch in kept.items())
    without = "".join(
        f"<p class='absent'>There are no curves of {TITLES[role]} in this report.</p>"
        for role in ROLES
        if role not in networks
    )
    return (
        f"<div class='charts'>{''.join(figures)}</div>{without}<p class='fine'>Baseline dashed, with SCFF solid."
        f"{f' Rings mark the epochs whose weights are kept: {rings}.' if rings else ''} In training, accuracy and loss "
        "are of augmented images while the network learns, and the loss may be of smoothed labels: it does not compare "
        f"with that on validation.</p><details><summary>The same in numbers</summary>{_epochs(networks)}</details>"
    )


def _epochs(networks: dict[str, NetworkReport]) -> str:
    def cells(epoch: Epoch | None) -> tuple[str, ...]:
        if epoch is None:
            return ("",) * 4
        shares = (_percent(share) for share in (epoch.train_accuracy, epoch.val_accuracy))
        return (f"{epoch.train_loss:.3f}", f"{epoch.val_loss:.3f}", *shares)

    found = {role: {epoch.epoch: epoch for epoch in network.curves} for role, network in networks.items()}
    rows = [
        (str(number), *(cell for epochs in found.values() for cell in cells(epochs.get(number))))
        for number in sorted({number for epochs in found.values() for number in epochs})
    ]
    what = ("loss, training", "loss, validation", "accuracy, training", "accuracy, validation")
    return table_html(("Epoch", *(f"{TITLES[role]}: {words}" for role in networks for words in what)), rows)


def _by_class(card: ModelCard) -> str:
    """A row for each class: both bars, both figures, their difference."""
    by_role = {role: card.class_accuracy(role) for role in ROLES}
    if not any(by_role.values()):
        return "<p class='absent'>There is no accuracy by class in this report.</p>"
    confusion = next((n.confusion for n in card.report.networks.values() if n.confusion), None)
    rows = []
    for number, name in enumerate(card.common.classes):
        shares = [by_role[role].get(name) for role in ROLES]
        change = "–" if None in shares else _points(shares[1] - shares[0])
        bars = [_bar(role, name, by_role[role]) for role in ROLES]
        rows.append((safe(name), *bars, change, str(sum(confusion[number])) if confusion else ABSENT))
    columns = ("Class", *TITLES.values(), "Gain, points", "Images")
    return table_html(columns, rows, "classes") + (
        "<p class='fine'>Share of the test images of each class that were recognised. Baseline hatched, with SCFF "
        "solid; bars run from 0 to 100 %.</p>"
    )


def _bar(role: str, name: str, shares: dict[str, float | None]) -> str:
    if name not in shares:
        return ABSENT
    share = shares[name]
    if share is None:
        return "no test image"
    return f"<span class='bar {role}'><span style='width: {share * 100:.1f}%'></span></span>{share * 100:.1f} %"


def _confusions(card: ModelCard) -> str:
    classes, networks = card.common.classes, card.report.networks
    if all(network.confusion is None for network in networks.values()):
        return "<p class='absent'>There are no confusion matrices in this report.</p>"
    if len(classes) > _MOST_CLASSES:
        return f"<p>Of {len(classes)} classes they are too large to be shown; {REPORT} holds them.</p>"
    shown = "".join(
        figure_html(TITLES[role], _matrix(TITLES[role], classes, network.confusion))
        if network.confusion
        else figure_html(TITLES[role], "<p class='absent'>There is no confusion matrix in this report.</p>")
        for role, network in networks.items()
    )
    return (
        f"<div class='matrices'>{shown}</div><p class='fine'>Test images by true class (rows) and predicted class "
        "(columns). The stronger a cell's colour, the larger its share of the row; framed on the diagonal: recognised."
        "</p>"
    )


def _matrix(title: str, classes: Sequence[str], confusion: Sequence[Sequence[int]]) -> str:
    names = [safe(name) for name in classes]
    head = "".join(f"<th scope='col'><span title='{name}'>{name}</span></th>" for name in names)
    body = ""
    for number, (name, row) in enumerate(zip(names, confusion, strict=True)):
        cells = ""
        for column, count in enumerate(row):
            kind = "right" if column == number else "wrong" if count else "none"
            shade = 0.15 + 0.5 * count / sum(row) if count else 0
            cells += f"<td class='{kind}' style='--shade: {shade:.2f}'>{count}</td>"
        body += f"<tr><th scope='row'>{name}</th>{cells}</tr>"
    head = f"<tr><th scope='col'>true \\ predicted</th>{head}</tr>"
    return scrolled(f"Confusion matrix: {title}", f"<table class='matrix'><thead>{head}</thead>{body}</table>")


def _accuracy(figure: Accuracy | None) -> str:
    if figure is None:
        return ABSENT
    interval = ""
    if figure.interval:
        low, high = figure.interval
        interval = f" <span class='interval'>[{low * 100:.1f}, {high * 100:.1f}]</span>"
    of = f" <span class='fine'>of {figure.images:,}</span>" if figure.images else ""
    return f"<b>{_percent(figure.share)}</b>{interval}{of}"


def _listed(words: Sequence[str], between: str = ", ") -> str:
    """The first of many."""
    more = f" and {len(words) - _MOST_NAMES} more" if len(words) > _MOST_NAMES else ""
    return between.join(words[:_MOST_NAMES]) + more


def _or_none(value: _Value | None, words: Callable[[_Value], str]) -> str | None:
    return None if value is None else words(value)


def _versions(versions: dict[str, str]) -> str:
    return ", ".join(f"{safe(name)} {safe(version)}" for name, version in versions.items())


def _duration(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))


def _points(difference: float) -> str:
    """Of a hundred; without a sign where it is none."""
    points = f"{difference * 100:+.1f}"
    return "0.0" if float(points) == 0 else points.replace("-", "−")


def _macs(count: int | None) -> str:
    return "cannot be counted" if count is None else f"{count / 1e9:.3f} G"


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"
