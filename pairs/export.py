"""Export of a network: a torch.export program or an ONNX model."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.atomic import write_file
from core.errors import BadInputError
from core.onnx_runtime import new_session
from models.inference.graph import quiet_export
from pairs.checkpoint import LoadedNetwork

__all__ = ["FORMATS", "METADATA_KEY", "export"]

METADATA_KEY = "scff-lens"
"""Metadata entry of both formats that holds the checkpoint's header: classes, preprocessing, training."""

_BATCHES = (1, 3)  # sizes that an exported file is checked with; it must take any
_TOLERANCE = 1e-4  # of the largest logit
_SEED = 0


def export(loaded: LoadedNetwork, kind: str, path: Path) -> float:
    """Writes a network, from normalised images [B, 3, h, w] to logits [B, classes], for any B and the pair's h and w.

    The exported network is run on random images before the file is written.

    Args:
        loaded: the network, on the CPU.
        kind: a name in FORMATS.
        path: of the file.

    Returns:
        The largest absolute difference from the network's own logits, relative to the largest of them.

    Raises:
        BadInputError: the format is unknown, the network cannot be exported, or the file gives other logits.
    """
    if kind not in FORMATS:
        raise BadInputError(f"unknown format {kind!r}; known: {', '.join(FORMATS)}")
    random = torch.Generator().manual_seed(_SEED)
    images = [torch.randn(number, 3, *loaded.header.preprocessing.size, generator=random) for number in _BATCHES]
    try:
        with quiet_export():
            data = FORMATS[kind].write(loaded, images[-1])
        found = FORMATS[kind].run(data, images)
    except Exception as error:  # the exporters' and onnxruntime's have no common one
        reason = str(error.__cause__ or error).strip().partition("\n")[0]
        raise BadInputError(f"this {loaded.header.arch} cannot be exported as {kind}: {reason}") from None
    with torch.inference_mode():
        expected = [loaded.network(batch).numpy() for batch in images]
    largest = max(np.abs(logits).max() for logits in expected)
    if not np.isfinite(largest):
        raise BadInputError("the network's logits for random images are not finite; it has not been exported")
    off = float(max(np.abs(a - b).max() for a, b in zip(expected, found, strict=True)) / largest)
    if not off <= _TOLERANCE:
        raise BadInputError(
            f"the exported network's logits differ by {off:.1e} of the largest logit; nothing was written"
        )
    write_file(path, data)
    return off


def _write_torch(loaded: LoadedNetwork, images: Tensor) -> bytes:
    batch = torch.export.Dim("batch", min=1)
    program = torch.export.export(loaded.network, (images,), dynamic_shapes=({0: batch},))
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={METADATA_KEY: loaded.header.to_json()})
    return buffer.getvalue()


def _run_torch(data: bytes, images: list[Tensor]) -> list[np.ndarray]:
    program = torch.export.load(io.BytesIO(data)).module()
    with torch.inference_mode():
        return [program(batch).numpy() for batch in images]


def _write_onnx(loaded: LoadedNetwork, images: Tensor) -> bytes:
    program = torch.onnx.export(
        loaded.network,
        (images,),
        input_names=["images"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
        dynamo=True,
        verbose=False,
    )
    assert program is not None  # as always with dynamo
    program.model.metadata_props[METADATA_KEY] = loaded.header.to_json()
    return program.model_proto.SerializeToString()


def _run_onnx(data: bytes, images: list[Tensor]) -> list[np.ndarray]:
    session = new_session(data)
    return [np.asarray(session.run(None, {"images": batch.numpy()})[0]) for batch in images]


@dataclass(frozen=True)
class _Format:
    """An export format."""

    write: Callable[[LoadedNetwork, Tensor], bytes]
    """Returns the file's contents, given a network and a batch of images to trace it with."""
    run: Callable[[bytes, list[Tensor]], list[np.ndarray]]
    """Returns the logits that the file's contents give for batches of images."""


FORMATS = {"torch-export": _Format(_write_torch, _run_torch), "onnx": _Format(_write_onnx, _run_onnx)}
"""By the name on the command line."""
