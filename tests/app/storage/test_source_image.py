"""Display size of images."""

import numpy as np
import pytest

from app.storage.source_image import display_size, resized_for_display
from tests.conftest import texture

pytestmark = pytest.mark.essential


def test_the_longer_side_has_1024_pixels_at_most() -> None:
    assert resized_for_display(np.zeros((1000, 3000, 3), dtype=np.uint8)).shape == (341, 1024, 3)
    small = texture(0, 0)
    assert resized_for_display(small) is small
    large = np.zeros((1000, 3000, 3), dtype=np.uint8)
    large[:500, :1500] = (250, 120, 10)
    resized = resized_for_display(large)
    assert resized[100, 200].tolist() == [250, 120, 10]
    assert not resized[300, 200].any()
    assert not resized[100, 900].any()
    assert display_size(10_000, 5_000) == (1024, 512)
    assert display_size(20_000, 1_250) == (1024, 64)
