"""Where heatmaps are taken: names of the same place in both networks of a pair."""

from dataclasses import dataclass

from core.errors import BadInputError
from models.network import Network

__all__ = ["FUSED", "Layer", "explainable_layers", "find_layer", "layer_names"]

FUSED = "fused"
"""The classifier's input: Yn with SCFF, Xn without."""


@dataclass(frozen=True)
class Layer:
    """A map of one network: X1 to Xn, its stages, or Y2 to Yn, what SCFF makes of them."""

    kind: str
    """X or Y."""
    number: int
    """From 1 (X) or 2 (Y) to n."""

    def __str__(self) -> str:
        return f"{self.kind}{self.number}"


def layer_names(network: Network) -> tuple[str, ...]:
    """All that such a network has, and its partner in a pair."""
    fused = (str(Layer("Y", i)) for i in range(2, network.depth + 1))
    stages = (str(Layer("X", i)) for i in range(1, network.depth + 1))
    return (FUSED, *fused, *stages)


def explainable_layers(network: Network) -> tuple[str, ...]:
    """Those of them that lead on to the score, and can be asked for."""
    return tuple(name for name in layer_names(network) if name == FUSED or _leads_on(network, int(name[1:])))


def find_layer(network: Network, name: str) -> Layer:
    """The layer of a name; without SCFF what stands at Yi is Xi.

    Raises:
        BadInputError: the network has no such layer, or it leads nowhere.
    """
    known = layer_names(network)
    if name not in known:
        raise BadInputError(f"unknown layer {name!r}; these networks have {', '.join(known)}")
    kind, number = ("Y", network.depth) if name == FUSED else (name[0], int(name[1:]))
    if not _leads_on(network, number):
        last = ", ".join(explainable_layers(network))
        raise BadInputError(
            f"{name} cannot be explained: {network.arch} computes on from other maps than its stages; choose of {last}"
        )
    return Layer("X" if network.scff is None else kind, number)


def _leads_on(network: Network, number: int) -> bool:
    """Whether the backbone, or the classifier, takes what stands at a stage."""
    return number == network.depth or network.stages_lead_on
