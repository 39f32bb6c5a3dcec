"""Rows of the table of a folder or batch, one per image."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from pairs.layout import ROLES

__all__ = ["ImageRow", "NetworkResult"]


@dataclass(frozen=True)
class NetworkResult:
    """One network's prediction for an image, and its heatmap's target and faithfulness."""

    prediction: str
    confidence: float
    target: str
    """The target class."""
    against: str
    """The contrast class; empty where there is none."""
    target_confidence: float
    empty: bool
    """Whether the heatmap is zero everywhere."""
    metrics: Mapping[str, float | bool | None] = field(default_factory=dict)
    """Faithfulness, keyed by explain.metrics.perturbation.Perturbation.columns; None for an empty heatmap."""

    def columns(self) -> dict[str, Any]:
        """Values keyed by column, without the network's role."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        return {**plain, **self.metrics}

    @classmethod
    def of_columns(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of columns.

        Raises:
            KeyError: a column is missing.
        """
        metrics = {name: value for name, value in values.items() if name not in _PLAIN}
        return cls(**{name: values[name] for name in _PLAIN}, metrics=metrics)


_PLAIN = tuple(each.name for each in fields(NetworkResult) if each.name != "metrics")


@dataclass(frozen=True)
class ImageRow:
    """An image's results, or its error message."""

    image: str
    """The image's path within the folder."""
    error: str = ""
    """Error message if the image could not be explained."""
    networks: Mapping[str, NetworkResult] = field(default_factory=dict)
    """Results by role; empty if the image could not be explained."""
    geotiff: str | None = None
    """Path of a georeferenced image's GeoTIFF within the folder of results."""

    @property
    def agree(self) -> bool:
        """Whether both networks predict the same class."""
        return len({result.prediction for result in self.networks.values()}) == 1

    def columns(self) -> dict[str, Any]:
        """Values keyed by the table's columns, in their order; the networks' columns begin with the role."""
        of_networks = {
            f"{role}_{name}": value
            for role, result in self.networks.items()
            for name, value in result.columns().items()
        }
        geotiff = {} if self.geotiff is None else {"geotiff": self.geotiff}
        return {"image": self.image, "error": self.error, **of_networks, **geotiff}

    @classmethod
    def of_columns(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of columns.

        Raises:
            KeyError: a column is missing.
        """
        networks = {}
        for role in ROLES if not values["error"] else ():
            start = f"{role}_"
            own = {name.removeprefix(start): value for name, value in values.items() if name.startswith(start)}
            networks[role] = NetworkResult.of_columns(own)
        return cls(image=values["image"], error=values["error"], networks=networks, geotiff=values.get("geotiff"))
