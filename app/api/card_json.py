"""What is known of a pair, as one JSON object."""

from dataclasses import asdict
from typing import Any

from app.tabs.models.model_card import ModelCard
from pairs.checkpoint import ROLES

__all__ = ["card_json"]


def card_json(card: ModelCard) -> dict[str, Any]:
    """Plain dictionaries, lists, words and numbers; shares from 0 to 1, None for what nobody has written down.

    Args:
        card: of the pair.
    """
    common, report = card.common, card.report
    judged = report.judged
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
            "images": report.images,
            "sizes": report.sizes,
            "parts": report.parts,
            "shared": report.shared,
            "missing": report.split_missing,
            "duplicates": report.duplicates,
            "unreadable": report.unreadable,
        },
        **{role: _of_network(card, role) for role in ROLES},
        "paired": None if card.paired is None else asdict(card.paired),
        "faithfulness": judged and {part: each and asdict(each) for part, each in judged.items()},
        "problem": report.problem,
    }


def _of_network(card: ModelCard, role: str) -> dict[str, Any]:
    """How one network was made, and how good it is."""
    header, said, val = card.headers[role], card.report.networks[role], card.val[role]
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
        "class_accuracy": card.class_accuracy(role),
        "confusion": said.confusion,
        "training": {
            "best_epoch": said.best_epoch,
            "curves": None if said.curves is None else [asdict(epoch) for epoch in said.curves],
            "seconds": said.seconds,
            "batch_size": said.batch_size,
            "lr": said.lr,
            "freeze_backbone": said.freeze_backbone,
            "precision": said.precision,
            "device": said.device,
            "versions": said.versions,
        },
    }
