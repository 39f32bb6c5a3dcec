"""Computational cost of a network without and with SCFF: as text, as a Markdown table, as JSON."""

from dataclasses import asdict
from typing import Any

from models.cost import Cost, PairCost

__all__ = ["as_json_object", "as_row", "as_text", "heading"]


def as_json_object(arch: str, size: tuple[int, int], classes: int, cost: PairCost) -> dict[str, Any]:
    """All counts; `image_size` is a side where the image is square, else [width, height]."""
    height, width = size
    parts = {"backbone": asdict(cost.backbone), "classifier": asdict(cost.classifier)}
    fusions = {f"Y{i}": asdict(part) for i, part in enumerate(cost.fusions, start=2)}
    return {
        "arch": arch,
        "image_size": width if width == height else [width, height],
        "classes": classes,
        "baseline": {**asdict(cost.baseline), **parts},
        "scff": {**asdict(cost.scff), **parts, "fusions": fusions},
        "ratio": {name: round(share, 4) for name, share in zip(("params", "macs"), _ratios(cost), strict=True)},
    }


def as_text(arch: str, size: tuple[int, int], cost: PairCost) -> str:
    """A line per part of one network."""
    parts = {"backbone": cost.backbone}
    parts |= {f"fusion to Y{i}": part for i, part in enumerate(cost.fusions, start=2)}
    parts |= {"classifier": cost.classifier, "baseline": cost.baseline, "with SCFF": cost.scff}
    params, macs = _ratios(cost)
    return "\n".join(
        [
            f"{arch}, {size[1]} x {size[0]} pixels",
            f"{'':>14}  parameters  multiply-accumulates",
            *(f"{name:>14}  {_millions(part.params):>8} M  {part.macs / 1e9:>18.3f} G" for name, part in parts.items()),
            f"{'ratio':>14}  {params:>10.3f}  {macs:>20.3f}",
        ]
    )


def heading() -> str:
    """Head of the Markdown table."""
    columns = (
        "network", "parameters, M", "with SCFF", "MAC, G: backbone", "classifier", "SCFF by stage", "baseline",
        "with SCFF", "ratio",
    )  # fmt: skip
    return f"| {' | '.join(columns)} |\n| --- |{' ---: |' * (len(columns) - 1)}"


def as_row(arch: str, cost: PairCost) -> str:
    """Row of one network."""
    cells = (
        arch,
        _millions(cost.baseline.params),
        _millions(cost.scff.params),
        _billions(cost.backbone),
        _billions(cost.classifier),
        " + ".join(map(_billions, cost.fusions)),
        _billions(cost.baseline),
        _billions(cost.scff),
        f"{_ratios(cost)[1]:.3f}",
    )
    return f"| {' | '.join(cells)} |"


def _ratios(cost: PairCost) -> tuple[float, float]:
    """Parameters and multiply-accumulates with SCFF, divided by the baseline's."""
    return cost.scff.params / cost.baseline.params, cost.scff.macs / cost.baseline.macs


def _millions(number: int) -> str:
    return f"{number / 1e6:.2f}"


def _billions(cost: Cost) -> str:
    return f"{cost.macs / 1e9:.3f}"
