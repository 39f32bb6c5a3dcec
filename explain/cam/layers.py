"""Layers at which heatmaps are computed: names for corresponding feature maps of a pair's two networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import BadInputError

if TYPE_CHECKING:
    from models.network import Network

__all__ = ["FUSED", "Layer", "explainable_layers", "find_layer", "layer_names"]

FUSED = "fused"
"""The last feature map, the classifier's input: Yn with SCFF, Xn without."""


@dataclass(frozen=True)
class Layer:
    """A feature map of one network: a stage's output, X1 to Xn, or a fused map, Y2 to Yn."""

    kind: str
    """X or Y."""
    number: int
    """Number of the map, from 1 (X) or 2 (Y) to n."""

    def __str__(self) -> str:
        return f"{self.kind}{self.number}"


def layer_names(network: Network) -> tuple[str, ...]:
    """Names of all layers of a network, valid for both networks of a pair."""
    fused = (str(Layer("Y", i)) for i in range(2, network.num_stages + 1))
    stages = (str(Layer("X", i)) for i in range(1, network.num_stages + 1))
    return (FUSED, *fused, *stages)


def explainable_layers(network: Network) -> tuple[str, ...]:
    """Names of the layers that the logits depend on."""
    return tuple(name for name in layer_names(network) if name == FUSED or _leads_on(network, int(name[1:])))


def find_layer(network: Network, name: str) -> Layer:
    """Looks up a layer by name; in a network without SCFF, Yi means Xi.

    Raises:
        BadInputError: the network has no such layer, or its logits do not depend on it.
    """
    known = layer_names(network)
    if name not in known:
        raise BadInputError(f"unknown layer {name!r}; these networks have {', '.join(known)}")
    kind, number = ("Y", network.num_stages) if name == FUSED else (name[0], int(name[1:]))
    if not _leads_on(network, number):
        usable = ", ".join(explainable_layers(network))
        raise BadInputError(
            f"{name} cannot be explained: the logits of {network.arch} do not depend on the copy of the feature map "
            f"that it returns for this stage; choose one of {usable}"
        )
    return Layer("X" if network.scff is None else kind, number)


def _leads_on(network: Network, number: int) -> bool:
    """Whether the backbone, or the classifier, uses the output of a stage."""
    return number == network.num_stages or network.stages_on_forward_path
