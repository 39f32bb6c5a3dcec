"""Texts of the Batch tab."""

import pytest

from app.tabs.batch.view import time_left


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (5, "less than a minute left"),
        (60, "about 1 minute left"),
        (130, "about 2 minutes left"),
        (7300, "about 2 hours left"),
    ],
)
def test_time_left(seconds: float, words: str) -> None:
    assert time_left(seconds) == words
