"""A complete report of three classes, as training writes it."""

from dataclasses import asdict
from typing import Any

from models.fusion_settings import FusionSettings
from pairs.layout import ROLES
from pairs.report import VERSION
from tests.conftest import CLASSES

METRICS = {"deletion": False, "road": True}
"""Whether higher is better, by key: one metric of either direction."""


def network(role: str, seconds: float, diagonal: tuple[int, int, int]) -> dict[str, Any]:
    """Section of one network, with ten test images per class."""
    confusion = [
        [10 - right if j == (i + 1) % 3 else right if i == j else 0 for j in range(3)]
        for i, right in enumerate(diagonal)
    ]
    return {
        "parameters": 11,
        "best_epoch": 2,
        "val_accuracy": 0.75,
        "test": {
            "images": 30,
            "accuracy": 0.5,
            "per_class": {name: right / 10 for name, right in zip(CLASSES, diagonal, strict=True)},
            "confusion": confusion,
        },
        "curves": [
            {"epoch": n, "train_loss": 1 / n, "train_accuracy": 0.5, "val_loss": 2 / n, "val_accuracy": 0.25 * n}
            for n in (1, 2, 3)
        ],
        "seconds": seconds,
        "settings": {
            "arch": "resnet18",
            "recipe": "siri-whu",
            "epochs": 3,
            "batch_size": 4,
            "lr": 0.001,
            "image_size": [64, 64],
            "seed": 0,
            "fusion": None if role == "baseline" else asdict(FusionSettings()),
            "small_stem": False,
            "initial": "random",
            "freeze_backbone": False,
        },
        "precision": "bf16-mixed",
        "device": "cpu",
        "versions": {"torch": "2.0"},
    }


def faithfulness() -> dict[str, Any]:
    """Faithfulness section of a subset; SCFF's heatmaps are better by every metric."""

    def interval(mean: float, low: float, high: float) -> dict[str, Any]:
        return {"mean": mean, "low": low, "high": high, "count": 30}

    def metric(key: str, higher_is_better: bool) -> dict[str, Any]:
        sign = 1 if higher_is_better else -1
        difference = interval(sign * 0.02, *sorted((sign * 0.01, sign * 0.03)))
        return {
            "title": f"The {key}",
            "unit": "0 to 1",
            "higher_is_better": higher_is_better,
            "baseline": interval(0.25, 0.2, 0.3),
            "scff": interval(0.25 + sign * 0.02, 0.1, 0.4),
            "paired": {"difference": difference, "scff_better": 20, "baseline_better": 8, "equal": 2},
        }

    return {
        "images": 30,
        "layer": "fused",
        "layer_title": "last feature map",
        "method": "gradcam++",
        "method_title": "Grad-CAM++",
        "empty": {"baseline": 0, "scff": 1},
        "metrics": {key: metric(key, higher_is_better) for key, higher_is_better in METRICS.items()},
        "insertion": {role: [0.1, 0.5, 0.9] for role in ROLES},
        "deletion": {role: [0.9, 0.5, 0.1] for role in ROLES},
    }


def complete_report() -> dict[str, Any]:
    """A report with all fields."""
    return {
        "version": VERSION,
        "dataset": "scenes",
        "classes": list(CLASSES),
        "images": dict.fromkeys(CLASSES, 50),
        "sizes": {"41x30": 10, "40x30": 140},
        "unreadable": ["field/bad"],
        "duplicates": 3,
        "data_fingerprint": "d",
        "split_source": "stratified 60/20/20, seed 0",
        "split_fingerprint": "s",
        "split": {
            subset: [f"{subset}/{n}" for n in range(count)]
            for subset, count in (("train", 80), ("val", 40), ("test", 30))
        },
        "split_missing": ["roof/gone", "roof/lost"],
        "split_shared": [["train/1", "test/2"]],
        "mean": [0.4, 0.4, 0.4],
        "std": [0.2, 0.2, 0.2],
        "networks": {
            "baseline": network("baseline", 60.0, (5, 5, 5)),
            "scff": network("scff", 3700.0, (6, 5, 4)),
        },
        "faithfulness": {"test": faithfulness()},
    }


def once_for_both(report: dict[str, Any]) -> dict[str, Any]:
    """The report in the first format: no version, and fewer settings, stored once for both networks."""
    del report["version"]
    for one in report["networks"].values():
        report |= {name: one.pop(name) for name in ("settings", "precision", "device", "versions")}
    for name in ("fusion", "small_stem", "initial", "freeze_backbone"):
        del report["settings"][name]
    report["settings"]["image_size"] = report["settings"]["image_size"][0]
    return without_titles(report)


def without_version(report: dict[str, Any]) -> dict[str, Any]:
    """The report in the second format: no version, metrics under another name and without titles."""
    del report["version"]
    return without_titles(report)


def without_titles(report: dict[str, Any]) -> dict[str, Any]:
    for subset in report["faithfulness"].values():
        del subset["layer_title"], subset["method_title"]
        subset["measures"] = subset.pop("metrics")
        for metric in subset["measures"].values():
            del metric["title"], metric["unit"], metric["higher_is_better"]
    return report
