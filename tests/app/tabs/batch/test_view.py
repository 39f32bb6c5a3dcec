"""Batch tab: texts."""

import pytest

from app.tabs.batch.view import time_left


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5, "less than a minute left"),
        (60, "about 1 minute left"),
        (130, "about 2 minutes left"),
        (7300, "about 2 hours left"),
    ],
)
def test_time_left_is_in_rounded_minutes_or_hours(seconds: float, text: str) -> None:
    assert time_left(seconds) == text
