"""Rasterised text of figures."""

import numpy as np
import pytest

from explain.figures.text import blank_figure, rasterised, text, to_points

SIZE = (120, 40)


def ink(content: str, size: tuple[int, int] = SIZE, line: float = 16, centred: bool = False) -> np.ndarray:
    """Pixels that the text has darkened, bool [height, width]."""
    image = text(content, size, line, centred)
    assert (image.mode, image.size) == ("RGB", size)
    return np.asarray(image.convert("L")) < 128


def test_an_empty_text_is_a_white_strip() -> None:
    assert not ink("").any()
    assert np.asarray(rasterised(blank_figure((30, 20)))).min() == 255


def test_text_is_left_aligned_or_centred() -> None:
    columns = np.flatnonzero(ink("ab").any(axis=0))
    assert columns[0] < 5
    assert columns[-1] < 40
    middle = np.flatnonzero(ink("ab", centred=True).any(axis=0))
    assert (middle[0] + middle[-1]) / 2 == pytest.approx(60, abs=2)


def test_the_line_height_scales_the_letters() -> None:
    small, large = (np.flatnonzero(ink("X", (200, 100), line).any(axis=1)) for line in (40, 80))
    assert np.ptp(large) == pytest.approx(2 * np.ptp(small), rel=0.1)
    assert to_points(100) == 72  # 72 points and 100 pixels are an inch


def test_dollar_signs_do_not_start_a_formula() -> None:
    """Matplotlib would otherwise parse text between dollar signs as a formula, and fail on invalid ones."""
    assert ink("a$b{$").sum() > ink("a").sum()
