"""Selection of the torch device."""

import torch

from core.errors import BadInputError

__all__ = ["choose_device"]


def choose_device(name: str) -> torch.device:
    """The device that `--device` names: cpu, cuda, mps, or auto for the fastest available one.

    Raises:
        BadInputError: the name is unknown, or no such device is available.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name not in ("auto", *available):
        raise BadInputError(f"unknown device {name!r}; known: auto, cpu, cuda, mps")
    if not available.get(name, True):
        raise BadInputError(f"no {name.upper()} device is available; use --device cpu or auto")
    return torch.device(next(kind for kind, usable in available.items() if usable) if name == "auto" else name)
