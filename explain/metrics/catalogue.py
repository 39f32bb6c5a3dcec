"""Catalogue of all heatmap metrics, for reports, model cards, the page, tables and documentation."""

from importlib import import_module
from pkgutil import iter_modules

from explain.metrics import perturbations
from explain.metrics.perturbation import LEVELS, Perturbation
from explain.metrics.randomisation import RANDOMISATION
from pairs.metrics import Metric

__all__ = ["METRICS", "PERTURBATIONS", "perturbations_of"]

_modules = [import_module(f"{perturbations.__name__}.{module.name}") for module in iter_modules(perturbations.__path__)]

PERTURBATIONS: tuple[Perturbation, ...] = tuple(
    sorted((module.PERTURBATION for module in _modules), key=lambda perturbation: perturbation.order)
)
"""The perturbations of all modules of explain.metrics.perturbations."""

METRICS: dict[str, Metric] = {
    metric.key: metric
    for metric in (*(metric for perturbation in PERTURBATIONS for metric in perturbation.metrics), RANDOMISATION)
}
"""All metrics, keyed by their key."""


def perturbations_of(level: str) -> tuple[Perturbation, ...]:
    """The perturbations measured at a level in explain.metrics.perturbation.LEVELS."""
    if level == LEVELS[0]:
        return ()
    return tuple(perturbation for perturbation in PERTURBATIONS if level == LEVELS[-1] or not perturbation.slow)
