"""The model pair: a baseline and the same network with SCFF, in one folder.

`baseline.safetensors` and `scff.safetensors` each carry, in their header, what rebuilds the network and its
preprocessing, and a SHA-256 over that and the weights. No pickle is ever read.
"""

import hashlib
import json
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from core.atomic import write_file
from core.errors import BadInputError
from models.fusion_settings import FusionSettings
from models.network import Network
from models.preprocessing import Preprocessing
from models.state import at_stored_precision, non_finite
from pairs.layout import NO_SUCH_FOLDER

__all__ = ["Header", "LoadedNetwork", "load_network", "save_network"]

_FORMAT_VERSION = 1
_HEADER_KEY = "scff-lens"
_DIGEST_KEY = "sha256"
_VARIANT = "scff._extra_state"


@dataclass(frozen=True)
class Header:
    """Metadata of a weights file: how to rebuild its network and preprocessing, and how it was trained."""

    arch: str
    """timm's name of the backbone."""
    fusion: FusionSettings | None
    """The SCFF variant, or None for a baseline."""
    classes: tuple[str, ...]
    """Class names, in the order of the logits."""
    preprocessing: Preprocessing
    recipe: str
    seed: int
    epochs: int
    """Epochs trained; the weights are those of the best one on the validation set."""
    dataset: str
    """Name of the folder of scenes."""
    data_fingerprint: str
    """SHA-256 over the scenes' names and pixels."""
    split_fingerprint: str
    """SHA-256 over the names in each subset."""
    test_accuracy: float
    """Accuracy on the test set, 0 to 1."""
    small_stem: bool = False
    """Whether the network has a ResNet's stem for small images."""
    initial: str = "random"
    """The initial weights: random, or their source."""

    def build(self) -> Network:
        """The untrained network."""
        return Network(self.arch, len(self.classes), self.fusion, self.small_stem)

    def to_json(self) -> str:
        """The text that is stored in the file."""
        return json.dumps({"format": _FORMAT_VERSION, **asdict(self)}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Header":
        """Reads the stored text.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: it is not a header of this format.
        """
        values = json.loads(text)
        if values["format"] != _FORMAT_VERSION:
            raise ValueError(f"its format is {values['format']}, this version reads {_FORMAT_VERSION}")
        # What later versions have added may be absent; each of these fields has the former behaviour as its default.
        values = {
            field.name: values[field.name] for field in fields(cls) if field.default is MISSING or field.name in values
        }
        fusion, preprocessing = values.pop("fusion"), values.pop("preprocessing")
        return cls(
            **{**values, "classes": tuple(values["classes"])},
            fusion=None if fusion is None else FusionSettings(**fusion),
            preprocessing=Preprocessing(**{name: tuple(value) for name, value in preprocessing.items()}),
        )


@dataclass(frozen=True)
class LoadedNetwork:
    """A network ready for inference, with its header."""

    network: Network
    header: Header
    digest: str
    """SHA-256 over header and weights."""


def save_network(path: Path, network: Network, header: Header) -> None:
    """Writes a weights file atomically."""
    state = at_stored_precision(network.state_dict())
    text = header.to_json()
    write_file(path, save(state, metadata={_HEADER_KEY: text, _DIGEST_KEY: _digest(text, state)}))


def load_network(path: Path, device: torch.device | str = "cpu") -> LoadedNetwork:
    """Reads a weights file and builds its network, ready for inference.

    Raises:
        BadInputError: the file is missing, truncated, altered, incomplete, or not finite.
    """
    folder = path.resolve().parent
    where = f"{folder.name}/{path.name}"
    if not path.is_file():
        raise BadInputError(f"{where} is missing" if folder.is_dir() else f"{folder.name}: {NO_SUCH_FOLDER}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
    except (SafetensorError, OSError, ValueError) as error:
        raise BadInputError(f"{where} is damaged or truncated: {error}") from None
    if _HEADER_KEY not in metadata:
        raise BadInputError(f"{where} holds weights that this program did not write: its header is missing")
    text = metadata[_HEADER_KEY]
    if metadata.get(_DIGEST_KEY) != _digest(text, state):
        raise BadInputError(f"{where} is damaged: its contents do not match its checksum")
    try:
        header = Header.from_json(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInputError(f"{where} has a header that cannot be read: {error}") from None
    network = header.build()
    if header.fusion is not None and header.fusion.variant == FusionSettings().variant:
        state.setdefault(_VARIANT, network.state_dict()[_VARIANT])  # earlier files hold the paper's, unnamed
    _check_tensors(where, expected=network.state_dict(), found=state)
    if infinite := non_finite(state):
        raise BadInputError(f"{where} holds {len(infinite)} tensor(s) that are not finite, the first is {infinite[0]}")
    try:
        network.load_state_dict(state)
    except BadInputError as error:
        raise BadInputError(f"{where}: {error}") from None
    return LoadedNetwork(network.for_inference(device), header, metadata[_DIGEST_KEY])


def _digest(header: str, state: dict[str, Tensor]) -> str:
    """SHA-256 over the header's text and every tensor's name, type, shape and bytes."""
    digest = hashlib.sha256(header.encode())
    for name in sorted(state):
        tensor = state[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _check_tensors(where: str, expected: dict[str, Tensor], found: dict[str, Tensor]) -> None:
    if missing := sorted(expected.keys() - found.keys()):
        raise BadInputError(f"{where} lacks {len(missing)} tensor(s) of its network, the first is {missing[0]}")
    if unknown := sorted(found.keys() - expected.keys()):
        raise BadInputError(f"{where} holds {len(unknown)} tensor(s) unknown to its network, the first is {unknown[0]}")
    for name, tensor in expected.items():
        if found[name].shape != tensor.shape and name != _VARIANT:  # for which the network's own error says more
            raise BadInputError(
                f"{where}: tensor {name} has shape {tuple(found[name].shape)}, its network needs {tuple(tensor.shape)}"
            )
