"""Where networks run."""

import torch

from core.errors import BadInputError

__all__ = ["choose_device"]


def choose_device(name: str) -> torch.device:
    """The device of a command line's `--device`: cpu, cuda, mps, or auto for the fastest that is here.

    Raises:
        BadInputError: the name is unknown, or there is no such device.
    """
    here = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name not in ("auto", *here):
        raise BadInputError(f"unknown device {name!r}; known: auto, cpu, cuda, mps")
    if not here.get(name, True):
        raise BadInputError(f"no {name.upper()} device can be used here; take --device cpu or auto")
    return torch.device(next(kind for kind, found in here.items() if found) if name == "auto" else name)
