"""ONNX Runtime, imported without its telemetry, with one pool of threads for all sessions.

From 1.29 on its builds for Linux send usage events, and keep an identifier and a queue of events in the user's
cache folder, from the moment of the import. Only this variable, set before it, turns all of that off;
`disable_telemetry_events` comes too late.
"""

import os
from collections.abc import Mapping
from functools import cache

import numpy as np
import torch

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime  # after the variable is set

__all__ = ["new_session", "onnxruntime"]

_ERRORS = 3  # least severity of the messages it prints


def new_session(model: bytes, weights: Mapping[str, np.ndarray] | None = None) -> onnxruntime.InferenceSession:
    """A session on the CPU; all sessions share one pool of as many threads as PyTorch has.

    Args:
        model: an ONNX model.
        weights: its external initializers by name.
    """
    _make_pool()
    options = onnxruntime.SessionOptions()
    options.use_per_session_threads = False
    options.log_severity_level = _ERRORS
    if weights:
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(value) for value in weights.values()]
        options.add_external_initializers(list(weights), values)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


@cache
def _make_pool() -> None:
    """Makes the pool, which has to precede the first session."""
    onnxruntime.set_global_thread_pool_sizes(torch.get_num_threads(), 1)
