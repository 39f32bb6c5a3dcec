"""Localisation metrics of a marked region, against loops over the pixels."""

import numpy as np
import pytest

from core.errors import BadInputError
from explain.metrics.localisation import Region, RegionResult, localise


def marked(height: int, width: int, left: int, top: int, right: int, bottom: int) -> np.ndarray:
    """A box as a mask, pixel by pixel."""
    mask = np.zeros((height, width), dtype=bool)
    for row in range(height):
        for column in range(width):
            mask[row, column] = left <= column < right and top <= row < bottom
    return mask


@pytest.mark.parametrize(
    "box",
    [(2, 1, 5, 3), (0, 0, 9, 6), (-4, -2, 3, 2), (7, 4, 40, 50), (-5, 2, 99, 3), (8, 5, 9, 6)],
    ids=["inside", "whole", "juts out at the top left", "at the bottom right", "across", "one pixel"],
)
def test_a_box_marks_its_pixels(box: tuple[int, int, int, int]) -> None:
    assert np.array_equal(Region.from_box(box, (6, 9)).mask, marked(6, 9, *box))


@pytest.mark.parametrize("box", [(3, 1, 3, 4), (3, 4, 5, 4), (5, 1, 3, 4), (3, 4, 5, 1)])
def test_box_without_area_is_rejected(box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    message = f"the box from column {left}, row {top} to column {right}, row {bottom} has no area"
    with pytest.raises(BadInputError, match=message):
        Region.from_box(box, (6, 9))


@pytest.mark.parametrize("box", [(9, 0, 12, 3), (-5, 0, 0, 3), (0, 6, 4, 8), (0, -3, 4, 0), (-9, -9, -8, -8)])
def test_box_outside_the_image_is_rejected(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(BadInputError, match="is outside the image of 9 x 6 pixels"):
        Region.from_box(box, (6, 9))


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
def test_mask_marks_nonzero_pixels(dtype: type) -> None:
    mask = marked(6, 9, 2, 1, 5, 3)
    found = Region.from_mask((mask * 200).astype(dtype), (6, 9)).mask
    assert found.dtype == bool
    assert np.array_equal(found, mask)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((9, 6)), "the mask has 6 x 9 pixels, the image 9 x 6; both must have the same size"),
        (np.ones((6, 9, 3)), r"a mask must be one channel of rows and columns; this one has shape \(6, 9, 3\)"),
        (np.zeros((6, 9)), "the region is empty: its mask marks no pixel"),
    ],
)
def test_invalid_mask_is_rejected(array: np.ndarray, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        Region.from_mask(array, (6, 9))


def by_loops(heatmap: np.ndarray, mask: np.ndarray) -> RegionResult:
    """Metrics of a map of the mask's size, without ties."""
    cells = [(heatmap[i, j], mask[i, j]) for i in range(mask.shape[0]) for j in range(mask.shape[1])]
    inside = [value for value, marked in cells if marked]
    order = sorted(cells, key=lambda cell: -cell[0])
    hottest = order[: len(inside)]
    common = sum(1 for _, marked in hottest if marked)
    return RegionResult(
        area=len(inside) / len(cells),
        energy=pytest.approx(sum(inside) / sum(value for value, _ in cells)),
        overlap=pytest.approx(common / (len(inside) + len(hottest) - common)),
        hit=bool(order[0][1]),
    )


def test_metrics_match_loops_over_the_pixels() -> None:
    random = np.random.default_rng(0)
    hits = set()
    for _ in range(20):
        heatmap = random.random((6, 9)).astype(np.float32)
        left, top = random.integers(0, [5, 3])
        box = (left, top, left + random.integers(1, 5), top + random.integers(1, 4))
        found = localise(heatmap, Region.from_box(box, (6, 9)))
        assert found == by_loops(heatmap, marked(6, 9, *box))
        inside = marked(6, 9, *box)
        hottest = heatmap >= np.sort(heatmap, axis=None)[-inside.sum()]
        assert found.covered == pytest.approx((hottest & inside).sum() / inside.sum())
        hits.add(found.hit)
    assert hits == {False, True}


def test_coarse_map_is_upsampled_to_the_image() -> None:
    # Two cells of 10 pixels with centres at 4.5 and 14.5; the map falls on a line between them.
    profile = np.clip((14.5 - np.arange(20)) / 10, 0, 1)
    found = localise(np.array([[3.0, 0.0]]), Region.from_box((0, 0, 7, 8), (8, 20)))
    assert found.area == 7 / 20
    assert found.energy == pytest.approx(profile[:7].sum() / profile.sum())
    assert found.overlap == 1
    assert found.hit
    away = localise(np.array([[3.0, 0.0]]), Region.from_box((15, 0, 20, 8), (8, 20)))
    assert (away.energy, away.overlap, away.hit) == (0, 0, False)


def test_localisation_is_independent_of_the_map_scale() -> None:
    heatmap, region = np.random.default_rng(0).random((5, 5)), Region.from_box((3, 5, 20, 20), (40, 30))
    assert localise(heatmap, region) == localise(heatmap * 2.0**-30, region)


def test_a_constant_map_does_no_better_than_chance() -> None:
    boxes = [(0, 0, 30, 30), (30, 0, 60, 30), (0, 30, 30, 60), (30, 30, 60, 60)]
    found = [localise(np.full((7, 7), 0.3), Region.from_box(box, (60, 60))) for box in boxes]
    for result in found:
        assert result.energy == pytest.approx(0.25)
        assert result.overlap == pytest.approx((1 / 16) / (2 / 4 - 1 / 16), abs=0.03)  # a quarter of each by chance
    assert sum(result.hit for result in found) == 1


def test_empty_map_has_no_localisation() -> None:
    assert localise(np.zeros((7, 7), dtype=np.float32), Region.from_box((0, 0, 5, 5), (20, 20))) is None
