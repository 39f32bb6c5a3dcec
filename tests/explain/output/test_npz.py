"""Raw heatmaps as NPZ."""

from io import BytesIO

import numpy as np

from explain.cam.analysis import Heatmap
from explain.output.npz import heatmaps_npz


def test_values_are_stored_unchanged() -> None:
    maps = {
        role: np.arange(6, dtype=np.float32).reshape(2, 3) * factor for role, factor in (("baseline", 1), ("scff", 7))
    }
    with np.load(BytesIO(heatmaps_npz({role: Heatmap(values, 0) for role, values in maps.items()}))) as stored:
        assert sorted(stored) == ["baseline", "scff"]
        for role, values in maps.items():
            assert stored[role].dtype == np.float32
            assert np.array_equal(stored[role], values)
