"""Settings of SCFF."""

import pytest

from core.errors import BadInputError
from models.fusion_settings import FusionSettings
from models.variants import DOWNSAMPLE_NAMES, FUSION_NAMES

pytestmark = pytest.mark.essential


def test_attention_width_follows_the_paper() -> None:
    """max(C / 16, 32), written out."""
    assert [FusionSettings().width(channels) for channels in (64, 512, 1024, 2048)] == [32, 32, 64, 128]
    assert FusionSettings(reduction=4, min_width=8).width(64) == 16


def test_settings_are_given_by_name() -> None:
    with pytest.raises(TypeError):
        FusionSettings(16, 32)  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("reduction", 0, "reduction must be at least 1, got 0"),
        ("min_width", -3, "min_width must be at least 1, got -3"),
        ("downsample", "median", f"unknown downsample 'median'; known: {', '.join(DOWNSAMPLE_NAMES)}"),
        ("fusion", "average", f"unknown fusion 'average'; known: {', '.join(FUSION_NAMES)}"),
        ("start", "zero", "unknown start 'zero'; known: neutral, identity"),
    ],
)
def test_invalid_settings_are_rejected(argument: str, value: object, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        FusionSettings(**{argument: value})
