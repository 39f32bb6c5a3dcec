"""Raw heatmaps as an NPZ file."""

from collections.abc import Mapping
from io import BytesIO
from typing import Any

import numpy as np

from explain.cam.analysis import Heatmap

__all__ = ["heatmaps_npz"]


def heatmaps_npz(heatmaps: Mapping[str, Heatmap]) -> bytes:
    """NPZ of float32 arrays [h, w], with the keys of the heatmaps."""
    data = BytesIO()
    arrays: dict[str, Any] = {name: heatmap.values for name, heatmap in heatmaps.items()}
    np.savez(data, **arrays)
    return data.getvalue()
