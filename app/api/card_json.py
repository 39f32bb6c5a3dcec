"""A pair's model card as one JSON object."""

from dataclasses import asdict
from typing import Any

from pairs.layout import ROLES
from pairs.model_card import ModelCard
from pairs.report_reading import PartialReport

__all__ = ["card_json"]


def card_json(card: ModelCard) -> dict[str, Any]:
    """The card as plain dictionaries, lists, strings and numbers; shares from 0 to 1, None for what the report lacks.

    Args:
        card: the pair's model card.
    """
    common, partial, report = card.common, card.partial, card.report
    invalid_subsets = dict.fromkeys(partial.invalid_keys("faithfulness"))
    subsets = {subset: _faithfulness(subset, partial) for subset in report.faithfulness} | invalid_subsets
    return {
        "pair": card.name,
        "arch": common.arch,
        "small_stem": common.small_stem,
        "classes": list(common.classes),
        "preprocessing": asdict(common.preprocessing),
        "data": {
            "name": common.dataset,
            "data_fingerprint": common.data_fingerprint,
            "split_fingerprint": common.split_fingerprint,
            "split": report.split_source,
            "images": report.image_count,
            "sizes": report.sizes_by_frequency,
            "parts": report.subset_sizes,
            "shared": report.shared_across_subsets(),
            "missing": None if report.split_missing is None else len(report.split_missing),
            "duplicates": report.duplicates,
            "unreadable": None if report.unreadable is None else len(report.unreadable),
        },
        **{role: _of_network(card, role) for role in ROLES},
        "paired": None if card.mcnemar is None else asdict(card.mcnemar),
        "faithfulness": None if ("faithfulness",) in partial.invalid else subsets,
        "problem": partial.error,
        "missing_fields": [".".join(path) for path in partial.missing],
        "invalid_fields": [".".join(path) for path in partial.invalid],
    }


def _faithfulness(subset: str, partial: PartialReport) -> dict[str, Any]:
    """One subset; a metric with missing or invalid values is None."""
    values = partial.report.faithfulness[subset].model_dump(mode="json")
    path = ("faithfulness", subset, "metrics")
    measures: dict[str, Any] = dict.fromkeys(partial.invalid_keys(*path))
    for key, metric in values.pop("metrics").items():
        by_role = {role: metric.pop(role) for role in ROLES}
        measures[key] = {**metric, "by_role": by_role} if partial.is_valid(*path, key) else None
    return {**values, "measures": measures}


def _of_network(card: ModelCard, role: str) -> dict[str, Any]:
    """One network's training, accuracy and cost."""
    header, network, val = card.headers[role], card.report.networks[role], card.val[role]
    return {
        "fusion": None if header.fusion is None else asdict(header.fusion),
        "initial": header.initial,
        "recipe": header.recipe,
        "seed": header.seed,
        "epochs": header.epochs,
        "parameters": card.parameters(role),
        "macs": card.macs(role),
        "test": asdict(card.test[role]),
        "val": None if val is None else asdict(val),
        "class_accuracy": card.class_recall(role),
        "confusion": network.test.confusion,
        "training": {
            "best_epoch": network.best_epoch,
            "curves": None if network.curves is None else [asdict(epoch) for epoch in network.curves],
            "seconds": network.seconds,
            "batch_size": network.settings.batch_size,
            "lr": network.settings.lr,
            "freeze_backbone": network.settings.freeze_backbone,
            "precision": network.precision,
            "device": network.device,
            "versions": network.versions,
        },
    }
