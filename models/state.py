"""State dictionaries: the precision of a weights file, and a check for numbers that are not finite."""

from torch import Tensor

__all__ = ["at_stored_precision", "non_finite"]


def at_stored_precision(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A network's state at the precision of a weights file.

    Kernels and matrices become float16; biases and normalisation statistics, whose range float16 may not hold and
    which weigh next to nothing, stay as they are.
    """
    return {
        name: (value.half() if value.is_floating_point() and value.ndim > 1 else value).detach().cpu().contiguous()
        for name, value in state.items()
    }


def non_finite(state: dict[str, Tensor]) -> list[str]:
    """Names of the tensors in which a number is infinite, or is none."""
    return [name for name, value in state.items() if value.is_floating_point() and not value.isfinite().all()]
