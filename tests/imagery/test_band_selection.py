"""Selections of bands."""

import pytest

from core.errors import BadInputError
from imagery.band_selection import parse_bands

pytestmark = pytest.mark.essential


def test_bands_are_three_or_one() -> None:
    assert parse_bands("4, 3,2") == (4, 3, 2)
    assert parse_bands("5") == (5,)
    assert parse_bands(None) is None


@pytest.mark.parametrize("text", ["", "0", "4,3", "1,2,3,4", "a", "a,b,c", "1,,3", "4;3;2", "-1", "-1,2,3", "1.5", "²"])
def test_other_band_selections_are_rejected(text: str) -> None:
    with pytest.raises(BadInputError, match="is not a band selection; give three bands, such as 4,3,2"):
        parse_bands(text)
