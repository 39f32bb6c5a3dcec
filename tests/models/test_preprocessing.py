"""Preprocessing of images."""

import numpy as np
import pytest
import torch

from models.preprocessing import Preprocessing


@pytest.mark.essential
def test_normalises_with_the_given_statistics() -> None:
    preprocessing = Preprocessing((2, 2), (0.2, 0.4, 0.6), (0.1, 0.2, 0.5))
    image = np.full((2, 2, 3), (51, 255, 0), dtype=np.uint8)
    found = preprocessing(image)
    assert found.dtype == torch.float32
    assert found.shape == (1, 3, 2, 2)
    np.testing.assert_allclose(found[0, :, 0, 0], [(0.2 - 0.2) / 0.1, (1 - 0.4) / 0.2, -0.6 / 0.5], atol=1e-6)


@pytest.mark.essential
def test_whole_image_is_resized_without_cropping() -> None:
    image = np.zeros((300, 100, 3), dtype=np.uint8)
    image[:30], image[-30:] = 255, 255
    found = Preprocessing((30, 30), (0.5,) * 3, (0.5,) * 3)(image)
    assert found.shape == (1, 3, 30, 30)
    assert found[0, 0, 0].min() > 0.9
    assert found[0, 0, -1].min() > 0.9


@pytest.mark.parametrize(("size", "std", "argument"), [((0, 5), (0.1,) * 3, "size"), ((5, 5), (0.1, 0.0, 0.1), "std")])
def test_invalid_size_and_std_are_rejected(size: tuple[int, int], std: tuple[float, ...], argument: str) -> None:
    with pytest.raises(ValueError, match=argument):
        Preprocessing(size, (0.5,) * 3, std)
