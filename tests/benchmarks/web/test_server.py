"""The untrained pair and the synthetic images of the web benchmark."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.web.server import CLASSES, PAIR_NAME, encode, synthetic_image, write_untrained_pair
from pairs.pair import load_pair


def test_pair_loads_and_depends_only_on_the_seed(tmp_path: Path) -> None:
    first, second = (load_pair(write_untrained_pair(tmp_path / name, "resnet18", 64)) for name in ("a", "b"))
    assert first.name == PAIR_NAME
    assert first.classes == CLASSES
    assert first.preprocessing.size == (64, 64)
    state = second.scff.network.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in first.scff.network.state_dict().items())


@pytest.mark.essential
def test_images_are_reproducible_and_compress_like_photographs() -> None:
    image = synthetic_image(0, 400, 300)
    assert image.shape == (300, 400, 3)
    assert np.array_equal(image, synthetic_image(0, 400, 300))
    assert not np.array_equal(image, synthetic_image(1, 400, 300))
    jpeg = encode(image, "JPEG")
    assert Image.open(BytesIO(jpeg)).size == (400, 300)
    assert 0.5 < 8 * len(jpeg) / (400 * 300) < 4  # bits per pixel at Pillow's default quality
