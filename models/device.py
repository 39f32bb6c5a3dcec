"""Where networks run."""

import torch

from models.errors import BadInputError

__all__ = ["choose_device"]


def choose_device(name: str) -> torch.device:
    """The device of a command line's `--device`: auto, cpu or cuda.

    Raises:
        BadInputError: the name is unknown, or there is no CUDA device.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise BadInputError(f"unknown device {name!r}; known: auto, cpu, cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise BadInputError("no CUDA device can be used here; take --device cpu or auto")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
