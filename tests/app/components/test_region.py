"""Regions marked in the browser."""

import base64
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from app.components.region import Marking, marker_value, parse_marking
from core.errors import BadInputError
from explain.metrics.localisation import Region


def data_url(mask: np.ndarray, kind: str = "PNG") -> str:
    data = BytesIO()
    rgba = np.zeros((*mask.shape, 4), dtype=np.uint8)
    rgba[mask] = (255, 225, 77, 255)
    Image.fromarray(rgba).save(data, kind)
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


def test_box_is_in_full_resolution_pixels() -> None:
    found = parse_marking({"box": [1000, 500, 3000, 1500]}, (2000, 4000), (512, 1024))
    assert found.box == (1000, 500, 3000, 1500)
    rows, columns = (np.flatnonzero(found.region.mask.any(axis=axis)) for axis in (1, 0))
    assert (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1) == (128, 384, 256, 768)


def test_one_pixel_box_of_a_large_image_marks_one_pixel() -> None:
    assert parse_marking({"box": [3999, 1999, 4000, 2000]}, (2000, 4000), (512, 1024)).region.mask.sum() == 1


def test_brushed_mask_is_used_unchanged() -> None:
    mask = np.zeros((40, 60), dtype=bool)
    mask[3:9, 5:20] = True
    found = parse_marking({"mask": data_url(mask)}, (400, 600), (40, 60))
    assert np.array_equal(found.region.mask, mask)
    assert found.box is None


def test_marker_value_round_trips() -> None:
    region = Region.from_box((10, 10, 20, 20), (40, 60))
    shown = [
        marker_value("/kept/a.png", "a", "40 x 60", (40, 60), marking)
        for marking in (None, Marking(region, (10, 10, 20, 20)), Marking(region, None))
    ]
    assert [(value["box"], value["brushed"]) for value in shown] == [
        (None, False),
        ([10, 10, 20, 20], False),
        (None, True),
    ]
    assert shown[0]["picture"] == {"src": "/kept/a.png", "alt": "a", "caption": "40 x 60", "width": 60, "height": 40}
    assert parse_marking(shown[1], (40, 60), (40, 60)).box == (10, 10, 20, 20)


@pytest.mark.parametrize("value", [None, {}, "", [], {"picture": {"src": "/kept/a"}}, {"box": None, "brushed": False}])
def test_value_without_marking_gives_none(value: object) -> None:
    assert parse_marking(value, (10, 10), (10, 10)) is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"box": [1, 2, 3]}, "cannot be read"),
        ({"box": [1, 2, 3, "4"]}, "cannot be read"),
        ({"box": [1.5, 2, 3, 4]}, "cannot be read"),
        ({"box": [5, 5, 5, 9]}, "no area"),
        ({"box": [500, 500, 600, 600]}, "outside"),
        ({"mask": "data:image/png;base64,!!"}, "cannot be read"),
        ({"mask": "data:image/png;base64," + base64.b64encode(b"GIF89a").decode()}, "cannot be read"),
        ({"mask": "/etc/passwd"}, "cannot be read"),
        ({"mask": data_url(np.ones((9, 9), dtype=bool))}, "both must have the same size"),
        ({"mask": data_url(np.zeros((10, 10), dtype=bool))}, "marks no pixel"),
        ({"mask": data_url(np.ones((2100, 2100), dtype=bool))}, "larger than any supported image"),
        ("text", "cannot be read"),
        (7, "cannot be read"),
    ],
)
def test_invalid_marking_is_rejected(value: object, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        parse_marking(value, (10, 10), (10, 10))
