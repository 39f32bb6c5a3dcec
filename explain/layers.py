"""Where heatmaps are taken: names of the same place in both networks of a pair."""

from dataclasses import dataclass

from models.errors import BadInputError
from models.network import Network

__all__ = ["FUSED", "Layer", "find_layer", "layer_names"]

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
    """All that can be asked for, of this network and of its partner in a pair."""
    fused = (str(Layer("Y", i)) for i in range(2, network.depth + 1))
    stages = (str(Layer("X", i)) for i in range(1, network.depth + 1))
    return (FUSED, *fused, *stages)


def find_layer(network: Network, name: str) -> Layer:
    """The layer of a name; without SCFF what stands at Yi is Xi.

    Raises:
        BadInputError: the network has no such layer, or it leads nowhere.
    """
    known = layer_names(network)
    if name not in known:
        raise BadInputError(f"unknown layer {name!r}; these networks have {', '.join(known)}")
    kind, number = ("Y", network.depth) if name == FUSED else (name[0], int(name[1:]))
    if number < network.depth and not network.stages_lead_on:
        last = ", ".join(known for known in known if known == FUSED or known.endswith(str(network.depth)))
        raise BadInputError(
            f"{name} cannot be explained: {network.arch} computes on from other maps than its stages; choose of {last}"
        )
    return Layer("X" if network.scff is None else kind, number)
