"""Style of the drawn heatmaps."""

import pytest

from core.errors import BadInputError
from explain.figures.style import Style


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"colour_map": "rainbow"}, "unknown colour map 'rainbow'; known: inferno"),
        ({"scale": "both"}, "unknown scale 'both'; known: own, shared"),
        ({"opacity": 2}, "opacity must be from 0 to 1, got 2"),
    ],
)
def test_invalid_style_is_rejected(values: dict, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        Style(**values)
