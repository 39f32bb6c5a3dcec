"""Weights that a backbone starts from: timm's pre-trained ones, or a file's."""

import difflib
import hashlib
import inspect
import pickle
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
import torchvision
from safetensors.torch import load_file
from torch import Tensor, nn

from core.errors import BadInputError
from models.network import check_arch
from models.state import non_finite

__all__ = ["InitialWeights", "Match", "hub_weights", "read_weights", "take_weights"]

# Names by which training programs wrap a network, and under which they keep its state in a file.
_PREFIXES = ("", "module.", "model.", "backbone.", "network.backbone.")
_WRAPPERS = ("state_dict", "model", "model_state_dict")
_COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class InitialWeights:
    """A state and where it came from."""

    source: str
    """In words, for reports."""
    state: dict[str, Tensor]


@dataclass(frozen=True)
class Match:
    """What a backbone took of a state."""

    taken: int
    """Tensors of the backbone that were filled."""
    left: tuple[str, ...]
    """Tensors of the backbone that keep their start: absent, or of another shape, in the state."""
    unused: tuple[str, ...]
    """Tensors of the state that the backbone has no place for."""
    untrained: tuple[str, ...]
    """Tensors that keep their start and are not the classifier's."""
    foreign: tuple[str, ...]
    """Unused tensors that are not a classifier's, main or auxiliary."""

    @property
    def doubtful(self) -> bool:
        """Whether the state is probably that of another network."""
        return bool(self.untrained or self.foreign)

    def __str__(self) -> str:
        words = f"{self.taken} of {self.taken + len(self.left)} tensors taken"
        for names, what in ((self.left, "left as they start"), (self.unused, "in the file unused")):
            if names:
                words += f"; {len(names)} {what}: {', '.join(names[:4])}{', ...' if len(names) > 4 else ''}"
        return words


def read_weights(path: Path) -> InitialWeights:
    """Reads a state from a safetensors file, or from a .pth that holds tensors alone.

    Raises:
        BadInputError: the file is missing or damaged, or holds something else than finite tensors by name.
    """
    if not path.is_file():
        raise BadInputError(f"{path}: no such file of weights")
    try:
        if path.suffix == ".safetensors":
            state = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # of a damaged pickle anything may come
        if isinstance(error, pickle.UnpicklingError) and _by_torch(path):
            raise BadInputError(
                f"{path} holds more than tensors, and code in a file is never run; save the network's state_dict()"
            ) from None
        what = (
            "is damaged or cut short" if _by_torch(path) or path.suffix == ".safetensors" else "is no file of weights"
        )
        raise BadInputError(
            f"{path} cannot be read as weights: it {what if path.stat().st_size else 'is empty'}"
        ) from None
    for wrapper in _WRAPPERS:
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)} if _named(state) else {}
    if not tensors:
        raise BadInputError(f"{path} holds no tensors by name; save the network's state_dict()")
    if wild := non_finite(tensors):
        raise BadInputError(f"{path} holds {len(wild)} tensor(s) that are not finite, the first is {wild[0]}")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return InitialWeights(f"{path.name} (SHA-256 {digest[:16]})", tensors)


def hub_weights(arch: str) -> InitialWeights:
    """Fetches timm's pre-trained weights, or takes them from its cache.

    Args:
        arch: timm's name, with a tag after a dot where there are several sets of weights.

    Raises:
        BadInputError: there are none, or they cannot be fetched.
    """
    check_arch(arch)
    with torch.device("meta"):
        name = timm.create_model(arch).pretrained_cfg["architecture"]  # of an older name, the present one
    tag = arch.partition(".")[2]
    config = timm.get_pretrained_cfg(f"{name}.{tag}" if tag else name)
    if config is None or not config.has_weights:
        raise BadInputError(f"timm has no pre-trained weights for {arch}; leave out --pretrained, or give --weights")
    try:
        network = timm.create_model(arch, pretrained=True)
    except Exception as error:  # the hub's client, what carries it, and a damaged file in its cache have no common one
        reason = str(error).strip().partition("\n")[0]
        raise BadInputError(
            f"the pre-trained weights of {arch} cannot be fetched ({reason}); give them as --weights FILE"
        ) from None
    full = f"{name}.{config.tag}" if config.tag else name
    return InitialWeights(f"timm's {full}", network.state_dict())


def take_weights(backbone: nn.Module, initial: InitialWeights) -> Match:
    """Fills a backbone with what fits of a state.

    Tensors are found by timm's names, by those that timm translates, or else by order, the file's own or that of
    torchvision's network, if all shapes are the backbone's in that order; the classifier, and it alone, may differ.

    Args:
        backbone: a timm network.
        initial: the state; shapes that differ by axes of length one, or as a layer's flattened input, fit as well.

    Raises:
        BadInputError: nothing fits, or a tensor between first convolution and classifier is of another shape.
    """
    own = backbone.state_dict()
    state = _unwrapped(own, initial.state)
    namings = [state]
    if len(own.keys() - state.keys()) > 2:  # not timm's names, the classifier's two aside
        orders = (state, _in_torchvisions_order(backbone.pretrained_cfg["architecture"], state))
        namings += [_translated(backbone, state), *(_in_order(own, order) for order in orders)]
    best = max(namings, key=lambda naming: sum(_fits(own, name, value) for name, value in naming.items()))
    taken = {name: value.reshape(own[name].shape) for name, value in best.items() if _fits(own, name, value)}
    if not any(_COUNTER not in name for name in taken):
        raise BadInputError(f"no tensor of {initial.source} fits this network; is it another network's?")
    classifier, first = (_prefixes(backbone.pretrained_cfg.get(part)) for part in ("classifier", "first_conv"))
    # counters of batches are of no weight, and older files lack them
    left = tuple(name for name in own if name not in taken and _COUNTER not in name)
    unused = tuple(name for name in best if name not in taken and _COUNTER not in name)
    if misfits := [name for name in left if name in best and not name.startswith((*classifier, *first))]:
        name = misfits[0]
        raise BadInputError(
            f"{initial.source} is another network's: {len(misfits)} tensor(s) have other shapes than here, the first "
            f"is {name}, {tuple(best[name].shape)} for {tuple(own[name].shape)}"
        )
    backbone.load_state_dict(own | taken)
    return Match(
        taken=sum(_COUNTER not in name for name in taken),
        left=left,
        unused=unused,
        untrained=tuple(name for name in left if not name.startswith(classifier)),
        foreign=tuple(name for name in unused if not name.startswith(classifier) and "aux" not in name.lower()),
    )


def _by_torch(path: Path) -> bool:
    """Whether a file begins as those of torch.save do: a ZIP archive, or a pickle in older versions."""
    with path.open("rb") as file:
        return file.read(2) in (b"PK", b"\x80\x02")


def _named(state: object) -> bool:
    return isinstance(state, dict) and all(isinstance(name, str) for name in state)


def _prefixes(names: str | Sequence[str] | None) -> tuple[str, ...]:
    """timm names one layer, or several, or none."""
    return () if names is None else (names,) if isinstance(names, str) else tuple(names)


def _fits(own: dict[str, Tensor], name: str, value: Tensor) -> bool:
    return name in own and _same(own[name], value)


def _same(own: Tensor, value: Tensor) -> bool:
    """Whether two shapes are one layer's: but for axes of length one, or with its input flattened."""

    def without_ones(shape: torch.Size) -> list[int]:
        return [length for length in shape if length != 1]

    flattened = own.ndim > 1 and own.flatten(1).shape == value.shape
    return flattened or without_ones(own.shape) == without_ones(value.shape)


def _unwrapped(own: dict[str, Tensor], state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state under the prefix that makes most of its names the backbone's."""

    def without(prefix: str) -> dict[str, Tensor]:
        return {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}

    return max(map(without, _PREFIXES), key=lambda found: len(found.keys() & own.keys()))


def _translated(backbone: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state in timm's names, where the network's own module in timm knows how to translate it."""
    module = sys.modules[type(backbone).__module__]
    translate = getattr(module, "checkpoint_filter_fn", None) or getattr(module, "_filter_fn", None)
    if translate is None:
        return {}
    arguments = (dict(state), backbone)[: len(inspect.signature(translate).parameters)]
    try:
        return dict(translate(*arguments))
    except Exception:  # at names that it does not know, which is no error here
        return {}


def _in_torchvisions_order(arch: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state in the order of torchvision's network of these names, if there is one: safetensors keeps no order."""
    known = torchvision.models.list_models(torchvision.models)
    for name in difflib.get_close_matches(arch, known, n=3):
        try:
            with torch.device("meta"):
                names = torchvision.models.get_model(name, weights=None).state_dict().keys()
        except RuntimeError:  # a network that computes while it is built; timm translates the names of these
            continue
        if names == state.keys():
            return {name: state[name] for name in names}
    return {}


def _in_order(own: dict[str, Tensor], state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state under the backbone's names, one after the other; empty where any tensor but the last two differs."""
    names = [name for name in own if _COUNTER not in name]
    values = [(name, value) for name, value in state.items() if _COUNTER not in name]
    if len(names) != len(values):
        return {}
    for ours, (theirs, value) in list(zip(names, values, strict=True))[:-2]:
        if not _same(own[ours], value) or not _alike(ours, theirs):
            return {}
    return {ours: value for ours, (_, value) in zip(names, values, strict=True)}


def _alike(ours: str, theirs: str) -> bool:
    """Whether two tensors play one part in their layers, as far as their names say so."""
    parts = {"weight", "bias", "running_mean", "running_var"}
    ours, theirs = (name.rpartition(".")[2] for name in (ours, theirs))
    return ours == theirs or not {ours, theirs} <= parts
