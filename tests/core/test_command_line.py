"""What options are turned into."""

import pytest

from core.command_line import parse_size
from core.errors import BadInputError


def test_sizes_are_height_and_width() -> None:
    assert parse_size("200") == (200, 200)
    assert parse_size("240x160") == parse_size("240X160") == (160, 240)


@pytest.mark.parametrize("text", ["", "0", "0x8", "x", "200x", "1x2x3", "-4", "2.5", "²", "200 x 100"])
def test_what_is_no_size_is_named(text: str) -> None:
    with pytest.raises(BadInputError, match="is not an image size; give a side in pixels, such as 200, or WxH"):
        parse_size(text)
