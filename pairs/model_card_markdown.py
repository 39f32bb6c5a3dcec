"""The model card in Markdown: README.md of a pair's folder."""

from datetime import timedelta

from models.fusion_settings import FusionSettings
from pairs.faithfulness_figure import faithfulness_file
from pairs.layout import ROLES, SUBSETS
from pairs.report import FaithfulnessReport, NetworkReport, Report
from pairs.statistics import Interval

__all__ = ["model_card_markdown"]


def model_card_markdown(name: str, report: Report) -> str:
    """The card of a pair, or of an incomplete pair, of that name; its report is complete."""
    networks = {role: report.networks[role] for role in ROLES if role in report.networks}
    settings = next(iter(networks.values())).settings
    rows = [
        f"| {role} | {n.parameters:,} | {n.val_accuracy:.1%} | {n.test.accuracy:.1%} | {n.best_epoch} |"
        for role, n in networks.items()
    ]
    shared = ""
    if report.split_shared:
        groups = "; ".join(" = ".join(names) for names in report.split_shared)
        shared = f" Identical images in different subsets, {len(report.split_shared)} case(s): {groups}."
    per_class = [
        f"| {cls} | " + " | ".join(_percent(n.test.per_class[cls]) for n in networks.values()) + " |"
        for cls in report.classes or ()
    ]
    fusion = networks["scff"].settings.fusion if "scff" in networks else None
    variant = f" ({_variant(fusion)})" if fusion else ""
    unfused = [network.settings.model_copy(update={"fusion": None}) for network in networks.values()]
    same = (
        " All networks here were trained on the same batches, from the same initial backbone weights."
        if unfused.count(unfused[0]) == len(unfused)
        else ""
    )
    sizes = " / ".join(str(report.subset_sizes[subset]) for subset in SUBSETS)
    width, height = reversed(settings.image_size or (0, 0))
    return f"""# {name}

{settings.arch}{" with the small-image stem" if settings.small_stem else ""} as baseline and with SCFF \
(selective cross-layer feature fusion){variant}, trained on {report.dataset}: {len(report.classes or ())} classes, \
{report.image_count:,} images, resized to {width} x {height} pixels.

| network | parameters | validation accuracy | test accuracy | best epoch |
| --- | --- | --- | --- | --- |
{chr(10).join(rows)}

- **Split:** {report.split_source}; {sizes} images for training, validation and test.{shared}
{chr(10).join(_recipes(networks))}{same}
- **Model selection:** the epoch with the best validation accuracy, which is therefore optimistically biased; the test \
set was used once, with the weights as stored.
- **Uncertainty:** one image of the test set is {100 / report.subset_sizes["test"]:.2f} percentage points; \
with one run and one seed, differences of a few images are not evidence of a real difference.
- **Licence:** weights trained on a data set are subject to its terms; for those of SIRI-WHU see the project's README.

| class | {" | ".join(f"{role}, test recall" for role in networks)} |
| --- |{" --- |" * len(networks)}
{chr(10).join(per_class)}
{"".join(_faithfulness(subset, found) for subset, found in report.faithfulness.items())}"""


def _faithfulness(subset: str, report: FaithfulnessReport) -> str:
    """The section on the heatmaps of one subset."""
    rows = []
    for key, metric in report.metrics.items():
        both = metric.paired
        if both is None:
            continue
        compared = both.scff_better + both.baseline_better + both.equal
        rows.append(
            f"| {metric.title or key} ({metric.direction}) | {_interval(metric.baseline)} | {_interval(metric.scff)} | "
            f"{_interval(both.difference)} | {both.scff_better} and {both.baseline_better} of {compared} |"
        )
    empty = ", ".join(f"{role} {count}" for role, count in (report.empty or {}).items())
    return f"""
## Faithfulness evaluation: {subset} set

{report.method_title or report.method}, {report.layer_title or report.layer}, for each network's own prediction, over \
the {report.images} images of the {subset} set; mean with 95 % bootstrap interval over images. Empty heatmaps: {empty}.

| metric | baseline | scff | scff minus baseline | better on images: scff, baseline |
| --- | --- | --- | --- | --- |
{chr(10).join(rows)}

![Mean insertion and deletion curves of both networks, and the differences between them]({faithfulness_file(subset)})
"""


def _interval(found: Interval | None) -> str:
    if found is None:
        return "-"
    mean, low, high = (round(value, 3) + 0.0 for value in (found.mean, found.low, found.high))  # + 0.0: no "-0.000"
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]"


def _variant(fusion: FusionSettings) -> str:
    """The SCFF variant as text."""
    text = f"{fusion.downsample} + {fusion.fusion}, initialisation: {fusion.start}"
    return text + (", gradient cut" if fusion.gradient_cut else "")


def _recipes(networks: dict[str, NetworkReport]) -> list[str]:
    """A line for each distinct way in which networks were trained."""
    lines: dict[str, list[str]] = {}
    for role, n in networks.items():
        s = n.settings
        frozen = ", backbone frozen" if s.freeze_backbone else ""
        lines.setdefault(
            f"{s.recipe}{frozen}, epochs: {s.epochs}, batch size: {s.batch_size}, peak learning rate: "
            f"{s.lr:g}, seed: {s.seed}, precision: {n.precision}, on {n.device}. Initial weights: {s.initial}.",
            [],
        ).append(f"{role} {timedelta(seconds=round(n.seconds or 0))}")
    return [
        f"- **Recipe:** {text} Training time (wall clock, including other load on the machine): {', '.join(times)}."
        for text, times in lines.items()
    ]


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"
