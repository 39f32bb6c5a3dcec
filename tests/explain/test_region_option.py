"""Region by --box or --mask."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import BadInputError
from explain.region_option import NO_REGION, RegionOption

pytestmark = pytest.mark.essential


def test_box_and_mask_mark_the_same_pixels(tmp_path: Path) -> None:
    mask = np.zeros((60, 50), dtype=np.uint8)
    mask[10:30, 5:45] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    for option in (RegionOption("5,10,45,30"), RegionOption(mask=tmp_path / "mask.png")):
        region = option.region((60, 50))
        assert region is not None
        assert np.array_equal(region.mask, mask > 0)
        assert option


def test_missing_options_give_no_region() -> None:
    assert not NO_REGION
    assert NO_REGION.region((60, 50)) is None


@pytest.mark.parametrize("box", ["1,2", "a,b,c,d", "", "1,2,3,4,5"])
def test_invalid_box_is_rejected(box: str) -> None:
    with pytest.raises(BadInputError, match="is not a box; give left,top,right,bottom in pixels"):
        RegionOption(box)


def test_box_together_with_mask_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="choose one"):
        RegionOption("0,0,5,5", tmp_path / "mask.png")
