"""State dicts: the precision they are stored at, and a check for NaN and infinity."""

from torch import Tensor

__all__ = ["at_stored_precision", "non_finite"]


def at_stored_precision(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dict at the precision of a weights file, contiguous and on the CPU.

    Kernels and matrices become float16. Biases and normalisation statistics keep their type: they may exceed float16's
    range, and they take a negligible part of the file.
    """
    return {
        name: (value.half() if value.is_floating_point() and value.ndim > 1 else value).detach().cpu().contiguous()
        for name, value in state.items()
    }


def non_finite(state: dict[str, Tensor]) -> list[str]:
    """Names of the tensors that hold NaN or infinity."""
    return [name for name, value in state.items() if value.is_floating_point() and not value.isfinite().all()]
