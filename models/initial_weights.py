"""Initial weights of a backbone: timm's pre-trained ones, or those of a file."""

import difflib
import hashlib
import inspect
import pickle
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import timm
import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor

from core.errors import BadInputError
from models.architectures import Backbone, check_arch
from models.state import non_finite

__all__ = ["InitialWeights", "LoadResult", "hub_weights", "load_weights", "read_weights"]

# Prefixes that training code adds to tensor names by wrapping a network, and keys under which it stores a state dict.
_PREFIXES = ("", "module.", "model.", "backbone.", "network.backbone.")
_WRAPPERS = ("state_dict", "model", "model_state_dict")
_COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class InitialWeights:
    """A state dict and its origin."""

    source: str
    """Name for reports and messages."""
    state: dict[str, Tensor]


@dataclass(frozen=True)
class LoadResult:
    """Which tensors of a backbone were loaded from a state dict, as load_state_dict(strict=False) reports it."""

    loaded: int
    """Number of tensors of the backbone that were loaded."""
    missing: tuple[str, ...]
    """Tensors of the backbone that keep their initial values: absent from the state dict, or of another shape there."""
    unexpected: tuple[str, ...]
    """Tensors of the state dict that the backbone does not have."""
    untrained: tuple[str, ...]
    """Missing tensors that are not the classifier's."""
    foreign: tuple[str, ...]
    """Unexpected tensors that are not a classifier's, main or auxiliary."""

    @property
    def doubtful(self) -> bool:
        """Whether the state dict is probably another network's."""
        return bool(self.untrained or self.foreign)

    def __str__(self) -> str:
        text = f"{self.loaded} of {self.loaded + len(self.missing)} tensors loaded"
        for names, what in ((self.missing, "keep their initial values"), (self.unexpected, "in the file unused")):
            if names:
                text += f"; {len(names)} {what}: {', '.join(names[:4])}{', ...' if len(names) > 4 else ''}"
        return text


def read_weights(path: Path) -> InitialWeights:
    """Reads a state dict from a safetensors file, or from a .pth file that holds only tensors.

    Raises:
        BadInputError: the file is missing or damaged, or is not a state dict of finite tensors.
    """
    if not path.is_file():
        raise BadInputError(f"{path}: no such weights file")
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle may raise anything
        if isinstance(error, pickle.UnpicklingError) and _saved_by_torch(path):
            raise BadInputError(
                f"{path} holds more than tensors, and code in a file is never executed; save the network's state_dict()"
            ) from None
        if path.stat().st_size == 0:
            reason = "is empty"
        elif _saved_by_torch(path) or path.suffix == ".safetensors":
            reason = "is damaged or truncated"
        else:
            reason = "is not a weights file"
        raise BadInputError(f"{path} cannot be read as weights: it {reason}") from None
    for wrapper in _WRAPPERS:
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        state = {}
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    if not tensors:
        raise BadInputError(f"{path} holds no named tensors; save the network's state_dict()")
    if bad := non_finite(tensors):
        raise BadInputError(f"{path} holds {len(bad)} tensor(s) with NaN or infinity, the first is {bad[0]}")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return InitialWeights(f"{path.name} (SHA-256 {digest[:16]})", tensors)


def hub_weights(arch: str) -> InitialWeights:
    """timm's pre-trained weights, from the Hugging Face hub or its local cache.

    Args:
        arch: timm's name of the network, with a tag behind a dot to choose among several sets of weights.

    Raises:
        BadInputError: there are none, or they cannot be fetched.
    """
    check_arch(arch)
    with torch.device("meta"):
        name = cast("Backbone", timm.create_model(arch)).pretrained_cfg["architecture"]  # resolves deprecated names
    tag = arch.partition(".")[2]
    config = timm.get_pretrained_cfg(f"{name}.{tag}" if tag else name)
    if config is None or not config.has_weights:
        raise BadInputError(f"timm has no pre-trained weights for {arch}; leave out --pretrained, or give --weights")
    try:
        network = timm.create_model(arch, pretrained=True)
    except Exception as error:  # hub client, HTTP library and damaged cache files share no exception class
        reason = str(error).strip().partition("\n")[0]
        raise BadInputError(
            f"the pre-trained weights of {arch} cannot be fetched ({reason}); give them as --weights FILE"
        ) from None
    full = f"{name}.{config.tag}" if config.tag else name
    return InitialWeights(f"timm's {full}", network.state_dict())


def load_weights(backbone: Backbone, initial: InitialWeights) -> LoadResult:
    """Loads every tensor of a state dict that fits into a backbone.

    Tensors are matched by timm's names, by names that timm's own checkpoint filter translates, or else by order, the
    file's or that of torchvision's network, if all shapes agree in that order. Only the classifier may differ.

    Args:
        backbone: a timm network; changed in place.
        initial: the state dict; shapes may differ by axes of length one, or by a flattened input of a layer.

    Raises:
        BadInputError: nothing fits, or a tensor between first convolution and classifier has another shape.
    """
    own = backbone.state_dict()
    state = _unwrapped(own, initial.state)
    namings = [state]
    if len(own.keys() - state.keys()) > 2:  # not timm's names, apart from the classifier's two
        orders = (state, _in_torchvisions_order(backbone.pretrained_cfg["architecture"], state))
        namings += [_translated(backbone, state), *(_in_order(own, order) for order in orders)]
    best = max(namings, key=lambda naming: sum(_fits(own, name, value) for name, value in naming.items()))
    loaded = {name: value.reshape(own[name].shape) for name, value in best.items() if _fits(own, name, value)}
    if not any(_COUNTER not in name for name in loaded):
        raise BadInputError(f"no tensor of {initial.source} fits this network; does it belong to another network?")
    classifier, first = (_prefixes(backbone.pretrained_cfg.get(part)) for part in ("classifier", "first_conv"))
    # batch counters do not affect the outputs, and older files lack them
    missing = tuple(name for name in own if name not in loaded and _COUNTER not in name)
    unexpected = tuple(name for name in best if name not in loaded and _COUNTER not in name)
    if misfits := [name for name in missing if name in best and not name.startswith((*classifier, *first))]:
        name = misfits[0]
        raise BadInputError(
            f"{initial.source} belongs to another network: {len(misfits)} tensor(s) have other shapes, the first "
            f"is {name}, {tuple(best[name].shape)} for {tuple(own[name].shape)}"
        )
    backbone.load_state_dict(own | loaded)
    return LoadResult(
        loaded=sum(_COUNTER not in name for name in loaded),
        missing=missing,
        unexpected=unexpected,
        untrained=tuple(name for name in missing if not name.startswith(classifier)),
        foreign=tuple(name for name in unexpected if not name.startswith(classifier) and "aux" not in name.lower()),
    )


def _saved_by_torch(path: Path) -> bool:
    """Whether a file has the magic bytes of torch.save: a ZIP archive's, or in older versions a pickle's."""
    with path.open("rb") as file:
        return file.read(2) in (b"PK", b"\x80\x02")


def _prefixes(names: str | Sequence[str] | None) -> tuple[str, ...]:
    """Layer names in timm's configuration, which are one, several or none, as a tuple."""
    return () if names is None else (names,) if isinstance(names, str) else tuple(names)


def _fits(own: dict[str, Tensor], name: str, value: Tensor) -> bool:
    return name in own and _same(own[name], value)


def _same(own: Tensor, value: Tensor) -> bool:
    """Whether two shapes agree, apart from axes of length one or a flattened input."""

    def without_ones(shape: torch.Size) -> list[int]:
        return [length for length in shape if length != 1]

    flattened = own.ndim > 1 and own.flatten(1).shape == value.shape
    return flattened or without_ones(own.shape) == without_ones(value.shape)


def _unwrapped(own: dict[str, Tensor], state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict without the prefix whose removal makes most names the backbone's."""

    def without(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}

    return max(map(without, _PREFIXES), key=lambda found: len(found.keys() & own.keys()))


def _translated(backbone: Backbone, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict in timm's names, where timm's module of the network has a checkpoint filter."""
    module = sys.modules[type(backbone).__module__]
    translate = getattr(module, "checkpoint_filter_fn", None) or getattr(module, "_filter_fn", None)
    if translate is None:
        return {}
    arguments = (dict(state), backbone)[: len(inspect.signature(translate).parameters)]
    try:
        return dict(translate(*arguments))
    except Exception:  # unknown names make it fail, which is no error here
        return {}


def _in_torchvisions_order(arch: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict in the order of torchvision's network with these names, if any: safetensors keeps no order."""
    known = torchvision.models.list_models(torchvision.models)
    for name in difflib.get_close_matches(arch, known, n=3):
        try:
            with torch.device("meta"):
                names = torchvision.models.get_model(name, weights=None).state_dict().keys()
        except RuntimeError:  # it computes in its constructor; timm translates the names of such networks
            continue
        if names == state.keys():
            return {name: state[name] for name in names}
    return {}


def _in_order(own: dict[str, Tensor], state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state dict under the backbone's names, matched by position; empty if any tensor but the last two differs."""
    names = [name for name in own if _COUNTER not in name]
    values = [(name, value) for name, value in state.items() if _COUNTER not in name]
    if len(names) != len(values):
        return {}
    for ours, (theirs, value) in list(zip(names, values, strict=True))[:-2]:
        if not _same(own[ours], value) or not _alike(ours, theirs):
            return {}
    return {ours: value for ours, (_, value) in zip(names, values, strict=True)}


def _alike(ours: str, theirs: str) -> bool:
    """Whether two tensors have the same function in their layers, as far as their names tell."""
    parts = {"weight", "bias", "running_mean", "running_var"}
    ours, theirs = (name.rpartition(".")[2] for name in (ours, theirs))
    return ours == theirs or not {ours, theirs} <= parts
