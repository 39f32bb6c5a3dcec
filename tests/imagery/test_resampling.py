"""Bilinear resampling of heatmaps."""

import numpy as np
import pytest

from imagery.resampling import resize_bilinear


@pytest.mark.essential
def test_values_between_cell_centres_are_linear() -> None:
    found = resize_bilinear(np.array([[0.0, 4.0], [8.0, 12.0]]), (4, 8))
    assert found.shape == (4, 8)
    assert found.dtype == np.float32
    # Column c of 8 lies at (c + 0.5) / 4 - 0.5 cells, held at the outer centres; rows alike, of 4.
    columns = np.clip((np.arange(8) + 0.5) / 4 - 0.5, 0, 1)
    rows = np.clip((np.arange(4) + 0.5) / 2 - 0.5, 0, 1)
    np.testing.assert_allclose(found, 4 * columns + 8 * rows[:, None], atol=1e-5)
