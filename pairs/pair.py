"""The model pair, loaded: a baseline and the same network with SCFF, trained alike."""

from dataclasses import dataclass
from pathlib import Path

import torch

from core.errors import BadInputError
from models.preprocessing import Preprocessing
from pairs.checkpoint import Header, LoadedNetwork, load_network
from pairs.layout import NO_SUCH_FOLDER, REPORT, ROLES, weights_file

__all__ = ["Pair", "load_pair"]


@dataclass(frozen=True)
class Pair:
    """A network without SCFF and the same with it, trained on the same scenes and split."""

    path: Path
    baseline: LoadedNetwork
    scff: LoadedNetwork

    @property
    def networks(self) -> dict[str, LoadedNetwork]:
        """Networks by role, in display order."""
        return {"baseline": self.baseline, "scff": self.scff}

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.name

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of both networks' logits."""
        return self.baseline.header.classes

    @property
    def preprocessing(self) -> Preprocessing:
        """Of both networks."""
        return self.baseline.header.preprocessing

    @property
    def device(self) -> torch.device:
        """Of both networks."""
        return next(self.baseline.network.parameters()).device

    def class_index(self, name: str) -> int:
        """The index of a class's logit.

        Raises:
            BadInputError: the pair does not know the class.
        """
        if name not in self.classes:
            raise BadInputError(f"unknown class {name!r}; {self.name} has the classes {', '.join(self.classes)}")
        return self.classes.index(name)


def load_pair(path: str | Path, device: torch.device | str = "cpu") -> Pair:
    """Reads a folder's two networks.

    Raises:
        BadInputError: a file is missing or damaged, or the two were not trained alike.
    """
    path = Path(path).resolve()
    if not path.is_dir():
        raise BadInputError(f"{path.name}: {NO_SUCH_FOLDER}")
    missing = [name for name in (*map(weights_file, ROLES), REPORT) if not (path / name).is_file()]
    if missing:
        raise BadInputError(
            f"{path.name} is not a complete model pair: {', '.join(missing)} missing "
            "(train the missing network into the same folder with --fusion none or --fusion scff)"
        )
    baseline, scff = (load_network(path / weights_file(role), device) for role in ROLES)
    _check_alike(path.name, baseline.header, scff.header)
    return Pair(path, baseline, scff)


def _check_alike(name: str, baseline: Header, scff: Header) -> None:
    if baseline.fusion is not None or scff.fusion is None:
        raise BadInputError(f"{name}: baseline must be without SCFF and scff with it; the files may be swapped")
    if baseline.classes != scff.classes:
        raise BadInputError(
            f"{name}: the two networks have different classes or class order "
            f"({', '.join(baseline.classes)} and {', '.join(scff.classes)})"
        )
    if baseline.arch != scff.arch:
        raise BadInputError(f"{name}: the two networks have different backbones ({baseline.arch} and {scff.arch})")
    if baseline.small_stem != scff.small_stem:
        raise BadInputError(f"{name}: one of the two networks has the small-image stem, the other does not")
    for attribute, difference in (
        ("preprocessing", "different preprocessing (input size, mean or standard deviation)"),
        ("data_fingerprint", "different scenes"),
        ("split_fingerprint", "different splits"),
    ):
        if getattr(baseline, attribute) != getattr(scff, attribute):
            raise BadInputError(f"{name}: the two networks were trained with {difference}")
